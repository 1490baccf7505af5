#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# An ordinary user runs programs over all links: the right to set them up is rivulet-net's alone, and it cannot be misused.
. "$(dirname "$0")/run_lib.sh"
need setpriv setcap pgrep curl
[ "$(id -u)" = 0 ] || skip "only root can give a file capabilities"

USER_ID=65534 OTHER_ID=65533 OWNER_ID=65532
chmod 755 "$TMP"
# As rivulet-net(8) says: "plain" has the capability only, "owned" an owner of its own too, "without" nothing.
for kind in plain owned without; do
	mkdir "$TMP/$kind"
	cp "$RIVULET" "$RIVULET_NET" "$TMP/$kind"
	chmod 755 "$TMP/$kind"/*
done
chown $OWNER_ID:$USER_ID "$TMP/owned/rivulet-net"
chmod 4755 "$TMP/owned/rivulet-net"
setcap cap_net_admin+ep "$TMP/plain/rivulet-net"
setcap cap_net_admin+ep "$TMP/owned/rivulet-net"
mkdir "$TMP/home"
chown $USER_ID "$TMP/home"
make_file file 4000000

cat >"$TMP/lib" <<EOF
set -eu
TMP=$TMP USER_ID=$USER_ID OTHER_ID=$OTHER_ID OWNER_ID=$OWNER_ID
EOF
cat "$(dirname "$0")/soon.sh" - >>"$TMP/lib" <<'EOF'
fail() { echo "$*" >&2; exit 1; }
state() {
	ip rule; ip -6 rule; ip route show table all; ip -6 route show table all | grep -v expires
	ip mptcp endpoint; ip mptcp limits; cat /proc/sys/net/ipv4/tcp_wmem
}
as() { # UID COMMAND...
	id=$1
	shift
	exec setpriv --reuid="$id" --regid="$id" --clear-groups -- env -u RIVULET_STATE -u XDG_RUNTIME_DIR "$@"
}
# Our processes on this host; the server has some of the same names. A zombie that nobody waits for is none.
ours() { # NAME
	for pid in $(pgrep -x "$1"); do
		[ "$(readlink "/proc/$pid/ns/net")" = "$(readlink /proc/self/ns/net)" ] || continue
		grep -q '^State:.Z' "/proc/$pid/status" || echo "$pid"
	done
}
has() { # NAME UID CAPABILITIES
	all=$(ours "$1")
	[ -n "$all" ] || fail "there is no $1"
	for pid in $all; do
		grep -Eq "^Uid:.$2.$2.$2.$2\$" "/proc/$pid/status" || fail "$1: $(grep Uid "/proc/$pid/status")"
		grep -Eq "^CapEff:.0*$3\$" "/proc/$pid/status" || fail "$1: $(grep CapEff "/proc/$pid/status")"
		grep -Eq "^CapPrm:.0*$3\$" "/proc/$pid/status" || fail "$1: $(grep CapPrm "/proc/$pid/status")"
	done
}
program() { pgrep -x sleep; }
set_up() { ip rule | grep -q 32100 && ip mptcp endpoint | grep -q 10.2.0.2; }
as_before() { state >"$TMP/now"; cmp -s "$TMP/before" "$TMP/now"; }
is_as_before() { soon 10 as_before || { diff "$TMP/before" "$TMP/now" >&2; fail "the host is not as before: $*"; }; }
none_left() { for name in rivulet-super rivulet-watch rivulet-net rivulet-keep; do [ -z "$(ours $name)" ] || return 1; done; }
soon 10 settled || fail "an IPv6 address has no route"
state >"$TMP/before"
EOF

# Lost: without root a download would use one link, or with root write files that are root's.
cat >"$TMP/download" <<'EOF'
. "${0%/*}/lib"
(as $USER_ID "$TMP/$1/rivulet" run --report "$TMP/home/report" -- curl -fsS -o "$TMP/home/file" http://server/file)
is_as_before "after a download"
[ "$(stat -c %u "$TMP/home/file")" = $USER_ID ] || fail "the file is not the user's"
[ "$(stat -c %u "$TMP/home/report")" = $USER_ID ] || fail "the report is not the user's"
EOF
REPORT=$TMP/home/report
for kind in plain owned; do
	expect "a download by rivulet-net ($kind)" pair_lab sh "$TMP/download" $kind
	cmp "$TMP/www/file" "$TMP/home/file" || fail "other bytes"
	report_has 'min(share.values()) > 0.01 and len(share) == 2' # how much of the second is another matter: it may join late
	rm -f "$TMP/home/file" "$TMP/home/report"
done

# Lost: who breaks into the supervisor, which reads a hostile program's memory, could change the network; or something would
# be left on the host by whoever is killed.
cat >"$TMP/kills" <<'EOF'
. "${0%/*}/lib"
case $1 in plain) net=$USER_ID ;; owned) net=$OWNER_ID ;; esac
for victim in rivulet rivulet-super rivulet-watch rivulet-net rivulet-keep; do
	as $USER_ID "$TMP/$1/rivulet" run --quiet -- sleep 60 &
	soon 10 program || fail "the program did not start"
	set_up || fail "nothing was set up"
	for name in rivulet-super rivulet-watch; do
		has $name $USER_ID 0
	done
	has rivulet-net $net 1000
	has rivulet-keep $net 1000
	case $victim in rivulet) dies=$! ;; *) dies=$(ours $victim) ;; esac
	kill -KILL "$dies"
	case $victim in rivulet | rivulet-super | rivulet-net) is_as_before "after $victim's end" ;; esac
	kill -TERM "$(program)" || fail "the program died with $victim"
	wait $! || :
	is_as_before "after the run without $victim"
	soon 10 none_left || fail "processes are left after $victim's end"
done
EOF
for kind in plain owned; do
	expect "whoever is killed ($kind)" rivulet lab run pair -- sh "$TMP/kills" $kind
done

# Lost: the word of one user that a link is dead would lead everybody's connections another way.
cp "$(dirname "$0")/soon.sh" "$TMP"
cat "$RIVULET_SCENARIOS/pair.yaml" - >"$TMP/dead.yaml" <<'EOF'
events:
  - {at: 0s, link: wifi, do: blackhole}
EOF
cat >"$TMP/detour" <<'EOF'
. "${0%/*}/lib"
until ! ping -c 1 -W 0.2 10.1.0.1 >/dev/null; do :; done
(as $USER_ID "$TMP/owned/rivulet" run --quiet -- sh -c '. "$3"
	soon 20 curl -4 -fsS --max-time 10 http://10.9.0.1/file || echo "nothing comes"
	ip route get 10.9.0.1 uid "$1"; ip route get 10.9.0.1 uid "$2"' - $USER_ID $OTHER_ID "$TMP/soon.sh") >"$TMP/ways"
! grep -q "nothing comes" "$TMP/ways" || fail "a dead link is in the way: $(cat "$TMP/ways")"
grep -q "dev wwan0.*uid $USER_ID" "$TMP/ways" || fail "the user is not led around: $(cat "$TMP/ways")"
grep -q "dev wlan0.*uid $OTHER_ID" "$TMP/ways" || fail "another user is led around: $(cat "$TMP/ways")"
is_as_before "after a detour"
EOF
expect "around a dead link" rivulet lab run "$TMP/dead.yaml" --also "server: ip address add 10.9.0.1/32 dev lo" \
	--also "server: $SERVER" -- sh "$TMP/detour"

# Lost: root's files in the home of who called sudo, and a supervisor with all of root's rights.
cat >"$TMP/sudo" <<'EOF'
. "${0%/*}/lib"
env -u RIVULET_STATE -u XDG_RUNTIME_DIR SUDO_UID=$USER_ID SUDO_GID=$USER_ID "$TMP/$1/rivulet" run --report "$TMP/home/report" -- sh -c "id -u >'$TMP/home/file'; sleep 60" &
soon 10 program || fail "the program did not start"
set_up || fail "nothing was set up"
has rivulet-super $USER_ID 0
has rivulet-watch $USER_ID 0
has rivulet $USER_ID 0
has rivulet-net $2 1000
has rivulet-keep $2 1000
(as $USER_ID "$TMP/$1/rivulet" status --json) >"$TMP/status"
grep -q 'sleep 60' "$TMP/status" || fail "the user does not see the run: $(cat "$TMP/status")"
kill -TERM "$(program)"
wait || :
[ "$(cat "$TMP/home/file")" = $USER_ID ] || fail "the program is not the user's"
[ "$(stat -c %u "$TMP/home/report")" = $USER_ID ] || fail "the report is not the user's"
is_as_before "after sudo"
EOF
expect "under sudo, without rivulet-net's own right" rivulet lab run pair -- sh "$TMP/sudo" without 0
rm -f "$TMP"/home/*
expect "under sudo" rivulet lab run pair -- sh "$TMP/sudo" owned $OWNER_ID

# Lost: the first of two users' runs to end would take the other's links away; a user could write what rivulet-net believes.
cat >"$TMP/share" <<'EOF'
. "${0%/*}/lib"
waiting() { as "$1" "$TMP/owned/rivulet" run --quiet -- sh -c "until [ -e '$TMP/$2' ]; do sleep 0.05; done"; }
waiting $USER_ID a & a=$!
waiting $OTHER_ID b & b=$!
two() { [ "$(ours rivulet-net | wc -l)" = 2 ] && set_up; }
soon 10 two || fail "not both set up"
journal=$(find /run/rivulet /tmp/rivulet-$OWNER_ID -name 'net-*' -user $OWNER_ID 2>/dev/null | head -n 1)
[ -n "$journal" ] || fail "there is no journal of rivulet-net's own"
(as $USER_ID cat "$journal") 2>/dev/null && fail "the user can read the journal"
kill_it() { (as $USER_ID kill -STOP "$(ours rivulet-net | head -n 1)") 2>/dev/null; }
kill_it && fail "the user can stop rivulet-net"
(as $USER_ID "$TMP/owned/rivulet" run --links wlan0,wwan0:backup -- true) 2>"$TMP/refused" && fail "opposite policies"
grep -q "cannot be kept" "$TMP/refused" || fail "no reason: $(cat "$TMP/refused")"
touch "$TMP/a"; wait $a
set_up || fail "the first run took what the second needs"
touch "$TMP/b"; wait $b
is_as_before "after both runs"
# Of runs that were killed whole the next start of anybody takes back what they left.
rm -f "$TMP/a"
waiting $USER_ID a & a=$!
soon 10 set_up || fail "nothing was set up"
killed=$(for name in rivulet-keep rivulet-net rivulet-watch rivulet-super; do ours $name; done)
for pid in $killed; do kill -KILL "$pid"; done
all_dead() { for pid in $killed; do grep -q '^State:.[RSDT]' "/proc/$pid/status" 2>/dev/null && return 1; done; return 0; }
soon 10 all_dead || fail "who was killed lives"
set_up || fail "this test would show nothing"
(as $OTHER_ID "$TMP/owned/rivulet" clean) >"$TMP/cleaned"
grep -q 'taken back: mptcp endpoint 10.2.0.2' "$TMP/cleaned" || fail "clean did not say what it did"
is_as_before "after clean"
touch "$TMP/a"; wait $a || :
EOF
expect "two users" rivulet lab run pair -- sh "$TMP/share"

# Lost: whoever may start rivulet-net could do more with its right than to use the device's own links.
cat >"$TMP/hostile.py" <<'EOF'
import os, random, socket, struct, subprocess, sys, time
path, user = sys.argv[1], int(sys.argv[2])
OPEN, CLEAN, SILENT, RENEW, BACKLOG, ASK, PORTS, LISTEN, END, MORE, KNOW = range(1, 12)
REFUSED, READY, PORT = 6, 4, 5
SHARED, NAT = range(2)

def request(kind, link=0, silent=0, backlog=0, port=0, way=SHARED, grows=0, policy=0, rules=(), version=6, count=None):
    head = struct.pack("=10I", version, kind, link, silent, backlog, port, way, grows, policy, len(rules) if count is None else count)
    return head + b"".join(struct.pack("=32s3I", n.encode(), k, s, u) for n, k, s, u in rules)

ways = set() # of all ports that were given out

def talk(*messages):
    """What comes back until rivulet-net ends the conversation, or until all was said."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    os.environ["RIVULET_STATE"] = os.environ["XDG_RUNTIME_DIR"] = sys.argv[3]
    helper = subprocess.Popen([path], stdin=theirs, user=user, group=user, extra_groups=[])
    theirs.close()
    ours.settimeout(5)
    kinds = []
    for message in messages:
        try:
            ours.send(message)
        except (BrokenPipeError, ConnectionResetError):
            break
    ours.shutdown(socket.SHUT_WR)
    while True:
        try:
            data = ours.recv(8192)
        except ConnectionResetError:
            break
        if not data:
            break
        kinds.append(struct.unpack_from("=2I", data)[1])
        if kinds[-1] == PORT:
            ways.add(struct.unpack_from("=I", data, 16)[0])
    assert helper.wait(5) == 0, ("rivulet-net broke down", messages)
    return kinds

good = request(OPEN)
assert READY in talk(good), "a good request is refused"
rng = random.Random(1)
nonsense = [b"x", bytes(27), bytes(28), bytes(4096), b"\xff" * 4096, good[:-1], good + b"\0",
            request(OPEN, version=5), request(OPEN, policy=4), request(PORTS, way=2), request(PORTS, way=NAT, grows=2), request(0), request(99), request(OPEN, count=3), request(OPEN, count=2**32 - 1),
            request(OPEN, rules=[("../../etc", 0, 1, 1)]), request(OPEN, rules=[("eth0", 99, 1, 1)]),
            request(OPEN, rules=[("eth0", 0, 1, 99)]), request(OPEN, rules=[("x" * 32, 0, 1, 1)]),
            request(SILENT, link=2, silent=1), request(END), request(BACKLOG, backlog=1 << 20),
            request(LISTEN, port=80), request(MORE), request(KNOW), request(OPEN, port=1 << 16)]
nonsense += [rng.randbytes(rng.randrange(1, 4096)) for _ in range(20)]
for message in nonsense:
    assert READY not in talk(message, good), message
for message in [good, request(CLEAN), request(BACKLOG, backlog=1), request(SILENT, link=2**31), b"", bytes(8000),
                request(KNOW), request(KNOW, rules=[("eth0", 0, 4, 3)])]:
    assert READY in talk(good, message), message
# The links' own packets are for those only whom the administrator lets have them; others get ports behind the host.
kinds = talk(request(PORTS))
assert REFUSED in kinds and PORT not in kinds and READY not in kinds, kinds
kinds = talk(request(PORTS, way=NAT))
if os.path.exists("/dev/net/tun") and os.stat("/dev/net/tun").st_mode & 0o006 == 0o006:
    assert PORT in kinds and READY in kinds and ways == {NAT}, (kinds, ways)
else:
    assert REFUSED in kinds and not ways, (kinds, ways)
assert REFUSED not in talk(good, request(PORTS)) and REFUSED not in talk(good, request(LISTEN, port=80))
# The kernel's locks are everybody's: 32 requests at once, then 32 a second.
start = time.monotonic()
talk(good, *[request(ASK, link=2)] * 64)
assert time.monotonic() - start > 0.8, "a flood is served at once"
# What is well formed but not this host's is passed over.
talk(good, request(SILENT, link=9999, silent=1), request(RENEW, link=9999), request(ASK, link=9999), request(SILENT, link=1, silent=1),
     *[request(SILENT, link=i, silent=1) for i in range(40)])
assert not os.listdir(sys.argv[3]), "rivulet-net wrote where its caller told it"
EOF
cat >"$TMP/hostile" <<'EOF'
. "${0%/*}/lib"
mkdir "$TMP/told"
chmod 777 "$TMP/told"
python3 "$TMP/hostile.py" "$TMP/owned/rivulet-net" $USER_ID "$TMP/told"
is_as_before "after hostile callers"
soon 10 none_left || fail "processes are left"
# No journal is believed that the caller could have written.
if (as $USER_ID "$TMP/plain/rivulet" clean) 2>"$TMP/words"; then fail "a journal of the user's own"; fi
grep -q 'no owner of its own' "$TMP/words" || fail "clean: $(cat "$TMP/words")"
# By hand it says what it is.
if (as $USER_ID "$TMP/owned/rivulet-net" </dev/null 2>"$TMP/words"); then fail "started by hand"; fi
grep -q 'not by hand' "$TMP/words" || fail "no reason: $(cat "$TMP/words")"
EOF
expect "hostile callers" rivulet lab run pair -- sh "$TMP/hostile"

# Lost: a user could slow everybody's transfers down.
cat >"$TMP/sink.py" <<'EOF'
import socket
with socket.create_server(("", 9000)) as server:
    while True:
        with server.accept()[0] as connection:
            while connection.recv(1 << 16):
                pass
EOF
cat >"$TMP/bound.py" <<'EOF'
import socket, struct, subprocess, sys, threading, time
LEAST = 256 << 10

def bound():
    return int(open("/proc/sys/net/ipv4/tcp_wmem").read().split()[2])

def until(true):
    end = time.monotonic() + 8
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()

ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
helper = subprocess.Popen([sys.argv[1]], stdin=theirs, user=int(sys.argv[2]), group=int(sys.argv[2]), extra_groups=[])
theirs.close()
before = bound()
ours.send(struct.pack("=10I", 6, 1, 0, 0, 0, 0, 0, 0, 0, 0))
ours.send(struct.pack("=10I", 6, 5, 0, 0, LEAST, 0, 0, 0, 0, 0))
assert until(lambda: bound() == LEAST), "this test would show nothing"
# 50 Mbit/s, and what waits: half a megabyte.
sender = socket.create_connection(("10.1.0.1", 9000))
going = True
def send():
    while going:
        sender.send(bytes(1 << 16))
thread = threading.Thread(target=send)
thread.start()
raised = until(lambda: bound() > LEAST)
going = False
thread.join()
assert raised, "a transfer of somebody else's is held back"
ours.close()
helper.wait(5)
assert bound() == before, "the bound is left"
EOF
cat >"$TMP/bounded" <<'EOF'
. "${0%/*}/lib"
python3 "$TMP/bound.py" "$TMP/owned/rivulet-net" $USER_ID
EOF
expect "a bound that would slow others" rivulet lab run pair --also "server: python3 $TMP/sink.py" -- sh "$TMP/bounded"

# Lost: who lacks the right would not learn how to get it.
advised() { # WORDS KIND
	expect "$2" rivulet lab run pair -- setpriv --reuid=$OTHER_ID --regid=$OTHER_ID --clear-groups -- "$TMP/$2/rivulet" run -- true
	expect_text "CAP_NET_ADMIN.*$1" "$OUT"
}
chmod 4750 "$TMP/owned/rivulet-net"
setcap cap_net_admin+ep "$TMP/owned/rivulet-net"
advised 'for members of the group' owned
advised 'rivulet-net\(8\) says how' without
rm "$TMP/without/rivulet-net"
advised 'is not installed' without
