#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stacks with a kernel of their own, and a server in a container of the same host: veth hands over packets before anybody has computed
# their checksums, and several as one.
. "$(dirname "$0")/run_lib.sh"
need ip nsenter ss
STACKS="lkl uml"
! grep -q __asan_init "$RIVULET" || STACKS=lkl # a sanitized program cannot be the first one inside

# The length of what came, up and down.
cat >"$TMP/talk.py" <<'EOF'
import socket, sys
SIZE = 4 << 20
def receive(connection):
    got = bytearray()
    while data := connection.recv(1 << 16):
        got += data
    return got
if sys.argv[1] == "serve":
    server = socket.create_server(("", 7000))
    while True:
        connection, _ = server.accept()
        size = len(receive(connection))
        connection.sendall(b"%d" % size if size > 1 else bytes(SIZE))
        connection.close()
def ask(data):
    with socket.create_connection(("10.9.0.2", 7000), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return receive(connection)
assert ask(bytes(SIZE)) == b"%d" % SIZE
assert ask(b"?") == bytes(SIZE)
EOF
cat >"$TMP/container" <<EOF
set -e
unshare --net sleep 600 & container=\$!
trap 'kill \$container \$server' EXIT
until [ "\$(readlink /proc/\$container/ns/net)" != "\$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
there() { nsenter --net=/proc/\$container/ns/net "\$@"; }
ip link add veth0 type veth peer name veth1 netns \$container
ip addr add 10.9.0.1/24 dev veth0
there ip addr add 10.9.0.2/24 dev veth1
ip link set veth0 up
there ip link set veth1 up
ip route add default via 10.9.0.2 dev veth0
there sh -c "echo \$1 >/proc/sys/net/ipv4/tcp_timestamps"
nsenter --net=/proc/\$container/ns/net python3 '$TMP/talk.py' serve & server=\$!
until there ss -Hltn 'sport = :7000' | grep -q .; do sleep 0.05; done
'$RIVULET' run --quiet --stack \$2 -- python3 '$TMP/talk.py' ask
EOF

# Lost: every connection to a server without timestamps: of what it sends, packets with few bytes or none would not arrive.
[ "$(id -u)" = 0 ] && user='' || user=--map-root-user
for stack in $STACKS; do
	[ -x "$(dirname "$RIVULET")/kernel/rivulet-$stack" ] || skip "the kernel of stack $stack is not built (make kernels)"
	for timestamps in 1 0; do
		# shellcheck disable=SC2086
		expect "$stack, timestamps $timestamps" unshare --net $user sh "$TMP/container" $timestamps $stack
		echo "works: $stack, a server with timestamps $timestamps"
	done
done
