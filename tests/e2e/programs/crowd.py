# SPDX-License-Identifier: GPL-2.0-or-later
"""crowd.py HOST PORT ROUNDS AT_ONCE MARK: that many connections to an echo at once, all begun before the agent of this run looks at
any of them, and each is answered; whoever else comes to its door is turned away. The agent is found by the MARK in its command line."""
import errno
import glob
import os
import select
import signal
import socket
import sys

host, port, rounds, at_once, mark = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5].encode()
LIMIT = 30


def find_agent():
    for name in glob.glob("/proc/[0-9]*/comm"):
        folder = os.path.dirname(name)
        try:
            if open(name).read() == "rivulet-via\n" and mark in open(folder + "/cmdline", "rb").read():
                return int(os.path.basename(folder))
        except OSError:
            continue
    sys.exit("which one is the agent?")


def find_door(pid):
    inodes = {os.readlink(f) for f in glob.glob(f"/proc/{pid}/fd/*")}
    for line in open(f"/proc/{pid}/net/tcp"):
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
            return int(fields[1].split(":")[1], 16)
    sys.exit("which one is its door?")


def ready(sockets, events):
    """Those that are within a time in which all should be."""
    poll = select.poll()
    for s in sockets:
        poll.register(s, events)
    return {fd for fd, _ in poll.poll(LIMIT * 1000)}


def all_are(sockets, events, what):
    left = list(sockets)
    while left:
        done = ready(left, events)
        assert done, f"{len(left)} of {len(sockets)} are not {what} after {LIMIT} s"
        left = [s for s in left if s.fileno() not in done]


def crowd():
    sockets = [socket.socket() for _ in range(at_once)]
    os.kill(agent, signal.SIGSTOP)
    try:
        for s in sockets:
            s.setblocking(False)
            code = s.connect_ex((host, port))
            assert code == errno.EINPROGRESS, os.strerror(code)
    finally:
        os.kill(agent, signal.SIGCONT)
    all_are(sockets, select.POLLOUT, "connected")
    for i, s in enumerate(sockets):
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        assert error == 0, os.strerror(error)
        s.sendall(b"%04d" % i)
    all_are(sockets, select.POLLIN, "answered")
    for i, s in enumerate(sockets):
        s.settimeout(LIMIT)
        assert s.recv(4, socket.MSG_WAITALL) == b"%04d" % i, "another's answer"
        s.close()


agent = find_agent()
strangers = [socket.create_connection(("127.0.0.1", find_door(agent))) for _ in range(64)]
for _ in range(rounds):
    crowd()
all_are(strangers, select.POLLIN, "turned away")
