# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that does not speak MPTCP, and sends some bytes again, cut otherwise: overlap.py DEVICE ADDRESS PORT, where ADDRESS is
nobody's. Whoever connects and sends something gets SENT. And the client that looks for it: overlap.py ADDRESS PORT."""
import socket, struct, sys

SENT = bytes(i * 7 % 251 for i in range(2000))
FIN, SYN, PSH, ACK = 1, 2, 8, 16
FIRST = 1001  # the number of its first byte


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) & ~1])) + (data[-1] << 8 if len(data) & 1 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def serve(device, address, port):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    wire.bind((device, 0))
    mac, own = wire.getsockname()[4], socket.inet_aton(address)

    def say(to, there, their_port, number, acknowledged, flags, data=b""):
        def tcp(check):
            return struct.pack("!HHIIBBHHH", port, their_port, number, acknowledged, 5 << 4, flags, 65535, check, 0) + data

        whole = tcp(checksum(own + there + struct.pack("!BBH", 0, 6, 20 + len(data)) + tcp(0)))

        def ip(check):
            return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(whole), 0, 0, 64, 6, check, own, there)

        wire.send(to + mac + b"\x08\x00" + ip(checksum(ip(0))) + whole)

    while True:
        frame = wire.recv(65536)
        if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x01" and frame[38:42] == own:
            wire.send(frame[6:12] + mac + frame[12:20] + b"\x00\x02" + mac + own + frame[22:32])
        if frame[12:14] != b"\x08\x00" or frame[23] != 6 or frame[30:34] != own:
            continue
        at = 14 + (frame[14] & 15) * 4
        end = 14 + struct.unpack("!H", frame[16:18])[0]
        theirs, ours, number, _, length, flags = struct.unpack("!HHIIBB", frame[at : at + 14])
        data = frame[at + (length >> 4) * 4 : end]
        to = (frame[6:12], frame[26:30], theirs)
        if ours != port:
            continue
        if flags & SYN:
            say(*to, FIRST - 1, number + 1, SYN | ACK)
        elif data:
            for first, last, more in (0, 1000, 0), (500, 1500, 0), (1400, 2000, FIN):
                say(*to, FIRST + first, number + len(data), PSH | ACK | more, SENT[first:last])
        elif flags & FIN:
            say(*to, FIRST + len(SENT) + 1, number + 1, ACK)


def ask(address, port):
    c = socket.create_connection((address, port), 20)
    c.sendall(b"?")
    got = b""
    while d := c.recv(65536):
        got += d
    assert got == SENT, (len(got), next(i for i in range(len(SENT)) if got[i : i + 1] != SENT[i : i + 1]))


if __name__ == "__main__":
    *device, address, port = sys.argv[1:]
    (serve if device else ask)(*device, address, int(port))
