#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The time line of a scenario happens, as seen by programs in the lab.
# Lost otherwise: experiments about handover in which there was no handover.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/still.sh"
need ping python3

cat >"$TMP/events.yaml" <<'END'
hosts: [{name: a}, {name: b}]
links:
  - name: wire
    ends:
      - {host: a, name: left, addresses: [10.0.0.1/24]}
      - {host: b, name: right, addresses: [10.0.0.2/24]}
events:
  - {at: 1s, link: wire, do: blackhole}
  - {at: 2500ms, link: wire, do: heal}
  - {at: 4s, link: wire, do: down}
  - {at: 5500ms, link: wire, do: up}
  - {at: 8s, link: wire, do: set, shape: {delay: 100ms}}
END

cat >"$TMP/watch" <<'END'
#!/bin/sh
# Tells what is seen at both ends, line by line, until the delay has changed. One late answer does
# not tell that: the first one after a carrier is back waits until the kernel has noticed.
slow=0
while :; do
	left=$(cat /sys/class/net/left/carrier)
	right=$("$RIVULET" lab on b -- cat /sys/class/net/right/carrier)
	answer=$(timeout 0.4 ping -c 1 10.0.0.2 | sed -n 's/.*time=\([0-9]*\).*/\1/p')
	echo "carrier $left $right answer ${answer:-none}"
	[ "${answer:-0}" -ge 200 ] && slow=$((slow + 1)) || slow=0
	[ $slow -lt 3 ] || exit 0
done
END
export RIVULET

# Silent: no answer, but the carrier stays. Down: no carrier at either end. Afterwards as before.
cat >"$TMP/compare.py" <<'END'
import json, sys
seen = [line.split() for line in open(sys.argv[1])]
stages = [
    lambda s: s[1:3] == ["1", "1"] and s[4] != "none",
    lambda s: s[1:3] == ["1", "1"] and s[4] == "none",
    lambda s: s[1:3] == ["1", "1"] and s[4] != "none",
    lambda s: s[1:3] == ["0", "0"] and s[4] == "none",
    lambda s: s[1:3] == ["1", "1"] and s[4] != "none" and int(s[4]) < 200,
    lambda s: s[1:3] == ["1", "1"] and s[4] != "none" and int(s[4]) >= 200,
]
for line in seen:
    if stages and stages[0](line):
        stages.pop(0)
if stages:
    sys.exit("%d stages were not seen" % len(stages))
WANTED = [("blackhole", 1), ("heal", 2.5), ("down", 4), ("up", 5.5), ("set", 8)]
events = [s for s in map(json.loads, open(sys.argv[2])) if "event" in s]
for event, (name, at) in zip(events, WANTED, strict=True):
    if event["event"] != name or event["link"] != "wire" or not at <= event["t"] < at + 0.5:
        sys.exit("event at the wrong time: %s" % event)
END
happens() {
	expect "a lab with events" rivulet lab run "$TMP/events.yaml" --samples "$TMP/samples" -- \
		timeout 20 sh "$TMP/watch"
	uniq "$OUT" >"$TMP/seen"
	python3 "$TMP/compare.py" "$TMP/seen" "$TMP/samples" || { cat "$TMP/seen" >&2; fail "not what happened"; }
}
in_time happens

# Lost: comparisons with programs that take long to start, which would have slept through the events.
sed -i '/^events:/,$d' "$TMP/events.yaml"
echo 'events: [{at: 200ms, link: wire, do: down}]' >>"$TMP/events.yaml"
cat >"$TMP/late" <<'END'
#!/bin/sh
carrier() { [ "$(cat /sys/class/net/left/carrier)" = "$1" ]; }
ping -c 8 -i 0.1 10.0.0.2 >/dev/null # longer than until the event, were it to count from now
carrier 1 || exit 3
python3 -c 'import socket; socket.socket().connect_ex(("10.0.0.2", 5))'
until carrier 0; do sleep 0.05; done
END
expect "events that wait" rivulet lab run "$TMP/events.yaml" --from-traffic -- timeout 20 sh "$TMP/late"
