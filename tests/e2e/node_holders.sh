#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What several who have an object give: all at once, and each piece is what was asked for, whoever sends it, and however others'
# implementations have cut it up.
. "$(dirname "$0")/node_lib.sh"

cat >"$TMP/inside.sh" <<'EOF3'
found
join bob cyd fay
start bob
# Lost: a device whose kernel has no Multipath TCP; or a clear word about a stack that a node cannot have.
start cyd --stack host
code=0
rv fay node --stack uml 2>"$TMP/out" || code=$?
[ "$code" = 2 ] && grep -q "stack 'uml'" "$TMP/out" || fail "stack uml ends with $code"
soon 5 meets bob ada || fail "no contact"
soon 5 meets bob cyd || fail "no contact"
received() {
	rv bob peers --json | python3 -c '
import json, sys
print(next(p["received"] for p in json.load(sys.stdin)["peers"] if p["node"] == sys.argv[1]))' "$1"
}
holder() { on fay python3 "$PROGRAM_SOURCES/holder.py" "$TMP/fay/crowd" fay 10.3.6.1 bob "$@"; }

# Lost: the speed of a second one who has it.
make_file "$TMP/file" 60000000
id=$(rv ada put "$TMP/file")
[ "$(rv cyd put "$TMP/file")" = "$id" ] || fail "the same content has two names"
from_ada=$(received ada) from_cyd=$(received cyd)
rv bob get "$id" -o "$TMP/got"
same "$TMP/file" "$TMP/got"
from_ada=$(($(received ada) - from_ada)) from_cyd=$(($(received cyd) - from_cyd))
echo "$from_ada bytes from ada, $from_cyd from cyd"
[ "$from_ada" -gt 15000000 ] && [ "$from_cyd" -gt 15000000 ] || fail "one of two holders is hardly asked"
[ $((from_ada + from_cyd)) -lt 66000000 ] || fail "pieces come twice"

# Lost: an object, to one who says that he has it.
make_file "$TMP/file" 40000000
holder "$TMP/file" lies &
liar=$!
soon 5 meets bob fay || fail "no contact"
id=$(rv ada put "$TMP/file")
rv bob get "$id" -o "$TMP/got" || fail "an object does not come past one who sends something else"
same "$TMP/file" "$TMP/got"
logged bob "piece [0-9]* of an object from 'fay' is damaged"
kill "$liar"

# Lost: what comes by an implementation that cuts bundles up.
make_file "$TMP/file" 1800000
id=$(holder "$TMP/file" fragments) || fail "fragments are not taken"
stop ada
stop cyd
rv bob get "$id" --wait 5s -o "$TMP/got" || fail "fragments are not put together"
same "$TMP/file" "$TMP/got"
EOF3
in_lab
