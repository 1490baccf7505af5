#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# However a lab ends, nothing of it is left: no process (and so no namespace), device, mount or file.
# Lost otherwise: a machine that gets slower with every experiment, and needs a reboot.

# Root has a network and a /tmp of its own here, so that nothing else changes what is compared (unless that would hide
# what is tested).
case $0:$RIVULET in
/tmp/* | *:/tmp/*) ;;
*)
	if [ "$(id -u)" = 0 ] && [ -z "${ISOLATED:-}" ]; then
		ISOLATED=1 exec unshare --net --mount sh -c 'mount -t tmpfs tmpfs /tmp && exec sh "$0"' "$0"
	fi
	;;
esac
. "$(dirname "$0")/lib.sh"
need python3 pgrep

# What the command of a lab does to tell that it is there.
TELL="touch $TMP/there"
STUBBORN="trap '' INT TERM HUP; while :; do sleep 1000; done"

# In the environment of every process of a lab, and of no other. (Numbers of namespaces would not
# do: they are used again at once.)
MARK=$(basename "$TMP")
AS_USER="env LAB_MARK=$MARK $AS_USER"

all_gone() {
	! grep -qzsx "LAB_MARK=$MARK" /proc/[0-9]*/environ
}

host_state() {
	ip -o link
	ls -a /tmp
	cut -d' ' -f3- /proc/self/mountinfo
}

begin() {
	rm -f "$TMP/there"
	if [ -n "${ISOLATED:-}" ]; then host_state >"$TMP/before"; fi
}

# $1: what happened; the lab has ended, or was told to.
check() {
	[ -e "$TMP/there" ] || fail "$1: the command was never there"
	until_true 2 "$1: all is gone" all_gone
	if [ -n "${ISOLATED:-}" ]; then
		host_state >"$TMP/after"
		diff "$TMP/before" "$TMP/after" >&2 || fail "$1: something is left"
	fi
}

# $1: wanted exit code of the last process in the background
ends_with() {
	code=0
	wait "$!" || code=$?
	[ "$code" = "$1" ] || fail "ended with $code, not $1"
}

# The check can see a lab at all.
begin
background_rivulet lab run pair -- sh -c "$TELL; exec sleep 1000"
until_true 10 "the command is there" test -e "$TMP/there"
! all_gone || fail "a lab that runs is not seen"
kill -TERM "$!"
ends_with 143
check "SIGTERM"

begin
expect_code 3 rivulet lab run pair -- sh -c "$TELL; sleep 1000 & setsid sleep 1000 & exit 3"
check "a command that leaves processes behind"

begin
expect "servers" rivulet lab run pair --also "server: sleep 1000 & exec python3 -m http.server 80" \
	--also "server: trap '' TERM; python3 -m http.server 81" -- sh -c "$TELL"
check "servers, one of which does not want to end"

for signal in INT:130 HUP:129; do
	begin
	background_rivulet lab run pair -- sh -c "$TELL; exec sleep 1000"
	until_true 10 "the command is there" test -e "$TMP/there"
	kill -"${signal%:*}" "$!"
	ends_with "${signal#*:}"
	check "SIG${signal%:*}"
done

begin
background_rivulet lab run pair --also "server: $TELL; sleep 1000" -- true
until_true 10 "the server is there" test -e "$TMP/there"
kill -TERM "$!"
ends_with 143
check "SIGTERM before the command was started"

begin
background_rivulet lab run pair --also "server: trap '' TERM; python3 -m http.server 80" -- \
	sh -c "setsid sh -c \"$STUBBORN\" & $TELL; $STUBBORN"
until_true 10 "the command is there" test -e "$TMP/there"
kill -KILL "$!"
ends_with 137
check "SIGKILL of rivulet, with a command that ignores everything else"

begin
background_rivulet lab run pair -- sh -c "$TELL; $STUBBORN"
until_true 10 "the command is there" test -e "$TMP/there"
kill -KILL "$(pgrep -P "$!")"
ends_with 125
check "SIGKILL of the lab's init"
