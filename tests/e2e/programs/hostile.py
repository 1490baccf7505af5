# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that a relay should not suffer from: hostile.py PORT PID TOKEN TARGET-PORT HALF-OPEN MEMORY (kB more that are bounded). TARGET-PORT: a web server of this
machine. Many at the same time, while a good client is served throughout."""
import os, resource, socket, ssl, struct, sys, threading, time

port, pid, token, target, half_open, memory = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6])
PATIENCE = 10  # of the relay, in seconds
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
failures = []
came, crowded = 0, False  # hostile ones; there will be more
done = threading.Event()


def connect(source="127.0.0.1"):
    s = socket.socket()
    s.bind((source, 0))
    s.connect(("127.0.0.1", port))
    s.settimeout(3 * PATIENCE)
    return s


def secret(source="127.0.0.1"):
    return context.wrap_socket(connect(source))


def request(authorization=f"Bearer {token}"):
    return f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\nProxy-Authorization: {authorization}\r\n\r\n".encode()


def ended(s):
    """Everything up to the end, however it comes."""
    data = b""
    try:
        while piece := s.recv(65536):
            data += piece
    except (ConnectionError, ssl.SSLError):
        pass
    return data


def good(source="127.0.0.9"):
    with secret(source) as s:
        s.sendall(request())
        assert s.recv(4096).startswith(b"HTTP/1.1 200"), "a good client is not served"
        s.sendall(b"GET /small HTTP/1.0\r\n\r\n")
        assert b" 200 " in ended(s).split(b"\r\n")[0]


def far_away(source="127.0.0.9"):
    """A good client whose round trips take as long as thousands of others need to come."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)

    def trip():
        until, latest = came + 3000, time.monotonic() + PATIENCE / 3
        s.sendall(outgoing.read())
        while came < until and crowded and time.monotonic() < latest:
            time.sleep(0.01)
        data = s.recv(65536)
        assert data, "a client that is far away is turned away"
        incoming.write(data)

    with connect(source) as s:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                trip()
        tls.write(request())
        while True:
            trip()
            try:
                assert tls.read(4096).startswith(b"HTTP/1.1 200")
                break
            except ssl.SSLWantReadError:
                pass


def wrong_token():
    for authorization in "Bearer wrong", "Bearer ", f"Basic {token}", "Bearer " + "x" * 300:
        with secret() as s:
            s.sendall(request(authorization))
            assert ended(s).startswith(b"HTTP/1.1 407"), authorization
    with secret() as s:
        s.sendall(f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\n\r\n".encode())
        assert ended(s).startswith(b"HTTP/1.1 407")
    with secret() as s:  # SOCKS5, a password that is wrong
        s.sendall(b"\5\1\2\1\1u\1w\5\1\0\1\x7f\0\0\1" + struct.pack(">H", target))
        assert ended(s)[4:6] == b"\5\2"
    with secret() as s:  # and without one
        s.sendall(b"\5\1\0\5\1\0\1\x7f\0\0\1" + struct.pack(">H", target))
        assert ended(s)[2:4] == b"\5\2"


def hello():
    """The first bytes of a client that speaks TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


def truncated():
    whole = hello()
    for size in 1, 5, len(whole) // 2, len(whole) - 1:
        with connect() as s:  # cut off
            s.sendall(whole[:size])
    held = []
    for size in 1, len(whole) // 2, len(whole):
        s = connect()
        s.sendall(whole[:size])
        held.append(s)
    begin = time.monotonic()
    for s in held:
        ended(s)
        assert time.monotonic() - begin < PATIENCE + 5, "half of a handshake is waited for"
        s.close()
    with connect() as s:
        s.sendall(os.urandom(5000))
        ended(s)


def slow():
    with secret() as s:
        begin = time.monotonic()
        try:
            for byte in request():
                s.sendall(bytes([byte]))
                time.sleep(0.5)
        except OSError:
            pass
        assert time.monotonic() - begin < PATIENCE + 5, "a request may drip"
    with secret() as s:
        s.sendall(b"CONNECT x:1 HTTP/1.1\r\nA: " + b"a" * 9000)
        assert ended(s).startswith(b"HTTP/1.1 431")


def goes():
    """In the middle of everything."""
    for sent in b"", request()[:20], request():
        s = secret()
        if sent:
            s.sendall(sent)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()


def many(count, at_once, begin):
    """Connections from many addresses, held as long as may be."""
    global came
    held = []
    for i in range(count):
        s = connect(f"127.1.{i % 200}.{1 + i % 7}")
        came += 1
        try:
            begin(s)
        except OSError:  # it had to make room already
            pass
        held.append(s)
        if len(held) > at_once:
            held.pop(0).close()
    for s in held:
        s.close()


def many_half_open():
    many(half_open, 8000, lambda s: None)


def many_that_begin():
    whole = hello()
    many(half_open // 4, 3000, lambda s: s.sendall(whole))


def many_that_agree():
    held = []

    def agree(s):
        held.append(context.wrap_socket(s))
        if len(held) > 1000:
            held.pop(0).close()

    many(half_open // 10, 1000, agree)


def run(what):
    try:
        what()
    except Exception as e:
        failures.append(f"{what.__name__}: {e!r}")


def resident():
    return next(int(l.split()[1]) for l in open(f"/proc/{pid}/status") if l.startswith("VmRSS"))


def descriptors():
    return len(os.listdir(f"/proc/{pid}/fd"))


good()
before, fds = resident(), descriptors()
peak = served = 0
# First those that the relay waits for, and then those that make it wait for nobody.
for together in (wrong_token, truncated, slow, goes), (many_half_open,), (many_that_begin, many_that_agree):
    threads = [threading.Thread(target=run, args=(w,)) for w in together]
    crowded = many_half_open in together
    if crowded:
        far = [threading.Thread(target=run, args=(w,)) for w in (far_away, lambda: far_away("127.0.0.8"))]
        for t in far:
            t.start()
    for t in threads:
        t.start()
    while any(t.is_alive() for t in threads):
        run(good)
        run(lambda: good(f"127.0.{1 + served // 200}.{1 + served % 200}"))  # of whom it has never heard
        served += 2
        peak = max(peak, resident())
        time.sleep(0.1)
    if crowded:
        crowded = False
        for t in far:
            t.join()
deadline = time.monotonic() + 2 * PATIENCE
while descriptors() > fds + 2 and time.monotonic() < deadline:
    time.sleep(0.1)
print(f"good client served {served} times; memory {before} kB before, {peak} kB at most; {descriptors()} descriptors after {fds}")
if peak > before + memory:
    failures.append("memory is not bounded")
if descriptors() > fds + 2:
    failures.append("descriptors are left")
sys.exit("\n".join(failures) or 0)
