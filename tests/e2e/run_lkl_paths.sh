#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stack lkl: the paths of its connections, which rivulet-lkl looks after itself.
. "$(dirname "$0")/run_lib.sh"
need curl nstat ss tc
[ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"

LKL="'$RIVULET' run --stack lkl --quiet"
make_file file 16000000

# Lost: after one connection whose first packets met a dead link, all others of an hour would be plain TCP.
SERVER="$RIVULET run --quiet -- $NGINX"
# (The next hops are known beforehand.)
cat >"$TMP/dead" <<'EOF'
get() { curl -4 -fsS --max-time 60 -o /dev/null "$1/small"; }
get http://10.1.0.1 && get http://10.2.0.1 || exit 1
for link in wlan0 wwan0; do tc qdisc add dev $link root bfifo limit 1; done
{ sleep 2.7; for link in wlan0 wwan0; do tc qdisc del dev $link root; done; } &
get http://10.1.0.1 && get http://10.1.0.1
EOF
make_file small 1000
for chance in 1 2 3; do
	expect "links that were dead" pair_lab "$RIVULET" run --stack lkl --report "$REPORT" -- sh "$TMP/dead"
	if (report_has "r['fallbacks'] == 0") >/dev/null 2>&1; then
		[ $chance != 3 ] || fail "no first packets were lost"
		continue
	fi
	report_has "r['connections'] == 4 and r['fallbacks'] == 1"
	echo "works: MPTCP again after links were dead"
	break
done

asks_again "$LKL"

# Lost: a connection would be plain TCP whose handshake's end was lost.
cat >"$TMP/unheard.py" <<'EOF'
import socket, subprocess, time
def link(*what):
    subprocess.run(["tc", "qdisc", what[0], "dev", "wwan0", "root", *what[1:]], check=True)
socket.create_connection(("10.2.0.1", 80)).close()
s = socket.socket()
s.setblocking(False)
s.connect_ex(("10.2.0.1", 80))
time.sleep(0.01)
link("add", "bfifo", "limit", "1") # its first packet has left, and is answered after 40 ms
s.setblocking(True)
s.sendall(b"GET /small HTTP/1.0\r\n\r\n")
time.sleep(0.85) # the server asks after a second
link("del")
while s.recv(65536):
    pass
time.sleep(0.3)
EOF
cat >"$TMP/counts" <<EOF
$SERVER &
while sleep 0.1; do nstat -asz MPTcpExtMPCapableFallbackACK; done >'$TMP/counted'
EOF
SERVER="sh '$TMP/counts'"
expect "a handshake whose end was lost" pair_lab "$RIVULET" run --stack lkl --quiet -- python3 "$TMP/unheard.py"
expect_text 'MPCapableFallbackACK' "$TMP/counted"
! grep -q 'MPCapableFallbackACK  *[1-9]' "$TMP/counted" || fail "a connection has fallen back, for the end of its handshake was lost"

# Lost: acknowledgements that an outage swallowed would be made up for when the sender's timeout is over, and make it longer.
cat >"$TMP/missing.py" <<'EOF'
import socket, subprocess, threading, time
def both(*what):
    for link in "wlan0", "wwan0":
        subprocess.run(["tc", "qdisc", what[0], "dev", link, "root", *what[1:]], check=True)
def segments(): # that have come
    names, values = [l.split() for l in open("/proc/net/snmp") if l.startswith("Tcp:")]
    return int(values[names.index("InSegs")])
c = socket.create_server(("", 7007)).accept()[0]
sender = threading.Thread(target=c.sendall, args=(bytes(12000000),))
sender.start()
time.sleep(0.7)
both("add", "bfifo", "limit", "1")
time.sleep(0.2)
before = segments()
time.sleep(0.8)
said = segments() - before
both("del")
sender.join()
c.sendall(said.to_bytes(4))
c.close()
EOF
SERVER="$RIVULET run --quiet -- python3 $TMP/missing.py"
cat >"$TMP/misses.py" <<'EOF'
import socket, sys, time
for chance in range(100):
    try:
        s = socket.create_connection(("10.1.0.1", 7007))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
got = s.makefile("rb").read()
said = int.from_bytes(got[12000000:])
print(f"said again where it stands: {said} times in 0.8 s")
sys.exit(0 if said > 4 else 1)
EOF
for chance in 1 2 3; do
	! pair_lab "$RIVULET" run --stack lkl --quiet -- python3 "$TMP/misses.py" || break
	[ $chance != 3 ] || fail "what is missing is waited for in silence"
done

# Lost: a connection whose second subflow was refused, or died of an outage, would stay on one link, for the kernel joins once.
SERVER="$RIVULET run --quiet -- $NGINX"
cat >"$TMP/refuses" <<EOF
$SERVER &
joined() { nstat -asz MPTcpExtMPJoinAckRx | awk '/MPJoinAckRx/ { print \$2 }'; }
until [ "\$(joined)" -gt 0 ]; do sleep 0.1; done
before=\$(joined)
ss -HKtn 'sport = :80 and dst = 10.2.0.2' >'$TMP/closed'
until [ "\$(joined)" -gt "\$before" ]; do sleep 0.1; done
touch '$TMP/again'
wait
EOF
SERVER="sh '$TMP/refuses'"
expect "a subflow that its peer has closed" pair_lab sh -c "$LKL -- sh -c '
	curl -4 -fsS --limit-rate 1M -o /dev/null http://10.1.0.1/file & curl=\$!
	until [ -e $TMP/again ]; do
		kill -0 \$curl 2>/dev/null || { [ -s $TMP/closed ] && exit 1; exit 0; }
		sleep 0.1
	done
	kill \$curl 2>/dev/null || :'"
[ -s "$TMP/closed" ] || skip "this kernel does not let sockets be closed (CONFIG_INET_DIAG_DESTROY)"
echo "works: a link that has lost its subflows gets others"
