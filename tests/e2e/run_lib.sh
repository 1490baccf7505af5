# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the tests of `rivulet run` share, on top of lib.sh: a web server of a real kind, and reports.
#
#   nginx_config FILE    writes a configuration that serves $TMP/www on port 80
#   make_file NAME SIZE  a file of random bytes in $TMP/www
#   pair_lab CMD...      CMD on the phone of scenario $SCENARIO (pair); nginx, under `run`, on the server; events count from the phone's
#                        first TCP segment, so that a slow start misses none
#   joins_when_plugged RUN   RUN, `rivulet run` with options, follows a second link that comes, goes, and comes again
#   bothers_nobody RUN   RUN asks whether a link answers again, and the server's program hears nothing of that
#   joins_each_time RUN      RUN uses a link that comes for the tenth time
#   decides_as_host RUN  RUN decides how fast to send as the host does
#   asks_again RUN       RUN asks for a next hop again soon
#   report_has EXPRESSION   the last $TMP/report makes the Python EXPRESSION over `r` true
. "$(dirname "$0")/lib.sh"
need nginx python3

SCENARIO=${SCENARIO:-pair}
REPORT=$TMP/report
mkdir -p "$TMP/www"

nginx_config() {
	cat >"$1" <<EOF
daemon off;
worker_processes 2;
user root;
pid $TMP/nginx.pid;
error_log stderr;
events { worker_connections 512; }
http {
	access_log off;
	client_max_body_size 0;
	client_body_temp_path $TMP/body;
	proxy_temp_path $TMP/proxy;
	fastcgi_temp_path $TMP/fastcgi;
	uwsgi_temp_path $TMP/uwsgi;
	scgi_temp_path $TMP/scgi;
	server {
		listen 80;
		listen [::]:80;
		root $TMP/www;
	}
}
EOF
}

make_file() {
	head -c "$2" /dev/urandom >"$TMP/www/$1"
}

NGINX="nginx -e stderr -c $TMP/nginx.conf"
nginx_config "$TMP/nginx.conf"
SERVER="$RIVULET run --quiet -- $NGINX"

pair_lab() {
	rivulet lab run --from-traffic "$SCENARIO" --also "server: $SERVER" -- "$@"
}

# Puts the second link into a network namespace of its own, and back.
cat >"$TMP/drawer" <<'EOF'
set -e
unshare --net sleep 600 & drawer=$!
until [ "$(readlink /proc/$drawer/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
pull() { ip link set wwan0 netns $drawer; }
plug() {
	nsenter --net=/proc/$drawer/ns/net ip link set wwan0 netns $$
	ip addr add 10.2.0.2/24 dev wwan0
	ip link set wwan0 up
	ip route add default via 10.2.0.1 dev wwan0 metric 200
}
EOF

# Lost: the second link of somebody who plugs it in while the program runs; and the connection when it is pulled out again.
joins_when_plugged() {
	make_file large 40000000
	rm -f "$TMP/got"
	cat >"$TMP/plug" <<EOF
. '$TMP/drawer'
until_size() { until [ "\$(stat -c %s '$TMP/got' 2>/dev/null || echo 0)" -gt \$1 ]; do kill -0 \$run || break; sleep 0.02; done; }
pull
$1 --quiet -- curl -4 -fsS --max-time 60 -o '$TMP/got' http://server/large & run=\$!
until_size 2000000; plug
until_size 9000000; pull
until_size 11000000; plug
before=\$(cat /sys/class/net/wwan0/statistics/rx_bytes)
code=0; wait \$run || code=\$?
[ "\$(cat /sys/class/net/wwan0/statistics/rx_bytes)" -gt \$((before + 100000)) ] || { echo "it did not join the second time" >&2; code=1; }
kill \$drawer
exit \$code
EOF
	expect "plugged, pulled: $1" pair_lab sh "$TMP/plug"
	cmp "$TMP/got" "$TMP/www/large" || fail "plugged, pulled: other bytes: $1"
	echo "joins: a link that is plugged in, pulled, plugged in again: $1"
}

# Lost: the way to decide how fast to send that the device's owner has chosen, for links that lose packets or whose queues are long,
# would not hold.
decides_as_host() {
	cat >"$TMP/decides.py" <<'EOF'
import socket
s = socket.create_connection(("10.1.0.1", 80))
was = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(bytes(1))
exit(0 if was == b"reno" else str(was))
EOF
	expect "the host's congestion control: $1" pair_lab sh -c "sysctl -qw net.ipv4.tcp_congestion_control=reno; $1 -- python3 '$TMP/decides.py'"
	echo "works: the host's congestion control: $1"
}

# Lost: nothing would go over a link for a second each time that the question who has the next hop's address is lost.
asks_again() {
	cat >"$TMP/asks.py" <<'EOF'
import socket, sys, time
open(sys.argv[1], "w").close()
began = time.monotonic()
socket.create_connection(("10.1.0.1", 80)).close()
took = time.monotonic() - began
print(f"connected after {took:.2f} s, of which links were dead for 0.5")
sys.exit(0 if took < 0.9 else 1)
EOF
	cat >"$TMP/asks" <<EOF
for link in wlan0 wwan0; do tc qdisc add dev \$link root bfifo limit 1 || exit 2; done
rm -f '$TMP/asking'
$1 -- python3 '$TMP/asks.py' '$TMP/asking' & run=\$!
until [ -e '$TMP/asking' ]; do kill -0 \$run || exit 2; sleep 0.01; done
sleep 0.5
for link in wlan0 wwan0; do tc qdisc del dev \$link root; done
wait \$run
EOF
	for chance in 1 2 3; do
		! pair_lab sh "$TMP/asks" || break
		[ $chance != 3 ] || fail "the next hop is not asked for again: $1"
	done
	echo "works: the next hop is asked for again: $1"
}

# Lost: all connections to a server that does not live through a connection which is reset as soon as it was accepted.
bothers_nobody() {
	make_file steady 16000000
	cat >"$TMP/bothered.py" <<'EOF'
import socket, sys, time
DATA = open(sys.argv[2], "rb").read()
def resets():  # of handshakes
    names, values = [l.split() for l in open("/proc/net/netstat") if l.startswith("TcpExt:")]
    return values[names.index("EmbryonicRsts")]
def others(server):
    server.setblocking(False)
    try:
        return b"others" if server.accept() else b""
    except BlockingIOError:
        return b"nobody" if resets() != "0" else b"unasked"
def connect():
    for _ in range(100):
        try:
            return socket.create_connection(("10.1.0.1", 7005))
        except ConnectionRefusedError:
            time.sleep(0.05)
if sys.argv[1] == "serve":
    server = socket.create_server(("", 7005))
    c = server.accept()[0]
    c.sendall(DATA)
    c.recv(1)
    c.sendall(others(server))
    c.recv(1)
else:
    c, got = connect(), b""
    while len(got) < len(DATA):
        got += c.recv(1 << 20)
    assert got == DATA
    c.sendall(b"?")
    print(c.recv(99).decode())
EOF
	{
		cat "$RIVULET_SCENARIOS/pair.yaml"
		printf 'events:\n  - {at: 1s, link: wifi, do: blackhole}\n  - {at: 1500ms, link: wifi, do: heal}\n'
	} >"$TMP/bothered.yaml"
	for chance in 1 2 3; do
		SERVER="'$RIVULET' run --quiet -- python3 '$TMP/bothered.py' serve '$TMP/www/steady'" SCENARIO=$TMP/bothered.yaml \
			expect "a link that heals: $1" pair_lab sh -c "$1 --quiet -- python3 '$TMP/bothered.py' ask '$TMP/www/steady'"
		if grep -q nobody "$OUT"; then
			echo "bothers nobody: $1"
			return
		fi
		expect_text unasked "$OUT"
		echo "chance $chance was not taken"
	done
	fail "no link was asked: $1"
}

# Lost: the second link, from the eighth time on that it comes.
joins_each_time() {
	truncate -s 4G "$TMP/www/endless"
	cat "$(dirname "$0")/soon.sh" "$TMP/drawer" - >"$TMP/often" <<EOF
fail() { $RIVULET status >&2 || :; kill \$drawer; echo "\$*" >&2; exit 1; }
received() { cat /sys/class/net/wwan0/statistics/rx_bytes; }
joined() { [ "\$(received)" -gt \$((before + 300000)) ]; }
gone() {
	$RIVULET status --json | python3 -c '
import json, sys
[run] = [r for r in json.load(sys.stdin)["runs"] if r["program"][0] == "curl"]
sys.exit("wwan0" in [l["name"] for l in run["links"] if l["used"]])'
}
$1 --quiet -- curl -4 -fsS -o /dev/null http://server/endless & run=\$!
for time in 1 2 3 4 5 6 7 8 9 10; do
	before=\$(received)
	soon 20 joined || fail "it did not join, the time \$time"
	pull
	soon 20 gone || fail "nobody finds that it is gone, the time \$time"
	plug
done
kill \$run \$drawer
wait \$run || :
EOF
	expect "plugged ten times: $1" pair_lab sh "$TMP/often"
	echo "joins: a link that comes ten times: $1"
}

report_has() {
	python3 - "$REPORT" "$1" <<'EOF' || fail "the report does not say: $1"
import json, sys
r = json.load(open(sys.argv[1]))
links = {l["name"]: l for l in r["links"]}
total = sum(l["sent"] + l["received"] for l in r["links"]) or 1
share = {n: (l["sent"] + l["received"]) / total for n, l in links.items()}
if not eval(sys.argv[2]):
    print(json.dumps(r, indent=1), share, file=sys.stderr)
    sys.exit(1)
EOF
}
