# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What tests of programs inside a kernel share, on top of run_lib.sh.
. "$(dirname "$0")/run_lib.sh"

! grep -q __asan_init "$RIVULET" || skip "the kernel's first process cannot be a sanitized one: it has no room for the shadow"
[ -x "$(dirname "$RIVULET")/kernel/rivulet-uml" ] || skip "the kernel is not built: make kernels"

export INSIDE="$RIVULET run --stack uml"

# A download goes on when Wi-Fi goes: its carrier, its address, or silently. $1: `rivulet run` with options, the report among them.
survives_hand_over() {
	{ cat "$RIVULET_SCENARIOS/pair.yaml"; printf 'events:\n  - {at: 700ms, link: wifi, do: blackhole}\n'; } >"$TMP/silent.yaml"
	for how in 'ip link set wlan0 down' 'ip addr flush dev wlan0' silent; do
		case $how in silent) scenario=$TMP/silent.yaml how=: ;; *) scenario=pair ;; esac
		cat >"$TMP/hand-over" <<EOF
$1 --quiet -- curl -4 -fsS --max-time 60 -o '$TMP/got' http://server/file & curl=\$!
until [ "\$(stat -c %s '$TMP/got' 2>/dev/null || echo 0)" -gt 4000000 ]; do kill -0 \$curl || break; sleep 0.02; done
$how
wait \$curl
EOF
		rm -f "$TMP/got"
		expect "$scenario, $how" rivulet lab run "$scenario" --from-traffic --also "server: $SERVER" -- sh "$TMP/hand-over"
		cmp "$TMP/got" "$TMP/www/file" || fail "$how: other bytes"
		report_has 'r["connections"] == 1 and share.get("wwan0", 0) > 0.1'
		echo "survives: $scenario, $how"
	done
}
