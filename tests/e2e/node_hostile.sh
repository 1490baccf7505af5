#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A neighbour that is a member of the crowd, and hostile, gets no further than its own share: others are served meanwhile, memory
# and disk are bounded, and the log says who it is.
. "$(dirname "$0")/node_lib.sh"

cat >"$TMP/inside.sh" <<'EOF3'
NEIGHBOUR=$PROGRAM_SOURCES/neighbour.py
growth=20000 # kB
! grep -q __asan_init "$RIVULET" || growth=600000 # which keeps what was freed
found --quota 50MB
join bob eve
start bob
soon 5 meets ada bob || fail "no contact"
hostile() { on eve python3 "$NEIGHBOUR" "$TMP/eve/crowd" 10.3.5.1 eve "$@" || fail "a hostile neighbour gets its way: $*"; }
memory() { awk '/^Pss:/ { print $2 }' "/proc/$(node_pid ada)/smaps_rollup"; }
descriptors() { find "/proc/$(node_pid ada)/fd" -mindepth 1 | wc -l; }
few_descriptors() { [ "$(descriptors)" -le "$1" ]; }
make_file "$TMP/file" 1000000
works() {
	make_file "$TMP/file" 1000000
	id=$(rv ada put "$TMP/file")
	rv bob get "$id" --wait 10s -o "$TMP/got" || fail "others are not served: $*"
	same "$TMP/file" "$TMP/got"
}

works before
fds=$(descriptors)
before=$(memory)
hostile garbage
logged ada "contact with 'eve'.*no message|contact with 'eve' is over|10.3.5.2:[0-9]*, eve"
hostile truncated
hostile lengths
logged ada "its hello was not accepted|did not say hello"
hostile bundles ada
logged ada "'eve' sends (what is no|a broken) bundle"
logged ada "a bundle from 'eve' is refused: it went over too many nodes"
logged ada "a message from dtn://eve/x about objects is none"
works after garbage
on eve python3 "$NEIGHBOUR" "$TMP/eve/crowd" 10.3.5.1 eve silent &
silent=$!
hostile slow
works while it is slow
wait "$silent" || fail "silent connections stay"
logged ada "too many connections"
hostile tiny 5000 >"$TMP/tiny"
read -r accepted refused <"$TMP/tiny"
[ "$accepted" -le 4000 ] && [ "$refused" -ge 1000 ] || fail "tiny bundles: $accepted taken, $refused refused"
logged ada "'eve' wants more carried than its share"
works after many bundles
soon 15 few_descriptors $((fds + 20)) || fail "it has $(descriptors) descriptors after $fds"
[ "$(memory)" -lt $((before + growth)) ] || fail "it grew from $before to $(memory) kB"
[ "$(wc -l <"$TMP/ada.log")" -lt 500 ] || fail "the log is filled"

# Lost: the disk. What it may keep is a bound, whatever is put.
for i in 1 2 3 4 5 6; do
	make_file "$TMP/file" 15000000
	rv ada put "$TMP/file" >/dev/null || fail "no room is made"
done
[ "$(du -sm "$TMP/ada/store" | cut -f1)" -le 70 ] || fail "the store has $(du -sm "$TMP/ada/store")"
code=0
make_file "$TMP/file" 60000000
rv ada put "$TMP/file" 2>"$TMP/out" || code=$?
[ "$code" = 1 ] || fail "what is larger than the quota is taken"
grep -q quota "$TMP/out" || fail "no word of the quota"
works after all
stop ada
EOF3
in_lab
