#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs with opposite wishes for the links of one host, at once: each has its wish, and neither disturbs the other, or a
# connection of somebody who knows of neither.
. "$(dirname "$0")/run_lib.sh"
need curl ip jq
[ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"

make_file file 100000000
make_file small 4000000

# steady NAME PROTOCOL: a download that goes on, byte for byte and without a pause, until $TMP/over is there; $TMP/NAME.moves
# when it has begun, for MPTCP over more than one subflow. It never has fewer again.
cat >"$TMP/steady.py" <<'EOF2'
import os, socket, sys, time
TMP, name, protocol = os.environ["TMP"], sys.argv[1], int(sys.argv[2])
SOL_MPTCP, MPTCP_INFO = 284, 1

def joined():
    return protocol != 262 or s.getsockopt(SOL_MPTCP, MPTCP_INFO, 1)[0] >= 1

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
s.settimeout(5)
s.connect(("10.1.0.1", 80))
s.sendall(b"GET /file HTTP/1.0\r\n\r\n")
got = b""
while b"\r\n\r\n" not in got:
    got += s.recv(1)
wanted, moved, well, pause, last = open(TMP + "/www/file", "rb"), 0, False, 0, time.monotonic()
while not os.path.exists(TMP + "/over"):
    got = s.recv(50000)
    now = time.monotonic()
    pause, last = max(pause, now - last), now
    assert got and got == wanted.read(len(got)), f"{name}: other bytes after {moved}"
    moved += len(got)
    assert joined() or not well, f"{name}: a subflow was lost after {moved} bytes"
    if not well and moved > 500000 and joined():
        well = True
        open(f"{TMP}/{name}.moves", "w")
    time.sleep(len(got) / 1e6)
print(name, moved, "bytes, longest pause", round(pause, 3))
assert well and pause < 2
EOF2

# two_runs FIRST SECOND: beside a steady run with options FIRST, and a bystander, a download with options SECOND.
cat "$(dirname "$0")/soon.sh" "$(dirname "$0")/status_lib.sh" - >"$TMP/inside.sh" <<'EOF2'
received() { ip -j -s link show "$1" | jq '.[0].stats64.rx.bytes'; }
# shellcheck disable=SC2086 # options
"$RIVULET" run --explain --report "$TMP/first" $1 -- python3 "$TMP/steady.py" first 0 2>"$TMP/first.words" & first=$!
soon 20 [ -e "$TMP/first.moves" ] || fail "the first run does not begin"
bystander=
if [ -n "$3" ]; then
	python3 "$TMP/steady.py" bystander 262 & bystander=$!
	soon 20 [ -e "$TMP/bystander.moves" ] || fail "the bystander does not begin"
fi
ip mptcp endpoint show >"$TMP/endpoints"
ip rule >"$TMP/rules"
wlan0=$(received wlan0) wwan0=$(received wwan0)
# shellcheck disable=SC2086
"$RIVULET" run $2 -- curl -4 -fsS --limit-rate 1M -o "$TMP/second" http://10.1.0.1/small 2>"$TMP/words" & second=$!
soon 20 is "any(f['received'] > 100000 for f in flows.values())" || fail "the second run does not begin: $(cat "$TMP/words")"
cp "$TMP/now" "$TMP/status"
code=0
wait $second || code=$?
echo $(($(received wlan0) - wlan0)) >"$TMP/wlan0"
echo $(($(received wwan0) - wwan0)) >"$TMP/wwan0"
ip mptcp endpoint show | diff "$TMP/endpoints" - || fail "the first run's endpoints are others"
ip rule | diff "$TMP/rules" - || fail "the first run's rules are others"
kill -0 $first || fail "the first run did not last"
touch "$TMP/over"
wait $first || fail "the first run failed"
[ -z "$bystander" ] || wait $bystander || fail "the bystander was disturbed"
exit $code
EOF2
# On a machine that stands still for a moment a link looks dead to the first run, which takes it from all who use it: then this
# proves nothing, and is tried again.
two_runs() {
	for attempt in 1 2 3; do
		rm -f "$TMP/over" "$TMP"/*.moves
		pair_lab env TMP="$TMP" RIVULET="$RIVULET" sh "$TMP/inside.sh" "$@" && cmp "$TMP/second" "$TMP/www/small" && return
		grep "does not answer: taken out of use" "$TMP/first.words" || break
		echo "attempt $attempt: the machine stood still" >&2
	done
	cat "$TMP/first.words" >&2
	return 1
}
second_has() {
	jq -e "[.runs[] | select(.program[0] == \"curl\")][0] | $1" "$TMP/status" >/dev/null ||
		{ cat "$TMP/status" >&2; fail "the second run: $1"; }
}

# Lost: bytes on a link that must not be used, as somebody else uses it; or no second run at all.
expect "each has a link of its own" two_runs "--links wlan0" "--not wlan0" ""
REPORT=$TMP/first report_has "share == {'wlan0': 1}"
expect_text "^rivulet: the policy .* cannot be kept: link w.* so this run takes stack lkl, whose links are its own" "$TMP/words"
[ "$(grep -c . "$TMP/words")" = 2 ] || fail "more is said than what was decided, and the summary: $(cat "$TMP/words")"
second_has '[.links[] | select(.used).name] == ["wwan0"]'
[ "$(cat "$TMP/wwan0")" -gt 4000000 ] || fail "only $(cat "$TMP/wwan0") bytes of the second run by its own link"
echo "kept: opposite wishes, a link each"

expect "one of two links" two_runs "" "--not wwan0" bystander
REPORT=$TMP/first report_has "min(share.values()) > 0.01 and len(share) == 2"
second_has '[.links[] | select(.used).name] == ["wlan0"]'
second_has '[.connections[].subflows[].link] | unique == ["wlan0"]'
echo "kept: opposite wishes, beside a bystander over both links"

expect "a backup that the other uses" two_runs "" "--links wlan0,wwan0:backup" bystander
second_has '[.connections[].subflows[] | select(.link == "wwan0") | .backup] | all'
second_has '[.connections[].subflows[] | select(.link == "wwan0") | .received] | all(. < 100000)'
echo "kept: a backup beside a bystander over both links"

# Lost: the user does not learn what to do; or a stack that he named is not what his program runs on.
mkdir "$TMP/alone"
cp "$RIVULET" "$TMP/alone/rivulet"
rm -f "$TMP/over"
expect "refusals" pair_lab sh -c "
	'$RIVULET' run --quiet -- sh -c 'touch $TMP/there; until [ -e $TMP/over ]; do sleep 0.05; done' & first=\$!
	until [ -e '$TMP/there' ]; do sleep 0.05; done
	'$RIVULET' run --stack native --not wwan0 -- touch '$TMP/ran' 2>'$TMP/named' && exit 1
	'$TMP/alone/rivulet' run --not wwan0 -- touch '$TMP/ran' 2>'$TMP/missing' && exit 1
	touch '$TMP/over'
	wait \$first"
expect_text 'link wwan0 is used for subflows here.* a network stack of its own .--stack lkl' "$TMP/named"
expect_text 'link wwan0 is used for subflows here' "$TMP/missing"
[ ! -e "$TMP/ran" ] || fail "a program ran against its user's wishes"
echo "refused: where the stack was named, or there is no other"
