#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The subflow that a connection began with is closed here, and the peer does not hear of it, as on a bad link: what it still sends over it is
# all that the connection gets (kernel/net/mptcp/rivulet_closing.c).
. "$(dirname "$0")/inside_lib.sh"
need python3 ip ss unshare nsenter

# A wire that ends of connections do not pass from here to there, nor the word that an address is gone. Nobody behind it leaves checksums
# or large packets to devices.
cat >"$TMP/wire.py" <<'EOF'
import array, fcntl, select, socket, struct, sys
def plain(name):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for word in (0x2c, 0x1f, 0x24, 0x17): # ETHTOOL_SGRO, STSO, SGSO, STXCSUM
        value = array.array("B", struct.pack("II", word, 0))
        fcntl.ioctl(s, 0x8946, struct.pack("16sP8x", name.encode(), value.buffer_info()[0]))
if len(sys.argv) == 2:
    plain(sys.argv[1])
    sys.exit()
ends = []
for name in sys.argv[1:]:
    plain(name)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((name, 0))
    s.setsockopt(263, 23, 1) # PACKET_IGNORE_OUTGOING
    ends.append(s)
def is_lost(frame):
    if frame[12:14] != b"\x08\0" or frame[23] != 6:
        return False
    tcp = frame[14 + (frame[14] & 15) * 4:]
    options = tcp[20:(tcp[12] >> 4) * 4]
    while options and options[0] != 0:
        if options[0] == 30 and options[2] >> 4 == 4: # REMOVE_ADDR
            return True
        options = options[1 if options[0] == 1 else options[1]:]
    return bool(tcp[13] & 1)
while True:
    for s in select.select(ends, [], [])[0]:
        frame = s.recv(70000)
        if s is ends[1] or not is_lost(frame):
            ends[s is ends[0]].send(frame)
EOF

cat >"$TMP/server.py" <<'EOF'
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
s.bind(("10.9.9.9", 7000))
s.listen()
c = s.accept()[0]
try:
    while True:
        c.sendall(b"x" * 5000)
        time.sleep(0.01)
except OSError:
    pass
EOF

cat >"$TMP/client.py" <<'EOF'
import os, select, socket, subprocess, sys, time
here = sys.argv[1]
s = socket.create_connection(("10.9.9.9", 7000))
s.setblocking(False)
readable = select.poll()
readable.register(s, select.POLLIN)
def get(size):
    while size > 0:
        if not readable.poll(10000):
            sys.exit("stands still")
        data = s.recv(65536)
        if not data:
            sys.exit("ended")
        size -= len(data)
def subflows():
    return sum(line.startswith("tcp") for line in subprocess.check_output(["ss", "-HtnM", "state", "established"], text=True).splitlines())
while subflows() < 2:
    get(20000)
open(here + "/two", "w").close()
while not os.path.exists(here + "/blind"):
    time.sleep(0.02)
subprocess.check_call(["ip", "mptcp", "endpoint", "del", "id", "0", "10.9.0.1"])
while subflows() > 1:
    time.sleep(0.02)
get(1000000)
EOF

cat >"$TMP/lab" <<EOF
set -eu
there() { nsenter -t \$far -n "\$@"; }
between() { nsenter -t \$wire -n "\$@"; }
until_apart() { until [ "\$(readlink /proc/\$1/ns/net)" != "\$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done; }
unshare --net sleep 1000 & far=\$!
unshare --net sleep 1000 & wire=\$!
until_apart \$far
until_apart \$wire
ip link set lo up
there ip link set lo up
ip link add wlan0 type veth peer name here netns \$wire
between ip link add there type veth peer name far0 netns \$far
ip link add wwan0 type veth peer name far1 netns \$far
for i in 0 1; do
	case \$i in 0) link=wlan0 ;; 1) link=wwan0 ;; esac
	sysctl -qw net.ipv6.conf.\$link.disable_ipv6=1
	ip addr add 10.9.\$i.1/24 dev \$link
	ip link set \$link up
	there ip addr add 10.9.\$i.2/24 dev far\$i
	there ip link set far\$i up
	ip route add default via 10.9.\$i.2 dev \$link metric \$((i + 1))
done
between ip link set here up
between ip link set there up
python3 '$TMP/wire.py' wlan0
there python3 '$TMP/wire.py' far0
between python3 '$TMP/wire.py' here there &
there ip addr add 10.9.9.9/32 dev lo
# The link is not joined again.
there ip mptcp limits set subflows 1 add_addr_accepted 0
there sysctl -qw net.mptcp.enabled=1 net.ipv4.conf.all.rp_filter=1
there python3 '$TMP/server.py' &
until there ss -Htln | grep -q :7000; do sleep 0.02; done
$INSIDE --quiet --as-root -- python3 '$TMP/client.py' '$TMP' &
run=\$!
until [ -e '$TMP/two' ]; do kill -0 \$run; sleep 0.02; done
# The other link does not answer any more, in either direction.
there ip route add blackhole 10.9.1.1/32
touch '$TMP/blind'
wait \$run
EOF
expect "a download over what was closed here" unshare --net --pid --fork --kill-child --mount-proc sh "$TMP/lab"
echo "goes on over a subflow that was closed here only"
