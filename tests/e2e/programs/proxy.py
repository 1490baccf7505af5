# SPDX-License-Identifier: GPL-2.0-or-later
"""proxy.py PART [ARGUMENT...]: clients of the proxy that curl cannot play, and the servers behind it.

The proxy is at 127.0.0.1:1080, the servers at $TARGET (127.0.0.1): port 6 sends a MB at once, for each byte, and at the
end; port 7 echoes, and says the SHA-256 of all at its end; port 8 resets after the first byte; port 9 sends for ever.
"""
import errno
import hashlib
import os
import random
import resource
import socket
import struct
import sys
import threading
import time

PROXY = ("127.0.0.1", 1080)
TARGET = os.environ.get("TARGET", "127.0.0.1")
NOW = struct.pack("ii", 1, 0)


def echo(s):
    digest = hashlib.sha256()
    while data := s.recv(1 << 18):
        digest.update(data)
        s.sendall(data)
    s.sendall(digest.hexdigest().encode())
    s.close()


def reset(s):
    s.recv(1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
    s.close()


def flood(s):
    while True:
        s.sendall(bytes(1 << 16))


def burst(s):
    more = b"x"
    while more:
        s.sendall(bytes(1 << 20))
        more = s.recv(1)
    s.sendall(bytes(1 << 20))
    s.close()


def serve_one(what, s):
    try:
        what(s)
    except OSError:
        s.close()


def serve(port, what):
    listener = socket.create_server(("0.0.0.0", port), backlog=1024)
    while True:
        s = listener.accept()[0]
        threading.Thread(target=serve_one, args=(what, s), daemon=True).start()


def servers():
    threading.stack_size(1 << 18)
    for port, what in ((6, burst), (8, reset), (9, flood)):
        threading.Thread(target=serve, args=(port, what), daemon=True).start()
    serve(7, echo)


def get(s, size):
    data = b""
    while len(data) < size:
        more = s.recv(size - len(data))
        if not more:
            break
        data += more
    return data


def socks(port, early=b""):
    s = socket.create_connection(PROXY)
    s.sendall(b"\5\1\0\5\1\0\1" + socket.inet_aton(TARGET) + struct.pack(">H", port) + early)
    assert get(s, 2) == b"\5\0"
    reply = get(s, 10)
    assert reply[:4] == b"\5\0\0\1" and reply[4:8] != bytes(4) and reply[8:] != bytes(2), reply
    return s


def http(port, early=b""):
    s = socket.create_connection(PROXY)
    s.sendall(f"CONNECT {TARGET}:{port} HTTP/1.1\r\nHost: x\r\n\r\n".encode() + early)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += get(s, 1)
    assert head.startswith(b"HTTP/1.1 200 "), head
    return s


def rest(s):
    data = b""
    while more := s.recv(1 << 16):
        data += more
    return data


def half_close():
    for connect in socks, http:
        s = connect(7, b"early ")
        s.sendall(b"and late")
        s.shutdown(socket.SHUT_WR)
        whole = b"early and late"
        assert rest(s) == whole + hashlib.sha256(whole).hexdigest().encode()


def resets():
    s = socks(8, b"x")
    try:
        got = s.recv(1)
        raise AssertionError(f"not a reset but {got!r}")
    except ConnectionResetError:
        pass
    s = socks(9)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
    s.close()


def hang_up(path):
    """Of a client that has had enough only its own connection ends."""
    for _ in range(20):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        s.sendall(b"CONNECT 127.0.0.1:6 HTTP/1.1\r\n\r\n")
        while get(s, 1) != b"\0":
            pass
        get(s, (1 << 20) - 1)
        for _ in range(3):
            s.sendall(b"x")
            assert get(s, 1 << 20) == bytes(1 << 20)
        s.close()
    half_close()


def refusals():
    for command in 2, 3, 9:
        s = socket.create_connection(PROXY)
        s.sendall(b"\5\1\0\5%c\0\1\x7f\0\0\1\0\7" % command)
        assert rest(s) == b"\5\0\5\7\0\1\0\0\0\0\0\0"
    s = socket.create_connection(PROXY)
    s.sendall(b"\5\1\2")
    assert rest(s) == b"\5\xff"
    s = socket.create_connection(PROXY)
    s.sendall(b"CONNECT 127.0.0.1:7 HTTP/1.1\r\nA: " + b"x" * 9000)
    assert rest(s).startswith(b"HTTP/1.1 431 ")
    s = socket.create_connection(PROXY)
    s.sendall(b"CONNECT a..b:80 HTTP/1.0\r\n\r\n")
    answer = rest(s)
    assert answer.startswith(b"HTTP/1.1 502 ") and b"error=dns_error" in answer, answer
    s = socket.create_connection(PROXY)
    s.sendall(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n")
    answer = rest(s)
    assert answer.startswith(b"HTTP/1.1 502 ") and answer.endswith(b"Connection refused\n"), answer


def garbage(seed):
    """Whatever it is sent, it goes on; and those who leave in the middle of a request are forgotten."""
    chance = random.Random(seed)
    for i in range(300):
        s = socket.create_connection(PROXY)
        data = chance.choice((b"", b"\5\1\0", b"CONNECT ", b"\5\1\0\5\1\0\3")) + chance.randbytes(
            chance.choice((1, 10, 300, 20000)))
        try:
            s.sendall(data)
            if chance.random() < 0.3:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
            elif chance.random() < 0.5:
                s.shutdown(socket.SHUT_WR)
                rest(s)
        except OSError as error:
            assert error.errno in (errno.EPIPE, errno.ECONNRESET), error
        s.close()


def many(count):
    """All open at once, each with bytes of its own."""
    all_ = [socks(7) if i % 2 else http(7) for i in range(count)]
    for i, s in enumerate(all_):
        s.sendall(b"%08d" % i * 128)
    for i, s in enumerate(all_):
        assert get(s, 1024) == b"%08d" % i * 128
    for s in all_:
        s.close()


def bulk(size):
    """Both ways at once, byte for byte."""
    for connect in socks, http:
        s = connect(7)
        block = random.Random(size).randbytes(1 << 20)
        sent, got = hashlib.sha256(), hashlib.sha256()

        def send():
            for _ in range(size // len(block)):
                sent.update(block)
                s.sendall(block)
            s.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        left = size
        while left:
            data = s.recv(min(left, 1 << 18))
            assert data, "cut off"
            got.update(data)
            left -= len(data)
        sender.join()
        assert got.digest() == sent.digest()
        assert rest(s) == sent.hexdigest().encode()


def slow(count, pid):
    """Clients that do not read: what the proxy holds for them is bounded, and others are served meanwhile."""
    def memory():
        with open(f"/proc/{pid}/status") as status:
            return next(int(l.split()[1]) for l in status if l.startswith("VmRSS"))

    before = memory()
    idle = [socks(9) for _ in range(count)]
    for _ in range(20):
        many(20)
    for s in idle: # they have their bytes
        assert get(s, 100000) == bytes(100000)
    grown = memory() - before
    assert grown < count * 160 + 8000, f"{grown} kB more for {count} clients"
    print(f"{grown} kB more for {count} clients that do not read")


def names(count, pid):
    """Look-ups that hang are bounded, also those of clients who do not wait."""
    def threads():
        return len(os.listdir(f"/proc/{pid}/task"))

    for _ in range(6):
        before, tries = threads(), 100
        all_ = [socket.create_connection(PROXY) for _ in range(count)]
        for i, s in enumerate(all_):
            s.sendall(b"CONNECT nobody%d.invalid:80 HTTP/1.1\r\n\r\n" % i)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
        while threads() < min(before + count, 128) and tries:
            time.sleep(0.005)
            tries -= 1
        for s in all_:
            s.close()
        assert threads() <= 130, f"{threads()} threads"
    half_close()


def drip():
    """A request that comes ever so slowly is not waited for."""
    s = socket.create_connection(PROXY)
    s.settimeout(0.5)
    for byte in b"CONNECT " + b"x" * 1000:
        try:
            s.sendall(bytes((byte,)))
            assert s.recv(1) == b""
            return
        except TimeoutError:
            pass
        except OSError:
            return
    raise AssertionError("still waited for")


def limit(count):
    """With as many clients as it may have, the next one is served when one leaves."""
    all_ = [socks(7) for _ in range(count)]
    s = socket.create_connection(PROXY)
    s.sendall(b"\5\1\0")
    for other in all_: # they are served, the new one is not
        other.sendall(b"x")
        assert get(other, 1) == b"x"
    s.settimeout(0.2)
    try:
        s.recv(2)
        raise AssertionError("more than the limit")
    except TimeoutError:
        pass
    all_[0].close()
    s.settimeout(10)
    assert get(s, 2) == b"\5\0"


resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
{f.__name__: f for f in (servers, half_close, resets, hang_up, refusals, garbage, many, bulk, slow, names, drip, limit)}[
    sys.argv[1]](*(int(a) if a.isdecimal() else a for a in sys.argv[2:]))
