# SPDX-License-Identifier: GPL-2.0-or-later
"""A connection that goes by a relay to HOST's port 7003 (peer.py): who is cut off is told, and it takes the options that asyncio sets;
with PORT it goes by the proxy there."""
import socket
import struct
import sys

host = sys.argv[1]


def by_proxy(port):
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(b"\5\1\0")
    assert s.recv(2, socket.MSG_WAITALL) == b"\5\0"
    s.sendall(b"\5\1\0\1" + socket.inet_aton(host) + struct.pack("!H", 7003))
    assert s.recv(10, socket.MSG_WAITALL)[:2] == b"\5\0"
    return s


def connect():
    s = socket.create_connection((host, 7003))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    assert s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), "it forgets its options"
    assert s.getsockname()[0] and s.getpeername() == (host, 7003)
    return s


with by_proxy(int(sys.argv[2])) if len(sys.argv) > 2 else connect() as s:
    assert len(s.recv(1000, socket.MSG_WAITALL)) == 1000
    s.sendall(b"x")
    try:
        got = s.recv(1)
        sys.exit(f"what was cut off looks complete: {got}")
    except ConnectionResetError:
        pass
