#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Where our own beacons do not get through, devices find each other by Avahi, each with a bus and an Avahi of its own. What is said
# there is believed for nothing but dialling.
. "$(dirname "$0")/node_lib.sh"
need dbus-daemon avahi-daemon unshare

cat >"$TMP/inside.sh" <<'EOF3'
# bus HOST: a system bus of its own
bus() {
	cat >"$TMP/$1.conf" <<END
<busconfig>
  <type>system</type>
  <listen>unix:path=$TMP/$1.bus</listen>
  <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>
END
	dbus-daemon --config-file="$TMP/$1.conf" --nofork &
	NODES="$NODES $!"
	soon 5 test -e "$TMP/$1.bus" || fail "no bus for $1"
	mkdir "$TMP/$1.services"
	printf '[server]\nhost-name=%s\nuse-ipv4=yes\nuse-ipv6=yes\n' "$1" >"$TMP/$1.avahi"
}
# avahi HOST: its process is $TMP/HOST.avahi.pid
avahi() {
	on "$1" env "DBUS_SYSTEM_BUS_ADDRESS=unix:path=$TMP/$1.bus" unshare -m sh -c '
		mount -t tmpfs run /run && mkdir /run/avahi-daemon && mount --bind "$1.services" /etc/avahi/services
		echo $$ >"$1.avahi.pid"
		exec avahi-daemon -f "$1.avahi" --no-drop-root --no-chroot --no-rlimits' sh "$TMP/$1" 2>"$TMP/$1.avahi.log" &
	soon 10 grep -q 'Server startup complete' "$TMP/$1.avahi.log" || fail "no Avahi in $1"
}
no_avahi() {
	pid=$(cat "$TMP/$1.avahi.pid")
	kill -KILL "$pid"
	soon 5 sh -c '! kill -0 "$1"' sh "$pid" || fail "Avahi does not end"
	: >"$TMP/$1.avahi.log"
}
# with_bus HOST COMMAND...: a command that starts a node
with_bus() {
	DBUS_SYSTEM_BUS_ADDRESS=unix:path=$TMP/$1.bus
	export DBUS_SYSTEM_BUS_ADDRESS
	shift
	"$@"
}
# service HOST NAME TXT PORT: what anybody could announce
service() {
	cat >"$TMP/$1.services/$2.service" <<END
<service-group><name>$2</name><service><type>_dtn-bundle._tcp</type><port>$4</port>
<txt-record>node=$2</txt-record><txt-record>$3</txt-record></service></service-group>
END
}
trap 'end_all; for pid in $NODES $(cat "$TMP"/*.avahi.pid 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || :; done' EXIT

# Without IPv6 there are no beacons.
for host in ada bob; do
	on "$host" sh -c 'for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 >$f; done'
	bus "$host"
done
"$RIVULET" crowd new lab --name ada --state "$TMP/ada" >/dev/null
crowd=$(openssl x509 -in "$TMP/ada/crowd/ca.pem" -outform DER | sha256sum | cut -d ' ' -f 1)

# Lost: neighbours, where multicast DNS is all that gets through. Ada has no Avahi yet when her node begins; somebody on bob's link
# has the name that bob would be announced by.
with_bus ada start ada
join bob
service bob bob crowd=another 9
avahi bob
with_bus bob start bob
avahi ada
soon 20 meets ada bob || fail "no contact by Avahi"
near ada bob && fail "what Avahi says makes a node near"
logged ada "Avahi tells of 'bob' at 10\.3\.[12]\.2"
make_file "$TMP/file" 1000000
id=$(rv ada put "$TMP/file")
rv bob get "$id" -o "$TMP/got"
same "$TMP/file" "$TMP/got"

# Lost: the contact with bob, to anybody who says that another node is where bob is. And whoever says that there is one is no neighbour.
service bob cyd "crowd=$crowd" 4556
no_avahi bob
avahi bob
logged ada "it is 'bob', and not 'cyd'"
meets ada bob || fail "a false name ended the contact"
rv ada peers --json | grep -q cyd && fail "what Avahi says is told as a neighbour"
[ "$(grep -c "contact with 'ada'" "$TMP/bob.log")" = 1 ] || fail "a false name ended the contact"

# Lost: neighbours, after Avahi's restart, and the node itself, while it hangs.
stop bob
soon 10 no_more ada bob contact
no_avahi ada
avahi ada
with_bus bob start bob
soon 20 meets ada bob || fail "no contact after Avahi has started again"
stop bob
kill -STOP "$(cat "$TMP/ada.avahi.pid")"
soon 5 rv ada peers || fail "the node hangs with Avahi"
stop ada
EOF3
in_lab
