#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stack lkl: the paths of its connections, which rivulet-lkl looks after itself.
. "$(dirname "$0")/run_lib.sh"
need curl nstat ss
[ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"

LKL="'$RIVULET' run --stack lkl --quiet"
make_file file 16000000

# Lost: a connection whose second subflow was refused, or died of an outage, would stay on one link, for the kernel joins once.
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
