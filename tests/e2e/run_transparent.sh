#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A program under `run` behaves as without it: streams, exit codes, signals, terminal.
. "$(dirname "$0")/run_lib.sh"

run() {
	rivulet lab run pair -- "$RIVULET" run --quiet "$@"
}

# Lost: scripts could not tell success from failure.
expect_code 0 run -- true
expect_code 7 run -- sh -c 'exit 7'
expect_code 127 run -- /nonexistent/program
expect_text 'nonexistent' "$OUT"
expect_code 126 run -- /etc/passwd
expect_code 125 run
expect_code 125 run --nonsense -- true

# Lost: whoever started it could not see that a signal killed the program.
cat >"$TMP/status.py" <<'EOF'
import subprocess, sys
print(subprocess.run(sys.argv[1:]).returncode)
EOF
for signal in 9 11 15; do
	expect "death by signal $signal" rivulet lab run pair -- python3 "$TMP/status.py" \
		"$RIVULET" run --quiet -- sh -c "kill -$signal \$\$"
	[ "$(cat "$OUT")" = "-$signal" ] || fail "not dead of signal $signal: $(cat "$OUT")"
done

# Lost: whoever ignores the ends of his children, and starts it, would wait for ever.
cat >"$TMP/ignores.py" <<'EOF'
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
EOF
expect_code 7 rivulet lab run pair -- timeout -s KILL 30 python3 "$TMP/ignores.py" "$RIVULET" run --quiet -- \
	python3 -c 'import signal; exit(7 if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN else 8)'

# Lost: a pipeline with `run` in it would see other bytes, or never end.
head -c 3000000 /dev/urandom >"$TMP/in"
run -- sh -c 'cat; echo err >&2' <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
cmp "$TMP/in" "$TMP/out" || fail "standard output is not the program's own"
[ "$(cat "$TMP/err")" = err ] || fail "standard error is not the program's own"
expect "a pipe that the program closes early" timeout 20 "$RIVULET" lab run pair -- \
	sh -c "'$RIVULET' run --quiet -- sh -c 'echo first; exec >&-; until [ -e $TMP/closed ]; do sleep 0.05; done' | { cat >/dev/null; touch '$TMP/closed'; }"

# Lost: a signal sent to `rivulet run` (systemctl stop, kill, timeout) would not reach the program.
expect "SIGTERM and SIGUSR1 are handed on" rivulet lab run pair -- sh -c "
	'$RIVULET' run --quiet -- python3 -c '
import signal, sys
signal.signal(signal.SIGUSR1, lambda *a: open(sys.argv[1], \"w\").write(\"usr1\"))
signal.signal(signal.SIGTERM, lambda *a: sys.exit(42))
open(sys.argv[2], \"w\").close()
while True: signal.pause()' '$TMP/usr1' '$TMP/ready' &
	while [ ! -e '$TMP/ready' ]; do sleep 0.05; done
	kill -USR1 \$!
	while [ ! -s '$TMP/usr1' ]; do sleep 0.05; done
	kill -TERM \$!
	wait \$!; [ \$? = 42 ]"

# Lost: a program whose processor time is metered out by somebody who knows it alone (cpulimit) would never seem to end.
cat >"$TMP/metered.py" <<'EOF'
import os, signal, time
def is_stopped(pid):
    return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "T"
program, foreground = os.getpid(), os.getppid()
if os.fork() == 0:
    for _ in range(3):
        os.kill(program, signal.SIGSTOP)
        while not is_stopped(program) or not is_stopped(foreground):
            time.sleep(0.01)
        os.kill(program, signal.SIGCONT)
        while is_stopped(foreground):
            time.sleep(0.01)
        assert not is_stopped(program)
    os._exit(0)
exit(os.waitstatus_to_exitcode(os.wait()[1]) + 9)
EOF
expect_code 9 rivulet lab run pair -- timeout -s KILL 30 "$RIVULET" run --quiet -- python3 "$TMP/metered.py"

# Lost: Ctrl-C, Ctrl-Z, fg, bg at a terminal.
expect "job control" python3 "$(dirname "$0")/programs/jobs.py" "$RIVULET"

# Lost: people would not know what was decided, or something would be changed by asking.
expect "--dry-run" rivulet lab run pair -- sh -c "ip rule >'$TMP/a'; '$RIVULET' run --dry-run; ip rule >'$TMP/b'"
expect_text 'wlan0 \(wifi, 10.1.0.2.*\): used' "$OUT"
expect_text 'would set up: mptcp endpoint 10.2.0.2 dev wwan0 subflow' "$OUT"
cmp -s "$TMP/a" "$TMP/b" || fail "--dry-run changed the rules"
expect_text 'would bound .*net.ipv4.tcp_wmem' "$OUT"
[ ! -e /proc/sys/net/mptcp/blackhole_timeout ] || expect_text 'would set up: .*net.mptcp.blackhole_timeout' "$OUT"
expect "--explain" rivulet lab run pair -- "$RIVULET" run --explain -- true
expect_text 'stack native' "$OUT"
expect_text 'set up: rule 32100: from 10.1.0.2' "$OUT"
expect "--json" rivulet lab run pair -- "$RIVULET" run --json -- true
python3 -m json.tool <"$OUT" >/dev/null || fail "--json is no JSON"

# Lost: a program that may not configure links would not run at all, or nobody would know why it uses one.
if [ "$(id -u)" = 0 ]; then
	expect "without CAP_NET_ADMIN" rivulet lab run pair -- \
		setpriv --bounding-set=-net_admin --inh-caps=-net_admin -- "$RIVULET" run -- \
		python3 -c 'import socket; s = socket.socket(); print("mptcp:", s.getsockopt(socket.IPPROTO_TCP, 43))'
	expect_text 'CAP_NET_ADMIN' "$OUT"
	expect_text 'mptcp: 1' "$OUT"
fi

# Lost: files that a program writes under sudo would belong to root.
if [ "$(id -u)" = 0 ]; then
	chmod 711 "$TMP"
	mkdir -m 777 "$TMP/theirs"
	expect "under sudo" rivulet lab run pair -- env SUDO_UID=65534 SUDO_GID=65534 \
		"$RIVULET" run --quiet -- \
		sh -c "id -u; id -g; touch '$TMP/theirs/file'"
	[ "$(tr '\n' ' ' <"$OUT")" = "65534 65534 " ] || fail "under sudo it is: $(cat "$OUT")"
	[ "$(stat -c %u "$TMP/theirs/file")" = 65534 ] || fail "what it wrote is not the user's"
	expect "under sudo, as root" rivulet lab run pair -- env SUDO_UID=65534 SUDO_GID=65534 \
		"$RIVULET" run --quiet --as-root -- id -u
	expect_text '^0$' "$OUT"
fi

# Lost: on a kernel without MPTCP the program would fail, or stay on one link for no reason told.
expect "MPTCP switched off" rivulet lab run pair -- sh -c "
	echo 0 >/proc/sys/net/mptcp/enabled && '$RIVULET' run --report '$REPORT' -- echo still works"
expect_text 'still works' "$OUT"
expect_text 'net.mptcp.enabled=1' "$OUT"
report_has '"switched off" in r["plain_tcp"]'

# Lost: `run` inside `run` would fail with words that nobody understands.
expect_code 125 rivulet lab run pair -- "$RIVULET" run --quiet -- "$RIVULET" run true
expect_text 'already inside' "$OUT"

# Lost: in a PID namespace of its own, with the /proc of another, a program would get sockets in the network of whoever has there the
# number that it has here; and nobody would know why it stays on one link.
cat >"$TMP/where.py" <<'EOF'
import fcntl, os, socket
SIOCGSKNS = 0x894C # a socket's network namespace
with socket.socket() as s:
    there = fcntl.ioctl(s, SIOCGSKNS)
    assert os.fstat(there).st_ino == os.stat("/proc/self/ns/net").st_ino, "in another network namespace"
EOF
expect "a PID namespace with the /proc of another" rivulet lab run pair -- \
	unshare --net --pid --fork "$RIVULET" run -- python3 "$TMP/where.py"
expect_text '/proc does not show the processes of this PID namespace' "$OUT"
expect_text 'stayed plain TCP' "$OUT"

# Lost: a daemon that the program leaves behind would lose its links with the program.
expect "a descendant that goes on" rivulet lab run pair -- sh -c "
	. '$(dirname "$0")/soon.sh'
	is_left() { ! ip rule | grep -q 32100; }
	'$RIVULET' run --report '$REPORT' -- sh -c 'until [ -e $TMP/over ]; do sleep 0.05; done & exit 3' </dev/null; [ \$? = 3 ] || exit 1
	! is_left || { echo 'it lost its links' >&2; exit 1; }
	touch '$TMP/over'
	soon 10 is_left || { echo 'they are left' >&2; exit 1; }"
report_has 'r["processes_go_on"]'
