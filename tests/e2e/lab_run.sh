#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A lab runs a command as if there were no lab: its output, its exit code, its files.
. "$(dirname "$0")/lib.sh"
need ping curl python3 prlimit

# Lost: hosts could not talk to each other by name, over IPv4 or IPv6.
expect "IPv4 between two hosts" rivulet lab run pair -- ping -4 -c 2 -i 0.2 -W 2 server
expect "IPv6 between two hosts" rivulet lab run pair -- ping -6 -c 2 -i 0.2 -W 2 server

# Lost: scripts could not tell success from failure.
expect_code 0 rivulet lab run pair -- true
expect_code 7 rivulet lab run pair -- sh -c 'exit 7'
expect_code 137 rivulet lab run pair -- sh -c 'kill -KILL $$'
expect_code 127 rivulet lab run pair -- /nonexistent/program
expect_text 'nonexistent' "$OUT"
expect_code 126 rivulet lab run pair -- /etc/passwd
expect_code 125 rivulet lab run no-such-scenario -- true
expect_text 'no-such-scenario' "$OUT"
expect_code 125 rivulet lab run pair --on nobody -- true
expect_code 125 rivulet lab run pair --seed 0x10 -- true
expect_code 2 rivulet lab check --json pair
expect_code 125 rivulet lab run pair
expect_code 2 rivulet nonsense
expect_code 2 rivulet lab nonsense

# Lost: a long command's work, for counters that cannot be written.
expect_code 125 rivulet lab run pair --stats=/nonexistent/file -- echo started
! grep -q started "$OUT" || fail "the command was started"

# Lost: whose fault it is, where no process can be made for the command.
if [ "$E2E_USER" = nobody ]; then
	expect_code 125 prlimit --nproc=3 setpriv --reuid=65530 --regid=65530 --clear-groups -- "$RIVULET" lab run pair -- true
	expect_text 'no process' "$OUT"
fi

# Lost: a scenario, to a folder that is called as it is.
mkdir "$TMP/named" "$TMP/named/pair"
(cd "$TMP/named" && rivulet lab check pair) >"$TMP/out" 2>&1 || fail "a folder is in the way: $(cat "$TMP/out")"

# Lost: large labs, to the limit of descriptors that programs have unless told. The command has it as it was.
# shellcheck disable=SC2086
expect "a lab with few descriptors" prlimit --nofile=12: $AS_USER "$RIVULET" lab run pair -- sh -c 'ulimit -n'
expect_text '^12$' "$OUT"

# Lost: a pipeline with a lab in it would see other bytes.
rivulet lab run pair -- sh -c 'cat; echo err >&2' <"$0" >"$TMP/out" 2>"$TMP/err"
cmp "$0" "$TMP/out" || fail "standard output is not the command's own"
[ "$(cat "$TMP/err")" = err ] || fail "standard error is not the command's own"

# Lost: users could not get at files that a lab wrote.
rivulet lab run pair -- sh -c "echo data >'$TMP/file'"
[ "$(stat -c %u "$TMP/file")" = "$(rivulet lab run pair -- stat -c %u "$TMP/file" >/dev/null &&
	if [ "$E2E_USER" = nobody ]; then echo 65534; else id -u; fi)" ] ||
	fail "the file does not belong to the user"

# Lost: a client would start before its server listens.
expect "a server that is slow to start" rivulet lab run pair \
	--also "server: sleep 0.5; cd '$TMP'; exec python3 -m http.server 80" -- \
	curl -fsS --max-time 5 -o /dev/null http://server/file
expect_code 125 rivulet lab run pair --also 'server: echo the reason; exit 3' -- true
expect_text 'the reason' "$OUT"
expect_text 'status 3' "$OUT"

# Lost: nothing could be looked at on the other side.
expect "another host from inside" rivulet lab run pair -- \
	"$RIVULET" lab on server -- sh -c '[ "$RIVULET_LAB_HOST" = server ]'
expect_code 125 rivulet lab on server -- true
expect_code 125 rivulet lab run pair -- "$RIVULET" lab on nowhere -- true
expect_text "no host 'nowhere'; it has: phone, server$" "$OUT"
