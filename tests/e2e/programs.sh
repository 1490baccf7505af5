#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that people use, clients and servers, unmodified: over stack $STACK they do what they do over the kernel's TCP.
# Each runs under a `rivulet run` of its own, at both ends.
. "$(dirname "$0")/run_lib.sh"
need curl git scp sshd ssh-keygen rsync redis-server redis-benchmark node iperf3 ss
[ "$(id -u)" = 0 ] || skip "sshd needs root"

STACK=${STACK:-host}
[ "$STACK" != uml ] || . "$(dirname "$0")/inside_lib.sh"
HERE=$(dirname "$0")/programs
[ "$STACK" != lkl ] || [ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"

make_file file 1000000
make_file small 30000
git init -q --bare "$TMP/www/repository.git"
git clone -q "$TMP/www/repository.git" "$TMP/work" 2>/dev/null
(cd "$TMP/work" && cp "$TMP/www/file" big && git add big && git -c user.name=n -c user.email=e@x commit -qm one && git push -q origin HEAD)
git -C "$TMP/www/repository.git" update-server-info
ssh-keygen -q -t ed25519 -N '' -f "$TMP/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$TMP/key"
mkdir -p /run/sshd "$TMP/up"
cat >"$TMP/rsyncd.conf" <<EOF2
use chroot = no
pid file = $TMP/rsyncd.pid
[up]
	path = $TMP/up
	read only = no
	uid = root
	gid = root
EOF2

# On the server. What is not `run` with --quiet would fill the test's output with summaries.
cat >"$TMP/servers.sh" <<EOF2
serve() { "$RIVULET" run --quiet --stack $STACK -- "\$@" >>"$TMP/servers.log" 2>&1 & }
cd "$TMP/www"
serve $NGINX
# A kernel that programs run inside has a /run of its own.
serve sh -c 'mkdir -p /run/sshd && exec "\$@"' sh $(command -v sshd) -D -e -f /dev/null -p 22 -h "$TMP/host_key" -o UsePAM=no -o StrictModes=no -o PidFile=none \
	-o AuthorizedKeysFile="$TMP/key.pub" -o PermitRootLogin=yes -o Subsystem='sftp internal-sftp'
serve rsync --daemon --no-detach --config="$TMP/rsyncd.conf"
serve python3 -m http.server 8000
serve python3 "$HERE/echo.py" serve 8001
serve node "$HERE/echo.js" serve 8002
serve redis-server --port 6379 --bind 0.0.0.0 '::' --protected-mode no --save '' --dir "$TMP"
# After each test a server of iperf3 does not listen for a moment, and whoever comes next is refused or cut off: one for each.
serve sh -c 'for port in 5202 5203 5204; do iperf3 -s -p \$port & done; exec iperf3 -s -p 5201'
wait
EOF2

# On the phone. What a user would lose: that program.
cat >"$TMP/clients.sh" <<EOF2
set -u
file=$TMP/www/file
SSH="ssh -q -F /dev/null -i $TMP/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
over() { timeout 60 "$RIVULET" run --quiet --stack $STACK -- "\$@"; }
works() {
	what=\$1
	shift
	begun=\$(date +%s%N)
	"\$@" >"$TMP/client" 2>&1 || { code=\$?; cat "$TMP/servers.log"; tail -n 30 "$TMP/client"; echo "\$what ended with \$code"; exit 1; }
	echo "over $STACK: \$what (\$(((\$(date +%s%N) - begun) / 1000000)) ms)"
}
same() { cmp "\$1" "\$file"; }
got() { over "\$@" | cmp - "\$file"; }
for port in 80 22 873 8000 8001 8002 6379 5201 5202 5203 5204; do
	tries=200
	until (: </dev/tcp/10.1.0.1/\$port) 2>/dev/null; do
		tries=\$((tries - 1))
		[ \$tries -gt 0 ] || { cat "$TMP/servers.log"; echo "nobody listens on \$port"; exit 1; }
		sleep 0.05
	done
done

works "curl, nginx" got curl -4 -fsS http://server/file
works "curl over IPv6" got curl -6 -fsS http://server/file
works "curl, 16 at once" over curl -fsS --parallel --parallel-max 16 -o "$TMP/got#1" 'http://server/small?[1-48]'
works "... each complete" sh -c 'for n in \$(seq 48); do cmp "$TMP/got\$n" "$TMP/www/small" || exit; done'
works "git clone" over git clone -q http://server/repository.git "$TMP/clone"
works "... its files" same "$TMP/clone/big"
works "ssh" got \$SSH root@server cat \$file
works "ssh, from here" sh -c "$RIVULET run --quiet --stack $STACK -- \$SSH root@server 'cat >$TMP/ssh-up' <\$file"
works "... complete" same "$TMP/ssh-up"
works "scp down" over scp \${SSH#ssh} root@server:\$file "$TMP/scp-down"
works "... complete" same "$TMP/scp-down"
works "scp up" over scp \${SSH#ssh} \$file root@server:"$TMP/scp-up"
works "... complete" same "$TMP/scp-up"
works "rsync, its daemon" over rsync -r \$file rsync://server/up/
works "... complete" same "$TMP/up/file"
works "rsync by ssh" over rsync -e "\$SSH" root@server:\$file "$TMP/rsync-down"
works "... complete" same "$TMP/rsync-down"
works "python's http.server" got curl -fsS http://server:8000/file
works "python's asyncio" over python3 "$HERE/echo.py" ask 10.1.0.1 8001
works "node" over node "$HERE/echo.js" ask 10.1.0.1 8002
works "node and curl" got curl -fsS -T \$file http://server:8002/
works "redis-benchmark" over redis-benchmark -h 10.1.0.1 -q -n 500 -c 50 -t ping,set,get,lrange_100
works "redis-benchmark, 16 at a time" over redis-benchmark -h 10.1.0.1 -q -n 10000 -c 50 -P 16 -t set,get
works "redis-benchmark, new connections" over redis-benchmark -h 10.1.0.1 -q -n 200 -c 10 -k 0 -t get
works "iperf3 up" over iperf3 -c server -p 5201 -t 1
works "iperf3 down" over iperf3 -c server -p 5202 -t 1 -R
works "iperf3, 8 streams" over iperf3 -c server -p 5203 -t 1 -P 8
works "iperf3 both ways" over iperf3 -c server -p 5204 -t 1 --bidir
for program in fetch fetch-raw fetch-static fetch-32; do
	[ -x "$PROGRAMS/\$program" ] || continue
	# A kernel that is a 64-bit process runs no other programs.
	[ "$STACK \$program" != "uml fetch-32" ] || continue
	works "\$program" got "$PROGRAMS/\$program" 10.1.0.1 80 /file
done
EOF2
expect "programs over $STACK" rivulet lab run pair --also "server: sh $TMP/servers.sh" -- bash "$TMP/clients.sh"
cat "$OUT"
