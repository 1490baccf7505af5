#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# An assessment from its first cell to its report, killed in between; and input that is none.
. "$(dirname "$0")/lib.sh"
need jq setpriv

out=$TMP/out
assess() {
	rivulet assess --out "$out" --scenario pair --workload bulk-down,control --profile this,slow:cpu=50% \
		--repetitions 1 --duration 400ms --seed 3 "$@"
}
if [ "$(id -u)" != 0 ]; then
	skip "profiles are control groups, which only root may make"
fi

# Lost: what is going to be measured, and for how long, would be found out by waiting.
assess --dry-run >"$TMP/plan" || fail "--dry-run failed"
expect_text '^pair/bulk-down/this/native/mptcp/' "$TMP/plan"
expect_text '^pair/bulk-down/slow/native/tcp@lte/' "$TMP/plan"
expect_text 'measurements, about' "$TMP/plan"
[ ! -e "$out" ] || fail "--dry-run made something"
mkdir -p "$out/cell" # of the user's own
echo precious >"$out/cell/notes"
planned=$(grep -c / "$TMP/plan")

# Lost: an hour of measurements to whatever ends the program; or cells that are measured twice.
records() {
	[ "$(jq -c 'select(.workload != "calibration")' "$out/results.jsonl" 2>/dev/null | wc -l)" -ge "$1" ]
}
background_rivulet assess --out "$out" --scenario pair --workload bulk-down,control --profile this,slow:cpu=50% \
	--repetitions 1 --duration 400ms --seed 3 >/dev/null 2>&1
pid=$!
until_true 30 "the first records" records 2
kill -KILL "$pid"
wait "$pid" 2>/dev/null || :
printf '{"key": "cut sho' >>"$out/results.jsonl"
head -n 2 "$out/results.jsonl" >"$TMP/first"
expect "goes on" assess
expect_text 'measured, [2-9] were there already' "$OUT"
head -n 2 "$out/results.jsonl" | cmp -s - "$TMP/first" || fail "what was measured has changed"
jq -es --argjson planned "$planned" '
	[.[] | select(.workload != "calibration")] | length == $planned and (map(.key) | unique | length) == $planned' \
	"$out/results.jsonl" >/dev/null || fail "not each cell once: $(jq -r .key "$out/results.jsonl")"
jq -es 'all(.[]; .ok)' "$out/results.jsonl" >/dev/null || fail "failed: $(jq -c 'select(.ok | not)' "$out/results.jsonl")"

# Lost: what was measured, to a key pressed between two measurements (the first thing to be measured is the machine); and a day of
# measurements, to the end of the session of somebody who used nohup.
on=$TMP/interrupted
background env --ignore-signal=HUP --default-signal=INT "$RIVULET" assess --out "$on" --scenario pair --workload control \
	--stack host --profile this --repetitions 50 --duration 300ms >"$TMP/interrupted.log" 2>&1
until_true 10 "the folder of a cell" test -d "$on/.rivulet-cell"
kill -HUP "$!"
kill -INT "$!"
code=0
wait "$!" || code=$?
[ "$code" = 130 ] || fail "SIGINT: ended with $code: $(cat "$TMP/interrupted.log")"
expect_text 'interrupted: the same command' "$TMP/interrupted.log"
[ -e "$on/report.html" ] || fail "no report after SIGINT"
[ ! -e "$on/.rivulet-cell" ] || fail "SIGINT leaves: $(ls "$on/.rivulet-cell")"
background env --ignore-signal=HUP --default-signal=INT "$RIVULET" assess --out "$on" --scenario pair --workload control \
	--stack host --profile this --repetitions 3 --duration 300ms >"$TMP/interrupted.log" 2>&1
until_true 10 "the folder of a cell" test -d "$on/.rivulet-cell"
for after in 0.1 0.2 0.3 0.2 0.1; do
	sleep $after
	kill -HUP "$!"
done
wait "$!" || fail "SIGHUP under nohup: $(cat "$TMP/interrupted.log")"

# Lost: figures that are nobody's.
jq -es --argjson cpus "$(nproc)" '
	[.[] | select(.workload == "bulk-down")] | all(.[];
		.figures.goodput > 1e5 and .received > 1000 and .figures["first-byte"] > 0 and
		.figures["cpu-per-gb"] > 0 and .figures.memory > 1e5 and .links.wifi > 0) and
	all(.[]; (.softirq_s >= 0) and (.profile == "this" or $cpus == 1 or .nobody_s >= 0)) and
	all(.[] | select(.protocol == "mptcp" and .workload == "bulk-down"); .subflows >= 1 and .fallbacks == 0 and
		((.shares | map(.received) | add) / .received | . > 0.7 and . < 1.3) and
		(.shares | all(.[]; .retransmitted >= 0))) and
	all(.[] | select(.link == "lte"); .links.lte > 1000 and .links.wifi < .links.lte)' \
	"$out/results.jsonl" >/dev/null || fail "figures: $(jq -c 'del(.rate_down)' "$out/results.jsonl")"

# Lost: a page that is no page, or that cannot be read without the network.
expect_text '<!DOCTYPE html>' "$out/report.html"
expect_text 'MPTCP against TCP' "$out/report.html"
expect_text '</html>' "$out/report.html"
if grep -Eo '(src|href)="[^#"]+' "$out/report.html"; then
	fail "the page needs other files"
fi
! command -v gnuplot >/dev/null || expect_text '<svg' "$out/report.html"

# Lost: what others can choose by, and where it comes from.
expect "measurements to ship" "$(dirname "$0")/../../scripts/ship-measurements" --note 'by a test' --to "$TMP/shipped.json" "$out"
(cd "$TMP" && RIVULET_MEASUREMENTS=$TMP/shipped.json rivulet choose --for bulk >"$TMP/chosen") || fail "no choice by what is shipped"
expect_text 'Shipped measurements: .*shipped.json \(.*by a test\)' "$TMP/chosen"
expect_text '^Choice: ' "$TMP/chosen"
[ "$(wc -l <"$out/results.csv")" = $((planned + 1)) ] || fail "results.csv: $(cat "$out/results.csv")"
jq -e '.groups | length > 5' "$out/summary.json" >/dev/null || fail "summary.json"

# Lost: a machine on which things of ours pile up.
[ ! -e "$out/.rivulet-cell" ] || fail "left: $(ls "$out/.rivulet-cell")"
[ "$(cat "$out/cell/notes")" = precious ] || fail "a folder that was there is not as it was"
left=$(find /sys/fs/cgroup -maxdepth 3 -name "rivulet-assess-$pid-*" 2>/dev/null)
[ -z "$left" ] || fail "left: $left"

# Lost: what failed once, for whatever reason, for good; or why it did; or what was measured beside it.
cp "$out/results.jsonl" "$TMP/whole"
jq -c 'if .workload == "control" and .profile == "slow"
	then del(.figures) | .ok = false | .why = "it was raining" else . end' "$TMP/whole" >"$out/results.jsonl"
broken=$(grep -c raining "$out/results.jsonl") || fail "this test would show nothing"
expect "a page about what failed" rivulet assess --report --out "$out"
expect_text 'What failed' "$out/report.html"
expect_text 'pair/control/slow/.*it was raining' "$out/report.html"
expect "tries again" assess
expect_text "$broken measured, $((planned - broken)) were there already" "$OUT"
! grep -q raining "$out/report.html" || fail "what did not fail any more is said to"
[ "$(wc -l <"$out/results.csv")" = $((planned + 1)) ] || fail "results.csv: $(cat "$out/results.csv")"
expect "not a third time" assess
expect_text "0 measured, $planned were there already" "$OUT"

# Lost: the difference between measurements with other limits, and with another seed.
expect_code 1 assess --profile slow:cpu=40%
expect_text "profile 'slow' had other limits" "$OUT"
expect_code 1 assess --profile slow:cpu=50%,memory=128MB
expect "another seed" assess --workload control --stack host --profile this --seed 4
expect_text '[1-9] measured, 0 were there already' "$OUT"

# Lost: which measurement is broken, in a file of thousands; or the file, overwritten.
cp "$out/results.jsonl" "$TMP/whole"
sed -i '3s/.*/{"key": 5}/' "$out/results.jsonl"
expect_code 1 assess
expect_text 'results.jsonl:3: this is no record' "$OUT"
expect_code 1 rivulet assess --report --out "$TMP/nothing"
expect_text 'cannot be opened' "$OUT"
[ ! -e "$TMP/nothing" ] || fail "--report made a folder"
# Texts of a file are shown, not obeyed.
for name in profile scenario stack protocol; do
	jq -c --arg name $name 'if .workload == "calibration" then . else .[$name] = "<script>" + .[$name] end' "$TMP/whole" \
		>"$out/results.jsonl"
	expect "strange names" rivulet assess --report --out "$out"
	! grep -q '<script>' "$out/report.html" || fail "a $name became part of the page"
done

for wrong in '--scenario nowhere' '--workload sleep' '--stack none' '--protocol udp' '--profile giant' \
	'--profile a:cpu=0' '--profile this:cpu=10%' '--stack host,host' '--workload request,request' '--repetitions 0' '--duration 1h' '--duration 1ms' '--seed x'; do
	# shellcheck disable=SC2086
	expect_code 2 rivulet assess --dry-run $wrong
	[ -s "$OUT" ] || fail "no words for: $wrong"
done
expect_code 2 rivulet assess everything
printf 'hosts: [{name: alone}]\n' >"$TMP/alone.yaml"
expect_code 2 rivulet assess --dry-run --scenario "$TMP/alone.yaml"
expect_text 'no two hosts' "$OUT"
# A stack without MPTCP leaves nothing to measure.
expect_code 1 rivulet assess --dry-run --stack host --protocol mptcp
expect_text 'nothing to measure: ' "$OUT"

# Lost: for who is not root, all of it. Without control groups there is no account, and that is said.
chmod 777 "$TMP"
expect "as a normal user" setpriv --reuid=65534 --regid=65534 --clear-groups -- "$RIVULET" assess --out "$TMP/user" \
	--scenario pair --workload request --stack host --profile this --repetitions 1 --duration 400ms
jq -es 'any(.[]; .workload == "request" and .ok and .figures["delay-p50"] > 5 and .note)' "$TMP/user/results.jsonl" \
	>/dev/null || fail "as a normal user: $(cat "$TMP/user/results.jsonl")"
