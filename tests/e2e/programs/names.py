#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A name server at the address in the first argument (IPv4) that gives it as the answer for every name."""
import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))  # answers come from where the questions went
while True:
    query, sender = server.recvfrom(512)
    end = query.index(b"\0", 12) + 5
    wants_v4 = query[end - 4:end - 2] == b"\0\1"
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(sys.argv[1]) if wants_v4 else b""
    header = query[:2] + b"\x81\x80\0\1\0" + bytes([len(answer) > 0]) + b"\0\0\0\0"
    server.sendto(header + query[12:end] + answer, sender)
