#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs share what they set up: none takes away what another, or a stranger's connection, lives on.
. "$(dirname "$0")/run_lib.sh"

cat "$(dirname "$0")/soon.sh" - >"$TMP/inside.sh" <<'EOF'
set -eu
RIVULET=$1
fail() { ip rule >&2; ip mptcp endpoint >&2; echo "$*" >&2; exit 1; }
set_up() { ip rule | grep -q 32100 && ip mptcp endpoint | grep -q 10.2.0.2; }
clean() { ! ip rule | grep -q 32100 && [ -z "$(ip mptcp endpoint)" ] && [ "$(find /dev/shm/rivulet -type f | wc -l)" = 1 ]; } # 1: of the server's own run
waiting() { "$RIVULET" run --quiet -- sh -c "until [ -e '$TMP/$1' ]; do sleep 0.05; done"; }

# Lost: the first of two runs to end would take the second one's links away.
waiting a & a=$!
waiting b & b=$!
soon 10 set_up || fail "nothing was set up"
touch "$TMP/a"; wait $a
set_up || fail "the first run took what the second needs"
touch "$TMP/b"; wait $b
soon 10 clean || fail "the last run left something"

# Lost: another program's connection would lose a subflow when a run ends.
"$RIVULET" run --quiet -- sh -c "touch '$TMP/up'; until [ -e '$TMP/c' ]; do sleep 0.05; done" & c=$!
soon 10 set_up || fail "nothing was set up"
python3 - "$TMP/stranger" "$TMP/go" <<'PY' & stranger=$!
import os, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
s.connect(("10.1.0.1", 80))
s.send(b"G")
open(sys.argv[1], "w").close()
while not os.path.exists(sys.argv[2]):
    time.sleep(0.05)
PY
soon 10 test -e "$TMP/stranger" || fail "the stranger has no connection"
subflows() { [ "$(ss -tnH state established dst 10.1.0.1 | wc -l)" = 2 ]; }
soon 10 subflows || fail "the stranger has no second subflow"
touch "$TMP/c"; wait $c
set_up || fail "the set-up went under the stranger's connection"
subflows || fail "the stranger lost a subflow"
touch "$TMP/go"; wait $stranger
soon 10 clean || fail "it was not taken back after the stranger's end"

# Lost: what runs that were killed whole have left would stay until the next boot.
for remedy in clean run; do
	waiting d & d=$!
	soon 10 set_up || fail "nothing was set up"
	# The server's own run has processes of the same names: end only those of this host.
	for name in rivulet-keep rivulet-net rivulet-watch rivulet-super; do
		for pid in $(pgrep -x $name); do
			[ "$(readlink /proc/$pid/ns/net)" = "$(readlink /proc/self/ns/net)" ] && kill -KILL $pid
		done
	done
	kill -KILL $(pgrep -P $d) $d
	set_up || fail "this test would show nothing"
	case $remedy in
	clean) "$RIVULET" clean >"$TMP/cleaned" ;;
	run) "$RIVULET" run --quiet -- true ;;
	esac
	soon 10 clean || fail "$remedy left something"
done
grep -q 'taken back: mptcp endpoint 10.2.0.2' "$TMP/cleaned" || fail "clean did not say what it did"
[ "$("$RIVULET" clean)" = "nothing was left behind" ] || fail "clean found something"
EOF
expect "runs that share a host" pair_lab env TMP="$TMP" sh "$TMP/inside.sh" "$RIVULET"

# Lost: subflows of a run that needs more of them than one that begins, or ends, beside it.
{
	cat "$RIVULET_SCENARIOS/pair.yaml"
	cat <<'EOF'

  - name: lan
    both: {rate: 50mbit, delay: 5ms}
    ends:
      - host: phone
        name: eth0
        kind: ethernet
        addresses: [10.3.0.2/24, "fd00:3::2/64"]
        gateway: [10.3.0.1, "fd00:3::1"]
      - host: server
        name: eth0
        kind: ethernet
        addresses: [10.3.0.1/24, "fd00:3::1/64"]
EOF
} >"$TMP/three.yaml"
cat "$(dirname "$0")/soon.sh" - >"$TMP/limits.sh" <<'EOF'
set -eu
RIVULET=$1
fail() { echo "$*" >&2; ip mptcp limits >&2; ip mptcp endpoint >&2; exit 1; }
limit() { ip mptcp limits | grep -q "subflows $1\b"; }
waiting() { "$RIVULET" run --quiet -- sh -c "touch '$TMP/is-$1'; until [ -e '$TMP/$1' ]; do sleep 0.05; done"; }
begun() { soon 10 test -e "$TMP/is-$1" || fail "$1 did not begin"; }
waiting e & e=$!
begun e
limit 4 || fail "this test would show nothing"
# Where it began has been out, and has endpoints from then on.
ip link set wlan0 down
out() { ! ip rule | grep -q 'from 10.1.0.2 '; }
soon 10 out || fail "the link did not go"
ip link set wlan0 up
ip -6 addr add fd00:1::2/64 dev wlan0 nodad
ip route replace default via 10.1.0.1 dev wlan0 metric 50
ip -6 route replace default via fd00:1::1 dev wlan0 metric 50
soon 10 limit 6 || fail "the link did not come back"
for time in 1 2; do
	waiting f & f=$!
	begun f
	limit 6 || fail "a run that began took what another needs"
	[ $time = 2 ] || { touch "$TMP/f"; wait $f; rm "$TMP/f" "$TMP/is-f"; limit 6 || fail "a run that ended took what another needs"; }
done
touch "$TMP/e"; wait $e
limit 4 || fail "the first run to end did not leave what the last needs"
touch "$TMP/f"; wait $f
soon 10 limit 2 || fail "the limit is not as before"
EOF
expect "limits of two runs" rivulet lab run "$TMP/three.yaml" -- env TMP="$TMP" sh "$TMP/limits.sh" "$RIVULET"
