#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Run after run on a kernel of its own, from the same address and ports, to a server that closes connections first.
. "$(dirname "$0")/run_lib.sh"
need python3
STACKS="lkl uml"
! grep -q __asan_init "$RIVULET" || STACKS=lkl # a sanitized program cannot be the first one inside

# Answers a byte of each connection and closes it; to the byte ? it says how often a port came again, and how many packets were taken for
# old ones.
cat >"$TMP/server.py" <<'EOF'
import asyncio
seen, again = set(), 0
def rejected():
    lines = [line.split() for line in open("/proc/net/netstat") if line.startswith("TcpExt:")]
    counters = dict(zip(*lines))
    return counters.get("PAWSTimewait", counters["PAWSEstab"]) # before Linux 6.14 all were one
async def answer(reader, writer):
    global again
    asked, peer = await reader.read(1), writer.get_extra_info("peername")
    again += peer in seen
    seen.add(peer)
    writer.write(f"{again} {rejected()}".encode() if asked == b"?" else asked)
    await writer.drain()
    writer.close()
async def serve():
    await (await asyncio.start_server(answer, "", 7000, backlog=1024)).serve_forever()
asyncio.run(serve())
EOF
cat >"$TMP/client.py" <<'EOF'
import concurrent.futures, socket
def ask(byte):
    with socket.create_connection(("10.1.0.1", 7000), timeout=20) as connection:
        connection.sendall(byte)
        data = b""
        while more := connection.recv(100):
            data += more
        return data
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    assert set(pool.map(ask, [b"x"] * 200)) == {b"x"}
print(ask(b"?").decode())
EOF
# Of the ranges of ports that a stack begins with (link/port_hold.c) all but one are taken, so that each run has that one.
cat >"$TMP/taken.py" <<'EOF'
import os, socket, subprocess, sys
taken = [socket.create_server(("", port)) for port in range(61440, 65536 - 512, 512)]
sys.exit(subprocess.run(sys.argv[1:]).returncode)
EOF

# Lost: the time until a first packet is sent again, for half of the connections of each run but the first, as the server takes it for an
# old one.
for stack in $STACKS; do
	[ -x "$(dirname "$RIVULET")/kernel/rivulet-$stack" ] || skip "the kernel of stack $stack is not built (make kernels)"
	again="for run in 1 2 3; do '$RIVULET' run --quiet --stack $stack -- python3 '$TMP/client.py' || exit 1; done"
	for protocol in TCP MPTCP; do
		server="python3 '$TMP/server.py'"
		[ "$protocol" = TCP ] || server="$RIVULET run --quiet -- $server"
		expect "$stack, $protocol: run after run" rivulet lab run pair --also "server: $server" -- \
			python3 "$TMP/taken.py" sh -c "$again"
		read -r came rejected <<-EOF
			$(tail -n 1 "$OUT")
		EOF
		[ "$came" -ge 100 ] || fail "$stack, $protocol: only $came times a port came again: this shows nothing"
		[ "$rejected" = 0 ] || fail "$stack, $protocol: $rejected packets were taken for old ones, where $came times a port came again"
		echo "$stack, $protocol: ports came again $came times, and no packet is old"
	done
done
