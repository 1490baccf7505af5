#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# One node and its store, with nobody near.
. "$(dirname "$0")/lib.sh"
need unshare ip
export TMP RIVULET RIVULET_NODE="$TMP/node"

cat "$(dirname "$0")/soon.sh" - >"$TMP/inside.sh" <<'EOF2'
set -eu
cd "$TMP"
fail() {
	echo "$*" >&2
	cat "$TMP/log" >&2
	exit 1
}
uploads() { find node/store/objects -name 'upload-*' | wc -l; }
no_uploads() { [ "$(uploads)" = 0 ]; }
ip link set lo up
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$TMP/no-bus"
"$RIVULET" crowd new lab --name ada >/dev/null
"$RIVULET" node --as-it-is --quota 1MB 2>log &
pid=$!
trap 'kill -KILL $pid 2>/dev/null || :' EXIT
soon 10 "$RIVULET" peers >/dev/null || fail "the node does not begin"

# Lost: the disk, beyond the quota, by what did not fit.
head -c 1048576 /dev/urandom >large
! "$RIVULET" put --quiet large >out 2>&1 || fail "what is larger than the quota is taken"
grep -q quota out || fail "no word of the quota"
soon 10 no_uploads || fail "what was refused stays: $(ls -l node/store/objects)"

# Lost: what is being put, by a second start of the same node, which is refused.
mkfifo pipe
"$RIVULET" put --quiet - <pipe >name &
writer=$!
exec 3>pipe
head -c 100000 large >&3
one_upload() { [ "$(uploads)" = 1 ]; }
soon 10 one_upload || fail "nothing is being put"
code=0
"$RIVULET" node --as-it-is --port 4600 2>second || code=$?
[ "$code" = 125 ] || fail "a second node ends with $code"
grep -q 'runs here already' second || fail "it is not said that one runs: $(cat second)"
exec 3>&-
wait $writer || fail "what was being put is lost"
head -c 100000 large >part
"$RIVULET" get --quiet -o got "$(cat name)"
cmp part got || fail "it is other bytes"

# Lost: what files have whose size says something else, or the terminal.
put_all() {
	timeout 30 "$RIVULET" put --quiet "$1" >name || fail "'$1' ends with $?"
	"$RIVULET" get --quiet -o got "$(cat name)"
}
put_all /proc/version
cmp /proc/version got || fail "other bytes of a file of the kernel's"
put_all /sys/class/net/lo/address
cmp /sys/class/net/lo/address got || fail "other bytes of a file that seems longer"
printf 'a line\nthe rest\n' >lines
{ read -r _ && put_all -; } <lines
[ "$(cat got)" = 'the rest' ] || fail "what was left of standard input is '$(cat got)'"

# Lost: a list of tasks that can be read, and a log that only the node writes to.
group=$("$RIVULET" submit -- sh -c ': a
	: b')
soon 10 sh -c '"$RIVULET" tasks "$1" | grep -q "exit status 0"' sh "$group" || fail "a task is not done"
[ "$("$RIVULET" tasks | wc -l)" = 1 ] || fail "a task is more than a line: $("$RIVULET" tasks)"
"$RIVULET" submit -- 'none
rivulet node: forged' >/dev/null
soon 10 grep -q 'does not run a task.*none' log || fail "it is not said why a task is not run"
! grep -q '^rivulet node: forged' log || fail "a task writes lines to the log"

# Lost: the terminal, to an input that nobody writes.
! timeout 10 "$RIVULET" submit -i pipe -- true 2>out || fail "a pipe is an input"
grep -q "'pipe' is no file" out || fail "not refused: $(cat out)"

# Lost: the crowd, to a device whose revocation failed once and could not be had again.
token=$("$RIVULET" crowd invite)
"$RIVULET" crowd join --name bob --state "$TMP/bob" --at 127.0.0.1 "$token" >/dev/null || fail "bob cannot join"
mkdir node/crowd/revoked.pem
! "$RIVULET" crowd revoke bob 2>/dev/null || fail "a list that is not written is no failure"
rmdir node/crowd/revoked.pem
"$RIVULET" crowd revoke bob >/dev/null || fail "bob cannot be revoked any more"
! "$RIVULET" crowd revoke bob 2>/dev/null || fail "bob is revoked twice"

# Lost: the cloud, by names that are relative to where the node was started.
kill $pid
wait $pid || fail "the node ends with $?"
printf '#!/bin/sh\ncd "$1" && shift && exec "$@"\n' >elsewhere
code=0
"$RIVULET" node --as-it-is --state node --cloud command:./elsewhere 2>out || code=$?
[ "$code" = 2 ] || fail "a cloud that cannot be started is none, and it ends with $code"
chmod +x elsewhere
"$RIVULET" node --as-it-is --state node --slots 0 --cloud command:./elsewhere --cloud-delay 10ms 2>>log &
pid=$!
soon 10 "$RIVULET" peers >/dev/null || fail "the node does not begin again"
timeout 30 "$RIVULET" submit --wait --quiet --deadline 1500ms -i name -o copy -- cp name copy || fail "the cloud ends with $?"
cmp name copy || fail "the cloud gave other bytes"

# Lost: what is accepted by a node whose folder was removed.
rm -r node/store
"$RIVULET" submit -- true >/dev/null 2>&1 || :
code=0
wait $pid || code=$?
[ "$code" = 125 ] || fail "without its store the node ends with $code"
grep -q 'the store cannot be written' log || fail "it does not say why it ends"
EOF2
expect "a node alone" unshare --net sh "$TMP/inside.sh"
