#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A node of a user who is not root: it lends itself in the same sandbox, with the limits that this user may set, and says which he may
# not; where a control group was handed over to him, with all.
E2E_USER=nobody
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need bwrap python3 ip unshare

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	GROUPS_OF="/sys/fs/cgroup/rivulet-test-$$"
	echo '+memory +pids' >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || GROUPS_OF=
else
	GROUPS_OF="/sys/fs/cgroup/memory/rivulet-test-$$ /sys/fs/cgroup/pids/rivulet-test-$$"
fi
export TMP RIVULET AS_USER GROUPS_OF

cat "$(dirname "$0")/soon.sh" - >"$TMP/inside.sh" <<'EOF2'
set -eu
cd "$TMP"
state=$TMP/node pid=
fail() {
	cat "$TMP/log" >&2
	echo "$*" >&2
	exit 1
}
clean() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || :
	for group in $GROUPS_OF; do
		[ ! -d "$group" ] || soon 10 sh -c 'find "$1" -depth -type d -exec rmdir {} +' sh "$group" || :
	done
}
trap clean EXIT
rv() {
	command=$1
	shift
	timeout 60 $AS_USER env -u HOME "$RIVULET" "$command" --state "$state" "$@" # whoever names the folder needs no home
}
start() {
	: >"$TMP/log"
	chmod 666 "$TMP/log"
	# shellcheck disable=SC2016
	sh -c 'for group; do echo 0 >"$group/cgroup.procs"; done
		exec $AS_USER env -u HOME "$RIVULET" node --state "$TMP/node" --as-it-is --take-tasks --slots 2 --load-most 1000 2>>"$TMP/log"' sh "$@" &
	pid=$!
	soon 10 rv peers || fail "the node does not begin"
}
stop() {
	kill -TERM "$pid"
	wait "$pid" || fail "the node ends with $?"
	pid=
}
ends() {
	words=$1
	shift
	rv submit --wait --json "$@" >"$TMP/json" 2>"$TMP/err" || :
	python3 -c '
import json, sys
t = json.load(open(sys.argv[1]))["tasks"][0]
end = t.get("end", t["state"])
sys.exit(end != sys.argv[2] and end)' "$TMP/json" "$words" || fail "'$*' does not end as '$words'"
}
fails() {
	words=$1
	shift
	! rv submit --wait "$@" >"$TMP/out" 2>&1 || fail "'$*' works: $(cat "$TMP/out")"
	grep -q "$words" "$TMP/out" || fail "'$*' does not say '$words': $(cat "$TMP/out")"
}
anywhere() {
	ends 'stopped: it ran longer than its limit' --time 300ms -- sleep 50
	ends 'stopped: it wrote more than its limit' --disk 3MB -- sh -c 'cat /dev/zero >big; sleep 50'
	ends 'exit status 3' -- sh -c 'exit 3'
	fails 'No such file' -- cat "$TMP/secret"
	fails 'No such file' -- cat /etc/passwd
	echo good >"$TMP/input"
	[ "$(rv submit --wait -i "$TMP/input" -- cat input)" = good ] || fail "an input does not arrive"
}
ip link set lo up
echo secret >secret
chmod 644 secret
$AS_USER "$RIVULET" crowd new lab --name ada --state "$state" >/dev/null

# Lost: a device of somebody who is not root, to a task; or his trust in limits that are not there.
start
! grep -q 'there can be no sandbox' log || fail "no sandbox for an ordinary user"
grep -q 'no control group limits the memory and processes of a task as a whole' log || fail "it does not say what is missing"
anywhere
fails MemoryError --memory 60MB --disk 1MB -- python3 -c 'x = b"x" * 300000000'
fails 'Cannot fork' --processes 30 -- sh -c 'i=0; while [ $i -lt 60 ]; do sleep 50 & i=$((i + 1)); done'
stop

# Lost: the limits of systemd's Delegate=.
# shellcheck disable=SC2086 # a list of words
if [ -z "$GROUPS_OF" ] || ! mkdir $GROUPS_OF 2>/dev/null; then
	echo "no control groups can be made here: that part is left out" >&2
	exit 0
fi
for group in $GROUPS_OF; do
	for file in "$group" "$group/cgroup.procs" "$group/cgroup.subtree_control"; do
		[ ! -e "$file" ] || chown 65534:65534 "$file"
	done
done
# shellcheck disable=SC2086
start $GROUPS_OF
! grep -q 'no control group' log || fail "the group that was handed over is not used"
anywhere
ends 'stopped: it needed more memory than its limit' --memory 60MB --disk 1MB -- python3 -c 'x = b"x" * 300000000'
ends 'stopped: it started more processes than its limit' --processes 30 -- sh -c 'f() { f | f & f; }; f'
ends 'exit status 0' -- true
none_left() { [ -z "$(find $GROUPS_OF -name 'rivulet-task-*')" ]; }
soon 10 none_left || fail "a control group is left"
stop
EOF2
expect "a node of an ordinary user" unshare --net sh "$TMP/inside.sh"
