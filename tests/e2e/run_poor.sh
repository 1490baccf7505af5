#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A link that loses packets: a few messages do not wait for lost ones again and again while another link has room for them, and
# whoever has much to send has both.
. "$(dirname "$0")/run_lib.sh"
. "$(dirname "$0")/still.sh"

cat >"$TMP/echo.py" <<'EOF2'
import socket
listener = socket.create_server(("", 7020))  # further subflows need it
c = listener.accept()[0]
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while got := c.recv(65536):
    c.sendall(got)
EOF2
cat >"$TMP/messages.py" <<'EOF2'
import os, socket, time
words = lambda: open(os.environ["WORDS"]).read()
for _ in range(200):
    try:
        s = socket.create_connection(("10.1.0.1", 7020))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
def exchange(size):
    start, got = time.monotonic(), 0
    s.sendall(bytes(size))
    while got < size:
        got += len(s.recv(65536))
    return time.monotonic() - start
end = time.monotonic() + 60
while "link wlan0 is back, and rests" not in words():
    assert time.monotonic() < end, "it does not rest"
    exchange(2048)
    time.sleep(0.1)
took = []
for _ in range(12): # less than it rests
    took.append(exchange(2048))
    time.sleep(0.1)
print("longest", max(took))
assert max(took) < 0.2, took
while "link wlan0 is put back into use" not in words().split("rests")[-1]:
    assert time.monotonic() < end, "it is not put back"
    exchange(100000)
EOF2
SCENARIO=$TMP/poor.yaml
{
	cat "$RIVULET_SCENARIOS/pair.yaml"
	printf 'events:\n  - {at: 0s, link: wifi, do: set, shape: {loss: 10%%}}\n'
} >"$SCENARIO"
SERVER="$RIVULET run --quiet -- python3 '$TMP/echo.py'"

# Lost: what a program says waits a quarter of a second again and again, as one link is bad.
in_time expect "messages over a bad link" pair_lab env WORDS="$TMP/words" sh -c "'$RIVULET' run --explain -- python3 '$TMP/messages.py' 2>'$TMP/words'"
cat "$OUT"
