# SPDX-License-Identifier: GPL-2.0-or-later
# What programs see of connections that go by a relay: HOST PORT [unix], where a web server listens; port 83 is closed. With
# "unix" the program's socket is not the kernel's TCP, and an interrupted connect() is another matter.
import errno, select, signal, socket, sys, threading

host, port = sys.argv[1], int(sys.argv[2])
REQUEST = b"GET /small HTTP/1.0\r\n\r\n"


def whole(s):
    data = b""
    while piece := s.recv(65536):
        data += piece
    return data.split(b"\r\n\r\n", 1)[1]


def reads(s):
    s.sendall(REQUEST)
    s.shutdown(socket.SHUT_WR)
    assert len(whole(s)) == 1000


# A refused connection, and then the same socket again.
s = socket.socket()
try:
    s.connect((host, 83))
    sys.exit("connected to a closed port")
except OSError as e:
    assert e.errno == errno.ECONNREFUSED, e
s.connect((host, port))
assert s.getpeername() == (host, port), s.getpeername()
reads(s)
s.close()

# Without waiting: connected when it polls writable, with no byte of anybody else's; or refused.
for target in port, 83:
    s = socket.socket()
    s.setblocking(False)
    code = s.connect_ex((host, target))
    assert code == errno.EINPROGRESS, code
    assert not select.select([s], [s], [], 0)[1], "connected at once, over 30 ms"
    assert s.connect_ex((host, target)) == errno.EALREADY
    assert select.select([], [s], [], 20)[1], "it is never decided"
    code = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    assert code == (0 if target == port else errno.ECONNREFUSED), (target, code)
    s.setblocking(True)
    if target != port:
        # The same socket again: as after TCP's failure, of which it is told once more.
        assert s.connect_ex((host, port)) == errno.ECONNABORTED
        s.connect((host, port))
        reads(s)
    if target == port:
        assert s.getpeername() == (host, port)
        reads(s)
    s.close()

# Signals while it waits, from when the connection is under way. (One that comes before connect() has been taken up ends it as one that
# has not begun, which Python does not tell from one that has.)
hits = 0
signal.signal(signal.SIGALRM, lambda *_: None)


def signals(s, made):
    global hits
    while s.getsockname()[1] == 0:
        made.wait(0.0005)
    while not made.wait(0.002):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)
        hits += 1


for _ in range(3 if len(sys.argv) < 4 else 0):
    made = threading.Event()
    with socket.socket() as s:
        thread = threading.Thread(target=signals, args=(s, made))
        thread.start()
        s.connect((host, port))
        made.set()
        thread.join()
        reads(s)
assert hits or len(sys.argv) == 4, "no signal came while it waited"

# Many at once, each its own bytes.
def one():
    with socket.create_connection((host, port)) as s:
        reads(s)


threads = [threading.Thread(target=one) for _ in range(50)]
for t in threads:
    t.start()
for t in threads:
    t.join()
