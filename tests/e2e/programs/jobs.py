#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Drives an interactive shell on a terminal of its own and checks that a job under `rivulet run`
stops, goes on, is interrupted and reads the terminal as any job does. Argument: the program."""
import os
import pty
import re
import select
import signal
import sys
import time

RIVULET = sys.argv[1]
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(PS1="ready$ ", TERM="dumb")
    os.execvp("bash", ["bash", "--norc", "--noediting", "-i"])

seen = ""


def expect(pattern, seconds=15, urge=""):
    """Reads until the pattern stands in what came after the last match, pressing the keys `urge`
    whenever nothing comes: the shell may not have given the terminal to the job yet."""
    global seen
    end = time.monotonic() + seconds
    while not (match := re.search(pattern, seen)):
        if time.monotonic() > end:
            sys.exit(f"no {pattern!r} on the terminal, only: {seen!r}")
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
        else:
            type(urge)
    seen = seen[match.end():]


def type(keys):
    os.write(terminal, keys.encode())


def job(command):
    type(f"{RIVULET} run --quiet -- {command}\n")


expect(r"ready\$ ")
job("sh -c 'echo star''ted; exec sleep 60'")
expect("started")
type("\x1a")
expect(r"Stopped[^$]*ready\$ ")
type("jobs\n")
expect(r"Stopped[^$]*ready\$ ")
type("fg\n")
expect("sleep 60")
expect(r"ready\$ ", urge="\x03")
type("echo code=$?\n")
expect("code=130")

job("sh -c 'read line; echo \"got $line\"'")
type("something\n")
expect("got something")
expect(r"ready\$ ")

job("sh -c 'echo star''ted; exec sleep 60' &")
expect("started")
type("kill -TERM $!; wait $!; echo code=$?\n")
expect(r"code=143[^$]*ready\$ ")

job("bash --norc --noediting -i")
expect(r"ready\$ ")
type("sh -c 'echo star''ted; exec sleep 60'\n")
expect("started")
type("\x1a")
expect(r"Stopped[^$]*ready\$ ")
type("fg\n")
expect("sleep 60")
expect(r"ready\$ ", urge="\x03")
type("exit 5\n")
expect(r"ready\$ ")
type("echo code=$?\n")
expect("code=5")
type("exit\n")

# One that has the terminal by itself, as of `ssh -t HOST rivulet run ...`, ends with it. (Whoever runs the tests may ignore that.)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(RIVULET, [RIVULET, "run", "--quiet", "--", "sh", "-c", "echo started; exec sleep 60"])
expect("started")
os.close(terminal)
end = time.monotonic() + 15
while (done := os.waitpid(pid, os.WNOHANG)) == (0, 0):
    if time.monotonic() > end:
        os.kill(pid, signal.SIGTERM)
        sys.exit("the program goes on without its terminal")
    time.sleep(0.05)
if os.waitstatus_to_exitcode(done[1]) != -signal.SIGHUP:
    sys.exit(f"without its terminal it ended with {done[1]}")

# A key that is pressed before the program is there is for it all the same.
signal.signal(signal.SIGINT, signal.SIG_DFL)
for ms in range(30):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("sh", ["sh", "-c", f"echo begins; exec {RIVULET} run --quiet -- sleep 5"])
    seen = ""
    expect("begins")
    time.sleep(ms / 1000)
    type("\x03")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    if code != -signal.SIGINT:
        sys.exit(f"Ctrl-C after {ms} ms: it ended with {code}")
