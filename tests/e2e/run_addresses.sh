#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Addresses of links change, and there are several: a connection goes on, and uses what there is.
. "$(dirname "$0")/run_lib.sh"
. "$(dirname "$0")/still.sh"
need curl ss

make_file file 16000000

cat "$(dirname "$0")/soon.sh" - >"$TMP/lib" <<'EOF'
set -eu
fail() { ip address >&2; ip mptcp endpoint >&2; ss -tn >&2; echo "$*" >&2; exit 1; }
# Bytes of the transfer have come by this address.
carries() { ss -tniH state established "src = $1" | grep -q 'bytes_received:[0-9]\{5,\}'; }
# And the run has seen that: it looks now and then.
is_seen() { "$RIVULET" status --json | grep -qF "$1"; }
no_endpoint() { ! ip mptcp endpoint | grep -q "^$1 "; }
begin() { # 4|6: the download
	"$RIVULET" run --explain --report "$TMP/report" -- curl "-$1" -fsS --max-time 60 -o "$TMP/got" http://server/file &
	run=$!
}
end() {
	wait $run || fail "the download failed"
	cmp "$TMP/www/file" "$TMP/got" || fail "other bytes"
}
EOF
as_phone() { # WHAT SCRIPT
	in_time as_phone_once "$@"
	echo "survived: $1"
}
as_phone_once() {
	printf '. %s/lib\n%s\n' "$TMP" "$2" >"$TMP/script"
	expect "$1" pair_lab env TMP="$TMP" RIVULET="$RIVULET" sh "$TMP/script"
	report_has "r['connections'] == 1 and r['fallbacks'] == 0"
}

# Lost: after a new lease the link would stay unused, or its old address be sent from.
as_phone "another address on the second link" '
begin 4
soon 5 carries 10.2.0.2 || fail "the second link carries nothing"
ip address del 10.2.0.2/24 dev wwan0
ip address add 10.2.0.9/24 dev wwan0
ip route add default via 10.2.0.1 dev wwan0 metric 101
soon 5 carries 10.2.0.9 || fail "the new address carries nothing"
soon 2 no_endpoint 10.2.0.2 || fail "the old address is an endpoint"
! ip rule | grep -q "from 10.2.0.2 " || fail "the old address has a rule"
end'
expect_text 'taken back: mptcp endpoint 10.2.0.2' "$OUT"

# Lost: a connection would end with the address that it began from.
as_phone "another address on the first link" '
begin 4
soon 5 carries 10.2.0.2 || fail "the second link carries nothing"
ip address del 10.1.0.2/24 dev wlan0
ip address add 10.1.0.9/24 dev wlan0
ip route add default via 10.1.0.1 dev wlan0 metric 100
soon 5 carries 10.1.0.9 || fail "the new address carries nothing"
end'

# Lost: an outage of more than a second, as nothing says that the first link's address is gone while it has another one.
as_phone "another prefix on the first link, which keeps IPv4" '
begin 6
soon 5 carries "[fd00:2::2]" || fail "the second link carries nothing"
ip address add fd00:1::9/64 dev wlan0 nodad
ip address del fd00:1::2/64 dev wlan0
ip -6 route replace default via fd00:1::1 dev wlan0 metric 100
is_left() { [ -z "$(ss -tnH state established "src = [fd00:1::2]")" ]; }
soon 5 is_left || fail "a subflow is still open whose address is gone"
soon 5 carries "[fd00:1::9]" || fail "the new address carries nothing"
end'
expect_text 'connections leave wlan0' "$OUT"

# Lost: the second link, where IPv4 has a next hop by IPv6.
as_phone "IPv4 by an IPv6 gateway" '
ip -4 route del default via 10.2.0.1
ip -4 route add default via inet6 fd00:2::1 dev wwan0 metric 101
begin 4
soon 5 carries 10.2.0.2 || fail "the second link carries nothing"
ip -4 route show table all | grep -q "^default via inet6 fd00:2::1 dev wwan0 table" || fail "another route"
end'

# Lost: a part of what a link with two addresses has, or all when one of them goes.
as_phone "two addresses on a link" '
ip address add 10.2.0.9/24 dev wwan0
begin 4
soon 5 carries 10.2.0.2 || fail "the first address carries nothing"
soon 5 carries 10.2.0.9 || fail "the second address carries nothing"
soon 5 is_seen 10.2.0.9 || fail "rivulet status does not show the second address"
ip address del 10.2.0.9/24 dev wwan0
soon 2 no_endpoint 10.2.0.9 || fail "the address that is gone is an endpoint"
carries 10.2.0.2 || fail "the address that stayed carries nothing"
end'
report_has "sum(l['subflows'] for l in r['links']) >= 3"

# Lost: the same, over IPv6.
as_phone "another prefix on the second link" '
begin 6
soon 5 carries "[fd00:2::2]" || fail "the second link carries nothing"
ip address del fd00:2::2/64 dev wwan0
ip address add fd00:2::9/64 dev wwan0 nodad
ip -6 route replace default via fd00:2::1 dev wwan0 metric 101
soon 5 carries "[fd00:2::9]" || fail "the new address carries nothing"
end'

{
	cat "$RIVULET_SCENARIOS/pair.yaml"
	printf 'events:\n  - {at: 1s, link: wifi, do: down}\n  - {at: 2s, link: wifi, do: up}\n'
} >"$TMP/down.yaml"
SCENARIO=$TMP/down.yaml
as_phone "a link that goes and comes back, over IPv6" '
begin 6
soon 5 carries "[fd00:2::2]" || fail "the second link carries nothing"
end'
expect_text 'connections leave wlan0' "$OUT"
report_has "min(share.values()) > 0.1 and len(share) == 2"

# Lost: Wi-Fi that fell silent, when it finds another network, for as long as a connection goes on: it was asked in vain from the
# address that it had. The old one is made silent by the server, who sends what is for it nowhere.
SCENARIO=pair
cat >"$TMP/sink.py" <<'EOF'
import socket
s = socket.create_server(("", 9000))
while True:
    c = s.accept()[0]
    while c.recv(1 << 20):
        pass
EOF
cat >"$TMP/pour.py" <<'EOF'
import socket, time
while True:
    try:
        s = socket.create_connection(("10.1.0.1", 9000))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
while True:
    s.sendall(bytes(1 << 16))
EOF
cat "$(dirname "$0")/soon.sh" - >"$TMP/elsewhere" <<'EOF'
"$RIVULET" run --quiet -- python3 "$TMP/sink.py" &
until [ -e "$TMP/leaves" ]; do sleep 0.05; done
ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:99 dev wlan0 nud permanent
carries() { ss -tniH state established "dst = 10.1.0.9" | grep -q 'bytes_received:[0-9]\{6,\}'; }
soon 60 carries && touch "$TMP/carries"
wait
EOF
cat "$(dirname "$0")/soon.sh" - >"$TMP/roams" <<'EOF'
fail() { echo "$*" >&2; exit 1; }
used() {
	"$RIVULET" status --json | python3 -c '
import json, sys
[run] = [r for r in json.load(sys.stdin)["runs"] if r["program"][-1].endswith("pour.py")]
sys.exit([l["name"] for l in run["links"] if l["used"]] != sys.argv[1].split())' "$1"
}
joined() { "$RIVULET" status --json | grep -q '10.1.0.2' && "$RIVULET" status --json | grep -q '10.2.0.2'; }
"$RIVULET" run --quiet --stack $1 -- python3 "$TMP/pour.py" &
run=$!
soon 20 joined || fail "not both links"
touch "$TMP/leaves"
soon 20 used "wwan0" || fail "nobody finds that it is silent"
ip address flush dev wlan0
ip address add 10.1.0.9/24 dev wlan0
ip route add default via 10.1.0.1 dev wlan0 metric 100
soon 20 [ -e "$TMP/carries" ] || fail "the new network carries nothing"
kill $run
wait $run || :
EOF
for stack in native lkl; do
	[ $stack = native ] || [ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || continue
	rm -f "$TMP/leaves" "$TMP/carries"
	SERVER="env TMP=$TMP RIVULET=$RIVULET sh $TMP/elsewhere" expect "$stack: another network" pair_lab env TMP="$TMP" RIVULET="$RIVULET" sh "$TMP/roams" $stack
	echo "survived: a silent link that finds another network, on stack $stack"
done
