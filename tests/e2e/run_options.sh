#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Socket options behave as TCP's: every number, in every state; what differs is listed, with the reason,
# in programs/options.py, and for relayed programs in docs/differences.md.
. "$(dirname "$0")/run_lib.sh"
TABLE=$(dirname "$0")/../../docs/differences.md

run() {
	rivulet lab run pair -- "$RIVULET" run --quiet "$@"
}

# Lost: a program would be refused what TCP gives, stop, and nobody would know that it is our doing.
compare() {
	rivulet lab run pair -- "$1" >"$TMP/plain" || fail "$1, without us"
	run -- "$1" >"$TMP/under" || fail "$1"
	python3 "$PROGRAM_SOURCES/options.py" "$TMP/plain" "$TMP/under" || fail "$1: options differ"
	run --stack host -- "$1" >"$TMP/under" || fail "$1, relayed"
	python3 "$PROGRAM_SOURCES/options.py" "$TMP/plain" "$TMP/under" "$TABLE" || fail "$1, relayed: options differ"
}
compare "$PROGRAMS/options"
if [ -x "$PROGRAMS/options-32" ]; then
	compare "$PROGRAMS/options-32"
else
	echo "no 32-bit programs can be built here: none tried" >&2
fi

cat >"$TMP/lib.py" <<'EOF'
import ctypes, os, socket, threading
TCP_USER_TIMEOUT, TCP_IS_MPTCP, IPPROTO_MPTCP, SO_PROTOCOL = 18, 43, 262, 38

def is_mptcp(s):
    return s.getsockopt(socket.IPPROTO_TCP, TCP_IS_MPTCP)

def protocol(s):
    return s.getsockopt(socket.SOL_SOCKET, SO_PROTOCOL)

def remembers(s):
    s.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 7000)
    return s.getsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT) == 7000

def set_errno(fd, level, name, value, size):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.setsockopt.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint]
    return ctypes.get_errno() if libc.setsockopt(fd, level, name, value, size) < 0 else 0
EOF
python() {
	{ cat "$TMP/lib.py"; cat; } >"$TMP/program.py"
	expect "$1" run -- python3 "$TMP/program.py"
}

# Lost: one socket's values would be another's, or would be there after it is closed.
python "values belong to their socket" <<'EOF'
a, b = socket.socket(), socket.socket()
assert is_mptcp(a) and remembers(a)
assert b.getsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT) == 0
copy = a.dup()
assert copy.getsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT) == 7000
a.close()
if os.fork() == 0:
    os._exit(copy.getsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT) != 7000)
assert os.wait()[1] == 0
copy.close()
for _ in range(10000):
    with socket.socket() as s:
        assert s.getsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT) == 0
        assert remembers(s)
EOF

# Lost: programs that speak MPTCP themselves would be lied to; UDP would have TCP's options.
python "other sockets are left alone" <<'EOF'
own = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
assert protocol(own) == IPPROTO_MPTCP
assert set_errno(own.fileno(), socket.IPPROTO_IP, socket.IP_TTL, b"\7\0\0\0", 4) == 95  # EOPNOTSUPP
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 3)
assert udp.getsockopt(socket.IPPROTO_IP, socket.IP_TTL) == 3 and protocol(udp) == socket.IPPROTO_UDP
a, b = socket.socketpair()
assert protocol(a) == 0
r, w = os.pipe()
assert set_errno(r, socket.IPPROTO_TCP, TCP_USER_TIMEOUT, None, 4) == 88  # ENOTSOCK
assert set_errno(999, socket.IPPROTO_TCP, TCP_USER_TIMEOUT, None, 4) == 9  # EBADF
EOF

# Lost: kTLS and the like would be promised to a program that then sends what nobody can read.
python "what MPTCP cannot do is refused as by a TCP without it" <<'EOF'
s = socket.socket()
for level, name, value, wanted in (6, 31, b"tls", 2), (1, 60, b"\1\0\0\0", 95), (0, 21, b"\1\0\0\0", 92):
    assert set_errno(s.fileno(), level, name, value, len(value)) == wanted, (level, name)
EOF

# Lost: a program of many threads, none of them its first, would have other sockets and options.
python "threads that are not their group's leader" <<'EOF'
bad = []
def work():
    for _ in range(50):
        with socket.socket() as s:
            if not is_mptcp(s) or protocol(s) != 6 or not remembers(s):
                bad.append(1)
threads = [threading.Thread(target=work) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
assert not bad
EOF

# Lost: a program could stop or confuse its supervisor, and all programs of the run with it.
python "hostile addresses and lengths" <<'EOF'
import mmap, random
random.seed(3)
s = socket.socket()
libc = ctypes.CDLL(None)
for call in libc.setsockopt, libc.getsockopt:
    call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
room = ctypes.create_string_buffer(1 << 16)
# Written by a process of its own: a thread would write only while this one is not in a call, and take 5 ms of each turn.
length = ctypes.c_uint.from_buffer(mmap.mmap(-1, 4096))
scribbler = os.fork()
if scribbler == 0:
    libc.prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG
while scribbler == 0:
    length.value = random.choice([0, 4, 1 << 31, 0xffffffff, 60000])
for _ in range(20000):
    level = random.choice([0, 1, 6, 41])
    name = random.randrange(90)
    value = random.choice([0, 1, 0xfff, (1 << 64) - 1, 0xffff800000000000, ctypes.addressof(room)])
    if random.random() < 0.5:
        libc.setsockopt(s.fileno(), level, name, value,
                        random.choice([0, 1, 4, 4096, 65536, 1 << 31, (1 << 64) - 1]))
    else:
        libc.getsockopt(s.fileno(), level, name, value,
                        random.choice([0, 1, (1 << 64) - 2, ctypes.addressof(length)]))
os.kill(scribbler, 9)
os.waitpid(scribbler, 0)
with socket.socket() as other:
    assert is_mptcp(other) and remembers(other)
EOF

# Lost: a program that is not to be looked into (ssh-agent, gpg) would fail instead of going on.
python "a program that forbids to look into it" <<'EOF'
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
s = socket.socket()
assert is_mptcp(s)
set_errno(s.fileno(), socket.IPPROTO_TCP, TCP_USER_TIMEOUT, b"\1\0\0\0", 4)
EOF

# Lost: a connection that fell back to TCP would not get what its TCP could do.
online() {
	{ cat "$TMP/lib.py"; cat; } >"$TMP/program.py"
	expect "$1" pair_lab "$RIVULET" run --quiet -- python3 "$TMP/program.py"
}
SERVER=$NGINX
online "after falling back" <<'EOF'
s = socket.socket()
s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 9)
s.connect(("server", 80))
assert not is_mptcp(s) and protocol(s) == 6 and remembers(s)
assert s.getsockopt(socket.IPPROTO_IP, socket.IP_TTL) == 9
EOF

# Lost: a program that enters another network namespace would get sockets of the one that it left.
SERVER="$RIVULET run --quiet -- $NGINX"
online "network namespaces" <<'EOF'
libc = ctypes.CDLL(None, use_errno=True)
NEWNET, ENODEV, ENETUNREACH = 0x40000000, 19, 101
def connect_errno(s):
    s.settimeout(5)
    return s.connect_ex(("10.1.0.1", 80))
here = os.open("/proc/self/ns/net", os.O_RDONLY)
assert connect_errno(socket.socket()) == 0
assert libc.unshare(NEWNET) == 0
s = socket.socket()
assert is_mptcp(s) and remembers(s)
assert connect_errno(s) == ENETUNREACH
assert set_errno(s.fileno(), socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wlan0", 5) == ENODEV
results = []
def back():
    assert libc.setns(here, NEWNET) == 0
    with socket.socket() as s:
        results.append((connect_errno(s), is_mptcp(s), remembers(s)))
thread = threading.Thread(target=back)
thread.start()
thread.join()
assert results == [(0, 1, True)], results
# That was the thread's namespace alone.
assert connect_errno(socket.socket()) == ENETUNREACH
EOF
online "a thread that leaves a process of which others have asked" <<'EOF'
libc = ctypes.CDLL(None, use_errno=True)
ENETUNREACH = 101
def connect_errno():
    with socket.socket() as s:
        s.settimeout(5)
        assert is_mptcp(s)
        return s.connect_ex(("10.1.0.1", 80))
def in_thread(what):
    results = []
    thread = threading.Thread(target=lambda: results.append(what()))
    thread.start()
    thread.join()
    return results[0]
for _ in range(3):
    assert in_thread(connect_errno) == 0
assert in_thread(lambda: libc.unshare(0x40000000) or connect_errno()) == ENETUNREACH
assert in_thread(connect_errno) == 0 and connect_errno() == 0
EOF
online "a network namespace of others" <<'EOF'
libc = ctypes.CDLL(None, use_errno=True)
there = os.open("/proc/1/ns/net", os.O_RDONLY) # the lab's own
assert os.stat("/proc/1/ns/net").st_ino != os.stat("/proc/self/ns/net").st_ino
with socket.socket() as s:
    s.settimeout(5)
    assert s.connect_ex(("10.1.0.1", 80)) == 0
assert libc.setns(there, 0) == 0
with socket.socket() as s:
    s.settimeout(5)
    assert s.connect_ex(("10.1.0.1", 80)) != 0 and is_mptcp(s)
EOF
