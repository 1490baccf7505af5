#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# However a lab ends, nothing of it is left: no process, namespace, device, mount or file.
# Lost otherwise: a machine that gets slower with every experiment, and needs a reboot.

# Root has a network and a /tmp of its own here, so that nothing else changes what is compared.
if [ "$(id -u)" = 0 ] && [ -z "${ISOLATED:-}" ]; then
	ISOLATED=1 exec unshare --net --mount sh -c 'mount -t tmpfs tmpfs /tmp && exec sh "$0"' "$0"
fi
. "$(dirname "$0")/lib.sh"

MARK=1000.$$ # in the command line of every process of ours
STUBBORN="trap '' INT TERM HUP; while :; do sleep $MARK; done"

host_state() {
	ip -o link
	ls -a /tmp
	cut -d' ' -f3- /proc/self/mountinfo
}

# Is a process left that carries the mark, or is in a namespace of the lab?
all_gone() {
	! pgrep -f "$MARK" >/dev/null || return 1
	for ns in $(cat "$TMP/namespaces"); do
		! ls -l /proc/[0-9]*/ns 2>/dev/null | grep -Fq "$ns" || return 1
	done
}

# What the command of a lab does first: it tells its namespaces, and that it is there.
TELL="for ns in net mnt pid; do readlink /proc/self/ns/\$ns; done >$TMP/namespaces.new
	$RIVULET lab on server -- readlink /proc/self/ns/net >>$TMP/namespaces.new
	mv $TMP/namespaces.new $TMP/namespaces"

begin() {
	rm -f "$TMP/namespaces"
	if [ -n "${ISOLATED:-}" ]; then host_state >"$TMP/before"; fi
}

# $1: what happened; the lab has ended, or was told to.
check() {
	[ -s "$TMP/namespaces" ] || fail "$1: the command was never there"
	until_true 5 "$1: all is gone" all_gone
	if [ -n "${ISOLATED:-}" ]; then
		host_state >"$TMP/after"
		sed -i '/namespaces/d' "$TMP/before" "$TMP/after"
		diff "$TMP/before" "$TMP/after" >&2 || fail "$1: something is left"
	fi
}

# $1: wanted exit code of the last process in the background
ends_with() {
	code=0
	wait "$!" || code=$?
	[ "$code" = "$1" ] || fail "ended with $code, not $1"
}

: >"$TMP/before" >"$TMP/after" >"$TMP/namespaces"
begin
rivulet lab run pair -- sh -c "$TELL; sleep $MARK & setsid sleep $MARK & exit 3" && fail "no code"
check "a command that leaves processes behind"

begin
rivulet lab run pair --also "server: sleep $MARK & exec python3 -m http.server 80" \
	--also "server: trap '' TERM; python3 -m http.server 81" -- sh -c "$TELL"
check "servers, one of which does not want to end"

for signal in INT:130 TERM:143 HUP:129; do
	begin
	background_rivulet lab run pair -- sh -c "$TELL; exec sleep $MARK"
	until_true 10 "the command is there" test -s "$TMP/namespaces"
	kill -"${signal%:*}" "$!"
	ends_with "${signal#*:}"
	check "SIG${signal%:*}"
done

begin
background_rivulet lab run pair --also "server: $TELL; sleep $MARK" -- true
until_true 10 "the server is there" test -s "$TMP/namespaces"
kill -TERM "$!"
ends_with 143
check "SIGTERM before the command was started"

begin
background_rivulet lab run pair --also "server: trap '' TERM; python3 -m http.server 80" -- \
	sh -c "$TELL; setsid sh -c \"$STUBBORN\" & $STUBBORN"
until_true 10 "the command is there" test -s "$TMP/namespaces"
kill -KILL "$!"
ends_with 137
check "SIGKILL of rivulet, with a command that ignores everything else"

begin
background_rivulet lab run pair -- sh -c "$TELL; $STUBBORN"
until_true 10 "the command is there" test -s "$TMP/namespaces"
kill -KILL "$(pgrep -P "$!")"
ends_with 125
check "SIGKILL of the lab's init"
