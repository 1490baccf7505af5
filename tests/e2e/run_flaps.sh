#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Lost: on the edge of a radio's reach, where a link comes and goes several times a second, a transfer would stop for ever or
# bring other bytes, or what looks after it would grow. bench/flaps is the same at length.
. "$(dirname "$0")/lib.sh"
need curl python3 pgrep
[ "$(id -u)" = 0 ] || skip "only root sees the descriptors of processes in the lab"

# A sanitizer keeps some MB of what was freed.
expect "transfers while links flap" env GROWTH=8000 "$(dirname "$0")/../../bench/flaps" 40 7
cat "$OUT"
if [ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ]; then
	expect "transfers while links flap, on lkl" env STACK=lkl GROWTH=8000 "$(dirname "$0")/../../bench/flaps" 40 7
	cat "$OUT"
fi
