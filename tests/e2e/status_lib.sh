# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What tests of `rivulet status` share, put before what they do in the lab, behind soon.sh. There are RIVULET and TMP; $before has to be set.
set -eu
fail() { [ ! -e "$TMP/now" ] || cat "$TMP/now" >&2; echo "$*" >&2; exit 1; }
status() { "$RIVULET" status "$@"; }
# is EXPRESSION: of the runs, and of `mine`, the one of curl.
is() {
	status --json >"$TMP/now"
	python3 - "$TMP/now" "$1" <<'EOF3'
import json, sys
answer = json.load(open(sys.argv[1]))
runs = answer["runs"]
mine = [r for r in runs if r["program"][0] == "curl"]
connections = [c for r in mine for c in r["connections"]]
flows = {f["link"]: f for c in connections for f in c["subflows"]}
sys.exit(not eval(sys.argv[2]))
EOF3
}
before=0 # once the server is there: $(sockets)
sockets() { find "${RIVULET_STATE:-/run/rivulet}" -name 'status-*' -o -name '.*-*' 2>/dev/null | wc -l; }
none_left() { [ "$(sockets)" = "$before" ]; }
