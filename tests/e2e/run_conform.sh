#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A program sees of its relayed sockets what it sees of TCP's, but for what docs/differences.md lists with a reason.
. "$(dirname "$0")/lib.sh"
need python3

# The stacks that programs get by relay.
STACKS=${STACKS:-host}
TABLE=$(dirname "$0")/../../docs/differences.md

# What program $1 sees, under the command that follows. Beside it runs one that has a port of the same host.
observe() {
	observer=$PROGRAMS/$1
	shift
	rivulet lab run pair --also "server: $observer peer" -- sh -c "$observer taken 7103 && exec \"\$@\"" observe "$@" "$observer" 10.1.0.1
}

# Lost: programs that work over TCP would not over the relay, and nobody would know why.
for program in conform conform-32; do
	if [ ! -x "$PROGRAMS/$program" ]; then
		echo "no 32-bit programs can be built here: $program not tried" >&2
		continue
	fi
	observe "$program" >"$TMP/plain" || fail "$program, without us"
	for stack in $STACKS; do
		observe "$program" "$RIVULET" run --quiet --stack "$stack" -- >"$TMP/relayed" || fail "$program, on $stack"
		python3 "$PROGRAM_SOURCES/conform.py" "$TABLE" "$TMP/plain" "$TMP/relayed" || fail "$program on $stack differs from TCP"
	done
done
