#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A program inside a kernel of its own does what it does outside: bytes, files, signals, ends; and nothing of it is left.
. "$(dirname "$0")/inside_lib.sh"
need curl pgrep python3 setpriv sha256sum

make_file file 24000000
BOTH='r["fallbacks"] == 0 and r["refused"] == 0 and share.get("wlan0", 0) >= 0.1 and share.get("wwan0", 0) >= 0.1'

# Lost: the second link, or bytes.
for family in 4 6; do
	expect "curl -$family" pair_lab sh -c "$INSIDE --quiet --report '$REPORT' -- curl -$family -fsS http://server/file | cmp - '$TMP/www/file'"
	report_has "$BOTH and r['connections'] == 1"
done
expect "upload" rivulet lab run pair --also "server: $RIVULET run --quiet -- python3 -c 'import socket,sys,hashlib
s = socket.create_server((\"\", 7000)); c = s.accept()[0]; h = hashlib.sha256()
while d := c.recv(1 << 16): h.update(d)
c.sendall(h.hexdigest().encode())'" -- \
	sh -c "$INSIDE --quiet --report '$REPORT' -- python3 -c 'import socket,sys
s = socket.create_connection((\"10.1.0.1\", 7000)); s.sendall(open(sys.argv[1], \"rb\").read()); s.shutdown(1)
print(s.recv(99).decode())' '$TMP/www/file' >'$TMP/sum'"
[ "$(cat "$TMP/sum")" = "$(sha256sum <"$TMP/www/file" | cut -d ' ' -f 1)" ] || fail "the upload: other bytes"
report_has "$BOTH"
echo "over both links: down, up, IPv6"

# Lost: the end of what a program sends that does not wait for an answer, and leaves that to its kernel.
cat >"$TMP/slow.yaml" <<'EOF'
hosts: [{name: phone}, {name: server}]
links:
  - name: wifi
    both: {rate: 2mbit, delay: 20ms}
    ends:
      - {host: phone, name: wlan0, kind: wifi, addresses: [10.1.0.2/24], gateway: [10.1.0.1]}
      - {host: server, name: wlan0, kind: wifi, addresses: [10.1.0.1/24]}
EOF
cat >"$TMP/last-words.py" <<'EOF'
import socket, sys
if sys.argv[1] == "server":
    s = socket.create_server(("", 7003))
    while True:
        c, size = s.accept()[0], 0
        while d := c.recv(1 << 16):
            size += len(d)
        print(size, file=open(sys.argv[2], "w"), flush=True)
else:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    while s.connect_ex(("10.1.0.1", 7003)):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    s.sendall(bytes(300000))
EOF
for server in "$RIVULET run --quiet --" ''; do
	rm -f "$TMP/heard"
	expect "last words: $server" rivulet lab run "$TMP/slow.yaml" --also "server: $server python3 '$TMP/last-words.py' server '$TMP/heard'" -- sh -c "
		$INSIDE --quiet -- python3 '$TMP/last-words.py' client
		tries=100
		until [ -s '$TMP/heard' ]; do tries=\$((tries - 1)); [ \$tries -gt 0 ] || exit 1; sleep 0.05; done"
	[ "$(cat "$TMP/heard")" = 300000 ] || fail "last words: of 300000 bytes $(cat "$TMP/heard") have arrived"
done
echo "what was left to the kernel to send arrives"

# Lost: a program that connects from a port of its own choice would wait for an answer that the host had got.
expect "a port of its own choice" pair_lab sh -c "$INSIDE --quiet -- curl -4 -fsS --local-port 7020 --connect-timeout 20 --max-time 60 \\
	http://10.1.0.1/file | cmp - '$TMP/www/file'"

# Lost: people would look for processes that have ended with their program.
expect "a descendant that is left" rivulet lab run pair -- sh -c "$INSIDE -- sh -c 'sleep 60 & exit 0'"
if grep 'go on' "$OUT"; then fail "what has ended is said to go on"; fi

# Lost: a program that is started from a folder which was deleted since, or (by a service, say) with closed descriptors.
cat >"$TMP/there.py" <<'EOF'
import os, sys
def there(look, what):
    try:
        look(what)
        return True
    except OSError:
        return False
says = f"{[there(os.fstat, fd) for fd in range(3)]} {there(os.stat, '.')} {there(lambda _: os.getcwd(), 0)}"
open(sys.argv[1], "w").write(says)
EOF
cat >"$TMP/bare" <<EOF
mkdir '$TMP/bare-folder' && cd '$TMP/bare-folder' && rmdir '$TMP/bare-folder'
\$1 '$(python3 -c 'import sys; print(sys.executable)')' '$TMP/there.py' "$TMP/says" <&- >&-
EOF
for how in '' "$RIVULET run --quiet --" "$INSIDE --quiet --"; do
	rm -f "$TMP/says"
	expect "little to start from: $how" rivulet lab run pair -- sh "$TMP/bare" "$how"
	[ "$(cat "$TMP/says")" = '[False, False, True] True False' ] || fail "little to start from: $how: $(cat "$TMP/says")"
done

# Lost: what a program has not read yet of many connections at once, and with it the connections, for ever: the kernel throws
# away what it has acknowledged where TCP's memory is short and the server does not speak MPTCP.
cat >"$TMP/many-server.py" <<'EOF'
import socket, threading
server = socket.create_server(("", 7002), backlog=1024)
def answer(c):
    c.sendall(bytes(range(256)) * 1200)
    c.close()
while True:
    threading.Thread(target=answer, args=(server.accept()[0],)).start()
EOF
cat >"$TMP/many.py" <<'EOF'
import fcntl, socket, struct, termios, time
def connect():
    for _ in range(200):
        try:
            return socket.create_connection(("10.1.0.1", 7002))
        except ConnectionRefusedError:
            time.sleep(0.05)
connections = [connect() for _ in range(150)]
def waiting():
    return sum(struct.unpack("i", fcntl.ioctl(c, termios.FIONREAD, bytes(4)))[0] for c in connections)
was = -1
while (now := waiting()) != was:
    was = now
    time.sleep(0.5)
for c in connections:
    c.settimeout(20)
    got = bytearray()
    while d := c.recv(1 << 20):
        got += d
    assert got == bytes(range(256)) * 1200, len(got)
EOF
expect "many connections, read late" rivulet lab run pair --also "server: python3 '$TMP/many-server.py'" -- \
	sh -c "$INSIDE --quiet -- python3 '$TMP/many.py'"
echo "many connections, read late"

# Lost: connections of a program that waits for edges, where all of TCP's memory is taken: nothing would tell it of room again. Or
# the program, killed for memory that the kernel wants to keep free; or the server, by the question whether a link answers.
cat >"$TMP/uploads-server.py" <<'EOF'
import selectors, socket
server = socket.create_server(("", 7004), backlog=1024)
ready, got = selectors.DefaultSelector(), {}
ready.register(server, selectors.EVENT_READ)
while True:
    for key, _ in ready.select():
        c = key.fileobj
        if c is server:
            c, _ = server.accept()
            c.setblocking(False)
            ready.register(c, selectors.EVENT_READ)
            got[c] = b""
            continue
        try:
            data = c.recv(1 << 16)
        except BlockingIOError:
            continue
        got[c] += data
        if not data:
            assert got.pop(c) == bytes(range(256)) * 1200
            c.sendall(b"good")
            ready.unregister(c)
            c.close()
EOF
cat >"$TMP/uploads.py" <<'EOF'
import select, socket, time
DATA = bytes(range(256)) * 1200
def connect():
    for _ in range(200):
        try:
            return socket.create_connection(("10.1.0.1", 7004))
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise SystemExit("no server after 10 s")
edges, left = select.epoll(), {}
for _ in range(128):
    c = connect()
    c.setblocking(False)
    left[c.fileno()] = [c, len(DATA)]
for fd in left:
    edges.register(fd, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
while left:
    events = edges.poll(20)
    assert events, "%d stand still: %s" % (len(left), [size for _, size in left.values()])
    for fd, _ in events:
        c, size = left[fd]
        try:
            while size > 0:
                size -= c.send(DATA[-size:][:1 << 16])
                if size == 0:
                    c.shutdown(socket.SHUT_WR)
            assert c.recv(4) == b"good"
            del left[fd]
            c.close()
        except BlockingIOError:
            left[fd][1] = size
EOF
expect "many uploads, little memory" rivulet lab run pair --also "server: $RIVULET run --quiet -- python3 '$TMP/uploads-server.py'" -- \
	sh -c "$INSIDE --quiet --memory 32MiB -- python3 '$TMP/uploads.py'"
echo "many uploads, more than there is memory for"

# Lost: bytes in the middle of what a server sends that does not speak MPTCP, where it sends some again and cuts otherwise.
OVERLAP=$PROGRAM_SOURCES/overlap.py
expect "bytes that are sent again" rivulet lab run pair --also "server: python3 '$OVERLAP' wlan0 10.1.0.77 7003 &" -- \
	sh -c "$INSIDE --quiet -- python3 '$OVERLAP' 10.1.0.77 7003"
echo "bytes that are sent again, cut otherwise"

# Everything below is one lab, in which a failure says its name.
cat >"$TMP/alike" <<'EOF'
set -eu
fail() { echo "$*" >&2; exit 1; }
inside() { $INSIDE --quiet -- "$@"; }
# The same outside and inside.
alike() {
	outside=0 within=0
	"$@" >"$TMP/a.out" 2>"$TMP/a.err" || outside=$?
	inside "$@" >"$TMP/b.out" 2>"$TMP/b.err" || within=$?
	[ "$outside" = "$within" ] || fail "$*: $outside outside, $within inside: $(cat "$TMP/b.err")"
	cmp "$TMP/a.out" "$TMP/b.out" && diff "$TMP/a.err" "$TMP/b.err" || fail "$*: other output"
}
mkdir -p "$TMP/work"
cd "$TMP/work"
umask 027
export VARIABLE='a b
c'
alike sh -c 'pwd; umask; echo "$VARIABLE"; id; ulimit -a | grep -v "pending\|locked\|nice\|real-time\|queues"; hostname'
alike sh -c 'exit 7'
alike sh -c 'echo out; echo error >&2'
alike sh -c 'kill -TERM $$'
alike sh -c 'kill -SEGV $$'
alike env -i sh -c 'env | sort'
code=0
inside no-such-program 2>/dev/null || code=$?
[ $code = 127 ] || fail "no such program: $code"
alike printf '%s|' '' 'a b' '*' "'" '"'
alike sh -c 'trap "" USR1; kill -USR1 $$; echo alive'
alike python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000)'
# What it writes is there when it has ended, and is the user's.
inside sh -c 'head -c 3000000 /dev/zero >written; mkdir folder; ln -s written link; mv written moved; chmod 600 moved'
[ "$(stat -c '%s %a %u' moved)" = "3000000 600 $(id -u)" ] || fail "a file: $(stat moved)"
# Pipes, both ways, byte for byte; one that nobody reads any more, and one that ends.
head -c 100000000 /dev/urandom >"$TMP/random"
[ "$(inside sha256sum <"$TMP/random")" = "$(sha256sum <"$TMP/random")" ] || fail "a file as standard input"
[ "$(cat "$TMP/random" | inside sha256sum)" = "$(sha256sum <"$TMP/random")" ] || fail "100 MB into a pipe"
inside cat "$TMP/random" | cmp - "$TMP/random" || fail "100 MB out of a pipe"
[ "$(inside yes | head -n 3 | wc -l)" = 3 ] || fail "a pipe that is closed"
inside sh -c 'exec <&-; exit 3' </dev/zero && fail "exit 3"
[ "$(inside cat </dev/null | wc -c)" = 0 ] || fail "nothing"
# Output and error in one file, which others write to before and after.
(echo before; inside sh -c 'echo out; echo error >&2; echo out'; echo after) >"$TMP/one" 2>&1
[ "$(sort "$TMP/one" | tr '\n' ' ')" = "after before error out out " ] || fail "one file: $(cat "$TMP/one")"
# Signals that are sent to it.
$INSIDE --quiet -- sh -c 'trap "echo got; exit 5" USR1; echo ready; while :; do sleep 0.05; done' >"$TMP/signals" &
run=$!
tries=200
until grep -q ready "$TMP/signals"; do tries=$((tries - 1)); [ $tries -gt 0 ] || fail "it did not start"; sleep 0.05; done
kill -USR1 $run
code=0; wait $run || code=$?
[ "$code" = 5 ] && grep -q got "$TMP/signals" || fail "a signal: $code"
EOF
chmod 755 "$TMP"
export TMP
expect "programs inside as outside" rivulet lab run pair -- sh "$TMP/alike"
echo "as outside: output, ends, files, pipes, signals"

# Lost: who compares times with the host's, of files or of messages: an answer would come before its question. Of the time since the host's
# boot the kernel may lose what its start takes.
cat >"$TMP/clock.py" <<'EOF'
import os, subprocess, sys, time
ANSWER = "import time\nwhile input(): print(repr(time.time()), repr(time.monotonic()), flush=True)"
with subprocess.Popen(os.environ["INSIDE"].split() + ["--quiet", "--", "python3", "-c", ANSWER], stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE, text=True, bufsize=1) as inside:
    for _ in range(20):
        asked = time.time()
        inside.stdin.write("?\n")
        said, since_boot = map(float, inside.stdout.readline().split())
        heard, now = time.time(), time.monotonic()
        assert asked - 0.0005 < said < heard + 0.0005, (asked, said, heard)
        assert now - 5 < since_boot < now + 0.0005, (since_boot, now)
    inside.stdin.write("\n")
EOF
expect "the time inside" rivulet lab run pair -- python3 "$TMP/clock.py"
echo "the same time as outside"

# Lost: an ordinary user's files would be somebody else's, or the program would have rights that its user has not.
cat >"$TMP/sudo" <<'EOF'
mkdir -p "$TMP/home"; chown 65534 "$TMP/home"; cd "$TMP/home"
env -u RIVULET_STATE -u XDG_RUNTIME_DIR SUDO_UID=65534 SUDO_GID=65534 $INSIDE --quiet -- sh -c 'id -u; touch mine; sudo -n true 2>/dev/null; cat /etc/shadow 2>/dev/null; test -r /dev/host0 && echo open'
stat -c %u mine
EOF
expect "under sudo" rivulet lab run pair -- sh "$TMP/sudo"
[ "$(tr '\n' ' ' <"$OUT")" = "65534 65534 " ] || fail "under sudo: $(cat "$OUT")"

# Lost: what it is doing, for who asks in another terminal.
cat >"$TMP/look.py" <<'EOF'
import json, os, subprocess, sys, time
pid = int(sys.argv[1])
end = time.monotonic() + 20
while True:
    seen = json.loads(subprocess.run([os.environ["RIVULET"], "status", "--json"], capture_output=True, check=True).stdout)
    mine = [r for r in seen["runs"] if r["pid"] == pid]
    seen_all = [(c["protocol"], {f["link"] for f in c["subflows"]}, c.get("rate_received", 0) > 0) for r in mine for c in r["connections"]]
    if seen_all == [("mptcp", {"wlan0", "wwan0"}, True)]:
        break
    assert time.monotonic() < end, seen
run = mine[0]
assert run["program"][0] == "curl" and run["netns"] == os.stat("/proc/self/ns/net").st_ino, run
text = subprocess.run([os.environ["RIVULET"], "status"], capture_output=True, check=True, text=True).stdout
assert "10.1.0.1:80" in text and "wwan0" in text, text
EOF
cat >"$TMP/look" <<'EOF'
$INSIDE --quiet -- curl -4 -fsS --limit-rate 1M -o /dev/null http://server/file & run=$!
code=0; $LOOK_AS python3 "$TMP/look.py" $run || code=$?
kill $run; wait $run
[ -z "$(find "$RIVULET_STATE" -name "status-$run-*")" ] || { echo "its socket is left" >&2; code=1; }
exit $code
EOF
expect "its status" pair_lab sh "$TMP/look"
cp "$RIVULET" "$TMP/rivulet-of-user" # whose folder may be closed to others
expect "its status, as an ordinary user" pair_lab env RIVULET_STATE="$TMP/state" RIVULET="$TMP/rivulet-of-user" SUDO_UID=65534 SUDO_GID=65534 \
	LOOK_AS="setpriv --reuid=65534 --regid=65534 --clear-groups -- env PATH=/usr/bin:/bin" sh -c 'mkdir -m 700 "$RIVULET_STATE"; chown 65534 "$RIVULET_STATE"; exec sh "$TMP/look"'
echo "rivulet status sees it"

# Lost: room, a little with each run that was killed.
cat >"$TMP/killed" <<'EOF'
$INSIDE --quiet -- sh -c "echo >'$TMP/started'; sleep 60" & run=$!
until [ -e "$TMP/started" ]; do sleep 0.05; done
kill -KILL $run
wait $run
$INSIDE --quiet -- true || exit 1
ls -A "$RIVULET_STATE"
[ -z "$(find "$RIVULET_STATE" -name 'machine-*')" ]
EOF
mkdir -m 700 "$TMP/killed-state"
expect "nothing of one that was killed" rivulet lab run pair -- env RIVULET_STATE="$TMP/killed-state" sh "$TMP/killed"
echo "nothing is left of one that was killed"

# Lost: who types, and who looks at a window of another size.
cat >"$TMP/terminal.py" <<'EOF'
import fcntl, os, pty, select, struct, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", "exec " + os.environ["INSIDE"] + " --quiet -- sh -c '" + """
trap "echo interrupted" INT; tty; stty size; echo ready; read line; echo "line: $line"
trap "stty size; echo resized" WINCH; echo waiting; while ! [ -e done ]; do sleep 0.1; done; exit 4'"""])
seen = b""
def wait(text):
    global seen
    end = time.monotonic() + 20
    while text not in seen:
        if time.monotonic() > end or not select.select([fd], [], [], 20)[0]:
            sys.exit("waited for %r, saw %r" % (text, seen))
        seen += os.read(fd, 4096)
    seen = seen[seen.index(text) + len(text):]
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("4H", 33, 99, 0, 0))
wait(b"/dev/pts/"); wait(b"ready\r\n")
os.write(fd, b"abd\x7fc\r"); wait(b"line: abc\r\n"); wait(b"waiting\r\n")
os.write(fd, b"\x03"); wait(b"interrupted")
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("4H", 44, 88, 0, 0)); wait(b"44 88"); wait(b"resized")
open("done", "w").close()
try:
    while os.read(fd, 4096): pass
except OSError: pass
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert code == 4, code
EOF
mkdir "$TMP/terminal"
expect "a terminal" rivulet lab run pair -- sh -c "cd '$TMP/terminal' && python3 '$TMP/terminal.py'"
echo "a terminal: lines, keys, sizes"

# Lost: the speed of whatever a program does: it and the kernel take turns, which is many times as dear on two processors.
cat >"$TMP/processor" <<'EOF'
fail() { kill $run; wait $run; echo "$*" >&2; exit 1; }
may_use() { sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null; }
processors() { for pid in $(pgrep --ns $$ --nslist net -x rivulet-uml); do may_use "$pid"; done | sort -u; }
until_true() { tries=400; until eval "$1"; do tries=$((tries - 1)); [ $tries -gt 0 ] || fail "$2: $(processors)"; sleep 0.05; done; }
$INSIDE --quiet -- sh -c "echo >'$TMP/busy'; while :; do kill -0 \$\$; done" & run=$!
until_true '[ -e "$TMP/busy" ]' "it did not start"
until_true 'is=$(processors); case $is in *[!0-9]* | "") false ;; esac' "not on one processor"
kill $run
wait $run
exit 0
EOF
if [ "$(nproc)" -gt 1 ]; then
	expect "one processor" rivulet lab run pair -- sh "$TMP/processor"
	echo "on one processor"
fi
