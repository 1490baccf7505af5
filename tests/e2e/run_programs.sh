#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs of all kinds, unmodified, move the right bytes over both links.
. "$(dirname "$0")/run_lib.sh"
need curl scp sshd ssh-keygen

BOTH='r["fallbacks"] == 0 and r["refused"] == 0 and share.get("wlan0", 0) >= 0.1 and share.get("wwan0", 0) >= 0.1'
make_file file 12000000
make_file part 4000000

# Lost: a kind of program would stay on one link, or get other bytes.
fetches() {
	rm -f "$REPORT"
	expect "$1" pair_lab sh -c "'$RIVULET' run --quiet --report '$REPORT' -- $2 | cmp - '$TMP/www/file'"
	report_has "$BOTH and r['connections'] >= 1"
	echo "over both links: $1"
}

fetches "curl" "curl -fsS http://server/file"
fetches "curl over IPv6" "curl -6 -fsS http://server/file"
fetches "python" "python3 -c 'import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen(\"http://server/file\").read())'"
fetches "a C program" "$PROGRAMS/fetch 10.1.0.1 80 /file"
fetches "a static C program" "$PROGRAMS/fetch-static 10.1.0.1 80 /file"
fetches "a program with system calls of its own" "$PROGRAMS/fetch-raw 10.1.0.1 80 /file"
if [ -x "$PROGRAMS/fetch-32" ]; then
	fetches "a 32-bit program" "$PROGRAMS/fetch-32 10.1.0.1 80 /file"
fi
if command -v go >/dev/null; then
	GOCACHE=$TMP/gocache CGO_ENABLED=0 go build -o "$TMP/fetch-go" "$PROGRAM_SOURCES/fetch.go"
	fetches "a Go program" "$TMP/fetch-go 10.1.0.1 80 /file"
else
	echo "go is not installed: no Go program tried" >&2
fi

# Lost: threads, or what a program starts, would be left out.
cat >"$TMP/many.py" <<'EOF'
import subprocess, sys, threading, urllib.request
wanted = open(sys.argv[1], "rb").read()
bad = []
def get():
    if urllib.request.urlopen("http://server/part").read() != wanted:
        bad.append(1)
threads = [threading.Thread(target=get) for _ in range(3)]
children = [subprocess.Popen(["sh", "-c", "curl -fsS http://server/part | cmp - " + sys.argv[1]]) for _ in range(3)]
for t in threads: t.start()
for t in threads: t.join()
for c in children: bad += [c.returncode] if c.wait() else []
sys.exit(len(bad))
EOF
expect "threads and children" pair_lab "$RIVULET" run --quiet --report "$REPORT" -- python3 "$TMP/many.py" "$TMP/www/part"
report_has "$BOTH and r['connections'] == 6"

# Lost: ssh and scp, as server and client, both ways.
if [ "$(id -u)" = 0 ]; then
	ssh-keygen -q -t ed25519 -N '' -f "$TMP/host_key"
	ssh-keygen -q -t ed25519 -N '' -f "$TMP/key"
	mkdir -p /run/sshd
	SSHD="$(command -v sshd) -D -e -f /dev/null -p 22 -h $TMP/host_key -o UsePAM=no -o StrictModes=no -o PidFile=none -o AuthorizedKeysFile=$TMP/key.pub -o PermitRootLogin=yes -o Subsystem='sftp internal-sftp'"
	scp_lab() {
		rivulet lab run pair --also "server: $RIVULET run --quiet -- $SSHD" -- \
			"$RIVULET" run --quiet --report "$REPORT" -- \
			scp -q -F /dev/null -i "$TMP/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "$@"
	}
	expect "scp down" scp_lab "root@server:$TMP/www/file" "$TMP/down"
	cmp "$TMP/www/file" "$TMP/down" || fail "scp brought other bytes"
	report_has "$BOTH"
	expect "scp up" scp_lab "$TMP/www/file" "root@server:$TMP/up"
	cmp "$TMP/www/file" "$TMP/up" || fail "scp sent other bytes"
	report_has "$BOTH"
	echo "over both links: scp, down and up"
fi

# Lost: a server under `run` would not know what it served. (It ends before the lab does, which does not wait long for its servers.)
rm -f "$REPORT"
cat "$(dirname "$0")/soon.sh" - >"$TMP/account" <<EOF
'$RIVULET' run --quiet -- curl -fsS -o /dev/null http://server/file || exit
server=\$(cat '$TMP/server.pid')
kill "\$server"
ended() { ! kill -0 "\$server"; }
soon 20 ended || { echo "the server does not end" >&2; exit 1; }
EOF
expect "nginx's own account" rivulet lab run pair \
	--also "server: echo \$\$ >'$TMP/server.pid'; exec $RIVULET run --quiet --report '$REPORT' -- $NGINX" -- \
	sh "$TMP/account"
report_has "r['connections'] == 1 and r['fallbacks'] == 0"
