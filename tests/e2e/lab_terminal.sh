#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On a terminal a lab is like any other command: Ctrl-C, Ctrl-Z and fg work, and a shell in it has
# job control. Lost otherwise: users who cannot stop what they started.
. "$(dirname "$0")/lib.sh"
need python3

cat >"$TMP/shell" <<'END'
#!/bin/sh
PS1='INSIDE> ' exec bash --norc --noprofile -i
END
chmod 755 "$TMP/shell"
cat >"$TMP/terminal.py" <<'END'
"""Runs argv on a new terminal; a script of (text to wait for, keys to type) pairs."""
import os, pty, select, signal, sys, time

def run(argv, steps):
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    seen, limit = b"", time.monotonic() + 30
    for wanted, keys in steps:
        while wanted not in seen:
            if time.monotonic() > limit or not select.select([fd], [], [], 30)[0]:
                sys.exit("waited for %r, saw %r" % (wanted, seen))
            try:
                seen += os.read(fd, 4096)
            except OSError:
                sys.exit("waited for %r, saw %r and the end" % (wanted, seen))
        seen = seen[seen.index(wanted) + len(wanted):]
        os.write(fd, keys)
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

os.environ["PS1"] = "OUTSIDE> "
lab = os.environ["LAB"].split()
code = run(lab + ["run", "pair", "--", "sh", "-c", "trap 'exit 9' INT; echo READY; while :; do sleep 0.05; done"],
           [(b"READY", b"\x03")])
if code != 9:
    sys.exit("Ctrl-C: the command got no SIGINT, or not only one: %d" % code)

# Ctrl-C before there is a command.
limit = time.monotonic() + 10
code = run(lab + ["run", "pair", "--also", "server: echo READY >/dev/tty; sleep 1000", "--", "sleep", "1000"], [(b"READY", b"\x03")])
if code != 130 or time.monotonic() > limit:
    sys.exit("Ctrl-C while a server is waited for: %d" % code)

# The terminal goes, and with it the command: of a session whose leader is the lab.
signal.signal(signal.SIGHUP, signal.SIG_DFL) # who started the test may have used nohup
pid, fd = pty.fork()
if pid == 0:
    os.execvp(lab[0], lab + ["run", "pair", "--", "sh", "-c", "echo READY; sleep 15"])
seen = b""
while b"READY" not in seen:
    seen += os.read(fd, 4096)
os.close(fd)
began = time.monotonic()
os.waitpid(pid, 0)
if time.monotonic() - began > 5:
    sys.exit("the command goes on without its terminal")

# A shell with job control outside of the lab: stop it, see the prompt, go on, end. The space before fg is for the
# command: a process that waits in read() when it is told to stop may still take one byte (the kernel looks at input first).
prompt = b"OUTSIDE> "
code = run(["bash", "--norc", "--noprofile", "-i"], [
    (prompt, b" ".join(a.encode() for a in lab) + b" run pair -- sh -c 'echo READ''Y; read x; exit 4'\n"),
    (b"READY", b"\x1a"),
    (b"Stopped", b""),
    (prompt, b" fg\n"),
    (b"lab run", b"\n"),
    (prompt, b"exit $?\n")])
if code != 4:
    sys.exit("Ctrl-Z and fg: ended with %d" % code)

# A shell with job control inside of it; afterwards the terminal is the outer shell's again.
code = run(["bash", "--norc", "--noprofile", "-i"], [
    (prompt, b"SHELL=%s/shell " % os.environ["TMP"].encode() + b" ".join(a.encode() for a in lab) + b" shell pair\n"),
    (b"INSIDE> ", b"sh -c 'echo host=$RIVULET_LAB_HOST; read x'\n"),
    (b"host=client", b"\x1a"),
    (b"Stopped", b""),
    (b"INSIDE> ", b"disown -a; exit 6\n"),
    (prompt, b"exit $?\n")])
if code != 6:
    sys.exit("lab shell: ended with %d" % code)
END
first=$(rivulet lab run pair -- sh -c 'echo $RIVULET_LAB_HOST')
sed -i "s/host=client/host=$first/" "$TMP/terminal.py"
export TMP LAB="$AS_USER $RIVULET lab"
expect "keys of the terminal" python3 "$TMP/terminal.py"
