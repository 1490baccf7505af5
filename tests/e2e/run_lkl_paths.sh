#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stack lkl: the paths of its connections, which rivulet-lkl looks after itself.
. "$(dirname "$0")/run_lib.sh"
need curl nstat ss tc
[ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"

LKL="'$RIVULET' run --stack lkl --quiet"
make_file file 16000000

# Lost: nothing would go over a link for a second each time that the question who has the next hop's address is lost.
cat >"$TMP/asks.py" <<'EOF'
import socket, subprocess, sys, threading, time
def both(*what):
    for link in "wlan0", "wwan0":
        subprocess.run(["tc", "qdisc", what[0], "dev", link, "root", *what[1:]], check=True)
both("add", "bfifo", "limit", "1")
began = time.monotonic()
threading.Timer(0.5, both, ("del",)).start()
socket.create_connection(("10.1.0.1", 80)).close()
took = time.monotonic() - began
print(f"connected after {took:.2f} s, of which links were dead for 0.5")
sys.exit(0 if took < 0.9 else 1)
EOF
for chance in 1 2 3; do
	! pair_lab "$RIVULET" run --stack lkl --quiet -- python3 "$TMP/asks.py" || break
	[ $chance != 3 ] || fail "the next hop is not asked for again"
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
