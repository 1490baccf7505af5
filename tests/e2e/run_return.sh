#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Lost: a transfer whose last link was dead for seven seconds would stand still for six more, until the sender's timeout is over. With a
# server that has written all and closed nothing else helps, for it refuses further subflows.
. "$(dirname "$0")/lib.sh"
need python3
[ "$(id -u)" = 0 ] || skip "the server's buffer takes root"

# scenario NAME DOWN UP: LTE goes and comes by those events. Unless NAME begins with "one" there is Wi-Fi, which goes before, for longer than
# the second within which a kernel may not tell, and comes back while LTE is dead.
scenario() {
	python3 - "$@" >"$TMP/$1.yaml" <<'EOF'
import sys
name, down, up = sys.argv[1:]
links = [("wlan0", "wifi", 1, "8mbit", "5ms"), ("wwan0", "lte", 2, "4mbit", "20ms")][name.startswith("one"):]
print("hosts: [{name: phone}, {name: server}]\nlinks:")
for device, kind, net, rate, delay in links:
    print(f"""  - name: {kind}
    both: {{rate: {rate}, delay: {delay}, queue: {{bytes: 60kB}}}}
    ends:
      - {{host: phone, name: {device}, kind: {kind}, addresses: [10.{net}.0.2/24], gateway: [10.{net}.0.1]}}
      - {{host: server, name: {device}, kind: {kind}, addresses: [10.{net}.0.1/24]}}""")
print("events:")
if len(links) > 1:
    print("  - {at: 800ms, link: wifi, do: down}\n  - {at: 2500ms, link: wifi, do: up}")
print(f"  - {{at: 2200ms, link: lte, do: {down}}}\n  - {{at: 9200ms, link: lte, do: {up}}}")
EOF
}

# The same bytes both ways; whoever receives says for how long nothing came, in the middle of them.
cat >"$TMP/peer.py" <<'EOF'
import json, random, socket, sys, time
DATA = random.Random(7).randbytes(4000000)
MPTCP, SNDBUFFORCE = 262, 32
def receive(s):
    got, gap, last = b"", 0, time.monotonic()
    while len(got) < len(DATA):
        piece = s.recv(65536)
        if not piece:
            break
        now = time.monotonic()
        gap, last = max(gap, now - last), now
        got += piece
        if len(got) > 300000 > len(got) - len(piece):
            s.send(b"x")
    return got == DATA, gap
if sys.argv[1] == "serve":
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, SNDBUFFORCE, 8 << 20)
    listener.bind(("", 8000))
    listener.listen()
    s, _ = listener.accept()
    if s.recv(1) == b"d":
        # Both links are there before it closes.
        s.sendall(DATA[:400000])
        s.recv(1)
        s.sendall(DATA[400000:])
    else:
        s.send(json.dumps(receive(s)).encode())
    s.close()
else:
    s = socket.create_connection((sys.argv[2], 8000))
    s.send(sys.argv[1][0].encode())
    if sys.argv[1] == "down":
        ok, gap = receive(s)
    else:
        s.sendall(DATA)
        s.shutdown(socket.SHUT_WR)
        ok, gap = json.loads(s.makefile("rb").read().lstrip(b"x"))
    print(f"{'the right' if ok else 'OTHER'} bytes; nothing came for {gap:.1f} s")
    # The outage, and a little; what it would be without: more than 12 s. Less than the outage: it was over by then.
    sys.exit(0 if ok and 5 < gap < 10 else 1)
EOF

# goes_on STACK EVENTS DIRECTION ADDRESS. A machine that is too busy gets three chances.
goes_on() {
	for chance in 1 2 3; do
		if "$RIVULET" lab run --from-traffic "$TMP/$2.yaml" --also "server: $RIVULET run --quiet -- python3 $TMP/peer.py serve" -- \
			"$RIVULET" run --quiet --stack "$1" -- python3 "$TMP/peer.py" "$3" "$4" >"$TMP/$1" 2>&1; then
			echo "goes on: $1, $2, $3: $(cat "$TMP/$1")"
			return
		fi
		cat "$TMP/$1"
		! grep -q OTHER "$TMP/$1" || break
		echo "$1, $2, $3: chance $chance was not taken"
	done
	fail "$1, $2, $3: $(tail -n 1 "$TMP/$1")"
}

scenario silent blackhole heal
scenario carrier down up
scenario one-silent blackhole heal
stacks=native
[ ! -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || stacks="$stacks lkl"
[ ! -x "$(dirname "$RIVULET")/kernel/rivulet-uml" ] || grep -q __asan_init "$RIVULET" || stacks="$stacks uml"
for stack in $stacks; do
	(
		goes_on "$stack" silent down 10.1.0.1
		goes_on "$stack" carrier down 10.1.0.1
		# What this end sends waits for its own kernel's timeout, which is ours to end where the kernel is.
		[ "$stack" = native ] || goes_on "$stack" one-silent up 10.2.0.1
	) &
	BACKGROUND="$BACKGROUND $!"
done
stood_still=
for pid in $BACKGROUND; do
	wait "$pid" || stood_still=1
done
BACKGROUND=
[ -z "$stood_still" ] || exit 1 # which of them, it has said
