#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The proxy on stack lkl: clients of a device whose own kernel has no MPTCP (it is switched off here) use both its links, ends and
# cut-offs are passed on, `rivulet status` shows it, and nothing of it is left. What the proxy does on any stack is proxy.sh.
. "$(dirname "$0")/run_lib.sh"
need curl pgrep
[ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"

make_file small 1000
make_file large 16000000

cat "$(dirname "$0")/soon.sh" "$(dirname "$0")/status_lib.sh" - >"$TMP/inside.sh" <<'EOF2'
LOG=$TMP/log
export TARGET=10.1.0.1
received() { cat "/sys/class/net/$1/statistics/rx_bytes"; }
client() { python3 "$PROGRAM_SOURCES/proxy.py" "$@" || fail "$1 fails: $(tail -n 5 "$LOG")"; }
proxy() {
	env --default-signal=INT,PIPE "$RIVULET" proxy --verbose --json --stack lkl "$@" 2>"$LOG" >"$TMP/out" &
	proxy=$!
	soon 20 grep -q 'proxy at' "$LOG" || fail "the proxy does not begin: $(cat "$LOG")"
	helper=$(pgrep -x rivulet-lkl -P "$proxy") || fail "without rivulet-lkl"
}
none_runs() { ! kill -0 "$helper"; }
sysctl -qw net.mptcp.enabled=0
soon 20 curl -4 -fsS -o /dev/null http://server/small || fail "there is no server"
soon 20 python3 -c 'import socket; socket.create_connection(("10.1.0.1", 7)).close()' || fail "there is no other server"
before=$(sockets)
proxy --report "$TMP/moved"

# Lost: what the proxy is for.
wlan=$(received wlan0) wwan=$(received wwan0)
curl -4 -sS --max-time 60 --limit-rate 3M -o "$TMP/got" -x socks5h://127.0.0.1:1080 http://server/large &
curl=$!
soon 20 is "[r['program'][1] for r in runs if r['pid'] == $proxy] == ['proxy']" || fail "status does not show it"
soon 20 is "sorted(s['link'] for r in runs if r['pid'] == $proxy for c in r['connections'] for s in c['subflows']) == ['wlan0', 'wwan0']" ||
	fail "not both links"
wait "$curl" || fail "a download ends with $?"
cmp "$TMP/got" "$TMP/www/large" || fail "other bytes"
[ $(($(received wlan0) - wlan)) -gt 1000000 ] && [ $(($(received wwan0) - wwan)) -gt 1000000 ] || fail "one link was idle"
curl -4 -sS --max-time 20 -o "$TMP/got" -p -x http://127.0.0.1:1080 http://10.1.0.1/small || fail "by CONNECT: $?"
cmp "$TMP/got" "$TMP/www/small" || fail "other bytes by CONNECT"

# Lost: why there is no connection; half of a conversation; the sign that the other half is missing; and places of those who have gone.
code=0
curl -sS --max-time 20 --socks5 127.0.0.1:1080 http://10.1.0.1:81/ 2>"$TMP/curl" || code=$?
[ "$code" = 97 ] && grep -q '(5)' "$TMP/curl" || fail "no word of a refusal: $code, $(cat "$TMP/curl")"
client half_close
client resets
client bulk 20971520
client many 100
kill -TERM "$proxy"
code=0
wait "$proxy" || code=$?
[ "$code" = 0 ] || fail "it ended with $code: $(tail -n 5 "$LOG")"
python3 - "$TMP/out" "$TMP/moved" <<'EOF3' || fail "the summary: $(cat "$TMP/out" "$TMP/moved")"
import json, sys
r, moved = (json.load(open(name)) for name in sys.argv[1:])
assert r["connected"] > 100 and r["failed"] == 1 and r["received"] > 56e6, r
assert moved == {"stack": "lkl", "connections": r["connected"], "received": r["received"], "sent": r["sent"]}, moved
EOF3
soon 20 none_left && soon 20 none_runs || fail "something is left of it"

# Lost: processes that nobody knows of, after a proxy that was killed.
proxy
kill -KILL "$proxy"
wait "$proxy" || :
soon 20 none_runs || fail "its kernel goes on without it"
EOF2
expect "the proxy in a lab" rivulet lab run pair --also "server: $SERVER" \
	--also "server: $RIVULET run --quiet -- python3 $PROGRAM_SOURCES/proxy.py servers" -- \
	env TMP="$TMP" RIVULET="$RIVULET" PROGRAM_SOURCES="$PROGRAM_SOURCES" sh "$TMP/inside.sh"

# Lost: a proxy that goes over plain TCP where its user had asked for something else.
expect_code 125 unshare --user --map-root-user --net "$RIVULET" proxy --stack lkl
expect_text 'no link of this host can be used' "$OUT"
