#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A program sees of its relayed sockets what it sees of TCP's, but for what docs/differences.md lists with a reason. STACK says
# what it is relayed to.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/still.sh"
need python3

STACK=${STACK:-host}
[ "$STACK" != lkl ] || [ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"
TABLE=$(dirname "$0")/../../docs/differences.md

# What program $1 sees, under the command that follows. Beside it runs one that has a port of the same host.
observe() {
	observer=$PROGRAMS/$1
	shift
	rivulet lab run pair --also "server: $observer peer ${PEER:-}" -- sh -c "$observer taken 7103 && exec \"\$@\"" observe "$@" "$observer" 10.1.0.1
}

# $1 is what $program saw over its stack: as over TCP, or as the table says of $2. Where it is tried again, each time.
compare() {
	python3 "$PROGRAM_SOURCES/conform.py" "$TABLE" "$2" "$TMP/plain" "$1" "$1.wrong" || fail "$program on $STACK ($2) differs from TCP"
}

as_over_tcp() {
	observe "$program" >"$TMP/plain" || fail "$program, without us"
	observe "$program" "$RIVULET" run --quiet --stack "$STACK" -- >"$TMP/relayed" || fail "$program, on $STACK"
	compare "$TMP/relayed" "$STACK"
}
over_mptcp() {
	PEER=multipath observe "$program" "$RIVULET" run --quiet --stack "$STACK" -- >"$TMP/multipath" || fail "$program, on $STACK, over MPTCP"
	compare "$TMP/multipath" MPTCP
}

# Lost: programs that work over TCP would not over the relay, and nobody would know why.
for program in conform conform-32; do
	if [ ! -x "$PROGRAMS/$program" ]; then
		echo "no 32-bit programs can be built here: $program not tried" >&2
		continue
	fi
	rm -f "$TMP/relayed.wrong"
	in_time as_over_tcp
	# With a peer that speaks MPTCP it is another protocol.
	if [ "$STACK" = lkl ] && [ "$program" = conform ] && [ -e /proc/sys/net/mptcp/enabled ]; then
		in_time over_mptcp
	fi
done
