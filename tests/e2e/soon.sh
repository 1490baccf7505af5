# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# soon SECONDS COMMAND...: waits until it succeeds; false if it has not by then. For what runs in a lab, put before it; lib.sh has
# until_true, which fails the test.
soon() {
	limit=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -le "$limit" ] || return 1
		sleep 0.05
	done
}
