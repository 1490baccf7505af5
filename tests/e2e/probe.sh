#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a device is said to be able to do, it can; and where something is missing, the reason is the true one.
. "$(dirname "$0")/lib.sh"
need jq unshare setpriv prlimit

# Lost: a person would choose by what is not so.
expect "for people" rivulet probe
expect_text '^device .*Linux' "$OUT"
expect_text '^  native +yes' "$OUT"
expect_text '^  host +yes' "$OUT"
"$RIVULET" probe --json >"$TMP/probe" || fail "--json failed"
[ "$(wc -l <"$TMP/probe")" = 1 ] || fail "not one line"
jq -e --arg machine "$(uname -m)" --arg kernel "$(uname -r)" --argjson cpus "$(nproc)" '
	.device.architecture == $machine and .device.kernel == $kernel and .device.cpus_usable == $cpus and
	.device.memory_bytes > .device.memory_free_bytes and
	all(.calibration[]; . > 0) and .calibration.system_call_ns < .calibration.packet_ns and
	any(.stacks[]; .name == "host" and .available)' "$TMP/probe" >/dev/null || fail "wrong: $(cat "$TMP/probe")"

# Lost: who asks only what there is would wait for measurements.
"$RIVULET" probe --json --quick | jq -e '.calibration == null' >/dev/null || fail "--quick measures"

# missing WHICH REASON COMMAND...: what COMMAND takes away is missed, and said why.
missing() {
	which=$1 reason=$2
	shift 2
	"$@" "$RIVULET" probe --json --quick >"$TMP/less" || fail "without $which: failed"
	jq -e --arg which "$which" --arg reason "$reason" '
		[.features[], .stacks[]] | any(.[]; .name == $which and (.available | not) and (.why | test($reason)))' \
		"$TMP/less" >/dev/null || fail "$which: $(jq -c . "$TMP/less")"
	echo "missed: $which"
}

# Lost: a person would look for the fault elsewhere.
missing net-admin CAP_NET_ADMIN setpriv --bounding-set=-net_admin --inh-caps=-net_admin
if [ "$(id -u)" = 0 ]; then
	# A stack that would find no links, once it was started, cannot run here.
	missing packets 'neither CAP_NET_RAW nor CAP_NET_ADMIN' setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
		--bounding-set=-net_admin,-net_raw
	jq -e 'all(.stacks[] | select(.name == "lkl" or .name == "uml"); .available | not) and
		any(.attachments[]; .name == "inside" and (.why | test("it needs packets")))' "$TMP/less" >/dev/null ||
		fail "stacks without packets: $(jq -c .stacks "$TMP/less")"
	# Where /dev/shm has no code, another folder has.
	unshare --mount sh -c 'mount -o remount,bind,noexec /dev/shm; exec "$@"' sh "$RIVULET" probe --json --quick |
		jq -e 'any(.features[]; .name == "shm-exec" and .available) and
			any(.attachments[]; .name == "inside" and .available)' >/dev/null || fail "a stack that can run is denied"
	missing native 'net.mptcp.enabled=1' unshare --net sh -c 'echo 0 >/proc/sys/net/mptcp/enabled; exec "$@"' sh
	# What programs are given a stack by goes with what it needs.
	"$RIVULET" run --quiet --as-root -- "$RIVULET" probe --json --quick | jq -e '
		any(.attachments[]; .name == "substitute" and (.available | not) and (.why | test("seccomp-notify"))) and
		any(.attachments[]; .name == "proxy" and .available)' >/dev/null || fail "attachments under a filter"
	# A sanitizer would want a thread to look for leaks.
	for which in user-namespaces seccomp-notify; do
		missing $which 'cannot be tried' prlimit --nproc=1 setpriv --reuid=65531 --regid=65531 --clear-groups \
			env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
	done
	missing network-namespaces 'max_user_namespaces' \
		unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh
	missing seccomp-notify 'under such a filter already' "$RIVULET" run --quiet --as-root --
fi

expect_code 2 "$RIVULET" probe everything
expect_code 2 "$RIVULET" probe --fast
expect_code 1 sh -c '"$1" probe --quick >/dev/full' sh "$RIVULET"
