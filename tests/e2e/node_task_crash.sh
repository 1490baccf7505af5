#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Lost: a task, when the device that has it, the one it goes over, or the one it is of, goes at the wrong moment; or once too
# often done, as its owner sees it. With KILLS=200 TASKS=300 the same at length.
. "$(dirname "$0")/node_lib.sh"
need bwrap
KILLS=${KILLS:-20} TASKS=${TASKS:-40} SEED=${SEED:-5}
export KILLS TASKS SEED
echo "$KILLS kills, $TASKS tasks, seed $SEED"

cat >"$TMP/inside.sh" <<'EOF3'
found
join bob cyd
stop ada
python3 "$PROGRAM_SOURCES/task_crashes.py" "$TMP" "$KILLS" "$TASKS" "$SEED" || fail "a task was lost, or done twice"
EOF3
in_lab
