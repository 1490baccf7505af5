#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# An ordinary user runs programs over all links: the right to set them up is rivulet-net's alone, and it cannot be misused.
. "$(dirname "$0")/run_lib.sh"
need setpriv setcap pgrep curl
[ "$(id -u)" = 0 ] || skip "only root can give a file capabilities"

USER_ID=65534 OTHER_ID=65533 OWNER_ID=65532
chmod 755 "$TMP"
# As rivulet-net(8) says: "plain" has the capability only, "owned" an owner of its own too, "without" nothing.
for kind in plain owned without; do
	mkdir "$TMP/$kind"
	cp "$RIVULET" "$RIVULET_NET" "$TMP/$kind"
	chmod 755 "$TMP/$kind"/*
done
chown $OWNER_ID:$USER_ID "$TMP/owned/rivulet-net"
chmod 4755 "$TMP/owned/rivulet-net"
setcap cap_net_admin+ep "$TMP/plain/rivulet-net"
setcap cap_net_admin+ep "$TMP/owned/rivulet-net"
mkdir "$TMP/home"
chown $USER_ID "$TMP/home"
make_file file 4000000

cat >"$TMP/lib" <<EOF
set -eu
TMP=$TMP USER_ID=$USER_ID OTHER_ID=$OTHER_ID OWNER_ID=$OWNER_ID
EOF
cat >>"$TMP/lib" <<'EOF'
fail() { echo "$*" >&2; exit 1; }
state() {
	ip rule; ip -6 rule; ip route show table all; ip -6 route show table all | grep -v expires
	ip mptcp endpoint; ip mptcp limits; cat /proc/sys/net/ipv4/tcp_wmem
}
as() { # UID COMMAND...
	id=$1
	shift
	exec setpriv --reuid="$id" --regid="$id" --clear-groups -- env -u RIVULET_STATE -u XDG_RUNTIME_DIR "$@"
}
# Our processes on this host; the server has some of the same names. A zombie that nobody waits for is none.
ours() { # NAME
	for pid in $(pgrep -x "$1"); do
		[ "$(readlink "/proc/$pid/ns/net")" = "$(readlink /proc/self/ns/net)" ] || continue
		grep -q '^State:.Z' "/proc/$pid/status" || echo "$pid"
	done
}
has() { # NAME UID CAPABILITIES
	all=$(ours "$1")
	[ -n "$all" ] || fail "there is no $1"
	for pid in $all; do
		grep -Eq "^Uid:.$2.$2.$2.$2\$" "/proc/$pid/status" || fail "$1: $(grep Uid "/proc/$pid/status")"
		grep -Eq "^CapEff:.0*$3\$" "/proc/$pid/status" || fail "$1: $(grep CapEff "/proc/$pid/status")"
		grep -Eq "^CapPrm:.0*$3\$" "/proc/$pid/status" || fail "$1: $(grep CapPrm "/proc/$pid/status")"
	done
}
within_two_seconds() {
	tries=40
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}
program() { pgrep -x sleep; }
set_up() { ip rule | grep -q 32100 && ip mptcp endpoint | grep -q 10.2.0.2; }
as_before() { state >"$TMP/now"; cmp -s "$TMP/before" "$TMP/now"; }
is_as_before() { within_two_seconds as_before || { diff "$TMP/before" "$TMP/now" >&2; fail "the host is not as before: $*"; }; }
none_left() { for name in rivulet-super rivulet-watch rivulet-net rivulet-keep; do [ -z "$(ours $name)" ] || return 1; done; }
state >"$TMP/before"
EOF

# Lost: without root a download would use one link, or with root write files that are root's.
cat >"$TMP/download" <<'EOF'
. "${0%/*}/lib"
(as $USER_ID "$TMP/$1/rivulet" run --report "$TMP/home/report" -- curl -fsS -o "$TMP/home/file" http://server/file)
is_as_before "after a download"
[ "$(stat -c %u "$TMP/home/file")" = $USER_ID ] || fail "the file is not the user's"
[ "$(stat -c %u "$TMP/home/report")" = $USER_ID ] || fail "the report is not the user's"
EOF
REPORT=$TMP/home/report
for kind in plain owned; do
	expect "a download by rivulet-net ($kind)" pair_lab sh "$TMP/download" $kind
	cmp "$TMP/www/file" "$TMP/home/file" || fail "other bytes"
	report_has 'min(share.values()) > 0.1 and len(share) == 2'
	rm -f "$TMP/home/file" "$TMP/home/report"
done

# Lost: who breaks into the supervisor, which reads a hostile program's memory, could change the network; or something would
# be left on the host by whoever is killed.
cat >"$TMP/kills" <<'EOF'
. "${0%/*}/lib"
case $1 in plain) net=$USER_ID ;; owned) net=$OWNER_ID ;; esac
for victim in rivulet rivulet-super rivulet-watch rivulet-net rivulet-keep; do
	as $USER_ID "$TMP/$1/rivulet" run --quiet -- sleep 60 &
	within_two_seconds program >/dev/null || fail "the program did not start"
	set_up || fail "nothing was set up"
	for name in rivulet-super rivulet-watch; do
		has $name $USER_ID 0
	done
	has rivulet-net $net 1000
	has rivulet-keep $net 1000
	case $victim in rivulet) dies=$! ;; *) dies=$(ours $victim) ;; esac
	kill -KILL "$dies"
	case $victim in rivulet | rivulet-super | rivulet-net) is_as_before "after $victim's end" ;; esac
	kill -TERM "$(program)" || fail "the program died with $victim"
	wait $! || :
	is_as_before "after the run without $victim"
	within_two_seconds none_left || fail "processes are left after $victim's end"
done
EOF
for kind in plain owned; do
	expect "whoever is killed ($kind)" rivulet lab run pair -- sh "$TMP/kills" $kind
done
