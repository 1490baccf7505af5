#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What is between two hosts: routers, address translation, a middlebox that strips MPTCP.
. "$(dirname "$0")/lib.sh"
need ping python3

cat >"$TMP/hops.yaml" <<'END'
hosts: [{name: phone}, {name: home, forward: yes}, {name: isp, forward: yes}, {name: server}]
links:
  - name: wifi
    ends:
      - {host: phone, name: wlan0, kind: wifi, addresses: [10.1.0.2/24, "fd00:1::2/64"]}
      - {host: home, name: lan0, addresses: [10.1.0.1/24, "fd00:1::1/64"]}
  - name: dsl
    ends:
      - {host: home, name: wan0, addresses: [10.2.0.2/24, "fd00:2::2/64"], nat: NAT}
      - {host: isp, name: dsl0, addresses: [10.2.0.1/24, "fd00:2::1/64"]}
  - name: core
    ends:
      - {host: isp, name: core0, addresses: [10.3.0.1/24, "fd00:3::1/64"]}
      - {host: server, name: eth0, addresses: [10.3.0.2/24, "fd00:3::2/64"]}
END
cp "$TMP/hops.yaml" "$TMP/nat.yaml"
sed -i 's/nat: NAT/nat: no/' "$TMP/hops.yaml"
sed -i 's/nat: NAT/nat: yes/' "$TMP/nat.yaml"

# A server that tells every client the address that it saw.
cat >"$TMP/mirror.py" <<'END'
import socket, sys
family = socket.AF_INET6 if sys.argv[1] == "6" else socket.AF_INET
s = socket.socket(family)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if family == socket.AF_INET6:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind(("", 7))
s.listen()
while True:
    c, address = s.accept()
    c.sendall(address[0].encode())
    c.close()
END
cat >"$TMP/ask.py" <<'END'
import socket, sys
s = socket.create_connection((sys.argv[1], 7), 5)
print(s.makefile().read())
END

ask() {
	rivulet lab run "$1" --also "server: exec python3 $TMP/mirror.py 4" \
		--also "server: exec python3 $TMP/mirror.py 6" -- python3 "$TMP/ask.py" "$2"
}

# Lost: chains of hosts would not be connected.
expect "IPv4 over two routers" rivulet lab run "$TMP/hops.yaml" -- ping -4 -c 1 -W 5 server
expect "IPv6 over two routers" rivulet lab run "$TMP/hops.yaml" -- ping -6 -c 1 -W 5 server
expect "the way back" rivulet lab run "$TMP/hops.yaml" --on server -- ping -c 1 -W 5 phone
[ "$(ask "$TMP/hops.yaml" 10.3.0.2)" = 10.1.0.2 ] || fail "the server sees another IPv4 address"

# Lost: a home network would not be like one: its addresses hidden, and unreachable from outside.
if ! rivulet lab run "$TMP/nat.yaml" -- true 2>"$TMP/err"; then
	expect_text 'nf_tables' "$TMP/err"
	skip "no address translation: $(cat "$TMP/err")"
fi
[ "$(ask "$TMP/nat.yaml" 10.3.0.2)" = 10.2.0.2 ] || fail "NAT does not hide the IPv4 address"
[ "$(ask "$TMP/nat.yaml" fd00:3::2)" = fd00:2::2 ] || fail "NAT does not hide the IPv6 address"
expect_code 2 rivulet lab run "$TMP/nat.yaml" --on server -- ping -4 -c 1 -W 1 phone

# Lost: tests of fall-back to TCP would test nothing, or would break connections.
cat >"$TMP/mptcp.py" <<'END'
import socket, sys
def mptcp():
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
if sys.argv[1] == "server":
    s = mptcp()
    s.bind(("", 9))
    s.listen()
    while True:
        c, _ = s.accept()
        while data := c.recv(65536):
            c.sendall(data)
        c.close()
s = mptcp()
s.connect(("10.0.0.2", 9))
s.sendall(b"x" * 1000)
got = b""
while len(got) < 1000:
    got += s.recv(65536)
try:
    s.getsockopt(284, 1, 1000)  # SOL_MPTCP, MPTCP_INFO: only when it is MPTCP
    print("mptcp")
except OSError:
    print("tcp")
END
python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)' 2>/dev/null ||
	skip "this kernel has no MPTCP: stripping cannot be seen"
for strip in no yes; do
	cat >"$TMP/strip-$strip.yaml" <<END
hosts: [{name: client}, {name: server}]
links:
  - name: wire
    strip-mptcp: $strip
    ends:
      - {host: client, name: eth0, addresses: [10.0.0.1/24]}
      - {host: server, name: eth0, addresses: [10.0.0.2/24]}
END
	expect "MPTCP, stripped: $strip" rivulet lab run "$TMP/strip-$strip.yaml" \
		--also "server: exec python3 $TMP/mptcp.py server" -- \
		timeout 10 python3 "$TMP/mptcp.py" client
	[ $strip = yes ] && wanted=tcp || wanted=mptcp
	[ "$(cat "$OUT")" = "$wanted" ] || fail "stripped: $strip, but it is $(cat "$OUT")"
done
