#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Whoever is killed, the host is as before within two seconds.
. "$(dirname "$0")/run_lib.sh"
. "$(dirname "$0")/still.sh"
need pgrep

cat "$(dirname "$0")/soon.sh" - >"$TMP/inside.sh" <<'EOF'
set -eu
RIVULET=$1 VICTIM=$2
state() {
	ip rule; ip -6 rule; ip route show table all; ip -6 route show table all | grep -v expires
	ip mptcp endpoint; ip mptcp limits; ip -br link; cat /proc/sys/net/mptcp/blackhole_timeout 2>&1
}
fail() { echo "$VICTIM: $*" >&2; exit 1; }
# Processes of ours that are alive; a zombie that nobody waits for is not.
ours() {
	for name in rivulet-super rivulet-watch rivulet-net rivulet-keep; do
		for pid in $(pgrep --ns $$ --nslist net -x $name); do grep -q '^State:.Z' "/proc/$pid/status" || echo "$pid"; done
	done
}
as_before() { state >"$TMP/now"; cmp -s "$TMP/before" "$TMP/now"; }
none_left() { [ -z "$(ours)" ]; }

# ps -o comm shows the first 15 characters: rivulet-super, rivulet-watch, rivulet-net, rivulet-keep.
soon 10 settled || fail "an IPv6 address has no route"
state >"$TMP/before"
"$RIVULET" run --quiet -- sleep 60 &
foreground=$!
soon 10 pgrep -x sleep -P $foreground || fail "the program did not start"
ip rule | grep -q 32100 || fail "nothing was set up"
ip mptcp endpoint | grep -q 10.2.0.2 || fail "no endpoint"
program=$(pgrep -x sleep -P $foreground)
# Of several some may have ended by the death of those before.
case $VICTIM in
program) kill -KILL "$program" ;;
foreground) kill -KILL $foreground ;;
supervisor) kill -KILL "$(pgrep --ns $$ --nslist net -x rivulet-super)" ;;
watcher) kill -KILL "$(pgrep --ns $$ --nslist net -x rivulet-watch)"; kill -TERM $foreground ;;
all-but-watcher) kill -KILL $foreground "$program" "$(pgrep --ns $$ --nslist net -x rivulet-super)" || : ;;
program-and-supervisor) kill -KILL "$program" "$(pgrep --ns $$ --nslist net -x rivulet-super)" || : ;;
program-and-foreground) kill -KILL "$program" $foreground || : ;;
helpers) kill -KILL "$(pgrep --ns $$ --nslist net -x rivulet-watch)" "$(pgrep --ns $$ --nslist net -x rivulet-super)"; kill -KILL "$program" || : ;;
net) kill -KILL "$(pgrep --ns $$ --nslist net -x rivulet-net)"; soon 2 as_before; kill -TERM $foreground ;;
net-and-supervisor) kill -KILL "$(pgrep --ns $$ --nslist net -x rivulet-net)" "$(pgrep --ns $$ --nslist net -x rivulet-super)" || : ;;
keeper) kill -KILL "$(pgrep --ns $$ --nslist net -x rivulet-keep)"; kill -TERM $foreground ;;
keeper-and-supervisor) kill -KILL "$(pgrep --ns $$ --nslist net -x rivulet-keep)" "$(pgrep --ns $$ --nslist net -x rivulet-super)" || : ;;
all-but-net) kill -KILL $foreground "$program" "$(pgrep --ns $$ --nslist net -x rivulet-super)" "$(pgrep --ns $$ --nslist net -x rivulet-watch)" "$(pgrep --ns $$ --nslist net -x rivulet-keep)" || : ;;
all-but-keeper) kill -KILL $foreground "$program" "$(pgrep --ns $$ --nslist net -x rivulet-super)" "$(pgrep --ns $$ --nslist net -x rivulet-watch)" "$(pgrep --ns $$ --nslist net -x rivulet-net)" || : ;;
nobody) kill -TERM $foreground ;;
esac
soon 2 as_before || { diff "$TMP/before" "$TMP/now" >&2; fail "the host is not as before"; }
case $VICTIM in
foreground | supervisor | net-and-supervisor | keeper-and-supervisor)
	kill -0 "$program" || fail "the program died with its supervisor"
	kill -KILL "$program"
	;;
esac
soon 10 none_left || fail "processes are left: $(ours)"
EOF

for victim in program foreground supervisor watcher all-but-watcher program-and-supervisor \
	program-and-foreground helpers net net-and-supervisor keeper keeper-and-supervisor all-but-net \
	all-but-keeper nobody; do
	in_time expect "after the end of: $victim" rivulet lab run pair -- env TMP="$TMP" sh "$TMP/inside.sh" "$RIVULET" $victim
done

# Lost: a program whose supervisor dies would get ENOSYS for every new connection.
make_file file 100000
cat >"$TMP/bereave.sh" <<'EOF'
"$1" run --quiet -- sh -c "touch '$TMP/started'; until [ -e '$TMP/killed' ]; do sleep 0.05; done; exec curl -fsS http://server/file" >"$TMP/got" &
until [ -e "$TMP/started" ]; do sleep 0.05; done
# The server has a supervisor too: ours is in our network namespace.
for pid in $(pgrep --ns $$ --nslist net -x rivulet-super); do
	kill -KILL "$pid"
done
touch "$TMP/killed"
wait $!
EOF
expect "plain TCP after the supervisor's death" pair_lab env TMP="$TMP" sh "$TMP/bereave.sh" "$RIVULET"
cmp "$TMP/www/file" "$TMP/got" || fail "other bytes after the supervisor's death"

# Lost: sockets that a program was just asking for when the foreground was killed would never come, or be no sockets.
cat >"$TMP/storm.py" <<'EOF'
import os, socket, stat, sys, threading, time
killed, made, wrong = sys.argv[1], [0] * 20, []

def ask(which):
    until = None
    while until is None or time.monotonic() < until:
        with socket.socket() as s:
            if not stat.S_ISSOCK(os.fstat(s.fileno()).st_mode) or s.type != socket.SOCK_STREAM:
                wrong.append(which)
        made[which] += 1
        if until is None and os.path.exists(killed):
            until = time.monotonic() + 0.5

threads = [threading.Thread(target=ask, args=(i,), daemon=True) for i in range(len(made))]
for thread in threads:
    thread.start()
while sum(made) < 1000:
    time.sleep(0.01)
open(sys.argv[2], "w").close()
for thread in threads:
    thread.join(10)
ok = not wrong and not any(thread.is_alive() for thread in threads)
open(sys.argv[3], "w").write("ok" if ok else f"wrong: {wrong}, made: {made}")
EOF
cat >"$TMP/storm.sh" <<'EOF'
"$1" run --quiet -- python3 "$TMP/storm.py" "$TMP/storm-killed" "$TMP/storm-started" "$TMP/storm-said" &
until [ -e "$TMP/storm-started" ]; do sleep 0.05; done
kill -KILL $!
touch "$TMP/storm-killed"
until [ -s "$TMP/storm-said" ]; do sleep 0.05; done
EOF
for round in 1 2 3; do
	rm -f "$TMP/storm-killed" "$TMP/storm-started" "$TMP/storm-said"
	expect "sockets while the foreground is killed, $round" rivulet lab run pair -- env TMP="$TMP" sh "$TMP/storm.sh" "$RIVULET"
	[ "$(cat "$TMP/storm-said")" = ok ] || fail "sockets while the foreground is killed: $(cat "$TMP/storm-said")"
done

# Lost: a transfer would be cut off by the clean-up after its supervisor's death, or hold the clean-up up.
make_file large 40000000
cat "$(dirname "$0")/soon.sh" - >"$TMP/transfer.sh" <<'EOF'
set -eu
state() { ip rule; ip -6 rule; ip route show table all; ip mptcp endpoint; ip mptcp limits; cat /proc/sys/net/ipv4/tcp_wmem; }
two_subflows() { [ "$(ss -tnH state established '( dport = 80 )' | wc -l)" -ge 2 ]; }
state >"$TMP/before"
"$1" run --quiet -- curl -fsS http://server/large >"$TMP/got" &
until two_subflows; do sleep 0.05; done
for pid in $(pgrep --ns $$ --nslist net -x rivulet-super); do
	kill -KILL "$pid"
done
as_before() { state >"$TMP/now"; cmp -s "$TMP/before" "$TMP/now"; }
soon 2 as_before || { diff "$TMP/before" "$TMP/now" >&2; echo "the host is not as before" >&2; exit 1; }
kill -0 $! || { echo "the transfer was over too soon" >&2; exit 1; }
wait $!
EOF
in_time expect "a transfer survives its supervisor" pair_lab env TMP="$TMP" sh "$TMP/transfer.sh" "$RIVULET"
cmp "$TMP/www/large" "$TMP/got" || fail "other bytes after the supervisor's death"

# Lost: MPTCP for an hour, after one connection that began where there was no network; or how somebody wants it after that.
cat "$(dirname "$0")/soon.sh" - >"$TMP/blackhole.sh" <<'EOF'
set -eu
RIVULET=$1 TIMEOUT=/proc/sys/net/mptcp/blackhole_timeout
fail() { echo "$*: $(cat $TIMEOUT)" >&2; exit 1; }
[ -e $TIMEOUT ] || exit 0
is() { [ "$(cat $TIMEOUT)" = "$1" ]; }
begin() {
	"$RIVULET" run --quiet -- sleep 60 &
	soon 10 pgrep -x sleep -P $! || fail "the program did not start"
}
end() { kill -TERM "$1"; wait "$1" || :; }
kill_all() {
	all="$1 $(pgrep -x sleep -P "$1") $(for name in net keep super watch; do pgrep --ns $$ --nslist net rivulet-$name; done)"
	# First, or one would take back what it can while the others die.
	kill -STOP $all
	kill -KILL $all
	wait "$1" || :
}
is 3600 || fail "not the kernel's own"
begin; first=$!
is 1 || fail "in a run"
begin; second=$!
end $first
is 1 || fail "when the first of two has ended"
end $second
soon 2 is 3600 || fail "after the last"
begin; kill_all $!
is 1 || fail "somebody is left"
"$RIVULET" clean
is 3600 || fail "after rivulet clean"
begin; kill_all $!
"$RIVULET" run --quiet -- true
soon 2 is 3600 || fail "after the next run"
for value in 0 30 7200; do
	echo $value >$TIMEOUT
	"$RIVULET" run --explain -- cat $TIMEOUT >"$TMP/said" 2>&1
	grep -qx $value "$TMP/said" || fail "somebody's own was changed"
	[ "$(grep -c 'blackhole timeout.*: left as it has been set' "$TMP/said")" = 1 ] || fail "what is said: $(cat "$TMP/said")"
	is $value || fail "somebody's own was changed at the end"
done
echo 3600 >$TIMEOUT
"$RIVULET" run --quiet -- sh -c "echo 0 >$TIMEOUT"
is 0 || fail "what somebody has set meanwhile is gone"
echo 3600 >$TIMEOUT
if mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys; then
	"$RIVULET" run --explain -- true >"$TMP/said" 2>&1 || fail "it does not run where /proc/sys is read-only"
	[ "$(grep -c 'blackhole timeout' "$TMP/said")" = 1 ] || fail "what is said: $(cat "$TMP/said")"
fi
EOF
in_time expect "for how long MPTCP is given up" rivulet lab run pair -- unshare --mount env TMP="$TMP" sh "$TMP/blackhole.sh" "$RIVULET"

# Lost: memory, for each network namespace in which runs were killed together with it, until the next boot.
if [ "$(id -u)" = 0 ] && [ "$(readlink /proc/1/ns/pid)" = 'pid:[4026531836]' ]; then
	export RIVULET_STATE="$TMP/state"
	journals() { [ "$(find "$RIVULET_STATE" -name 'net-*' | wc -l)" = "$1" ]; }
	# The first is there still, without a process in it, but one has it open.
	for holder in sleep true; do
		background unshare --net sh -c '"$1" run --quiet -- sleep 600 & exec sleep 600' sh "$RIVULET"
		runs=$!
		until_true 10 "a run in another namespace" pgrep --ns $runs --nslist net -x rivulet-super >"$OUT"
		until_true 10 "its program" sh -c '[ "$(pgrep --ns $1 --nslist net -c -x sleep)" = 2 ]' sh $runs
		background $holder 600 3<"/proc/$runs/ns/net"
		[ $holder = true ] || holds=$!
		# shellcheck disable=SC2046 # several
		kill -KILL $(pgrep --ns $runs --nslist net)
	done
	until_true 5 "the journals of killed runs" journals 2
	expect "clean beside a namespace that is gone" unshare --net "$RIVULET" clean
	journals 1 || fail "not just the journal of the namespace that is there: $(ls "$RIVULET_STATE")"
	kill "$holds"
	wait "$holds" 2>/dev/null || :
	expect "clean beside no namespace" unshare --net "$RIVULET" clean
	journals 0 2>/dev/null || fail "journals are left: $(ls "$RIVULET_STATE")"
	unset RIVULET_STATE
fi

# Lost: whoever starts a run would wait for ever if its supervisor is killed (for want of memory, say) before the program is there.
cat >"$TMP/early.py" <<'EOF'
import glob, os, signal, subprocess, sys, time
read, write = os.pipe()
os.set_blocking(write, False)
try:
    while True:
        os.write(write, bytes(4096))
except BlockingIOError:
    pass
os.set_blocking(write, True)
# It cannot say what it does, and waits.
run = subprocess.Popen([sys.argv[1], "run", "--explain", "--", "touch", sys.argv[2]], stderr=write)
os.close(write)
while not (found := [c for c in glob.glob("/proc/[0-9]*/comm") if open(c).read() == "rivulet-super\n"]):
    time.sleep(0.01)
os.kill(int(found[0].split("/")[2]), signal.SIGKILL)
while os.read(read, 65536):
    pass
assert run.wait() == 125
assert not os.path.exists(sys.argv[2])
EOF
expect "a supervisor that is killed early" rivulet lab run pair -- timeout -s KILL 30 python3 "$TMP/early.py" "$RIVULET" "$TMP/ran"
echo "killed before there is a program: it says so"
