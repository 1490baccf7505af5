#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a task of somebody else could do to a device: nothing. It is stopped, its owner is told why, and the node stays well.
. "$(dirname "$0")/node_lib.sh"
need bwrap

cat >"$TMP/inside.sh" <<'EOF3'
cd "$TMP"
echo secret >"$TMP/secret"
chmod 644 "$TMP/secret"
submit() { timeout 60 "$RIVULET" submit --state "$TMP/ada" "$@"; }
# ends WORDS OPTION... -- COMMAND: it ends so, and the node is well afterwards.
ends() {
	words=$1
	shift
	submit --wait --json "$@" >"$TMP/json" 2>"$TMP/err" || :
	python3 -c '
import json, sys
t = json.load(open(sys.argv[1]))["tasks"][0]
end = t.get("end", t["state"])
sys.exit(end != sys.argv[2] and end)' "$TMP/json" "$words" || fail "'$*' does not end as '$words'"
	timeout 5 "$RIVULET" peers --state "$TMP/ada" >/dev/null || fail "the node does not answer after '$*'"
}
# fails COMMAND...: what it tries does not work.
fails() {
	! submit --wait -- "$@" >"$TMP/out" 2>"$TMP/err" || fail "'$*' works: $(cat "$TMP/out")"
}

found --slots 2 --take-tasks --load-most 1000
ends 'stopped: it ran longer than its limit' --time 300ms -- sleep 50
ends 'stopped: it ran longer than its limit' --time 300ms -- sh -c 'trap "" TERM INT HUP; while :; do :; done'
ends 'stopped: it started more processes than its limit' --processes 30 -- sh -c 'f() { f | f & f; }; f'
ends 'stopped: it wrote more than its limit' --disk 3MB -- sh -c 'cat /dev/zero >big; sleep 50'
ends 'stopped: it wrote more than its limit' --disk 3MB -- sh -c 'cat /dev/zero >/tmp/big'
ends 'stopped: it wrote more than its limit' --disk 3MB -- sh -c 'cat /dev/zero >/dev/shm/big'
ends 'stopped: it wrote more than its limit' --disk 30MB -- sh -c 'i=0; while :; do i=$((i + 1)); : >$i; done'
ends 'stopped: it needed more memory than its limit' --memory 60MB --disk 1MB -- python3 -c 'x = b"x" * 300000000'
ends 'stopped: it ran longer than its limit' --time 500ms -- yes
ends 'killed by signal 9' -- sh -c 'kill -KILL $$'
ends 'exit status 0' -- sh -c 'kill -KILL -1; exit 0'
ends 'an output is missing, or is no file' -o "$TMP/stolen" -- ln -s "$TMP/secret" stolen
ends 'an output is missing, or is no file' -o "$TMP/stolen" -- mkfifo stolen
[ ! -e "$TMP/stolen" ] || fail "an output that is a link was followed"

fails cat "$TMP/secret"
fails cat /etc/shadow
fails ls "$TMP"
fails ls /home
fails ls /root
fails sh -c 'echo x >/usr/bin/rivulet-test'
fails sh -c 'echo x >/x'
fails mount -t tmpfs x /mnt
fails python3 -c 'import socket; socket.create_connection(("10.3.1.1", 4556), 2)'
fails python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect("'"$TMP"'/ada/control")'
submit --wait -- sh -c 'ls /sys /proc/1/root/var; cat /proc/net/dev' >"$TMP/out" 2>/dev/null || :
! grep -Eq 'wlan|bnep|eth' "$TMP/out" || fail "links of the device are seen: $(cat "$TMP/out")"
submit --wait -- sh -c 'ps ax 2>/dev/null || ls -d /proc/[0-9]*' >"$TMP/out"
! grep -q 'rivulet node' "$TMP/out" || fail "processes of the device are seen"
# An input can neither be changed nor taken away from others.
echo good >"$TMP/input"
submit --wait -i "$TMP/input" -- sh -c 'echo bad >input; rm -f input; chmod 777 input; echo bad >input' >/dev/null 2>&1 || :
[ "$(submit --wait -i "$TMP/input" -- cat input)" = good ] || fail "a task has changed an input of another"

# Lost: memory, disk and control groups of a device, to tasks that are over.
none_left() {
	for group in $(find /sys/fs/cgroup -name 'rivulet-task-*' 2>/dev/null); do
		pid=${group#*rivulet-task-}
		kill -0 "${pid%%-*}" 2>/dev/null || [ ! -d "$group" ] || return 1
	done
}
soon 20 none_left || fail "a control group is left: $group"
[ -z "$(ls -A "$TMP/ada/tasks")" ] || fail "folders are left: $(ls "$TMP/ada/tasks")"
stop ada

# Lost: the battery, and patience, of whoever lends a device.
mkdir -p "$TMP/sensors/BAT0"
echo Battery >"$TMP/sensors/BAT0/type"
echo 20 >"$TMP/sensors/BAT0/capacity"
echo Discharging >"$TMP/sensors/BAT0/status"
echo '0.10 0.10 0.10 1/100 1000' >"$TMP/sensors/loadavg"
start ada --take-tasks --sensors "$TMP/sensors"
logged ada "runs nobody else's tasks for now: battery 20 %"
echo Charging >"$TMP/sensors/BAT0/status"
soon 10 sh -c '[ "$(grep -c "runs others. tasks" "$1/ada.log")" = 1 ]' sh "$TMP" || fail "a device that is plugged in lends nothing"
echo '999.00 0.10 0.10 1/100 1000' >"$TMP/sensors/loadavg"
soon 10 sh -c '[ "$(grep -c "runs nobody" "$1/ada.log")" = 2 ]' sh "$TMP" || fail "a busy device lends itself"
ends 'exit status 0' -- true
# Nobody has a battery of -1 %.
rm -r "$TMP/sensors/BAT0"
echo '0.10 0.10 0.10 1/100 1000' >"$TMP/sensors/loadavg"
soon 10 sh -c '[ "$(grep -c "runs others. tasks" "$1/ada.log")" = 2 ]' sh "$TMP" || fail "an idle device lends nothing"
echo '999.00 0.10 0.10 1/100 1000' >"$TMP/sensors/loadavg"
logged ada "runs nobody else's tasks for now: load "
stop ada

# Lost: a device without a sandbox, to the first task. Its own are run.
mkdir "$TMP/bin"
for program in sh cat; do ln -s "$(command -v $program)" "$TMP/bin"; done
(PATH=$TMP/bin && export PATH && exec "$RIVULET" node --state "$TMP/ada" --as-it-is --take-tasks 2>>"$TMP/ada.log") &
echo $! >"$TMP/ada.pid"
logged ada "runs nobody else's tasks, for there can be no sandbox here: cannot start 'bwrap'"
echo works >"$TMP/input"
soon 10 "$RIVULET" peers --state "$TMP/ada" || fail "the node does not begin"
submit --wait -i "$TMP/input" -o "$TMP/copy" -- sh -c 'cat input >copy' || fail "its own task is not run"
same "$TMP/input" "$TMP/copy"
stop ada
EOF3
in_lab
