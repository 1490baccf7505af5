# SPDX-License-Identifier: GPL-2.0-or-later
"""The other end of a node in few words: a member of the crowd that speaks TCPCL (RFC 9174) and bundles (RFC 9171)."""
import hashlib, socket, ssl, struct, time

PORT = 4556


def head(major, n):
    """The head of a CBOR item."""
    for code, size, form in ((24, 0xff, ">B"), (25, 0xffff, ">H"), (26, 0xffffffff, ">I")):
        if n < 24:
            return bytes([major << 5 | n])
        if n <= size:
            return bytes([major << 5 | code]) + struct.pack(form, n)
    return bytes([major << 5 | 27]) + struct.pack(">Q", n)


def eid(text):
    return b"\x82\x01" + head(3, len(text) - 4) + text[4:].encode()


def transfer(number, data):
    """In segments as large as nodes of ours take them."""
    out = b""
    for at in range(0, len(data) or 1, 65536):
        part = data[at:at + 65536]
        first, last = at == 0, at + 65536 >= len(data)
        out += struct.pack(">BBQ", 1, (2 if first else 0) | last, number)
        out += (struct.pack(">I", 0) if first else b"") + struct.pack(">Q", len(part)) + part
    return out


def acknowledgement(flags, number, size):
    return b"\x02" + struct.pack(">BQQ", flags, number, size)


def bytes_of(data):
    """The byte string that @data begins with, in CBOR."""
    n = data[0] & 31
    size = 0 if n < 24 else 1 << n - 24
    n = int.from_bytes(data[1:1 + size], "big") if size else n
    return data[1 + size:1 + size + n]


def payload(data):
    """Of a bundle as nodes of ours write it."""
    at = data.find(b"\x86\x01\x01\x00\x02")
    return bytes_of(data[at + 5:]) if at >= 0 else b""


def message(data):
    """The first of @data as (size, type, flags, number of its transfer, its bytes); None: it is not all there."""
    fixed = {2: 18, 3: 10, 4: 1, 5: 3, 6: 3}
    if not data:
        return None
    kind = data[0]
    try:
        if kind == 7:
            node = struct.unpack_from(">H", data, 19)[0]
            size = 25 + node + struct.unpack_from(">I", data, 21 + node)[0]
            return (size, kind, 0, 0, b"") if len(data) >= size else None
        if kind == 1:
            at = 10
            if data[1] & 2:
                at += 4 + struct.unpack_from(">I", data, 10)[0]
            size = struct.unpack_from(">Q", data, at)[0]
            number = struct.unpack_from(">Q", data, 2)[0]
            if len(data) < at + 8 + size:
                return None
            return at + 8 + size, kind, data[1], number, data[at + 8:at + 8 + size]
        if len(data) < fixed[kind]:
            return None
        number = struct.unpack_from(">Q", data, 2)[0] if kind in (2, 3) else 0
        flags = data[1] if kind == 2 else 0
        return fixed[kind], kind, flags, number, b""
    except struct.error:
        return None


class Member:
    def __init__(self, folder, name, address):
        self.folder, self.name, self.address = folder, name, address

    def header(self):
        """A connection past the contact headers: later, where there are too many of ours."""
        while True:
            s = socket.create_connection((self.address, PORT), timeout=30)
            try:
                s.sendall(b"dtn!\x04\x01")
                if s.recv(6, socket.MSG_WAITALL) == b"dtn!\x04\x01":
                    return s
            except ConnectionError:
                pass
            s.close()
            time.sleep(0.1)

    def connect(self):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
        c.load_cert_chain(self.folder + "/certificate.pem", self.folder + "/key.pem")
        return c.wrap_socket(self.header(), suppress_ragged_eofs=True)

    def hello(self, name=None, keepalive=30, items=b""):
        node = f"dtn://{name or self.name}/".encode()
        return (b"\x07" + struct.pack(">HQQH", keepalive, 65536, 1 << 21, len(node)) + node
                + struct.pack(">I", len(items)) + items)

    def session(self):
        t = self.connect()
        t.sendall(self.hello())
        return t

    def created(self):
        return int(time.time() * 1000) - 946684800000

    def key(self, created, sequence):
        """What a node's store calls the bundle."""
        return hashlib.sha256(f"dtn://{self.name}/x {created}.{sequence}".encode()).digest()[:16]

    def bundle(self, to, sequence, payload, lifetime=600000, hops=None, extra=b"", created=None,
               fragment=None):
        """@fragment: (offset, size of the whole)."""
        b = (b"\x9f\x8a\x07\x01\x00" if fragment else b"\x9f\x88\x07\x00\x00") + eid(to) + eid(f"dtn://{self.name}/x") + b"\x82\x01\x00"
        b += b"\x82" + head(0, created or self.created()) + head(0, sequence) + head(0, lifetime)
        if fragment:
            b += head(0, fragment[0]) + head(0, fragment[1])
        if hops:
            data = b"\x82" + head(0, hops[0]) + head(0, hops[1])
            b += b"\x85\x0a\x03\x00\x00" + head(2, len(data)) + data
        b += extra
        return b + b"\x85\x01\x01\x00\x00" + head(2, len(payload)) + payload + b"\xff"
