#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that are told of the proxy have all links, are told what went wrong, and cannot hold it up; nothing of it is left.
. "$(dirname "$0")/run_lib.sh"
need curl pgrep ss

make_file small 1000
make_file large 8000000

# In the lab: RIVULET, TMP, PROGRAM_SOURCES, WWW.
cat "$(dirname "$0")/soon.sh" - >"$TMP/inside.sh" <<'EOF2'
set -eu
LOG=$TMP/log
export RES_OPTIONS="timeout:1 attempts:1" # nobody answers
fail() { tail -n 20 "$LOG" >&2; echo "$*" >&2; exit 1; }
state() { ip rule; ip -6 rule; ip mptcp endpoint; ip mptcp limits; ls "$TMP"/*.sock 2>/dev/null || :; }
as_before() { state >"$TMP/now"; cmp -s "$TMP/before" "$TMP/now"; }
# proxy OPTION...: its process, and that of the worker that serves, in $proxy and $worker.
proxy() {
	: >"$LOG"
	env --default-signal=INT,PIPE --ignore-signal=HUP "$RIVULET" proxy --verbose "$@" 2>"$LOG" >"$TMP/out" &
	proxy=$!
	soon 10 grep -q 'proxy at' "$LOG" || fail "the proxy does not begin"
	worker=$(pgrep -x rivulet -P "$proxy" || echo "$proxy")
}
end() {
	kill -"$1" "$proxy"
	code=0
	wait "$proxy" || code=$?
	[ "$code" = "$2" ] || fail "it ended with $code after SIG$1"
	soon 10 as_before || { diff "$TMP/before" "$TMP/now" >&2; fail "the host is not as before after SIG$1"; }
}
client() { python3 "$PROGRAM_SOURCES/proxy.py" "$@" || fail "$1 fails"; }
# get CODE OPTION...: curl ends with CODE.
get() {
	wanted=$1
	shift
	code=0
	curl -sS -o "$TMP/got" --max-time 20 "$@" 2>"$TMP/curl" || code=$?
	[ "$code" = "$wanted" ] || { cat "$TMP/curl" >&2; fail "curl ended with $code, not $wanted: $*"; }
}
same() { cmp -s "$WWW/$1" "$TMP/got" || fail "other bytes"; }
# How often MPTCP was asked for.
asked() {
	awk '$1 == "MPTcpExt:" { for (i = 2; i <= NF && !at; i++) if ($i == "MPCapableSYNTX") at = i; count = $at } END { print count }' /proc/net/netstat
}
fds() { find "/proc/$worker/fd" -mindepth 1 | wc -l; }
few_fds() { [ "$(fds)" -le "$1" ]; }

state >"$TMP/before"
python3 "$PROGRAM_SOURCES/proxy.py" servers &
servers=$!
trap 'kill $servers' EXIT
proxy --listen 127.0.0.1:1080 --listen '[::1]:1080' --listen "unix:$TMP/s.sock" --report "$TMP/report" --json
client drip &
drip=$!

# Lost: one protocol, one family, or names.
for way in '--socks5 127.0.0.1:1080' '--socks5-hostname 127.0.0.1:1080' '--socks5-hostname [::1]:1080' \
	'-p -x http://127.0.0.1:1080' '-p -x http://[::1]:1080'; do
	for where in server 10.1.0.1 '[fd00:1::1]'; do
		# shellcheck disable=SC2086
		get 0 $way "http://$where/small"
		same small
	done
done
get 0 --proxy "socks5h://localhost$TMP/s.sock" http://server/small
same small
[ "$(stat -c %a "$TMP/s.sock")" = 700 ] || fail "others may connect to the socket"

# Lost: a program would say that the proxy fails where it is the other end, or wait.
get 97 --socks5 127.0.0.1:1080 http://server:81/
grep -q '(5)' "$TMP/curl" || fail "no word of a refusal"
get 97 --socks5-hostname 127.0.0.1:1080 http://nonesuch.invalid/
get 56 -p -x http://127.0.0.1:1080 http://server:81/
grep -q 502 "$TMP/curl" || fail "no word of a refusal"
get 56 -p -x http://127.0.0.1:1080 http://nonesuch.invalid/
grep -q 50[24] "$TMP/curl" || fail "no word of a name that is not found"
get 0 -x http://127.0.0.1:1080 http://server/small
grep -q 'only CONNECT' "$TMP/got" || fail "no word of what is not served"
grep -q "'server' port 81: cannot connect to 'server' .*Connection refused" "$LOG" || fail "no line for a refusal"
client refusals

# Lost: half of a conversation, or the sign that the other half is missing.
client half_close
client resets
# Lost: bytes of who falls back to TCP (rivulet-run(1), BUGS), each time anew.
before=$(asked)
client half_close
client resets
[ "$(asked)" = "$before" ] || fail "servers that are known not to speak MPTCP are asked for it $(($(asked) - before)) times"
TARGET=10.1.0.1 client half_close
TARGET=10.1.0.1 client resets
# Lost: one bad program would end it for all.
client hang_up "$TMP/s.sock"
client garbage 1
# Lost: bytes, or places of those who have gone.
before=$(fds)
client many 1000
soon 10 few_fds "$before" || fail "it has $(fds) descriptors after $before"
client bulk 209715200
client slow 60 "$worker"

# Lost: what the proxy is for.
"$RIVULET" status --json >"$TMP/status"
python3 -c 'import json, sys; runs = json.load(open(sys.argv[1]))["runs"]; sys.exit("proxy" not in [r["program"][1] for r in runs if len(r["program"]) > 1])' \
	"$TMP/status" || fail "status does not show it"
get 0 --socks5-hostname 127.0.0.1:1080 http://10.1.0.1/large
same large

# Lost: other users of the machine could use the links.
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups -- true 2>/dev/null; then
	other="setpriv --reuid=65534 --regid=65534 --clear-groups -- curl -sS --max-time 20 -o /dev/null"
	! $other --socks5 127.0.0.1:1080 http://10.1.0.1/small 2>"$TMP/curl" || fail "another user is served"
	grep -q '(2)' "$TMP/curl" || fail "another user is not told why"
	! $other -p -x http://127.0.0.1:1080 http://10.1.0.1/small 2>"$TMP/curl" || fail "another user is served"
	grep -q 403 "$TMP/curl" || fail "another user is not told why"
fi
client names 40 "$worker"
wait "$drip" || fail "a client that drips holds its place"
end TERM 0
python3 - "$TMP/out" <<'EOF3' || fail "no summary"
import json, sys
r = json.load(open(sys.argv[1]))
assert r["connected"] > 1000 and r["failed"] >= 5 and r["refused"] > 100 and r["received"] > 400e6, r
EOF3

# Lost: a machine's links would be open to the network by a slip.
for where in 0.0.0.0:1080 '[::]:1080' 10.1.0.2:1080; do
	code=0
	"$RIVULET" proxy --stack host --listen "$where" 2>"$LOG" || code=$?
	[ "$code" = 125 ] || fail "listening at $where ended with $code"
	grep -q -- --allow-anyone "$LOG" || fail "no word of how"
done
# Lost: why it does not begin, behind a summary of what never was.
code=0
"$RIVULET" proxy --listen foo --json 2>"$LOG" || code=$?
[ "$code" = 2 ] || fail "listening at foo ended with $code"
grep -q "'foo'" "$LOG" && ! grep -q connections "$LOG" || fail "other words than why"
for wrong in 1080 localhost:1080 127.0.0.1 127.0.0.1:65536 127.0.0.1: ::1:1080 unix:; do
	code=0
	"$RIVULET" proxy --stack host --listen "$wrong" 2>"$LOG" || code=$?
	[ "$code" = 2 ] || fail "listening at '$wrong' ended with $code"
done
proxy --stack host --allow-anyone --limit 4 --listen 0.0.0.0:1080 --report "$TMP/moved"
client limit 4
# Lost: other machines could reach what serves this one only.
get 97 --socks5 10.1.0.2:1080 http://127.0.0.1:7/
grep -q '(2)' "$TMP/curl" || fail "another machine is not told why"
get 97 --socks5 10.1.0.2:1080 'http://[::ffff:127.0.0.1]:7/'
get 0 --socks5 10.1.0.2:1080 http://10.1.0.1/small
same small
# Lost: the second proxy's user would not know why there is none.
code=0
"$RIVULET" proxy --listen 127.0.0.1:1080 2>"$TMP/curl" || code=$?
[ "$code" = 125 ] || fail "a second one ended with $code"
grep -q 'in use' "$TMP/curl" || fail "no word of a port that is in use"
# Lost: a proxy that nohup started, to the end of a session.
kill -HUP "$proxy" "$worker"
sleep 0.3
get 0 --socks5 10.1.0.2:1080 http://10.1.0.1/small
end INT 0
python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); sys.exit((r["stack"], r["connections"] > 0, r["received"] > 1000) != ("host", True, True))' \
	"$TMP/moved" || fail "the report: $(cat "$TMP/moved")"

# Lost: a killed proxy would leave its set-up, its socket, or a process that nobody knows of.
for victim in worker proxy both; do
	proxy --listen "unix:$TMP/s.sock"
	case $victim in
	worker) kill -KILL "$worker" ;;
	proxy) kill -KILL "$proxy" ;;
	both) kill -KILL "$worker" "$proxy" ;;
	esac
	code=0
	wait "$proxy" || code=$?
	[ "$code" = 137 ] || fail "it ended with $code when its $victim was killed"
	soon 10 as_before || { diff "$TMP/before" "$TMP/now" >&2; fail "the host is not as before: $victim killed"; }
	! kill -0 "$worker" 2>/dev/null || soon 10 sh -c "! kill -0 $worker" || fail "the worker lives on"
done
EOF2
# The servers of this test are there with MPTCP, and on the phone itself without.
expect "the proxy in a lab" rivulet lab run pair --also "server: $SERVER" \
	--also "server: $RIVULET run --quiet -- python3 $PROGRAM_SOURCES/proxy.py servers" -- env TMP="$TMP" RIVULET="$RIVULET" PROGRAM_SOURCES="$PROGRAM_SOURCES" WWW="$TMP/www" sh "$TMP/inside.sh"
report_has 'set(links) >= {"wlan0", "wwan0"} and min(links[n]["received"] for n in ("wlan0", "wwan0")) > 1e6'
