#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs whose sockets are relayed over another stack (here the reference: the host's plain TCP) do what they do without,
# byte by byte, and find out what they would find out.
. "$(dirname "$0")/run_lib.sh"
need curl jq

PHONE="$RIVULET run --stack host"
SERVER="$RIVULET run --stack host --quiet -- $NGINX"
here=$(dirname "$0")

relayed() {
	pair_lab sh -c "$*"
}

# Lost: downloads, servers with workers, and the summary.
make_file file 5000000
expect "curl and nginx" relayed "$PHONE --report '$REPORT' -- curl -4 -fsS --max-time 60 http://server/file | cmp - '$TMP/www/file'"
jq -e '.stack == "host" and .connections == 1 and .received > 5000000' "$REPORT" >/dev/null ||
	fail "the report: $(cat "$REPORT")"
expect_text 'stack host: 1 connection, 5.0 MB received' "$OUT"
expect "over IPv6" relayed "$PHONE --quiet -- curl -6 -fsS --max-time 60 http://server/file | cmp - '$TMP/www/file'"

# Lost: what a program wrote last, when it ends at once; and the connection's own errors.
expect "ends, cut-offs, many at once" rivulet lab run pair --also "server: python3 '$here/programs/peer.py'" -- \
	sh -c "$PHONE --quiet -- python3 '$here/programs/relayed.py' 10.1.0.1"
cat "$OUT"

# Lost: a battery, for nothing; and memory, with every connection. (A sanitizer keeps what was freed for a while.)
growth=256
! grep -qa __asan_init "$RIVULET" || growth=262144
expect "idle, and after many connections" rivulet lab run pair -- \
	sh -c "$PHONE --quiet -- python3 '$here/programs/idle.py' $growth '$TMP'"
cat "$OUT"

# Lost: a program that goes on over plain TCP, and nobody knows, where its sockets cannot be relayed.
long=$TMP/$(printf '%0100d' 0)
mkdir -m 700 "$long"
expect_code 125 env RIVULET_STATE="$long" "$RIVULET" run --stack host -- touch "$TMP/ran"
expect_text 'the relay cannot use the folder' "$OUT"
[ ! -e "$TMP/ran" ] || fail "the program was started without its stack"

# Lost: a host with files of ours on it, whoever is killed; and a program whose new connections fail for ever.
state=$TMP/state
mkdir -m 700 "$state"
RIVULET_STATE=$state
export RIVULET_STATE
expect "the supervisor is killed" relayed "$PHONE --quiet -- sh -c '
	curl -4 -fsS http://server/file | cmp - \"$TMP/www/file\" || exit 1
	supervisor=
	for comm in /proc/[0-9]*/comm; do
		grep -q rivulet-super \"\$comm\" || continue
		pid=\${comm%/comm}; pid=\${pid#/proc/}
		tr \"\\0\" \" \" </proc/\$pid/cmdline | grep -q curl && supervisor=\$pid
	done
	[ -n \"\$supervisor\" ] || exit 2
	kill -KILL \$supervisor
	curl -4 -fsS --max-time 20 http://server/file | cmp - \"$TMP/www/file\"'"
[ -z "$(find "$state" -name 'relay-*')" ] || fail "left: $(ls "$state")"

# Lost: a run that begins as another ends, and takes the folder of both with it.
tries=60
while [ $tries -gt 0 ]; do
	$PHONE --quiet -- true 2>"$TMP/first" & first=$!
	$PHONE --quiet -- true || fail "a run beside one that ends"
	wait $first || fail "a run beside one that ends: $(cat "$TMP/first")"
	tries=$((tries - 1))
done
[ ! -e "$state" ] || [ -z "$(find "$state" -name 'relay-*')" ] || fail "left: $(ls "$state")"
