# SPDX-License-Identifier: GPL-2.0-or-later
"""A member of the crowd that has an object: holder.py CROWD-FOLDER NAME ADDRESS PEER FILE WHAT

lies:       says that it has FILE, and sends something else when it is asked for pieces
fragments:  gives FILE to PEER in bundles that are cut up, in no order, some bytes twice; prints its name"""
import hashlib, random, sys
from member import Member, acknowledgement, bytes_of, head, message, payload, transfer

folder, name, address, peer, path, what = sys.argv[1:7]
PIECE = 1 << 20
member = Member(folder, name, address)
content = open(path, "rb").read()
pieces = [content[i:i + PIECE] for i in range(0, len(content), PIECE)]
hashes = b"".join(hashlib.sha256(p).digest() for p in pieces)
text = b"\x83" + head(0, len(content)) + head(0, PIECE) + head(2, len(hashes)) + hashes
ID = hashlib.sha256(text).digest()
TO = f"dtn://{peer}/objects"


def say(kind, rest):
    fields = {2: 5, 4: 4, 6: 5}[kind]
    return head(4, fields) + head(0, kind) + head(2, 32) + ID + rest


def all_of_it(kind):
    return say(kind, head(0, len(content)) + head(2, 0) + head(2, len(hashes)) + hashes)


def piece(number, data):
    return say(4, head(0, number) + head(2, len(data)) + data)


def numbers(data):
    """Of a message that asks for pieces."""
    at, found = 36, []
    count = data[at] & 31
    at += 1
    if count >= 24:
        count, at = data[at], at + 1
    while len(found) < count:
        n, size = data[at] & 31, 0
        if n >= 24:
            size = 1 << n - 24
            n = int.from_bytes(data[at + 1:at + 1 + size], "big")
        found.append(n)
        at += 1 + size
    return found


def lies():
    t = member.session()
    data, arriving, sent = b"", b"", 0
    while more := t.recv(65536):
        data += more
        while said := message(data):
            size, kind, flags, number, segment = said
            data = data[size:]
            if kind != 1:
                continue
            arriving = segment if flags & 2 else arriving + segment
            t.sendall(acknowledgement(flags, number, len(arriving)))
            if not flags & 1:
                continue
            asked = payload(arriving)
            answers = []
            if asked[:2] == b"\x82\x01" and bytes_of(asked[2:]) == ID:
                answers = [all_of_it(2)]
            elif asked[:2] == b"\x83\x03":
                answers = [piece(n, bytes(len(pieces[n]))) for n in numbers(asked)]
            for answer in answers:
                t.sendall(transfer(sent, member.bundle(TO, sent, answer)))
                sent += 1


def fragments():
    chance = random.Random(11)
    t = member.session()
    created = member.created()
    all_ = []
    for sequence, whole in enumerate([all_of_it(6)] + [piece(n, p) for n, p in enumerate(pieces)]):
        for at in range(0, len(whole), 60000):
            begin = max(0, at - 1000)
            all_.append(member.bundle(TO, sequence, whole[begin:at + 60000], created=created,
                                      fragment=(begin, len(whole))))
    chance.shuffle(all_)
    for number, bundle in enumerate(all_):
        t.sendall(transfer(number, bundle))
    data, accepted = b"", 0
    while accepted < len(all_):
        more = t.recv(65536)
        assert more, "it hung up"
        data += more
        while said := message(data):
            assert said[1] not in (3, 5), "refused"
            accepted += said[1] == 2 and said[2] & 1
            data = data[said[0]:]
    t.close()
    print(ID.hex())


globals()[what]()
