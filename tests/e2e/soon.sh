# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# soon SECONDS COMMAND...: waits until it succeeds; false if it has not by then. For what runs in a lab, put before it; lib.sh has
# until_true, which fails the test. It looks four times for each second, too: while the machine stands still nothing can happen.
soon() {
	limit=$(($(date +%s) + $1)) looks=$((4 * $1))
	shift
	until "$@" >/dev/null 2>&1; do
		looks=$((looks - 1))
		[ $looks -gt 0 ] || [ "$(date +%s)" -le "$limit" ] || return 1
		sleep 0.05
	done
}

# settled: every IPv6 address of this host has its route, which the kernel adds a moment after the address. What a host looks like
# is remembered after that.
settled() {
	for address in $(ip -6 -o addr | awk '{ print $4 }'); do
		ip -6 route show table local | grep -q "^local ${address%/*} " || return 1
	done
}
