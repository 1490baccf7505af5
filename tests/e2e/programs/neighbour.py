# SPDX-License-Identifier: GPL-2.0-or-later
"""A neighbour that is a member of the crowd and means no good: neighbour.py CROWD-FOLDER ADDRESS WHAT...

It has a certificate, speaks TLS, and says WHAT: garbage, truncated, lengths, bundles, tiny N, slow, silent, flood.
Each ends when the other end has ended the session, or has refused; a node that takes what it should not makes it fail."""
import random, socket, ssl, struct, sys, time
from member import Member, message, transfer

folder, address, NAME = sys.argv[1:4]
random.seed(7)
member = Member(folder, NAME, address)
connect, session, hello, bundle = member.connect, member.session, member.hello, member.bundle


def wait_end(t, limit=60):
    t.settimeout(limit)
    try:
        while t.recv(65536):
            pass
    except (ssl.SSLError, ConnectionError):
        pass
    t.close()


def answers(t, count, limit=30):
    """How many transfers were accepted and refused, of @count."""
    t.settimeout(limit)
    data, accepted, refused = b"", 0, 0
    while accepted + refused < count:
        more = t.recv(65536)
        if not more:
            return accepted, refused, True
        data += more
        while said := message(data):
            size, kind, flags = said[:3]
            accepted += kind == 2 and flags & 1
            refused += kind == 3
            assert kind != 5, "ended"
            data = data[size:]
    return accepted, refused, False


def garbage():
    all_ = [connect() for _ in range(6)]
    for t in all_:
        t.sendall(random.randbytes(5000))
    for t in all_:
        wait_end(t)
    t = session()
    t.sendall(b"\xff" * 1000)
    wait_end(t)


def truncated():
    whole = hello() + transfer(0, bundle("dtn://far/x", 0, b"y" * 100))
    for cut in range(0, len(whole), 9):
        t = connect()
        t.sendall(whole[:cut])
        t.close()


def lengths():
    for message in (b"\x01\x03" + bytes(8) + struct.pack(">I", 0xffffffff),
                    b"\x01\x03" + bytes(12) + struct.pack(">Q", 1 << 62),
                    b"\x07" + b"\xff" * 100, b"\x01\x00" + bytes(16)):
        t = session()
        t.sendall(message)
        wait_end(t)
    t = connect()
    t.sendall(hello(name="somebody-else"))
    wait_end(t)


def bundles():
    far = "dtn://far/x"
    bad = [b"\x9f\xff", b"\x00" * 50, random.randbytes(500), bundle(far, 1, b"x", hops=(16, 16)),
           bundle(far, 2, b"x", hops=(255, 1 << 40)), bundle(far, 3, b"x", hops=(300, 0)),
           bundle(far, 4, b"x", lifetime=0), bundle(far, 5, b"x")[:-1],
           bundle(far, 6, b"x", extra=b"\x85\x18\x63\x02\x04\x00\x41x"),
           bundle(far, 7, b"x" * 50).replace(b"\x58\x32", b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff"),
           bundle("dtn://" + "a" * 300 + "/", 8, b"x")]
    t = session()
    for i, b in enumerate(bad):
        t.sendall(transfer(i, b))
    assert answers(t, len(bad)) == (0, len(bad), False), "something bad was accepted"
    # Absurd, but allowed: nobody keeps it that long.
    t.sendall(transfer(100, bundle(far, 9, b"x", lifetime=(1 << 64) - 1)))
    assert answers(t, 1) == (1, 0, False)
    # Messages about objects that are none.
    for i, payload in enumerate((b"", b"\x82\x01\x41x", random.randbytes(200),
                                 b"\x85\x02\x58\x20" + bytes(32) + b"\x1b" + b"\xff" * 8 + b"\x40\x40")):
        t.sendall(transfer(101 + i, bundle(f"dtn://{sys.argv[5]}/objects", 20 + i, payload)))
    assert answers(t, 4)[2] is False
    t.close()


def tiny():
    count, sent, accepted, refused = int(sys.argv[5]), 0, 0, 0
    t = session()
    while sent < count:
        batch = min(500, count - sent)
        t.sendall(b"".join(transfer(sent + i, bundle("dtn://far/x", 1000 + sent + i, b"x")) for i in range(batch)))
        sent += batch
        a, r, over = answers(t, batch)
        accepted, refused = accepted + a, refused + r
        assert not over
    print(accepted, refused)
    t.close()


def slow():
    """A byte of a message now and then."""
    t = connect()
    began = time.time()
    t.sendall(hello(keepalive=1))
    try:
        for byte in b"\x01\x03" + bytes(100):
            t.sendall(bytes([byte]))
            time.sleep(0.3)
    except (ssl.SSLError, OSError):
        pass
    assert time.time() - began < 20, "it waits for ever"


def silent():
    """Connections that say nothing."""
    held = [socket.create_connection((address, 4556), timeout=30) for _ in range(200)]
    began = time.time()
    for s in held:
        s.settimeout(30)
        try:
            while s.recv(100): pass
        except ConnectionError:
            pass
    assert time.time() - began < 25, "they stay"


globals()[sys.argv[4]]()
