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

# A signal while it waits. (The socket is made before: a signal that comes before socket() is answered ends it as one that waits,
# which Python does not take.)
signal.signal(signal.SIGALRM, lambda *_: None)
for _ in range(3 if len(sys.argv) < 4 else 0):
    with socket.socket() as s:
        signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
        s.connect((host, port))
        signal.setitimer(signal.ITIMER_REAL, 0)
        reads(s)

# Many at once, each its own bytes.
def one():
    with socket.create_connection((host, port)) as s:
        reads(s)


threads = [threading.Thread(target=one) for _ in range(50)]
for t in threads:
    t.start()
for t in threads:
    t.join()
