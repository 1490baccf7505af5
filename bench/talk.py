# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs at both ends of a connection, for benchmarks that measure what such programs feel.

    python3 talk.py listen PORT COMMAND...             waits for one connection
    python3 talk.py connect ADDRESS PORT COMMAND...
        and becomes COMMAND, with the connection as its standard input: any program that reads it, or
    python3 talk.py send SECONDS            as much as goes; waits until the other end has closed
    python3 talk.py ask SECONDS FILE        64 bytes, and the same for each answer
    python3 talk.py answer                  what `ask` talks to
    python3 talk.py exchange SECONDS FILE   2 KB every 100 ms, as the other end does

FILE gets a line for each message: the ms until the answer was there (ask), or that it was on its way
(exchange: both ends are on one machine, so they share a clock; with a kernel of its own the wall's alone). Before the first one
each waits until the other end's COMMAND has started, which inside a kernel of its own can take longer than the time between messages.
"""

import contextlib
import os
import select
import socket
import struct
import sys
import time

QUESTION, MESSAGE, EVERY = 64, 2048, 0.1
CLOCK = struct.Struct("d")


def become(connection, command):
    os.dup2(connection.fileno(), 0)
    os.execvp(command[0], command)


def listen(port, *command):
    listener = socket.create_server(("", int(port)))
    listener.set_inheritable(True)  # it stays: further subflows of a connection need a listener
    become(listener.accept()[0], command)


def connect(address, port, *command):
    become(socket.create_connection((address, int(port))), command)


def standard_input():
    connection = socket.socket(fileno=0)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive(connection, size):
    """That many bytes; fewer at the end of the stream."""
    data = b""
    while len(data) < size and (more := connection.recv(size - len(data))):
        data += more
    return data


def meet(connection, size):
    """Comes back when the other end's command has started, which does the same or answers."""
    connection.sendall(bytes(size))
    receive(connection, size)


def send(seconds):
    connection, zeros = standard_input(), bytes(16384)
    end = time.monotonic() + float(seconds)
    while (left := end - time.monotonic()) > 0:
        if select.select([], [connection], [], left)[1]:
            with contextlib.suppress(BlockingIOError):  # MPTCP may have found out meanwhile that there is no room
                connection.send(zeros, socket.MSG_DONTWAIT)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


class Notes:
    """The file for what messages took, each line at once."""

    def __init__(self, path):
        self.file = open(path, "w", buffering=1, encoding="ascii")

    def took(self, since):
        self.file.write(f"{(time.time() - since) * 1000:.4f}\n")


def ask(seconds, path):
    connection, notes = standard_input(), Notes(path)
    meet(connection, QUESTION)
    end = time.time() + float(seconds)
    while (asked := time.time()) < end:
        connection.sendall(bytes(QUESTION))
        if len(receive(connection, QUESTION)) < QUESTION:
            sys.exit("talk.py: the other end closed")
        notes.took(asked)


def answer():
    connection = standard_input()
    while question := receive(connection, QUESTION):
        connection.sendall(question)


def exchange(seconds, path):
    connection, notes, data = standard_input(), Notes(path), b""
    meet(connection, MESSAGE)
    due = time.monotonic()
    end = due + float(seconds)
    more = True
    while more or due < end:
        wait = max(0, due - time.monotonic()) if due < end else None
        if select.select([connection] if more else [], [], [], wait)[0]:
            got = connection.recv(65536)
            more, data = bool(got), data + got
        while len(data) >= MESSAGE:
            notes.took(CLOCK.unpack_from(data)[0])
            data = data[MESSAGE:]
        if due < end and time.monotonic() >= due:
            connection.sendall(CLOCK.pack(time.time()).ljust(MESSAGE))
            due += EVERY
            if due >= end:
                connection.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    COMMANDS = {f.__name__: f for f in (listen, connect, send, ask, answer, exchange)}
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
