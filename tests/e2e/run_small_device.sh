#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A device whose kernel was built without MPTCP, Debian's User Mode Linux, in the place of the lab's phone: its links are that
# one's, its files the host's, which it cannot change. By stack lkl a program there uses both links, and survives that one goes.
. "$(dirname "$0")/run_lib.sh"
need curl linux.uml nstat
! grep -q __asan_init "$RIVULET" || skip "the device's address space has no room for the shadow of a sanitized program"
[ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"

make_file file 16000000
mkdir "$TMP/uml"
export TMP

# The server; and what its kernel has seen of MPTCP so far.
SERVER="sh -c '$RIVULET run --quiet -- $NGINX & while sleep 0.1; do nstat -asz MPTcpExtMPCapableSYNRX MPTcpExtMPJoinAckRx >$TMP/seen.new; mv $TMP/seen.new $TMP/seen; done'"
seen() { # COUNTER
	awk -v wanted="MPTcpExt$1" '$1 == wanted { print int($2) }' "$TMP/seen"
}

# The device's first process; "what" says what is to be done. Its words are the host's standard output.
cat >"$TMP/init" <<'EOF'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
end() {
	echo "device: $*"
	echo o >/proc/sysrq-trigger
	exec sleep 60
}
mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /run || end "cannot mount"
mkdir /dev/pts /dev/shm
mount -t devpts devpts /dev/pts && mount -t tmpfs tmpfs /dev/shm || end "cannot mount"
[ ! -e /proc/sys/net/mptcp ] || end "its kernel has MPTCP"
ip link set lo up
number=0
for link in wlan0 wwan0; do
	ip link set vec$number name $link
	number=$((number + 1))
	ip link set $link up
	ip addr add 10.$number.0.2/24 dev $link
	ip route add default via 10.$number.0.1 dev $link metric $((99 + number))
done
got=/run/got
. "$(dirname "$0")/what"
received() { cat /sys/class/net/$1/statistics/rx_bytes; }
cut() {
	until [ "$(stat -c %s $got 2>/dev/null || echo 0)" -gt 4000000 ]; do sleep 0.02; done
	echo "device: cut"
	$cut
}
cut &
"$RIVULET" probe 2>&1 | grep '^  native '
program || end "the program failed"
[ "$(received wwan0)" -gt 1600000 ] || end "LTE carried only $(received wwan0) bytes"
[ "$(received wlan0)" -gt 1600000 ] || end "Wi-Fi carried only $(received wlan0) bytes"
cmp $got "$TMP/www/file" || end "other bytes"
end works
EOF
chmod 755 "$TMP/init"

# The phone's part: the links are the device's now, and the host does not answer for it.
cat >"$TMP/phone" <<'EOF'
for link in wlan0 wwan0; do ip addr flush dev $link; done
LD_PRELOAD=$PROGRAMS/libxstate.so timeout 100 linux.uml mem=192M uml_dir="$TMP/uml" root=/dev/root rootfstype=hostfs rootflags=/ ro \
	con=null con0=null,fd:1 quiet panic=-1 init="$TMP/init" \
	vec0:transport=raw,ifname=wlan0,mac="$(cat /sys/class/net/wlan0/address)" \
	vec1:transport=raw,ifname=wwan0,mac="$(cat /sys/class/net/wwan0/address)" </dev/null 2>&1 |
	while read -r line; do
		echo "$line"
		case $line in *"device: cut"*) $CUT ;; esac
	done
rm -f "$TMP/seen" # what the server saw before it all was over
until [ -e "$TMP/seen" ]; do sleep 0.05; done
EOF

# Boots it; its function "program" writes the file that it gets from the server to $got. When a quarter is there, CUT is done
# inside, or by the host.
device() { # WHAT inside|host CUT
	{
		printf "TMP='%s' RIVULET='%s'\ncut='%s'\n" "$TMP" "$RIVULET" "$([ "$2" = host ] || echo "$3")"
		cat
	} >"$TMP/what"
	rm -f "$TMP/seen"
	CUT=$([ "$2" = inside ] || echo "$3") expect "$1" pair_lab sh "$TMP/phone"
	grep -q 'device: works' "$OUT" || {
		cat "$OUT" >&2
		fail "$1"
	}
	expect_text 'native +no +this kernel was built without MPTCP' "$OUT"
	[ "$(seen MPCapableSYNRX)" -ge 1 ] || fail "$1: the server saw no MPTCP"
	[ "$(seen MPJoinAckRx)" -ge 1 ] || fail "$1: the second link was not used"
	echo "works: $1"
}

# Lost: the second link of a device whose kernel is none of ours to change.
device "a download over both links" inside : <<'EOF'
program() { "$RIVULET" run --stack lkl --as-root -- curl -4 -fsS --max-time 60 -o $got http://10.1.0.1/file; }
EOF

# Lost: the download would die with the link, however that goes: its device knows, or nothing arrives any more.
for cut in inside host; do
	device "Wi-Fi goes, cut by: $cut" $cut "ip link set wlan0 down" <<-'EOF'
	program() { "$RIVULET" run --stack lkl --as-root -- curl -4 -fsS --max-time 60 -o $got http://10.1.0.1/file; }
	EOF
done
