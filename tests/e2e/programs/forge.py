# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends ada a result that was never made: forge.py FOLDER NAME SIGNER TASK, from eve, who is of the crowd. It has NAME's certificate
and SIGNER's signature; the exit status that it tells is 66."""
import random, subprocess, sys, time
from member import Member, head, message, transfer

folder, name, signer, task = sys.argv[1:]


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def text(data):
    return head(2, len(data)) + data


result = b"\x89\x02" + text(bytes.fromhex(task)) + text(b"ada") + b"\x00" + head(0, 66) + b"\x05" + text(b"false\n") + b"\x40\x80"
with open(folder + "/result", "wb") as f:
    f.write(result)
certificate = openssl("x509", "-in", f"{folder}/{name}/crowd/certificate.pem", "-outform", "DER")
signature = openssl("pkeyutl", "-sign", "-rawin", "-in", folder + "/result", "-inkey", f"{folder}/{signer}/crowd/key.pem")
eve = Member(folder + "/eve/crowd", "eve", "10.3.5.1")
t = eve.session()
t.settimeout(20)
t.sendall(transfer(0, eve.bundle("dtn://ada/tasks", random.getrandbits(30), b"\x83" + text(result) + text(certificate) + text(signature))))
data = b""
while True:
    more = t.recv(65536)
    assert more, "the session broke off"
    data += more
    while said := message(data):
        data = data[said[0]:]
        if said[1] == 2:
            sys.exit(0)
