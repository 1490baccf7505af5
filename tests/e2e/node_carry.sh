#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What links that go and come, and devices that never meet, do to what is on its way: it arrives all the same, once, whole.
. "$(dirname "$0")/node_lib.sh"

cat >"$TMP/inside.sh" <<'EOF3'
# Links are set up by each node, as a run does, so that Multipath TCP uses both.
links_of() { rv ada peers --json | python3 -c '
import json, sys
p = next(p for p in json.load(sys.stdin)["peers"] if p["node"] == "bob")
sys.exit(sum(l["subflow"] for l in p["links"]) < int(sys.argv[1]))' "$1"; }
# Bytes of the object that have come to bob.
come() { stat -c %s "$TMP/got.part" 2>/dev/null || stat -c %s "$TMP/got" 2>/dev/null || echo 0; }
more_came() { [ "$(come)" -gt "$came" ]; }
# As many as that come, however slowly.
comes() {
	while came=$(come) && [ "$came" -lt "$1" ]; do
		soon 30 more_came || return 1
	done
}

AS_IT_IS=
found
join bob
start bob
soon 5 meets ada bob || fail "no contact"
soon 5 links_of 2 || fail "the contact does not use both links"

# begin: a large object, which bob gets from now on
begin() {
	make_file "$TMP/large" 200000000
	id=$(rv ada put "$TMP/large")
	rm -f "$TMP/got"
	rv bob get "$id" -o "$TMP/got" &
	get=$!
	comes 30000000 || fail "nothing comes"
}

# Lost: what was under way over a link that breaks.
begin
down bob wlan0
comes 50000000 || fail "nothing comes with one link cut"
up bob wlan0
soon 10 links_of 2 || fail "the link that came back is not used"
[ "$(grep -c "contact with 'bob' is over" "$TMP/ada.log")" = 0 ] || fail "the contact broke off with one of two links"

# Lost: all that came before both links broke. What comes afterwards begins where it ended; where the break falls between two
# bundles, or all had come before it, there is nothing to go on with, so it is tried again with another object.
resumed() { grep -q "goes on with a bundle from byte" "$TMP/ada.log"; }
for _ in 1 2 3 4; do
	comes 80000000 || fail "nothing comes"
	down bob wlan0
	down bob bnep0
	soon 40 no_more ada bob contact || fail "a contact without links stays"
	soon 40 no_more bob ada contact || fail "a contact without links stays"
	up bob wlan0
	up bob bnep0
	wait "$get" || fail "the object does not come when the links are back"
	same "$TMP/large" "$TMP/got"
	! resumed || break
	begin
done
resumed || fail "nothing was resumed"
rm "$TMP/large" "$TMP/got"

# Lost: what devices that never meet have for each other. Cyd meets bob only when ada has gone, and asks what ada has.
# How many bundles bob has that are for others.
carried() {
	on bob python3 - "$TMP/bob/control" <<'END'
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"GET /v1/node HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n")
data = b""
while more := s.recv(4096):
    data += more
print(json.loads(data.split(b"\r\n\r\n")[1])["carried"])
END
}
more_than() { [ "$(carried)" -gt "$1" ]; }
cat >"$TMP/rows.py" <<'END'
"""rows.py STORE AFTER: the pieces of objects for cyd behind row AFTER, and the last row."""
import sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
print(*db.execute("SELECT (SELECT count(*) FROM bundles WHERE destination LIKE 'dtn://cyd/%' AND state = 0 AND size > 500000"
                  " AND id > ?), max(id) FROM bundles", (sys.argv[2],)).fetchone())
END
rows() { python3 "$TMP/rows.py" "$TMP/bob/store/store.db" "$1"; }
pieces() { [ "$(rows "$1" | cut -d ' ' -f 1)" -ge "$2" ]; }
down bob wlan1
join cyd
make_file "$TMP/gift" 3000000
gift=$(rv ada put --to cyd "$TMP/gift")
make_file "$TMP/asked" 2000000
asked=$(rv ada put "$TMP/asked")
soon 10 pieces 0 3 || fail "bob does not carry for cyd"
down bob wlan0
down bob bnep0
start cyd
up bob wlan1
soon 10 meets cyd bob || fail "bob and cyd do not meet"
rv cyd get "$gift" --wait 20s -o "$TMP/got" || fail "the gift does not arrive"
same "$TMP/gift" "$TMP/got"
# Cyd's question goes with bob, and the answer comes back with him.
before=$(carried)
rv cyd get "$asked" --wait 40s -o "$TMP/got2" &
get=$!
soon 10 more_than "$before" || fail "bob does not carry the question"
down bob wlan1
up bob wlan0
row=$(rows 0 | cut -d ' ' -f 2)
soon 10 meets ada bob || fail "ada and bob do not meet"
soon 15 pieces "$row" 2 || fail "bob does not carry the answer"
down bob wlan0
up bob wlan1
wait "$get" || fail "what was asked for does not come over bob"
same "$TMP/asked" "$TMP/got2"

# Lost: why a contact is over, to whoever reads a log: a node that ends says so (RFC 9174, section 6.1). Cyd hears of it late, and
# finds the connection closed behind it.
kill -STOP "$(node_pid cyd)"
stop bob
kill -CONT "$(node_pid cyd)"
logged cyd "contact with 'bob' is over: the other end ended it"
EOF3
in_lab
