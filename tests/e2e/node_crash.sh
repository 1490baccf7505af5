#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Lost: what a node has accepted, when its power or its process goes at the wrong moment; or the whole store, which would not
# open again. bench/node-soak is the same at length.
. "$(dirname "$0")/node_lib.sh"
KILLS=${KILLS:-25} SEED=${SEED:-5}
export KILLS SEED
echo "$KILLS kills, seed $SEED"

cat >"$TMP/inside.sh" <<'EOF3'
found
join bob cyd dan eve fay
stop ada
python3 "$PROGRAM_SOURCES/crashes.py" soak "$TMP" "$KILLS" "$SEED" || fail "something was lost"
EOF3
in_lab
