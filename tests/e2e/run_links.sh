#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A link that goes, silently or with notice, or comes back, costs a program nothing but time.
. "$(dirname "$0")/run_lib.sh"
need curl pgrep

make_file file 16000000

# Events are added to the scenario of two links, one on each line of the argument.
scenario() {
	SCENARIO=$TMP/$1.yaml
	{
		cat "$RIVULET_SCENARIOS/pair.yaml"
		printf 'events:\n%s\n' "$2"
	} >"$SCENARIO"
}

download() {
	expect "$1" pair_lab sh -c "'$RIVULET' run --explain --report '$REPORT' -- curl -fsS --max-time 60 http://server/file | cmp - '$TMP/www/file'"
	report_has "r['connections'] == 1 and r['fallbacks'] == 0 and min(share.values()) > 0.05 and len(share) == 2"
	echo "survived: $1"
}

# Lost: a download would die, or stall for as long as the kernels' own timers last.
scenario down '  - {at: 1s, link: wifi, do: down}'
download "a link that goes down"
expect_text 'connections leave wlan0' "$OUT"

# A machine that is too busy to look sees nothing and leaves it to the kernels: it gets three chances.
sees() {
	for chance in 1 2 3; do
		download "$1"
		if grep -q "$2" "$OUT"; then return; fi
		echo "chance $chance was not taken"
	done
	cat "$OUT" >&2
	fail "$1: no '$2'"
}

scenario silent '  - {at: 1s, link: wifi, do: blackhole}'
sees "a link that goes silent" 'link wlan0 does not answer'

# Lost: a link that is well again would stay out of use.
scenario return '  - {at: 500ms, link: wifi, do: down}
  - {at: 1s, link: wifi, do: up}'
download "a link that goes down and comes up"
expect_text 'set up: mptcp endpoint 10.1.0.2' "$OUT"

scenario heal '  - {at: 1s, link: wifi, do: blackhole}
  - {at: 1500ms, link: wifi, do: heal}'
sees "a link that goes silent and heals" 'link wlan0 is put back'
bothers_nobody "'$RIVULET' run"

# Lost: the second link would stay unused after it came up.
SCENARIO=pair
expect "a link that comes up later" pair_lab sh -c "
	ip link set wwan0 down
	'$RIVULET' run --quiet --report '$REPORT' -- sh -c '
		curl -4 -fsS -o $TMP/got http://server/file & curl=\$!
		until [ \"\$(stat -c %s $TMP/got 2>/dev/null || echo 0)\" -gt 2000000 ]; do kill -0 \$curl || exit 1; sleep 0.02; done
		ip link set wwan0 up; ip route add default via 10.2.0.1 dev wwan0 metric 101
		wait \$curl && cmp $TMP/got $TMP/www/file'"
report_has "share.get('wwan0', 0) > 0.05"

# Lost: the second link would carry nothing any more if it was off for a moment while the machine was busy.
cat "$(dirname "$0")/soon.sh" - >"$TMP/blink.sh" <<'EOF'
has_route() { ip route show table all | grep -q 'default via 10.2.0.1 dev wwan0 table 13'; }
"$1" run --quiet -- sleep 60 & run=$!
soon 10 has_route || { echo "no route over the second link" >&2; exit 1; }
net=$(pgrep --ns $$ --nslist net -x rivulet-net)
kill -STOP $net
ip link set wwan0 down; ip link set wwan0 up; ip route add default via 10.2.0.1 dev wwan0 metric 101
! has_route || echo "the route has stayed by itself" >&2
kill -CONT $net
soon 5 has_route || { ip route show table all >&2; exit 1; }
kill $run; wait $run
! has_route
EOF
expect "a link that was off for a moment" pair_lab sh "$TMP/blink.sh" "$RIVULET"

# Lost: a middlebox that hates MPTCP would break the program, or nobody would know why one link is idle.
SCENARIO=stripped
expect "a middlebox strips MPTCP" pair_lab sh -c "'$RIVULET' run --report '$REPORT' -- curl -fsS --max-time 60 http://server/file | cmp - '$TMP/www/file'"
expect_text 'fell back to TCP' "$OUT"
report_has "r['fallbacks'] == 1"

# Lost: the same, towards a server that does not speak MPTCP.
SCENARIO=pair
SERVER=$NGINX
expect "a plain server" pair_lab sh -c "'$RIVULET' run --report '$REPORT' -- curl -fsS --max-time 60 http://server/file | cmp - '$TMP/www/file'"
expect_text 'fell back to TCP' "$OUT"
report_has "r['fallbacks'] == 1"

# Lost: a connection that fell back to TCP would be cut off when its link is gone for a moment, which TCP survives.
scenario outage '  - {at: 1s, link: wifi, do: down}
  - {at: 1500ms, link: wifi, do: up}'
expect "an outage of plain TCP's link" pair_lab sh -c "'$RIVULET' run --quiet -- curl -4 -fsS --max-time 60 http://server/file | cmp - '$TMP/www/file'"

# Lost: the second link, for an hour, to all that comes after a connection that began where there was no network for a moment.
make_file small 1000
cat "$(dirname "$0")/soon.sh" - >"$TMP/zone.sh" <<'EOF'
set -eu
fail() { nstat -as >&2; echo "$*" >&2; exit 1; }
count() { nstat -asz "$1" | awk 'END { print $2 }'; }
counts() { [ "$(count "$1")" -gt "$2" ]; }
get() { curl -fsS --max-time 20 -o /dev/null http://10.1.0.1/small; }
speaks() { before=$(count MPTcpExtMPCapableSYNACKRX); get && counts MPTcpExtMPCapableSYNACKRX "$before"; }
# Nobody has this address, so all is lost.
dead() {
	ip neigh replace 10.1.0.1 lladdr 02:00:00:00:00:99 dev wlan0 nud permanent
	ip neigh replace 10.2.0.1 lladdr 02:00:00:00:00:99 dev wwan0 nud permanent
}
alive() { ip neigh del 10.1.0.1 dev wlan0; ip neigh del 10.2.0.1 dev wwan0; }
[ -e /proc/sys/net/mptcp/blackhole_timeout ] || exit 0
speaks || fail "no MPTCP before"
retries=$(cat /proc/sys/net/mptcp/syn_retrans_before_tcp_fallback 2>/dev/null || echo 2)
begin_in_dead_zone() {
	lost=$(($(count TcpExtTCPSynRetrans) + retries - 1))
	dead
	get & first=$!
	soon 10 counts TcpExtTCPSynRetrans $lost || fail "nothing was lost"
	alive
	wait $first || fail "the connection that began there"
}
# The first packet that goes without MPTCP has to arrive: a machine that is too busy for that gets three chances.
for chance in 1 2 3; do
	begin_in_dead_zone
	if counts MPTcpExtBlackhole 0; then break; fi
	echo "chance $chance was not taken"
done
counts MPTcpExtBlackhole 0 || fail "the kernel did not take it for a network without MPTCP"
soon 5 speaks || fail "no MPTCP afterwards"
EOF
SCENARIO=pair SERVER="$RIVULET run --quiet -- $NGINX"
expect "a connection that begins in a dead zone" pair_lab "$RIVULET" run --quiet -- sh "$TMP/zone.sh"
