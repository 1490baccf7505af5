#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Each scenario that comes with Rivulet can be built, and its first host reaches all others that a
# path leads to, over IPv4 and IPv6. Lost otherwise: the first thing that a new user tries.
. "$(dirname "$0")/lib.sh"
need ping python3

# Tries every address of every other host until one answers; ten times, for links lose packets.
cat >"$TMP/reach.py" <<'END'
import json, subprocess, sys
scenario = json.load(open(sys.argv[1]))
me = scenario["hosts"][0]["name"]
forwards = {h["name"] for h in scenario["hosts"] if h["forward"]}

# Hosts to which a path over forwarding ones leads, never into what is behind a translated end.
connected, ways = {me}, [me]
while ways:
    here = ways.pop()
    for a, b in [e for link in scenario["links"] for e in (link["ends"], link["ends"][::-1])]:
        if a["host"] == here and b["host"] not in connected:
            connected.add(b["host"])
            if b["host"] in forwards and not b["nat"]:
                ways.append(b["host"])

failed = 0
for host in scenario["hosts"][1:]:
    if host["name"] not in connected:
        continue
    addresses = [a.split("/")[0] for link in scenario["links"] for end in link["ends"]
                 if end["host"] == host["name"] for a in end["addresses"]]
    for version in ("4", "6"):
        some = [a for a in addresses if (":" in a) == (version == "6")]
        if some and not any(
                subprocess.run(["ping", "-" + version, "-c1", "-W1", a], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL).returncode == 0
                for _ in range(10) for a in some):
            print("%s does not reach %s over IPv%s" % (me, host["name"], version))
            failed = 1
sys.exit(failed)
END

for file in "$RIVULET_SCENARIOS"/*.yaml; do
	name=$(basename "$file" .yaml)
	expect "check $name" rivulet lab check "$name"
	rivulet lab show "$name" --json >"$TMP/show.json" || fail "show $name"
	expect "$name is connected" rivulet lab run "$name" -- \
		timeout 60 python3 "$TMP/reach.py" "$TMP/show.json"
done
