# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the tests of `rivulet node` share, on top of lib.sh. A test ends with `in_lab`: the file "$TMP/inside.sh" is run on ada in
# the scenario "drop" (RIVULET, TMP are set), beginning with what is written here:
#
#   on HOST COMMAND...      in that host
#   start HOST [OPTION...]  a node there; its log is $TMP/HOST.log, its folder $TMP/HOST. It sets up links if $AS_IT_IS is empty
#   stop HOST, crash HOST   by SIGTERM, SIGKILL
#   rv HOST COMMAND...      rivulet COMMAND --state of that node, in that host
#   found [OPTION...]       ada founds a crowd, and her node starts
#   join HOST...            makes them nodes of it, wherever they are; ada's node must run
#   near A B, meets A B     A's node hears B's, has a contact with it
#   logged HOST RE          HOST's log says so by and by
#   soon SECONDS CMD        waits for a condition (soon.sh)
#   make_file FILE SIZE     random bytes
. "$(dirname "$0")/lib.sh"
need python3 ip curl

cat "$(dirname "$0")/soon.sh" - >"$TMP/begin.sh" <<'EOF2'
set -eu
NODES='' TOLD=''
AS_IT_IS=--as-it-is
# No Avahi of this machine hears of what is only in a lab.
DBUS_SYSTEM_BUS_ADDRESS=unix:path=$TMP/no-bus
export DBUS_SYSTEM_BUS_ADDRESS
# The reason stands last: where all is too much, the end is what is shown.
fail() {
	for log in "$TMP"/*.log; do echo "--- $log" >&2; tail -n 15 "$log" >&2; done
	echo "$*" >&2
	TOLD=yes
	exit 1
}
on() {
	if [ "$1" = ada ]; then
		shift
		"$@"
	else
		host=$1
		shift
		"$RIVULET" lab on "$host" -- "$@"
	fi
}
# The process itself, which `lab on` may be the parent of.
node_pid() { cat "$TMP/$1.pid"; }
start() {
	host=$1
	shift
	on "$host" sh -c 'echo $$ >"$1.pid"; log=$1.log; shift; exec "$@" 2>>"$log"' sh "$TMP/$host" \
		"$RIVULET" node --state "$TMP/$host" $AS_IT_IS "$@" &
	NODES="$NODES $!"
	soon 10 "$RIVULET" peers --state "$TMP/$host" || fail "the node of $host does not begin"
}
stop() {
	kill -TERM "$(node_pid "$1")"
	soon 10 gone "$1" || fail "the node of $1 does not end"
}
gone() { ! kill -0 "$(node_pid "$1")" 2>/dev/null; }
crash() {
	kill -KILL "$(node_pid "$1")"
	soon 10 gone "$1"
}
end_all() {
	for host in ada bob cyd dan eve fay; do
		[ ! -e "$TMP/$host.pid" ] || kill -KILL "$(node_pid "$host")" 2>/dev/null || :
	done
}
trap 'code=$?; end_all; [ $code = 0 ] || [ -n "$TOLD" ] || fail "a command ended with $code"' EXIT
rv() {
	host=$1
	command=$2
	shift 2
	on "$host" "$RIVULET" "$command" "$@" --state "$TMP/$host"
}
# Ada founds a crowd.
found() {
	"$RIVULET" crowd new lab --name ada --state "$TMP/ada" >/dev/null || fail "no crowd"
	start ada "$@"
}
join() {
	for host in "$@"; do
		token=$("$RIVULET" crowd invite --state "$TMP/ada")
		"$RIVULET" crowd join "$token" --name "$host" --state "$TMP/$host" --at 127.0.0.1 >/dev/null ||
			fail "$host cannot join"
	done
}
peer_is() {
	rv "$1" peers --json | python3 -c '
import json, sys
peers = {p["node"]: p for p in json.load(sys.stdin)["peers"]}
sys.exit(not (sys.argv[1] in peers and peers[sys.argv[1]][sys.argv[2]]))' "$2" "$3"
}
near() { peer_is "$1" "$2" near; }
meets() { peer_is "$1" "$2" contact; }
no_more() { ! peer_is "$1" "$2" "$3"; }
logged() { soon 10 grep -Eq -- "$2" "$TMP/$1.log" || fail "$1 does not say '$2'"; }
make_file() { head -c "$2" /dev/urandom >"$1"; }
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
down() { on "$1" ip link set "$2" down; }
up() { on "$1" ip link set "$2" up; }
EOF2

in_lab() {
	cat "$TMP/begin.sh" "$TMP/inside.sh" >"$TMP/all.sh"
	export TMP RIVULET PROGRAM_SOURCES PYTHONDONTWRITEBYTECODE=1
	rivulet lab run drop -- sh "$TMP/all.sh" || fail "inside the lab"
}
