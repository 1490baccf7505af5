#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What is chosen follows from what was measured, and a run that is told to choose does so.
. "$(dirname "$0")/lib.sh"
need jq curl

# figures STACK PROTOCOL GOODPUT COST: a group of measurements of a device with two processors.
figures() {
	jq -n --arg stack "$1" --arg protocol "$2" --argjson goodput "$3" --argjson cost "$4" '
		def stats: {n: 5, median: ., low: (. * 0.99), high: (. * 1.01)};
		{scenario: "pair", workload: "bulk-down", profile: "this", cpus: 2, memory: 4e9, stack: $stack,
		 protocol: $protocol, figures: {goodput: ($goodput | stats), "cpu-per-gb": ($cost | stats),
		 memory: (if $stack == "host" then 9e6 else 2e6 end | stats)}}'
}
{ figures native tcp 50e6 5; figures native mptcp 70e6 10; figures host tcp 90e6 8; } |
	jq -s '{groups: ., packet_ns: {median: 1000, low: 990, high: 1010}}' >"$TMP/summary.json"
choose() {
	RIVULET_MEASUREMENTS=$TMP/summary.json rivulet choose --measured "$TMP/summary.json" "$@"
}
chosen() {
	choose --json "$@" | jq -r '.choices[0] | .stack + " " + .protocol'
}

# Lost: the stack that the figures speak for.
[ "$(chosen --for bulk)" = "host tcp" ] || fail "for bulk: $(choose --for bulk)"
[ "$(chosen --for bulk --memory 5MB)" = "native mptcp" ] || fail "what does not fit: $(choose --for bulk --memory 5MB)"
[ "$(chosen --for background)" = "host tcp" ] || fail "for background: $(choose --for background)"
expect "for people" choose --for bulk
expect_text '^Choice: TCP over host: 1\.|^Choice: TCP over stack host: 1\.29 times as good' "$OUT"
expect "for people, with little memory" choose --for bulk --memory 5MB
expect_text 'host would be 1.29 times as good, but needs more memory' "$OUT"

# Lost: battery, to a stack that is better by less than can be foreseen.
{ figures native mptcp 70e6 10; figures host tcp 71e6 20; } |
	jq -s '{groups: map(.figures.cpu = .figures["cpu-per-gb"])}' >"$TMP/near.json"
near() {
	RIVULET_MEASUREMENTS=$TMP/near.json rivulet choose --measured "$TMP/near.json" --for bulk "$@"
}
expect "two that are as good" near
expect_text '^Choice: MPTCP over stack native: 0.99 times as good as TCP over host, and takes less of the processor' "$OUT"

# Lost: a person would take for measured what nobody has measured.
expect "what nobody measured" choose --for messages
expect_text '^No choice' "$OUT"
choose --for messages --json | jq -e 'all(.choices[]; .score == null)' >/dev/null || fail "a score from nothing"

# Lost: a choice where nobody has measured anything.
for application in bulk interactive messages background offload; do
	(cd "$TMP" && rivulet choose --for $application) >"$TMP/chosen" || fail "no choice for $application"
	expect_text '^Shipped measurements: ' "$TMP/chosen"
	expect_text '^Choice: ' "$TMP/chosen"
done

# Lost: a run would be on another stack than the one that was chosen, or on none.
mkdir "$TMP/www"
head -c 100000 /dev/zero >"$TMP/www/file"
RIVULET_MEASUREMENTS=$TMP/summary.json expect "run --stack auto" rivulet lab run pair \
	--also "server: python3 -m http.server -b 10.1.0.1 -d '$TMP/www' 80" -- \
	"$RIVULET" run --stack auto --for bulk --explain -- curl -fsS -o /dev/null http://10.1.0.1/file
expect_text 'rivulet: host for bulk: the best' "$OUT"
expect_text 'stack host: 1 connection' "$OUT"
expect_code 125 rivulet run --stack auto -- true
expect_text 'what for: --for bulk' "$OUT"
expect_code 125 rivulet run --stack auto --for fun -- true
expect_code 125 rivulet run --for bulk -- true
expect_text 'add --stack auto' "$OUT"

# Lost: by which measurements, to programs.
choose --for bulk --measured "$TMP" --json | jq -e --arg from "$TMP/summary.json" '.here == $from and
	all(.choices[]; has("by_itself")) and any(.choices[]; .by_itself and .protocol == "tcp")' >/dev/null || fail "JSON: sources"

# Lost: whether to believe any of this.
choose --regret "$TMP/summary.json" --json | jq -e 'has("combinations") and has("worst")' >/dev/null || fail "--regret"

expect_code 2 choose
expect_code 2 choose --for fun
expect_code 2 choose --for bulk --cpu 0
expect_code 2 choose --for bulk --memory lots
expect_code 2 choose --for bulk --memory 0
expect_code 2 choose --for bulk it
expect_code 1 choose --for bulk --scenario nowhere
expect_text "nothing was measured in scenario 'nowhere', but in " "$OUT"
expect_code 1 rivulet choose --for bulk --measured "$TMP/nowhere"
echo '{"groups": [5]}' >"$TMP/broken.json"
expect_code 1 rivulet choose --for bulk --measured "$TMP/broken.json"
expect_text 'broken.json: these are no measurements' "$OUT"
echo '{"groups":' >"$TMP/broken.json"
expect_code 1 rivulet choose --for bulk --measured "$TMP/broken.json"
expect_text 'broken.json:[0-9]+: ' "$OUT"
