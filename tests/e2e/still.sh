# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# For tests of what has to happen in time, behind lib.sh.
#
#   in_time CMD  CMD succeeds, or the test fails, for CMD's reason. What fails while this machine stood still (programs/still.py) says
#                nothing, and is tried again; what fails on a machine that runs is a defect.
need python3

in_time() {
	[ -e "$TMP/still" ] || background python3 "$(dirname "$0")/programs/still.py" "$TMP/still"
	until_true 10 "somebody watches the machine" test -e "$TMP/still"
	for in_time_chance in 1 2 3 4 5; do
		in_time_before=$(wc -l <"$TMP/still")
		in_time_code=0
		("$@") 2>"$TMP/.in_time" || in_time_code=1
		cat "$TMP/.in_time" >&2
		[ $in_time_code = 1 ] || return 0
		in_time_why=$(tail -n 1 "$TMP/.in_time" | sed "s/^FAILED $TEST: //")
		sleep 0.1 # a pause that is just over is written down
		in_time_stood=$(tail -n +$((in_time_before + 1)) "$TMP/still" | awk '{ sum += $1 } END { print sum + 0 }')
		[ "$in_time_stood" != 0 ] || fail "$in_time_why (this machine did not stand still)"
		echo "chance $in_time_chance was not taken: this machine stood still for $in_time_stood s"
	done
	fail "$in_time_why (five times; this machine stood still for $in_time_stood s the last time)"
}
