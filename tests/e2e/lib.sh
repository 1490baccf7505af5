# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What end-to-end tests share: `. "$(dirname "$0")/lib.sh"` at the top of a test, then
#
#   $TMP              a folder of this test alone, gone at its end
#   rivulet ...       the program under test, as the user that the test is run for ($E2E_USER)
#   expect WHAT CMD   CMD succeeds, or the test fails and shows what it printed
#   expect_code N CMD CMD ends with N
#   expect_text RE FILE
#   until_true SECONDS WHAT CMD   waits for a condition, never for a time
#   background CMD    starts it, leaves its process id in $!, kills it at the end
#   background_rivulet ARGUMENT...   the same for the program under test: $! is its own process
#   need PROGRAM...   skips loudly where one is not installed
#   skip WHY, fail WHY
#
# Of a test that fails the last line says why: what shows more comes before it, for of a long output only the end may be seen.
#
# Meson sets RIVULET (the program) and RIVULET_SCENARIOS. With E2E_USER=nobody a test that is run by
# root runs `rivulet` as an ordinary user, from copies that this user can read.
set -eu

TEST=$(basename "$0" .sh)
: "${RIVULET:?is not set: run the tests with meson test}"
E2E_USER=${E2E_USER:-self}
# What other runs of this user have found out says nothing here, nor the other way round.
export XDG_STATE_HOME=/dev/null
BACKGROUND='' TOLD=''
TMP=$(mktemp -d "/tmp/rivulet-$TEST.XXXXXX")

finish() {
	code=$?
	trap - EXIT INT TERM HUP
	for pid in $BACKGROUND; do
		kill -KILL "$pid" 2>/dev/null || :
	done
	rm -rf "$TMP"
	[ "$code" = 0 ] || [ "$code" -gt 128 ] || [ -n "$TOLD" ] || echo "FAILED $TEST: a command ended with $code" >&2
	exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

skip() {
	echo "SKIPPED $TEST: $*" >&2
	TOLD=yes
	exit 77
}

fail() {
	echo "FAILED $TEST: $*" >&2
	TOLD=yes
	exit 1
}

need() {
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

expect() {
	what=$1
	shift
	"$@" >"$TMP/.out" 2>&1 || {
		code=$?
		echo "$what: $*" >&2
		cat "$TMP/.out" >&2
		fail "$what: it ended with $code: $(tail -n 1 "$TMP/.out")"
	}
}

expect_code() {
	wanted=$1
	shift
	code=0
	"$@" >"$TMP/.out" 2>&1 || code=$?
	[ "$code" = "$wanted" ] || {
		cat "$TMP/.out" >&2
		fail "ended with $code, not $wanted: $(printf %s "$*" | tail -c 1000)"
	}
}

# The output of the last expect or expect_code is in $OUT.
# shellcheck disable=SC2034
OUT=$TMP/.out

expect_text() {
	grep -Eq -- "$1" "$2" || {
		cat "$2" >&2
		fail "no text like '$1'"
	}
}

. "$(dirname "$0")/soon.sh"
until_true() {
	seconds=$1 what=$2
	shift 2
	soon "$seconds" "$@" || fail "waited too long: $what"
}

background() {
	"$@" &
	BACKGROUND="$BACKGROUND $!"
}

case $E2E_USER in
self)
	AS_USER=
	;;
nobody)
	[ "$(id -u)" = 0 ] || skip "only root can run this as another user"
	need setpriv
	cp "$RIVULET" "$(dirname "$RIVULET")/rivulet-whole" "$TMP"
	[ -z "${RIVULET_SCENARIOS:-}" ] || cp -r "$RIVULET_SCENARIOS" "$TMP/scenarios"
	chmod -R a+rX "$TMP"
	chmod 1777 "$TMP"
	RIVULET=$TMP/rivulet
	RIVULET_SCENARIOS=$TMP/scenarios
	export RIVULET RIVULET_SCENARIOS
	AS_USER="setpriv --reuid=65534 --regid=65534 --clear-groups --"
	unshare --user true 2>/dev/null || skip "this kernel has no user namespaces"
	;;
*)
	fail "E2E_USER is 'self' or 'nobody'"
	;;
esac

rivulet() {
	# shellcheck disable=SC2086
	$AS_USER "$RIVULET" "$@"
}

# Job control is off in scripts, and then what `&` starts ignores SIGINT; what nohup starts ignores SIGHUP. Undone
# here, so that they can be sent.
background_rivulet() {
	# shellcheck disable=SC2086
	background env --default-signal=HUP,INT,QUIT $AS_USER "$RIVULET" "$@"
}
