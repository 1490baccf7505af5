# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What benchmarks share: `. "$(dirname "$0")/lib.sh"` at the top, then
#
#   need PROGRAM...   fails where one is not installed
#   sandbox "$@"      goes on in a network and a process namespace of its own, as root in it; $TMP is a
#                     folder. Both are gone at the end, whichever way it ends.
#   note WHAT FIGURE  one more measurement of WHAT
#   figure WHAT UNIT [CONDITION]   says the median, the least and the most of what was noted; the
#                     CONDITION, Python over x, is the floor that the median must not miss
#   verdict           ends; fails where a floor was missed
#   received          of iperf3's JSON: bit/s that the receiver got
#   median, calc      of standard input; of Python's arithmetic
#   second_host       another network namespace, joined by veth: 10.9.0.1 here, 10.9.0.2 there
#   there COMMAND...  in that namespace
#   until_listening PORT   there
#
# RIVULET names the program under test, JSON=1 makes figures lines of JSON.
set -eu
RIVULET=$(realpath "${RIVULET:-build/rivulet}")
[ -x "$RIVULET" ] || { echo "$0: there is no $RIVULET: build it, or name it in RIVULET" >&2; exit 1; }
# shellcheck disable=SC2034
TOOLS=$(dirname "$RIVULET")/bench
JSON=${JSON:-}
MISSED=
declare -A NOTED=()

need() {
	local program

	for program; do
		command -v "$program" >/dev/null || { echo "$0 needs $program" >&2; exit 1; }
	done
}

sandbox() {
	local user=--map-root-user inside code=0

	[ -z "${INSIDE:-}" ] || return 0
	[ "$(id -u)" = 0 ] && user=
	TMP=$(mktemp -d /tmp/rivulet-bench.XXXXXX)
	inside=
	# The first process inside takes all others with it; that it was killed is no news then.
	trap 'if [ -n "$inside" ]; then kill -KILL "$inside"; wait; fi || :; rm -rf "$TMP"' EXIT
	trap 'exec 2>/dev/null; exit 130' INT
	trap 'exec 2>/dev/null; exit 143' TERM HUP
	# shellcheck disable=SC2086
	INSIDE=1 RIVULET=$RIVULET TMP=$TMP JSON=$JSON setpriv --pdeathsig KILL \
		unshare --net --pid --fork --kill-child --mount-proc $user "$0" "$@" &
	inside=$!
	wait "$inside" || code=$?
	inside=
	exit "$code"
}

calc() {
	python3 -c "print($*)"
}

median() {
	python3 -c 'import statistics,sys; print(statistics.median(map(float, sys.stdin.read().split())))'
}

received() {
	python3 -c 'import json,sys; print(json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"])'
}

note() {
	NOTED[$1]="${NOTED[$1]:-} $2"
}

figure() {
	# shellcheck disable=SC2086
	python3 - "$JSON" "$1" "$2" "${3:-}" ${NOTED[$1]} <<-'END' || MISSED=1
	import json, statistics, sys
	as_json, what, unit, floor, *samples = sys.argv[1:]
	samples = [float(s) for s in samples]
	x, least, most = statistics.median(samples), min(samples), max(samples)
	ok = not floor or eval(floor)
	if as_json:
	    print(json.dumps({"what": what, "unit": unit, "median": x, "least": least, "most": most,
	                      "samples": samples, "floor": floor or None, "ok": ok}))
	else:
	    print(f"{what:46} {x:9.4f} {unit:6} [{least:.4f} .. {most:.4f}] {floor:16} "
	          f"{('ok' if ok else 'MISSED') if floor else ''}".rstrip())
	sys.exit(not ok)
	END
}

verdict() {
	[ -z "$MISSED" ]
	exit
}

second_host() {
	unshare --net sleep infinity &
	SECOND=$!
	until [ "$(readlink /proc/$SECOND/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
	ip link add bench0 type veth peer name bench1 netns $SECOND
	ip addr add 10.9.0.1/24 dev bench0
	ip link set bench0 up
	there ip addr add 10.9.0.2/24 dev bench1
	there ip link set bench1 up
}

there() {
	nsenter --net="/proc/$SECOND/ns/net" "$@"
}

until_listening() {
	until there ss -Hltn "sport = :$1" | grep -q .; do sleep 0.05; done
}
