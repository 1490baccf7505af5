#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A program that does its worst to who supervises it (programs/hostile.c) gets nothing that is not its own, and those who run
# beside it are served all the while, by the same supervisor.
. "$(dirname "$0")/run_lib.sh"
need pgrep mptcpize

HERE=$(dirname "$0")/programs
SEED=${SEED:-1}
SECONDS_EACH=${SECONDS_EACH:-4}
echo "SEED=$SEED"
# A sanitizer keeps what was freed for a while.
growth=4096
! grep -qa __asan_init "$RIVULET" || growth=262144

# In the run: STACK.
cat >"$TMP/beside.sh" <<EOF
set -u
fail() { echo "\$*" >&2; exit 1; }
descriptors() { find "/proc/\$supervisor/fd" -mindepth 1 | wc -l; }
resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/\$supervisor/status"; }
good() { timeout 30 python3 "$HERE/echo.py" ask 10.1.0.1 7004; }
supervisor=\$(pgrep --ns \$\$ --nslist net -x rivulet-super) || fail "which one is the supervisor?"
good || fail "no connection at all"
relay=\$supervisor
[ \$STACK != native ] || relay=0
before=\$(descriptors) size=\$(resident)
"$PROGRAMS/hostile" $SEED $SECONDS_EACH \$relay &
evil=\$!
evil32=
if [ -x "$PROGRAMS/hostile-32" ]; then
	"$PROGRAMS/hostile-32" $SEED $SECONDS_EACH \$relay &
	evil32=\$!
fi
served=0
while kill -0 \$evil 2>/dev/null; do
	good || fail "not served beside it, after \$served times"
	served=\$((served + 1))
done
for pid in \$evil \$evil32; do
	wait \$pid || fail "hostile ended with \$?"
done
[ \$served -gt 0 ] || fail "it was over at once"
good || fail "not served any more"
[ "\$(pgrep --ns \$\$ --nslist net -x rivulet-super)" = "\$supervisor" ] || fail "another supervisor, or none"
# What is nobody's any more is noticed when new sockets are asked for.
tries=20
while [ "\$(descriptors)" -gt \$((before + 100)) ]; do
	tries=\$((tries - 1))
	[ \$tries -gt 0 ] || { ls -l /proc/\$supervisor/fd | tail -n 30 >&2; fail "it has \$(descriptors) descriptors after \$before"; }
	good
done
[ "\$(resident)" -lt \$((size + $growth)) ] || fail "it has grown from \$size to \$(resident) kB"
echo "\$STACK: served \$served times; \$before -> \$(descriptors) descriptors, \$size -> \$(resident) kB"
EOF

stacks="host native"
if [ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ]; then
	stacks="$stacks lkl"
else
	echo "rivulet-lkl is not built (make kernels): not tried over lkl" >&2
fi
for stack in ${STACKS:-$stacks}; do
	expect "beside a hostile program, over $stack" rivulet lab run pair --also "server: mptcpize run python3 '$HERE/peer.py'" -- \
		env STACK="$stack" "$RIVULET" run --stack "$stack" -- sh "$TMP/beside.sh"
	cat "$OUT"
	! grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$OUT" || fail "the supervisor erred"
done
