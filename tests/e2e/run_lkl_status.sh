#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `rivulet status` of a run on stack lkl: what it says of the library's subflows is what is so, over both kinds of ports, and
# nothing of it is left.
. "$(dirname "$0")/run_lib.sh"
need curl pgrep
[ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"

# Large enough to last; nobody reads what is in it.
truncate -s 2G "$TMP/www/file"

cat "$(dirname "$0")/soon.sh" "$(dirname "$0")/status_lib.sh" - >"$TMP/inside.sh" <<'EOF2'
soon 10 is "len(answer['runs']) == 1" || fail "the server's run is not shown"
before=$(sockets)

for ports in shared nat; do
	"$RIVULET" run --quiet --stack lkl --ports $ports -- curl -4 -fsS -o /dev/null http://server/file &
	run=$!
	# Lost: nobody could see what the links do.
	soon 10 is "len(flows) == 2 and all(f['received'] > 100000 for f in flows.values())" || fail "no download with two subflows ($ports)"
	soon 10 is "len(mine) == 1 and mine[0]['pid'] == $run and len(connections) == 1 and connections[0]['protocol'] == 'mptcp'" ||
		fail "not one connection of this run"
	soon 10 is "sorted(flows) == ['wlan0', 'wwan0'] and all(f['state'] == 'established' and not f['backup'] for f in flows.values())" ||
		fail "not both links"
	# Where processors are taken away it is many times what the links have, but never a thousand times.
	soon 10 is "10000 <= flows['wlan0']['rtt_us'] < 3e6 and 40000 <= flows['wwan0']['rtt_us'] < 3e6" || fail "no sensible RTT"
	soon 10 is "connections[0]['received'] >= sum(f['received'] for f in flows.values()) > 200000" || fail "no sensible counts"
	soon 10 is "1e6 < connections[0]['rate_received'] < 1e9" || fail "no sensible rate"
	soon 10 is "[l['name'] for l in mine[0]['links'] if l['used']] == ['wlan0', 'wwan0']" || fail "not the links"
	"$RIVULET" status >"$TMP/now"
	grep -Eq '^    wlan0 +established +[0-9.]+ ms +[0-9]+ ' "$TMP/now" || fail "no row of wlan0"
	env --default-signal=INT "$RIVULET" status --watch --json >"$TMP/now" &
	watch=$!
	soon 10 sh -c "[ \$(grep -c '\"curl\"' '$TMP/now') -ge 2 ]" || fail "--watch --json does not repeat"
	kill "$watch"
	wait "$watch" || fail "--watch --json ended with $?"
	# Lost: a link that is gone would look used.
	ip route save dev wwan0 >"$TMP/routes"
	ip link set wwan0 down
	soon 10 is "[l['name'] for l in mine[0]['links'] if l['used']] == ['wlan0'] and list(flows) == ['wlan0']" || fail "what is down is used"
	soon 10 is "connections[0]['received'] > flows['wlan0']['received'] + 50000" || fail "what the other link brought is forgotten"
	ip link set wwan0 up
	ip route restore <"$TMP/routes" 2>/dev/null || :
	# Lost: sockets would pile up.
	kill "$run"
	wait "$run" || :
	soon 10 none_left || fail "a socket is left"
done
EOF2
expect "status in a lab" pair_lab env TMP="$TMP" RIVULET="$RIVULET" sh "$TMP/inside.sh"
