#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Addresses of links change, and there are several: a connection goes on, and uses what there is.
. "$(dirname "$0")/run_lib.sh"
need curl ss

make_file file 16000000

cat "$(dirname "$0")/soon.sh" - >"$TMP/lib" <<'EOF'
set -eu
fail() { echo "$*" >&2; ip address >&2; ip mptcp endpoint >&2; ss -tn >&2; exit 1; }
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
	printf '. %s/lib\n%s\n' "$TMP" "$2" >"$TMP/script"
	expect "$1" pair_lab env TMP="$TMP" RIVULET="$RIVULET" sh "$TMP/script"
	report_has "r['connections'] == 1 and r['fallbacks'] == 0"
	echo "survived: $1"
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
