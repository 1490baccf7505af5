#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A node on a stack that is not its kernel's meets one that is on it, whoever dials, and both links carry.
. "$(dirname "$0")/node_lib.sh"
need pgrep
[ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"

cat >"$TMP/inside.sh" <<'EOF3'
# Bytes that HOST's node has over each of both links.
over_both() {
	rv "$1" peers --json | python3 -c '
import json, sys
p = next(p for p in json.load(sys.stdin)["peers"] if p["node"] == sys.argv[1])
links = {l["name"]: l for l in p["links"] if l["subflow"]}
sys.exit(not all(links[n]["sent"] + links[n]["received"] > 500000 for n in ("wlan0", "bnep0")))' "$2"
}
# exchange FROM TO: an object that TO gets, over both links
exchange() {
	soon 20 meets "$1" "$2" || fail "no contact"
	make_file "$TMP/file" 60000000
	id=$(rv "$1" put "$TMP/file")
	rv "$2" get "$id" -o "$TMP/got" &
	get=$!
	soon 30 over_both ada bob || fail "ada's node does not use both links: $(rv ada peers)"
	wait "$get" || fail "the object does not come"
	same "$TMP/file" "$TMP/got"
	rm "$TMP/file" "$TMP/got"
}
AS_IT_IS=
found
join bob
# Lost: a device whose kernel has no Multipath TCP, to the others. Of two nodes the one whose name comes first dials: here the
# one on lkl is dialled,
on bob sysctl -qw net.mptcp.enabled=0
start bob --stack lkl
soon 20 near ada bob || fail "ada does not hear bob"
exchange ada bob
exchange bob ada
stop bob
stop ada
on bob sysctl -qw net.mptcp.enabled=1
# and here it dials.
start ada --stack lkl
start bob
exchange ada bob
exchange bob ada
# Lost: memory, to processes that outlive the node that they are for.
crash ada
soon 10 sh -c '! pgrep rivulet-lkl' || fail "the kernel outlives its node"
stop bob
EOF3
in_lab
