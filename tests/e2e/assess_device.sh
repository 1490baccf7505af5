#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A measurement on a whole emulated device, where QEMU and a kernel are there; and what is said where they are not.
. "$(dirname "$0")/lib.sh"
need jq unshare ip

cell() {
	"$RIVULET" assess --out "$TMP/out" --scenario pair --workload bulk-down --profile device --stack native --protocol mptcp \
		--repetitions 1 --duration 500ms "$@"
}

# Lost: the addresses of a device's real links, when somebody starts by hand what is for labs.
cat >"$TMP/by-hand" <<'EOF2'
ip link add real type veth peer name other
ip addr add 192.0.2.7/24 dev real
code=0
"$RIVULET" load emulate --folder="$TMP" --scenario="$RIVULET_SCENARIOS/pair.yaml" -- true || code=$?
ip addr show dev real | grep -q 192.0.2.7 || exit 99
exit $code
EOF2
expect_code 1 env TMP="$TMP" unshare --user --map-root-user --net sh "$TMP/by-hand"
expect_text "link '(real|other)' is none of the scenario's" "$OUT"

# Lost: somebody would look for the profile, and not know what it takes.
mkdir "$TMP/bin" "$TMP/empty"
printf '#!/bin/sh\n' >"$TMP/bin/qemu-system-x86_64"
chmod +x "$TMP/bin/qemu-system-x86_64"
if [ "$(uname -m)" != x86_64 ]; then
	expect_code 1 cell --dry-run
	expect_text 'x86_64 only' "$OUT"
	skip "a device is emulated on x86_64 only; of the rest, what is said was tested"
fi
expect_code 1 env "PATH=$TMP/empty" "$RIVULET" assess --profile device --dry-run
expect_text "'device' cannot be had here: .*install Debian's package qemu-system-x86" "$OUT"
expect_code 1 env "PATH=$TMP/bin" "RIVULET_DEVICE_KERNEL=$TMP/empty" "$RIVULET" assess --profile device --dry-run
expect_text "there is no kernel of Debian's .*fetch-device-kernel" "$OUT"
# Lost: --full as a whole, to a part of it that cannot be had.
env "PATH=$TMP/empty" "$RIVULET" assess --full --dry-run --out "$TMP/out" >"$TMP/plan" 2>"$TMP/words" || fail "--full --dry-run failed"
expect_text "without profile 'device'" "$TMP/words"
grep -q / "$TMP/plan" || fail "--full plans nothing"
! grep -q '/device/' "$TMP/plan" || fail "--full plans a device that cannot be had"

if grep -q __asan_init "$RIVULET"; then
	skip "a sanitized program needs more memory than the device has; what is said without one was tested"
elif ! cell --dry-run >"$TMP/words" 2>&1; then
	skip "no device here, but what is said without one was tested: $(cat "$TMP/words")"
fi

# Lost: figures that are not those of the device, or no device.
expect "a cell on a device" cell
jq -es 'any(.[]; .profile == "device" and .ok and .subflows >= 2 and .fallbacks == 0 and
	.figures.goodput > 1e5 and .figures.memory > 1e5 and .figures["cpu-per-gb"] > 0 and .figures.cpu <= 1.05 and
	.cpus > 0 and .cpus < 1 and .links.wifi > 1000 and .links.lte > 1000)' "$TMP/out/results.jsonl" >/dev/null ||
	fail "figures: $(jq -c 'del(.rate_down)' "$TMP/out/results.jsonl")"
[ ! -e "$TMP/out/.rivulet-cell" ] || fail "left: $(ls "$TMP/out/.rivulet-cell")"
