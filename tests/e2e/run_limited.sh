#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a caller limits, on each stack: time, descriptors, the size of files, room on a disk; and what cannot be started. It holds for
# the program, and what it means for the processes around it is told.
. "$(dirname "$0")/lib.sh"
need python3 timeout prlimit pgrep curl

stacks="native host"
[ ! -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || stacks="$stacks lkl"
[ ! -x "$(dirname "$RIVULET")/kernel/rivulet-uml" ] || grep -q __asan_init "$RIVULET" || stacks="$stacks uml"

# What does not end is an error, and not for ever.
lab() {
	timeout -k 1 60 "$RIVULET" lab run pair "$@"
}

# What ends a service ends all its processes at once, and gives them time.
cat >"$TMP/program" <<'EOF2'
ask() { curl -fsS --max-time 10 -o /dev/null http://10.1.0.1:8080/; }
trap 'until [ -e "$TMP/told" ]; do sleep 0.05; done; ask && exit 7' TERM
until ask 2>/dev/null; do sleep 0.05; done
touch "$TMP/ready"
while :; do sleep 0.05; done
EOF2
cat >"$TMP/service" <<'EOF2'
rm -f "$TMP/ready" "$TMP/told"
"$RIVULET" run --stack "$1" -- sh "$TMP/program" & run=$!
until [ -e "$TMP/ready" ]; do sleep 0.05; done
# Of several some end by the end of others.
kill -TERM $run $(pgrep --ns $$ --nslist net -x 'rivulet-(super|watch|net|keep|lkl|uml)') 2>/dev/null || :
touch "$TMP/told"
code=0; wait $run || code=$?
[ $code = 7 ] || { echo "it ended with $code" >&2; exit 1; }
EOF2
# All that the program is not, while it runs.
cat >"$TMP/time" <<'EOF2'
rm -f "$TMP/ready" "$TMP/told"
"$RIVULET" run --quiet --stack "$1" -- sh -c '[ "$(ulimit -St)" = 60 ] || exit 1; touch "$TMP/ready"; until [ -e "$TMP/told" ]; do sleep 0.05; done' & run=$!
until [ -e "$TMP/ready" ] || ! kill -0 $run; do sleep 0.05; done
code=0
for pid in $(pgrep --ns $$ --nslist net 'rivulet-(super|watch|net|keep|lkl|uml)'); do
	! grep -q '^Max cpu time *60 ' "/proc/$pid/limits" || { echo "$(cat "/proc/$pid/comm") may compute for 60 s" >&2; code=1; }
done
touch "$TMP/told"
wait $run || code=1
prlimit --cpu=1: "$RIVULET" run --quiet --stack "$1" -- sh -c 'while :; do :; done' || ended=$?
[ "${ended:-0}" = 152 ] || { echo "who computes for longer ended with ${ended:-0}" >&2; code=1; }
exit $code
EOF2
export TMP

for stack in $stacks; do
	# Lost: what a service has to say when it is stopped, for it has no network any more; and the summary.
	expect "a service that is stopped, $stack" lab --also 'server: python3 -m http.server 8080' -- sh "$TMP/service" "$stack"
	expect_text 'connection' "$OUT"

	# Lost: a program that its caller bounds by an alarm (`perl -e 'alarm 60; exec @ARGV' ...`) would go on for ever.
	expect "an alarm, $stack" lab -- python3 -c '
import signal, subprocess, sys
def before():
    signal.alarm(1)
code = subprocess.run(sys.argv[1:], preexec_fn=before).returncode
assert code == -signal.SIGALRM, code' "$RIVULET" run --quiet --stack "$stack" -- sleep 30

	# Lost: what a program has written, and nobody would know: the disk is full, and who wrote it was told that all is well.
	code=0
	lab -- sh -c "'$RIVULET' run --quiet --stack $stack -- echo lost >/dev/full" >"$OUT" 2>&1 || code=$?
	[ "$code" != 0 ] || fail "a full disk, $stack: it ended as if all were written"
	expect_text 'No space left on device' "$OUT"

	# Lost: the links, or the program's connections, or (inside a kernel) its end, and nobody would know why.
	expect "few descriptors that may be more, $stack" lab -- prlimit --nofile=16: "$RIVULET" run --stack "$stack" -- sh -c 'ulimit -Sn'
	expect_text '^16$' "$OUT"
	expect_text '0 connections' "$OUT"
	expect_code 125 lab -- prlimit --nofile=20:20 "$RIVULET" run --stack "$stack" -- true
	expect_text 'descriptors are needed, and no more than 20 are allowed here: `ulimit -Hn' "$OUT"

	# Lost: the network of a program whose processes may compute for a while each, once those around it have for as long.
	expect "processor time, $stack" lab -- prlimit --cpu=60: sh "$TMP/time" "$stack"

	# Lost: a process for each such start, for ever.
	expect "no descriptors to speak of, $stack" lab -- sh -c '
for most in 5 6 7 8 9 10 12; do
	prlimit --nofile=$most:$most "$RIVULET" run --stack "$1" -- true 2>/dev/null && exit 1
done
. "$2"
soon 10 sh -c "! pgrep --ns $$ --nslist net -f \"^$RIVULET run\"" || { echo "this is left:" >&2; pgrep --ns $$ --nslist net -af rivulet >&2; exit 1; }' \
		sh "$stack" "$(dirname "$0")/soon.sh"

	# Lost: the reason, behind the summary of a program that there was not (now and then).
	for _ in 1 2 3 4 5 6 7 8; do
		expect_code 127 lab -- "$RIVULET" run --stack "$stack" -- "$TMP/none"
		! grep -q ' connections' "$OUT" || fail "a summary of nothing, $stack: $(cat "$OUT")"
	done

	# Lost: the summary, and on a stack that is relayed all connections, where the program may write no files. (Neither may the
	# kernel that it would run inside, which has its memory in one.)
	[ "$stack" != uml ] || continue
	expect "no files, $stack" lab -- sh -c "prlimit --fsize=0:0 '$RIVULET' run --stack $stack -- sh -c \"'$RIVULET' status; :\" 2>&1 | cat"
	expect_text '0 connections' "$OUT"
done
