#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# With the link of the default route silently dead, a new connection, and the look-up of a name before it, begins on the
# other link.
. "$(dirname "$0")/run_lib.sh"
. "$(dirname "$0")/still.sh"
need curl tc

make_file small 100000
NAMES="python3 $(dirname "$0")/programs/names.py 10.9.0.1"
SERVER_SETUP="server: ip address add 10.9.0.1/32 dev lo"
echo "nameserver 10.9.0.1" >"$TMP/resolv.conf"

cat >"$TMP/inside.sh" <<'EOF'
set -eu
[ "$(id -u)" != 0 ] || mount --bind "$TMP/resolv.conf" /etc/resolv.conf
# The dead link shows itself only in what does not come back.
until ! ping -c 1 -W 0.2 10.1.0.1 >/dev/null; do :; done
"$1" run --explain --report "$TMP/report" -- curl -4 -fsS --max-time 10 -o "$TMP/got" -w 'total %{time_total}\n' "http://$2/small" >"$TMP/times" 2>"$TMP/words"
EOF

begin() {
	cat "$RIVULET_SCENARIOS/pair.yaml" - >"$TMP/dead.yaml" <<'EOF'
events:
  - {at: 0s, link: wifi, do: blackhole}
EOF
	expect "$1" rivulet lab run "$TMP/dead.yaml" --also "$SERVER_SETUP" --also "server: $NAMES" \
		--also "server: $SERVER" -- env TMP="$TMP" sh "$TMP/inside.sh" "$RIVULET" "$2"
	cmp "$TMP/www/small" "$TMP/got" || fail "$1: other bytes"
	cat "$TMP/times"
	expect_text 'link wlan0 does not answer' "$TMP/words"
	python3 -c 'import sys; sys.exit(float(sys.argv[1]) > 1.5)' "$(sed 's/total //' "$TMP/times")" ||
		fail "$1: too late: $(cat "$TMP/times")"
}

# Lost: a program would wait for ever, or for minutes, for its first connection.
in_time begin "an address" 10.9.0.1
in_time begin "a name" some.where.test

# Lost: when the link is well again, everything would go on by the other one.
cat "$(dirname "$0")/soon.sh" - >"$TMP/heals" <<'EOF'
is_well() { ! ip rule | grep -q "^32101:"; }
curl -4 -fsS -o /dev/null http://10.9.0.1/small
! is_well || { echo "nobody finds that it is dead" >&2; exit 3; }
tc qdisc del dev wlan0 root
soon 10 is_well || { echo "nobody finds that it is well" >&2; exit 4; }
EOF
cat >"$TMP/heals.sh" <<'EOF'
set -eu
tc qdisc add dev wlan0 root bfifo limit 1 # nothing leaves
"$1" run --quiet -- sh "$TMP/heals"
[ -z "$(ip rule | grep 32101)" ]
EOF
expect "the link heals" rivulet lab run pair --also "$SERVER_SETUP" --also "server: $SERVER" -- \
	env TMP="$TMP" sh "$TMP/heals.sh" "$RIVULET"

# Lost: every start would wait for a gate that is not needed.
begin_well() {
	expect "a link that is well" rivulet lab run pair -- "$RIVULET" run --explain -- \
		python3 -c 'import socket; socket.socket()'
	if grep -q 'does not answer' "$OUT"; then fail "a link that is well was found dead"; fi
}
in_time begin_well
