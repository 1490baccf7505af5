# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program may rely on, tried from a program: relayed.py ADDRESS-OF-PEER (peer.py)."""
import asyncio
import errno
import os
import select
import socket
import struct
import subprocess
import sys
import time

peer = sys.argv[1]


def connect(port):
    for _ in range(200):  # it may be about to start
        try:
            return socket.create_connection((peer, port))
        except ConnectionRefusedError:
            time.sleep(0.05)
    sys.exit("the peer does not listen")


def read_all(s):
    parts = []
    while part := s.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def last_words():
    """A program ends right after its last write, or even closes nothing: all arrives."""
    connect(7001).close()
    size = 5_000_000
    code = f"import socket, os; s = socket.create_connection(({peer!r}, 7001)); s.sendall(b'x' * {size}); os._exit(0)"
    subprocess.run([sys.executable, "-c", code], check=True)
    end = time.monotonic() + 30
    while int(read_all(connect(7002))) != size:
        assert time.monotonic() < end, "not all that was written arrived"
        time.sleep(0.05)


def cut_off():
    """A transfer that was reset does not look complete."""
    s = connect(7003)
    got = b""
    while len(got) < 1000:
        got += s.recv(1000)
    s.send(b"x")
    try:
        assert s.recv(1) != b"", "a reset looked like the end"
    except ConnectionResetError:
        return
    sys.exit("no reset")


def half_close():
    s = connect(7004)
    s.sendall(b"question")
    s.shutdown(socket.SHUT_WR)
    assert read_all(s) == b"question"


def back_pressure():
    """A receiver that does not read stops its sender, who can tell, and memory of nobody grows without end."""
    s = connect(7005)
    s.setblocking(False)
    sent = 0
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if not select.select([], [s], [], 1)[1]:
            break
        sent += s.send(b"x" * (1 << 16))
    assert 0 < sent < 64 << 20, sent
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


async def one_of_many(index):
    reader, writer = await asyncio.open_connection(peer, 7004)
    data = os.urandom(3000 + index)
    writer.write(data)
    writer.write_eof()
    assert await reader.read(-1) == data
    writer.close()


async def many():
    for _ in range(3):
        await asyncio.gather(*(one_of_many(i) for i in range(400)))


def refused():
    s = socket.socket()
    for _ in range(2):  # with the same socket, twice
        assert s.connect_ex((peer, 7999)) == errno.ECONNREFUSED
    s.connect((peer, 7002))
    read_all(s)
    s = socket.socket()
    s.setblocking(False)
    assert s.connect_ex((peer, 7999)) == errno.EINPROGRESS
    assert select.select([], [s], [], 10)[1]
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def names():
    s = connect(7004)
    assert s.getpeername() == (peer, 7004) and s.getsockname()[1] > 0
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN) == socket.AF_INET
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    assert s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def inherited():
    """A descriptor that another program got: by fork and exec, and by a message."""
    s = connect(7004)
    s.set_inheritable(True)
    subprocess.run(["sh", "-c", f"echo child >&{s.fileno()}"], check=True, close_fds=False)
    a, b = socket.socketpair()
    if os.fork() == 0:
        _, fds, _, _ = socket.recv_fds(b, 10, 1)
        os.write(fds[0], b"heir\n")
        os._exit(0)
    socket.send_fds(a, [b"x"], [s.fileno()])
    os.wait()
    s.shutdown(socket.SHUT_WR)
    assert read_all(s) == b"child\nheir\n"


def listening():
    """Ports are the host's: one that is taken is; one that was closed is free again; loopback reaches it."""
    a = socket.create_server(("127.0.0.1", 0))
    port = a.getsockname()[1]
    try:
        socket.create_server(("127.0.0.1", port), reuse_port=False).close()
        sys.exit("a port had two owners")
    except OSError as e:
        assert e.errno == errno.EADDRINUSE
    c = socket.create_connection(("127.0.0.1", port))
    d, address = a.accept()
    assert address == c.getsockname()
    d.sendall(b"hello")
    d.close()
    assert read_all(c) == b"hello"
    a.close()
    socket.create_server(("127.0.0.1", port)).close()
    # Workers, each with a socket of its own.
    workers = [socket.create_server(("127.0.0.1", port), reuse_port=True) for _ in range(3)]
    for _ in range(12):
        c = socket.create_connection(("127.0.0.1", port))
        ready = select.select(workers, [], [], 10)[0]
        ready[0].accept()[0].close()
        assert c.recv(1) == b""


for test in (last_words, cut_off, half_close, back_pressure, refused, names, inherited, listening):
    test()
    print("kept:", test.__name__, flush=True)
asyncio.run(many())
print("kept: many")
