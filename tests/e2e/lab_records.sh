#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a lab writes down: counters, samples, captures; and that they agree with each other.
# Lost otherwise: plots and tables that are wrong.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/still.sh"
need ping python3

cat >"$TMP/lossy.yaml" <<'END'
hosts: [{name: a}, {name: b}]
links:
  - name: wire
    both: {rate: 20mbit, delay: 5ms, loss: 10%, queue: {packets: 20}}
    ends:
      - {host: a, name: left, addresses: [10.0.0.1/24]}
      - {host: b, name: right, addresses: [10.0.0.2/24]}
END
cat >"$TMP/talk.py" <<'END'
import socket, subprocess, sys, time
if sys.argv[1] == "server":
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", 9))
    while True:
        s.recv(2000)
while subprocess.call(["ping", "-c1", "-W1", "10.0.0.2"], stdout=subprocess.DEVNULL):
    pass  # until the hardware address of the other end is known: that exchange may be lost, too
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(500):
    s.sendto(b"x" * 1400, ("10.0.0.2", 9))
    if i % 50 == 49:
        time.sleep(0.05)
time.sleep(0.3)
END

cat >"$TMP/compare.py" <<'END'
import json, struct, sys
tmp = sys.argv[1]

def check(truth, text):
    if not truth:
        sys.exit(text)

def frames(name):
    """Frames of a capture as (time, bytes), the header checked."""
    data = open("%s/pcap/%s.pcap" % (tmp, name), "rb").read()
    magic, major, minor, _, _, _, link = struct.unpack("=IHHiIII", data[:24])
    check((magic, major, minor, link) == (0xA1B23C4D, 2, 4, 1), "header of " + name)
    at, last, result = 24, 0, []
    while at < len(data):
        s, ns, kept, size = struct.unpack("=IIII", data[at:at + 16])
        check(ns < 10**9 and kept == size <= 1518, "record of " + name)
        check(s * 10**9 + ns >= last, "times of %s fall" % name)
        last = s * 10**9 + ns
        result.append((last, data[at + 16:at + 16 + kept]))
        at += 16 + kept
    check(at == len(data), name + " is cut short")
    return result

def talk(capture):
    return [(t, f) for t, f in capture if f[12:14] == b"\x08\0" and f[23] == 17 and len(f) == 1442]

stats = {d["from"]: d for d in json.load(open(tmp + "/stats"))["directions"]}
there = stats["a"]
check(there["link"] == "wire" and there["to"] == "b", "names")
check(there["offered"] == there["packets"] + sum(there["drops"].values()), "packets do not add up")
check(there["missed"] == there["refused"] == 0, "frames were lost outside of the channels")
check(there["drops"]["loss"] > 5 and there["drops"]["queue"] > 0, "no losses: %s" % there["drops"])
check(there["queue_packets_max"] == 20, "queue maximum")

sent, got = talk(frames("a-left")), talk(frames("b-right"))
check(len(sent) == 500, "%d of 500 datagrams captured at the sender" % len(sent))
lost = len(sent) - len(got)
check(abs(lost - there["drops"]["loss"] - there["drops"]["queue"]) <= 5, "captures and counters differ")
first = {f: t for t, f in reversed(sent)}
check(all(t - first[f] > 5_000_000 for t, f in got), "a frame came before its delay was over")

samples = [s for s in map(json.loads, open(tmp + "/samples")) if s.get("from") == "a"]
check([s["bytes"] for s in samples] == sorted(s["bytes"] for s in samples), "samples fall")
check(samples[-1]["packets"] == there["packets"] and samples[-1]["bytes"] == there["bytes"], "last sample")
check(len(samples) >= 7 and samples[-1]["t"] < 60, "not a sample every 100 ms")
END
agree() {
	rm -rf "$TMP/pcap"
	expect "a lab that writes everything down" rivulet lab run "$TMP/lossy.yaml" --seed 7 \
		--pcap "$TMP/pcap" --samples "$TMP/samples" --stats="$TMP/stats" --json \
		--also "b: exec python3 $TMP/talk.py server" -- python3 "$TMP/talk.py" client
	[ ! -s "$OUT" ] || fail "something else was written to the command's output"
	expect "records agree" python3 "$TMP/compare.py" "$TMP"
}
in_time agree

if command -v tcpdump >/dev/null; then
	expect "tcpdump reads the capture" tcpdump -nr "$TMP/pcap/a-left.pcap"
fi

# The table for people has the same facts.
rivulet lab run "$TMP/lossy.yaml" --stats -- true 2>"$TMP/table" >/dev/null
expect_text '^wire +a > b ' "$TMP/table"

# Records that are not whole are no success.
expect_code 125 rivulet lab run "$TMP/lossy.yaml" --samples /dev/full -- true
expect_text 'the samples cannot be written: No space left' "$OUT"
expect_code 125 rivulet lab run "$TMP/lossy.yaml" --stats=/dev/full -- true
expect_text '/dev/full cannot be written: No space left' "$OUT"
