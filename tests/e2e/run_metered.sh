#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What NetworkManager knows of a link's price holds where nobody says otherwise. The bus and the NetworkManager on it are
# the test's own.
. "$(dirname "$0")/run_lib.sh"
need curl jq dbus-daemon

make_file file 8000000
cat >"$TMP/bus.conf" <<END
<busconfig>
  <type>system</type>
  <listen>unix:path=$TMP/bus</listen>
  <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>
END
DBUS_SYSTEM_BUS_ADDRESS=unix:path=$TMP/bus
export DBUS_SYSTEM_BUS_ADDRESS

cat "$(dirname "$0")/soon.sh" - >"$TMP/inside.sh" <<'EOF2'
set -eu
dbus-daemon --config-file="$TMP/bus.conf" --nofork & bus=$!
trap 'kill $bus $manager 2>/dev/null' EXIT
hardware() { ip -br link show "$1" | awk '{ print $3 }'; }
address=$(hardware wwan0)
mkfifo "$TMP/there" "$TMP/orders"
exec 9<>"$TMP/orders"
until [ -e "$TMP/bus" ]; do sleep 0.05; done

# manager ADDRESS METERED [LINK]: in place of the last one, of wwan0 or LINK
manager=
manager() {
	[ -z "$manager" ] || { kill $manager; wait $manager || :; }
	"$PROGRAMS/manager" "${3:-wwan0}" "$1" "$2" <"$TMP/orders" >"$TMP/there" & manager=$!
	read -r there <"$TMP/there"
}
# wwan0 EXPRESSION OPTION... (NetworkManager is not waited for for long, and on a busy machine may answer too late)
is_wwan0() {
	"$RIVULET" links --json "${@:2}" >"$TMP/links"
	jq -e ".links[] | select(.name == \"wwan0\") | $1" "$TMP/links" >/dev/null
}
wwan0() {
	soon 5 is_wwan0 "$@" || { cat "$TMP/links" >&2; echo "wwan0 $*" >&2; exit 1; }
}
not_metered='.use == "used" and .policy == "default" and (.metered | not)'

wwan0 "$not_metered" # no NetworkManager

# Lost: money, for bytes that another link would have carried for nothing.
for metered in 1 3; do
	manager "$address" $metered
	wwan0 '.use == "backup" and .policy == "metered" and .metered'
done
# (When the machine stands still a link may seem to be silent, and then it is used.)
for chance in 1 2 3; do
	"$RIVULET" run --explain --report "$TMP/report" -- curl -4 -fsS -o /dev/null http://server/file 2>"$TMP/words"
	cat "$TMP/words"
	grep -q 'does not answer' "$TMP/words" || break
	echo "chance $chance was not taken"
done

# Lost: what the user says, as NetworkManager knows better.
wwan0 '.use == "used" and .metered' --links wlan0,wwan0
wwan0 '.use == "not used"' --not wwan0

# Lost: half of the rate, for a link that costs nothing or is another one of the same name.
for metered in 0 2 4; do
	manager "$address" $metered
	wwan0 "$not_metered"
done
manager 02:00:00:00:00:99 1
wwan0 "$not_metered"
manager "" 1 # a modem's
wwan0 '.policy == "metered"'

# Lost: nothing would start while NetworkManager hangs.
kill -STOP $manager
timeout 10 "$RIVULET" links >/dev/null || { echo "waits for NetworkManager" >&2; exit 1; } # D-Bus waits for 25 s
kill -CONT $manager

# carries LINK, rests LINK: in half a second
received() { ip -j -s link show "$1" | jq '.[0].stats64.rx.bytes'; }
moved() {
	before=$(received "$1")
	sleep 0.5
	echo $(($(received "$1") - before))
}
carries() { [ "$(moved "$1")" -gt 200000 ]; }
none_left() { [ -z "$(ip mptcp endpoint)" ]; }
rests() { [ "$(moved "$1")" -lt 20000 ]; }
is_served() { : </dev/tcp/127.0.0.1/1080; }
must() { soon 20 "$@" || { echo "$where: not: $*" >&2; exit 1; }; }

# follows WHERE COMMAND...: which loads for long there
follows() {
	where=$1
	shift
	manager "$address" 0
	"$@" & run=$!
	must carries wwan0
	must carries wlan0
	echo 1 >&9
	must rests wwan0
	must carries wlan0
	echo 2 >&9
	must carries wwan0
	# The link that the connection began on, which another NetworkManager knows of.
	manager "$(hardware wlan0)" 3 wlan0
	must rests wlan0
	must carries wwan0
	echo 4 >&9
	must carries wlan0
	kill -0 $run
	kill $run
	wait $run || :
	must none_left
}

# Lost: money, as a link has become metered while the program runs; or what a link carries that is not any more.
for stack in $STACKS; do
	follows "$stack" "$RIVULET" run --quiet --stack "$stack" -- curl -4 -fsS -o /dev/null http://server/long
done
# Lost: the same, of a proxy that has no supervisor.
case $STACKS in
*lkl*)
	"$RIVULET" proxy --quiet --stack lkl & proxy=$!
	soon 20 is_served
	follows "proxy on lkl" curl -4 -fsS -o /dev/null -x socks5h://127.0.0.1:1080 http://server/long
	kill $proxy
	wait $proxy
	;;
esac
EOF2
truncate -s 2G "$TMP/www/long" # nobody reads what is in it
STACKS=native
[ ! -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || STACKS="$STACKS lkl"
if [ -x "$(dirname "$RIVULET")/kernel/rivulet-uml" ] && ! grep -q __asan_init "$RIVULET"; then STACKS="$STACKS uml"; fi
export STACKS
expect "metered links" pair_lab env TMP="$TMP" RIVULET="$RIVULET" PROGRAMS="$PROGRAMS" bash "$TMP/inside.sh"
expect_text 'link wwan0 .*used as a backup: it is metered' "$OUT"
report_has "share.get('wwan0', 0) < 0.05"
