#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stack lkl: a device whose own kernel has no MPTCP (it is switched off here) uses both its links, and keeps its connections
# when one goes. That programs work over it is programs.sh.
. "$(dirname "$0")/run_lib.sh"
. "$(dirname "$0")/still.sh"
need curl ip nstat pgrep python3 ss tc
[ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"

make_file file 16000000

# What the server's kernel has seen of MPTCP, at the end.
SERVER="sh -c '$RIVULET run --quiet -- $NGINX & while sleep 0.1; do cat /proc/net/netstat >$TMP/seen.new; mv $TMP/seen.new $TMP/seen; done'"
seen() { # COUNTER
	awk -v wanted="$1" '$1 == "MPTcpExt:" { if (!named) { for (i = 2; i <= NF; i++) name[i] = $i; named = 1 }
		else for (i = 2; i <= NF; i++) if (name[i] == wanted) print $i }' "$TMP/seen"
}
scenario() {
	SCENARIO=$TMP/$1.yaml
	{
		cat "$RIVULET_SCENARIOS/pair.yaml"
		[ -z "$2" ] || printf 'events:\n%s\n' "$2"
	} >"$SCENARIO"
}
LKL="'$RIVULET' run --stack lkl --report '$REPORT'"

download() {
	rm -f "$TMP/seen"
	expect "$1" pair_lab sh -c "sysctl -qw net.mptcp.enabled=0; $LKL -- curl -fsS --max-time 60 http://server/file | cmp - '$TMP/www/file'; result=\$?; sleep 0.3; exit \$result"
	[ "$(seen MPCapableSYNRX)" -ge 1 ] || fail "$1: the server saw no MPTCP"
	[ "$(seen MPJoinAckRx)" -ge 1 ] || fail "$1: the second link was not used"
	echo "works: $1"
}

# Lost: the second link would idle.
scenario pair ''
download "a download over two links"
if pgrep -x rivulet-lkl -P 1 >/dev/null; then fail "its process is left"; fi

decides_as_host "$LKL"

# Lost: the download would die with the link.
scenario down '  - {at: 1s, link: wifi, do: down}'
download "a link that goes down"
scenario return '  - {at: 500ms, link: wifi, do: down}
  - {at: 1s, link: wifi, do: up}'
download "a link that goes down and comes up"
scenario silent '  - {at: 1s, link: wifi, do: blackhole}'
download "a link that goes silent"
bothers_nobody "'$RIVULET' run --stack lkl"
# Lost: connections that begin while a link is silent would wait for it.
make_file small 100000
in_time expect "connections after that" pair_lab sh -c "sysctl -qw net.mptcp.enabled=0; $LKL -- sh -c '
	curl -4 -fsS --max-time 60 --limit-rate 2M -o $TMP/long http://server/file & long=\$!
	sleep 2.5
	for _ in 1 2 3; do curl -4 -fsS --max-time 4 http://server/small | cmp - $TMP/www/small || exit 1; done
	kill -0 \$long && wait \$long && cmp $TMP/long $TMP/www/file'"
echo "works: a connection that begins while a link is silent"

# Lost: a program that starts while the preferred link is silent would wait for that.
scenario dead '  - {at: 1ms, link: wifi, do: blackhole}'
in_time expect "a start on a silent link" rivulet lab run "$SCENARIO" --also "server: $SERVER" -- sh -c "sysctl -qw net.mptcp.enabled=0; sleep 0.3
	$LKL -- sh -c 'for _ in 1 2 3; do curl -4 -fsS --connect-timeout 2 --max-time 8 http://server/small | cmp - $TMP/www/small || exit 1; done'"
echo "works: a start while the preferred link is silent"

SCENARIO=pair
SERVER="$RIVULET run --quiet -- $NGINX"
for ports in shared nat; do
	joins_when_plugged "'$RIVULET' run --stack lkl --ports $ports"
	joins_each_time "'$RIVULET' run --stack lkl --ports $ports"
done

# Lost: a fast download would stand still for a fifth of a second now and then: Linux sends more than the window, and what does
# not fit there was thrown away. So nothing is to be missed on links that lose nothing, as fast as memory.
cat >"$TMP/pour.py" <<'EOF'
import socket, sys
COUNT = 8
if sys.argv[1] == "serve":
    s = socket.create_server(("", 7012), backlog=COUNT)
    while True:
        c = s.accept()[0]
        try:
            while True:
                c.send(bytes(131072))
        except OSError:
            c.close()
room = bytearray(131072)
for _ in range(COUNT):
    s = socket.create_connection(("10.9.1.2", 7012))
    got = 0
    while got < 1 << 30:
        more = s.recv_into(room)
        assert more
        got += more
    s.close()
EOF
cat >"$TMP/fast" <<EOF
set -e
unshare --net sleep 600 & other=\$!
trap 'kill \$other \$server' EXIT
until [ "\$(readlink /proc/\$other/ns/net)" != "\$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
there() { nsenter --net=/proc/\$other/ns/net "\$@"; }
for link in 1 2; do
	ip link add fast\$link type veth peer name far\$link netns \$other
	ip addr add 10.9.\$link.1/24 dev fast\$link
	there ip addr add 10.9.\$link.2/24 dev far\$link
	ip link set fast\$link up
	there ip link set far\$link up
	ip route add default via 10.9.\$link.2 dev fast\$link metric \$link
done
nsenter --net=/proc/\$other/ns/net $RIVULET run --quiet -- python3 '$TMP/pour.py' serve & server=\$!
until there ss -Hltn 'sport = :7012' | grep -q .; do sleep 0.05; done
$LKL --quiet -- python3 "$TMP/\$1" get
[ "\$1" = pour.py ] || exit 0
there nstat -asz | awk '/MPTcpExt(MPTCPRetrans|MPJoinAckRx) / { print \$1, \$2; if (\$1 ~ /Retrans/ ? \$2 > 2 : \$2 < 8) missed = 1 } END { exit missed }'
EOF
[ "$(id -u)" = 0 ] && user='' || user=--map-root-user
# shellcheck disable=SC2086
in_time expect "a download as fast as memory" unshare --net $user sh "$TMP/fast" pour.py
cat "$OUT"
echo "works: nothing is missed of a fast download"

# Lost: all connections, when a link may carry larger packets than before: the next one was written beyond its buffer.
cat >"$TMP/widen.py" <<'EOF'
import socket, subprocess
s = socket.create_connection(("10.9.1.2", 7012))
got = 0
for mtu in 1500, 3000, 6000, 9000:
    for link in "fast1", "fast2":
        subprocess.run(["ip", "link", "set", link, "mtu", str(mtu)], check=True)
    while got < mtu << 16:
        more = len(s.recv(131072))
        assert more, got
        got += more
EOF
# shellcheck disable=SC2086
expect "links with larger packets" unshare --net $user sh "$TMP/fast" widen.py
echo "works: links with larger packets than before"

# Lost: the battery of a device that only keeps a connection open.
cat >"$TMP/idle.py" <<'EOF'
import glob, socket, time
for _ in range(200):
    try:
        s = socket.create_connection(("10.1.0.1", 80))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
s.sendall(b"GET /small HTTP/1.1\r\nHost: s\r\n\r\n")
got = 0
while got < 100000:
    got += len(s.recv(100000))
[helper] = [c[:-4] for c in glob.glob("/proc/[0-9]*/comm") if open(c).read() == "rivulet-lkl\n"]
def woken():
    return sum(int(l.split()[1]) for l in open(helper + "status") if l.startswith("voluntary"))
time.sleep(4)
before = woken()
time.sleep(4)
print("it wakes up", (woken() - before) / 4, "times a second")
assert woken() - before <= 20
EOF
in_time expect "an idle connection" pair_lab sh -c "$LKL --quiet -- python3 '$TMP/idle.py'"
cat "$OUT"

# Lost: a transfer that was cut off would look complete; what a program may rely on (relayed.py), over this stack.
SERVER="python3 '$(dirname "$0")/programs/peer.py'"
expect "ends, cut-offs, many at once" pair_lab sh -c "$LKL --quiet -- python3 '$(dirname "$0")/programs/relayed.py' 10.1.0.1"
SERVER="python3 '$TMP/reset.py'"
cat >"$TMP/reset.py" <<'EOF'
import socket, struct
s = socket.create_server(("", 7010))
while True:
    c = s.accept()[0]
    c.sendall(b"x" * 300000)
    c.recv(1)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
EOF
cat >"$TMP/cut.py" <<'EOF'
import socket, time
for _ in range(20):
    for _ in range(200):
        try:
            s = socket.create_connection(("10.1.0.1", 7010))
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    got = 0
    while got < 300000:
        got += len(s.recv(100000))
    s.sendall(b"r")
    try:
        assert s.recv(1) == b"x", "a reset looked like the end"
    except ConnectionResetError:
        pass
    assert s.getsockname()[0] in ("10.1.0.2", "10.2.0.2"), s.getsockname()
    s.close()
EOF
expect "resets" pair_lab sh -c "$LKL --quiet -- python3 '$TMP/cut.py'"
echo "works: resets are told"

# Lost: bytes of a server that does not speak MPTCP, where it sends some again and cuts otherwise; the first connection to it is MPTCP's.
OVERLAP=$(dirname "$0")/programs/overlap.py
SERVER="python3 '$OVERLAP' wlan0 10.1.0.77 7003 &"
expect "bytes that are sent again" pair_lab sh -c "$LKL --quiet -- python3 '$OVERLAP' 10.1.0.77 7003"
echo "works: bytes that are sent again, cut otherwise"

# Lost: what a server says at once would not be the first that comes; each message would wake up a process more, which is half of what it
# takes.
SERVER="python3 '$TMP/first.py'"
cat >"$TMP/first.py" <<'EOF'
import socket, threading
def serve(c):
    c.sendall(b"hello" * 20000)
    while got := c.recv(65536):
        c.sendall(got)
    c.close()
s = socket.create_server(("", 7011), backlog=100)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],)).start()
EOF
cat >"$TMP/asks_first.py" <<'EOF'
import glob, socket, time
def connect():
    for _ in range(200):
        try:
            return socket.create_connection(("10.1.0.1", 7011))
        except ConnectionRefusedError:
            time.sleep(0.05)
def receive(s, size):
    data = b""
    while len(data) < size:
        more = s.recv(size - len(data))
        assert more, len(data)
        data += more
    return data
for i in range(50):
    s = connect()
    assert receive(s, 100000) == b"hello" * 20000
    s.sendall(b"%d" % i)
    s.shutdown(socket.SHUT_WR)
    assert receive(s, len(b"%d" % i)) == b"%d" % i and s.recv(1) == b""
    s.close()
s = connect()
receive(s, 100000)
[supervisor] = [c[:-4] for c in glob.glob("/proc/[0-9]*/comm") if open(c).read() == "rivulet-super\n"]
def woken():
    return sum(int(l.split()[1]) for l in open(supervisor + "status") if l.startswith("voluntary"))
before = woken()
for _ in range(500):
    s.sendall(b"ask")
    receive(s, 3)
print("500 messages woke it up", woken() - before, "times")
assert woken() - before < 50
EOF
expect "who speaks first" pair_lab sh -c "$LKL --quiet -- python3 '$TMP/asks_first.py'"
cat "$OUT"
echo "works: messages go past the supervisor, from the first on"

# Lost: a program would run over plain TCP where its user had asked for something else.
expect_code 125 unshare --user --map-root-user --net "$RIVULET" run --stack lkl -- touch "$TMP/ran"
expect_text 'no link of this host can be used' "$OUT"
[ ! -e "$TMP/ran" ] || fail "the program ran without its stack"
echo "works: a stack that cannot be had is told before the program starts"

# Lost: a server would not be reachable on the host's own address.
SERVER="$RIVULET run --quiet --stack lkl -- $NGINX"
expect "a server" pair_lab sh -c "'$RIVULET' run --report '$REPORT' -- curl -4 -fsS --retry 50 --retry-connrefused --retry-delay 1 --max-time 60 http://server/file | cmp - '$TMP/www/file'"
report_has "r['fallbacks'] == 0"
echo "works: a server"

# Lost: a program that connects from a port of its own choice would wait for an answer that the host had got.
SERVER=$NGINX
expect "a port of its own choice" pair_lab sh -c "$LKL --quiet -- curl -4 -fsS --local-port 7020 --connect-timeout 5 --max-time 20 \\
	http://10.1.0.1/small | cmp - '$TMP/www/small'"
echo "works: a connection from a port of the program's choice"

# Lost: a server of UDP and TCP (DNS, HTTP/3) would not start, for UDP is the host's, and so would be its port.
cat >"$TMP/both.py" <<'EOF'
import socket, sys, time
if sys.argv[1] == "serve":
    tcp = socket.create_server(("", 7021))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("", 7021))
    with tcp.accept()[0] as c:
        c.sendall(udp.recv(9))
else:
    for _ in range(200):
        try:
            c = socket.create_connection(("10.1.0.1", 7021))
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect(("10.1.0.1", 7021))
    # Nor does the stack say of such a datagram that nobody is there.
    udp.settimeout(0.5)
    udp.send(b"hello")
    try:
        udp.recv(1)
    except TimeoutError:
        pass
    assert c.recv(9) == b"hello"
EOF
for ports in shared nat; do
	SERVER="$RIVULET run --quiet --stack lkl --ports $ports -- python3 '$TMP/both.py' serve"
	expect "a server of UDP and TCP, $ports" pair_lab timeout 30 python3 "$TMP/both.py" ask
done
echo "works: a server of UDP and TCP"

# Lost: a program that asks before its connection is decided would be told of one that there is not; one that connects to who is not
# there would wait for two minutes; one that asks what is not
# acknowledged, or stops to listen, would lose its stack; and its own servers would not be there for it.
SERVER=$NGINX
cat >"$TMP/asks.py" <<'EOF'
import errno, fcntl, select, socket, struct, termios
def asked(s, what):
    return s.getsockopt(socket.SOL_SOCKET, what)
# Nobody has this address: it takes seconds until that is known.
s = socket.socket()
s.setblocking(False)
s.connect_ex(('10.1.0.99', 80))
for _ in range(3):
    assert asked(s, socket.SO_ERROR) == 0
    assert not select.select([], [s], [], 0)[1], 'connected, it seems, to nobody'
s.close()
with socket.socket() as s:
    s.settimeout(60)
    assert s.connect_ex(('10.1.0.99', 80)) == errno.EHOSTUNREACH
s = socket.create_connection(('server', 80))
assert asked(s, socket.SO_PROTOCOL) == socket.IPPROTO_TCP
s.sendall(b'GET /')
while struct.unpack('i', fcntl.ioctl(s, termios.TIOCOUTQ, bytes(4)))[0] > 0:
    select.select([], [], [], 0.01)
s.close()
# A server of the run's own, in the stack or on the host's loopback.
for address in '', '127.0.0.1':
    s = socket.create_server((address, 0))
    a = socket.create_connection(('127.0.0.1', s.getsockname()[1]))
    b = s.accept()[0]
    b.sendall(b'hello')
    assert a.recv(5) == b'hello' and a.getsockname() == b.getpeername()
s = socket.create_server(('', 0))
s.shutdown(socket.SHUT_RDWR)
try:
    s.accept()
    raise SystemExit('accepts though it does not listen')
except OSError as e:
    assert e.errno == 22, e
EOF
expect "what is asked of sockets" pair_lab sh -c "$LKL --quiet -- python3 '$TMP/asks.py'"
echo "works: what is asked of sockets"

# Lost: a run would end ten seconds late, because its link has died.
cat >"$TMP/leaves.py" <<'EOF'
import socket, subprocess, time
s = socket.create_connection(('10.1.0.1', 80))
s.sendall(b'GET /small HTTP/1.1\r\nHost: server\r\n\r\n')
got = b''
while len(got) < 100000:
    got += s.recv(100000)
for link in 'wlan0', 'wwan0':
    subprocess.run(['tc', 'qdisc', 'add', 'dev', link, 'root', 'bfifo', 'limit', '1'], check=True) # nothing leaves
s.sendall(b'GET /small HTTP/1.1\r\nHost: server\r\n\r\n')
print(time.time())
EOF
in_time expect "a run over links that have died" pair_lab sh -c "
	left=\$($LKL --quiet -- python3 '$TMP/leaves.py') || exit 1
	python3 -c 'import sys, time; late = time.time() - float(sys.argv[1]); print(late); sys.exit(late > 7)' \$left"
echo "works: a run ends soon though its links have died"

# Lost: a program would wait for ever, or its user not know why it failed, when the kernel breaks down.
expect "a crash" pair_lab sh -c "
	$LKL -- curl -4 -sS --max-time 60 -o /dev/null http://server/file 2>'$TMP/words' & run=\$!
	until [ -s '$TMP/words' ] || helper=\$(pgrep --ns \$\$ --nslist net -x rivulet-lkl); do sleep 0.05; done
	sleep 0.5; kill -SEGV \$helper
	! wait \$run"
expect_text 'the kernel of stack lkl has crashed' "$TMP/words"
echo "works: a crash says so"
