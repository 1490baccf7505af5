#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A stack behind the host, whose links it cannot share: it uses them all, is reached, follows them; the host becomes a router for
# nobody, and is as it was before.
. "$(dirname "$0")/inside_lib.sh"
need curl python3 ip pgrep setpriv ping

make_file file 12000000
NAT="$INSIDE --ports nat --report '$REPORT'"

# Lost: the second link, or bytes.
for family in 4 6; do
	[ $family = 4 ] || [ -e /proc/sys/net/ipv6/conf/default/force_forwarding ] || { echo "IPv6 is not forwarded by this kernel" >&2; continue; }
	expect "curl -$family" pair_lab sh -c "$NAT --quiet -- curl -$family -fsS http://server/file | cmp - '$TMP/www/file'"
	report_has 'r["fallbacks"] == 0 and r["connections"] == 1 and share.get("wlan0", 0) >= 0.1 and share.get("wwan0", 0) >= 0.1'
done
expect "without packet sockets" pair_lab setpriv --bounding-set -net_raw -- sh -c "$INSIDE --explain -- curl -4 -fsS http://server/file 2>'$TMP/words' | cmp - '$TMP/www/file'"
expect_text 'wlan0 by nat: packet sockets need CAP_NET_RAW' "$TMP/words"
echo "over both links: IPv4, IPv6, without packet sockets"

# Lost: a download when Wi-Fi goes.
survives_hand_over "$NAT"

# Lost: servers inside; or the host's privacy: it would hand on what others send by it, and to programs inside what is not for them.
cat >"$TMP/client" <<EOF
set -e
curl -4 -fsS --retry 50 --retry-connrefused --retry-delay 0 --retry-all-errors --connect-timeout 1 --retry-max-time 30 http://10.1.0.1/file | cmp - '$TMP/www/file'
# What it listens on has the address 10.82.0.2 there, and the network 10.82.0.0/16 others.
ip route add 10.82.0.0/16 via 10.1.0.1
! curl -4 -fsS --connect-timeout 1 -o /dev/null http://10.82.0.2/file
EOF
expect "a server inside" rivulet lab run pair --also "server: $NAT --quiet -- $NGINX" -- sh "$TMP/client"
cat >"$TMP/forwards" <<'EOF'
set -u
fail() { echo "$*" >&2; exit 1; }
of() { awk -v n="$1" '$1 == "wlan0:" { print $n }' /proc/net/dev; } # 3: received, 11: sent
wait_for() { tries=400; until "$@"; do tries=$((tries - 1)); [ $tries -gt 0 ] || fail "waited too long: $*"; sleep 0.05; done; }
forwards() { [ "$(cat /proc/sys/net/ipv4/conf/wlan0/forwarding)" = 1 ]; }
$INSIDE --ports nat --quiet -- sleep 60 &
run=$!
wait_for forwards
received=$(of 3) sent=$(of 11)
more() { [ $(($(of 3) - received)) -ge 20 ]; }
wait_for more
forwards || fail "it has ended"
kill $run
wait $run
[ $(($(of 11) - sent)) -lt 5 ] || fail "packets of others were forwarded"
EOF
expect "packets of others" rivulet lab run pair --also "server: sh -c 'ip route add 10.9.9.0/24 via 10.1.0.2; ping -q -i 0.05 10.9.9.9 >/dev/null & exec $NGINX'" -- sh "$TMP/forwards"
echo "is reached, and lets nobody through"

# Lost: the second link, once it was off or away for a moment while the machine was busy: what it needs of the host would be gone.
cat "$(dirname "$0")/soon.sh" "$TMP/drawer" - >"$TMP/blink" <<EOF
fail() { ip route show table all >&2; kill \$drawer; echo "\$*" >&2; exit 1; }
is_set_up() {
	ip route show table all | grep -q 'default via 10.2.0.1 dev wwan0 table 13' && [ "\$(cat /proc/sys/net/ipv4/conf/wwan0/forwarding)" = 1 ]
}
$NAT --quiet -- sleep 60 & run=\$!
soon 10 is_set_up || fail "nothing was set up"
net=\$(pgrep --ns \$\$ --nslist net -x rivulet-net)
for how in off away; do
	kill -STOP \$net
	case \$how in
	off) ip link set wwan0 down; ip link set wwan0 up; ip route add default via 10.2.0.1 dev wwan0 metric 101 ;;
	away) pull; plug ;;
	esac
	kill -CONT \$net
	soon 10 is_set_up || fail "nothing is set up any more: the link was \$how"
done
kill \$run \$drawer
wait \$run || :
EOF
expect "a link that was off or away for a moment" pair_lab sh "$TMP/blink"

# Lost: a host as it was.
cat "$(dirname "$0")/soon.sh" - >"$TMP/ends" <<'EOF'
set -u
fail() { echo "$*" >&2; exit 1; }
state() { ip addr; ip route show table all | grep -v expires; ip rule; cat /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/force_forwarding; python3 "$TMP/tables.py"; }
ours() { for name in rivulet-keep rivulet-net; do pgrep --ns $$ --nslist net -x $name; done; }
# By number: a process that is ending is in no network namespace any more, but not gone.
gone() { for pid in "$@"; do ! grep -q '^State:.[^Z]' /proc/$pid/status 2>/dev/null || return 1; done; }
wait_for() { tries=100; until "$@"; do tries=$((tries - 1)); [ $tries -gt 0 ] || fail "waited too long: $*"; sleep 0.05; done; }
as_before() { state >"$TMP/now" 2>/dev/null; cmp -s "$TMP/before" "$TMP/now"; }
none_left() { soon 10 as_before || { diff "$TMP/before" "$TMP/now" >&2; fail "the host is not as before: $1"; }; }
soon 10 settled || fail "an IPv6 address has no route"
state >"$TMP/before" 2>/dev/null
for victim in nobody kernel foreground net both; do
	$INSIDE --ports nat --quiet -- sh -c "touch '$TMP/started-$victim'; sleep 60" 2>/dev/null &
	run=$!
	tries=200
	until [ -e "$TMP/started-$victim" ]; do tries=$((tries - 1)); [ $tries -gt 0 ] || fail "it did not start"; sleep 0.05; done
	! as_before || fail "this test would show nothing"
	case $victim in
	nobody) kill -TERM $run ;;
	kernel) kill -KILL "$(pgrep --ns $$ --nslist net -o -x rivulet-uml)" ;;
	foreground) kill -KILL $run ;;
	net) # its device has no rules any more that keep what the stack sends in bounds
		kill -KILL "$(pgrep --ns $$ --nslist net -o -x rivulet-net)"; none_left "$victim was killed, and the run goes on"; kill -TERM $run ;;
	both) # until they are gone what they hold is theirs
		all=$(ours); kill -KILL $all $run; wait $run 2>/dev/null; wait_for gone $all; "$RIVULET" clean >/dev/null ;;
	esac
	wait $run 2>/dev/null
	none_left "$victim was killed"
done
EOF
# nft(8) may not be installed; the library is.
cat >"$TMP/tables.py" <<'EOF'
import ctypes
nft = ctypes.CDLL("libnftables.so.1")
nft.nft_ctx_new.restype = ctypes.c_void_p
nft.nft_ctx_get_output_buffer.restype = ctypes.c_char_p
ctx = ctypes.c_void_p(nft.nft_ctx_new(0))
nft.nft_ctx_buffer_output(ctx)
assert nft.nft_run_cmd_from_buffer(ctx, b"list tables") == 0
print(nft.nft_ctx_get_output_buffer(ctx).decode())
EOF
export TMP
expect "ends" rivulet lab run pair -- sh "$TMP/ends"
echo "leaves nothing"
