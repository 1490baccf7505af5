#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel that a program runs inside follows the host's links, is reached on the host's addresses, and asks the host's name
# server; and it ends in good order, however it ends.
. "$(dirname "$0")/inside_lib.sh"
need curl python3 ip pgrep tc

make_file file 20000000

# Lost: a download when Wi-Fi goes: its carrier, its address, or silently.
survives_hand_over "$INSIDE --report '$REPORT'"

for ports in shared nat; do
	joins_when_plugged "$INSIDE --report '$REPORT' --ports $ports"
	report_has 'r["connections"] == 1 and sum(s for n, s in share.items() if n.startswith("wwan0")) > 0.02'
done
joins_each_time "$INSIDE"

decides_as_host "$INSIDE --quiet"
asks_again "$INSIDE --quiet"

# Lost: servers inside, of which nobody outside knows.
expect "a server inside" rivulet lab run pair --also "server: $INSIDE --quiet -- $NGINX" -- \
	sh -c "$RIVULET run --quiet --report '$REPORT' -- curl -4 -fsS --retry 50 --retry-connrefused --retry-delay 0 --retry-all-errors --connect-timeout 1 http://10.1.0.1/file | cmp - '$TMP/www/file'"
report_has 'r["fallbacks"] == 0'

# Lost: names, where the host has a name server of its own.
cat >"$TMP/names.py" <<'EOF'
import socket, threading
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.53", 53))
t = socket.create_server(("127.0.0.53", 53))
open("/tmp/" + __import__("sys").argv[1], "w").close()
def answer(q, short):
    name = q[12:q.index(0, 12) + 5]
    large = name.startswith(b"\x05large")
    if large and short: # it does not fit: ask again over TCP
        return q[:2] + b"\x83\x80\0\1\0\0\0\0\0\0" + name
    count = (150 if large else 1) if name[-3] == 1 and (large or name.startswith(b"\x05known")) else 0
    return (q[:2] + (b"\x81\x80" if count or large else b"\x81\x83") + b"\0\1" + bytes([0, count]) + b"\0\0\0\0" + name +
            (b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("10.1.0.1")) * count)
def serve(c):
    f = c.makefile("rb")
    while head := f.read(2):
        a = answer(f.read(int.from_bytes(head, "big")), False)
        c.sendall(len(a).to_bytes(2, "big") + a)
def streams():
    while True:
        threading.Thread(target=serve, args=(t.accept()[0],), daemon=True).start()
threading.Thread(target=streams, daemon=True).start()
while True:
    q, who = s.recvfrom(4096)
    s.sendto(answer(q, True), who)
EOF
cat >"$TMP/names" <<EOF
echo 'nameserver 127.0.0.53' >'$TMP/resolv.conf'
mount --bind '$TMP/resolv.conf' /etc/resolv.conf
python3 '$TMP/names.py' '${TMP#/tmp/}/asked' &
until [ -e '$TMP/asked' ]; do sleep 0.02; done
code=0
for name in known large; do
	$INSIDE --quiet -- curl -4 -fsS --max-time 20 http://\$name.example/file | cmp - '$TMP/www/file' || code=1
done
kill \$!
exit \$code
EOF
expect "a name server on this host" pair_lab unshare --mount sh "$TMP/names"

# Lost: why it ended, and a host as it was.
cat "$(dirname "$0")/soon.sh" - >"$TMP/ends" <<'EOF'
set -u
fail() { echo "$*" >&2; exit 1; }
state() { ip addr; ip route show table all | grep -v expires; ip rule; ip mptcp endpoint; ls /dev/shm /tmp/rivulet-* /run/rivulet 2>/dev/null | grep machine; }
# A process that is ending is in no network namespace any more, but not gone.
as_before() {
	state >"$TMP/now"
	! pgrep --ns $$ --nslist net -x 'rivulet-(uml|net)' && cmp -s "$TMP/before" "$TMP/now"
}
none_left() {
	soon 10 as_before || { pgrep --ns $$ --nslist net -a rivulet >&2; diff "$TMP/before" "$TMP/now" >&2; fail "not as before: $1"; }
}
soon 10 settled || fail "an IPv6 address has no route"
state >"$TMP/before"
$INSIDE --memory 48MiB -- python3 -c 'x = []
while True: x.append(bytearray(b"x") * (1 << 20))' 2>"$TMP/oom"
code=$?
[ $code = 137 ] || fail "killed for want of memory: $code: $(cat "$TMP/oom")"
grep -q '48MiB inside was not enough' "$TMP/oom" || fail "the words: $(cat "$TMP/oom")"
$INSIDE --memory 1MiB -- true 2>"$TMP/oom" && fail "1 MiB is enough"
grep -q 'at least' "$TMP/oom" || fail "the words: $(cat "$TMP/oom")"
none_left "want of memory"
$INSIDE --not wlan0 --not wwan0 -- true 2>"$TMP/no-links"
code=$?
[ $code = 125 ] && grep -q 'no link of this host' "$TMP/no-links" || fail "without links: $code: $(cat "$TMP/no-links")"
none_left "no links"
for victim in kernel foreground; do
	$INSIDE -- sh -c "touch '$TMP/started-$victim'; sleep 60" 2>"$TMP/crash" &
	run=$!
	tries=200
	until [ -e "$TMP/started-$victim" ]; do tries=$((tries - 1)); [ $tries -gt 0 ] || fail "it did not start"; sleep 0.05; done
	case $victim in kernel) kill -KILL "$(pgrep --ns $$ --nslist net -o -x rivulet-uml)" ;; foreground) kill -KILL $run ;; esac
	wait $run
	code=$?
	case $victim in
	kernel) [ $code = 125 ] && grep -q 'kernel inside has crashed' "$TMP/crash" || fail "a crash: $code: $(cat "$TMP/crash")" ;;
	esac
	none_left "the $victim was killed"
done
i=0
while [ $i -lt 10 ]; do
	$INSIDE --quiet -- true || fail "run $i"
	i=$((i + 1))
done
none_left "10 runs"
EOF
export TMP
expect "ends" rivulet lab run pair -- sh "$TMP/ends"
