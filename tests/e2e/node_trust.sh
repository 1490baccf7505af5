#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Results that are wrong, made up, or sent again: none of them is taken for the answer.
. "$(dirname "$0")/node_lib.sh"
need bwrap openssl

cat >"$TMP/inside.sh" <<'EOF3'
cd "$TMP"
chmod 711 "$TMP"
submit() { timeout 100 "$RIVULET" submit --state "$TMP/ada" "$@"; }
tasks() { "$RIVULET" tasks --state "$TMP/ada" --json; }
told() { tasks | python3 -c 'import json, sys; t = json.load(sys.stdin)["tasks"]; print('"$1"')'; }
lends() { start "$1" --take-tasks --slots 2 --load-most 1000; }

# Bob's sandbox is made by a program that changes what tasks print.
mkdir "$TMP/liar"
cat >"$TMP/liar/bwrap" <<'END'
#!/bin/sh
/usr/bin/bwrap "$@" | sed 's/42/43/'
END
chmod -R 755 "$TMP/liar"
found --slots 0
join bob cyd dan eve
PATH=$TMP/liar:$PATH
lends bob
PATH=${PATH#*:}
lends eve
soon 10 meets ada bob || fail "no contact"
soon 10 meets ada eve || fail "no contact"

# Lost: the right answer, to one of three that lies. Two disagree; the third is asked when it comes.
submit --wait --copies 2 --agree 2 -- echo 42 >answer &
waits=$!
tie() { [ "$(told '[r["state"] for r in t[0]["runs"]]')" = "['back', 'back']" ]; }
soon 20 tie || fail "not both have answered: $(tasks)"
lends cyd
wait "$waits" || fail "three do not come to an answer: $(tasks)"
[ "$(cat answer)" = 42 ] || fail "the answer is $(cat answer)"
logged ada "'bob' gave another result than others: it is not asked again"
lends dan
submit --wait --copies 3 --agree 2 -- echo 42 >answer || fail "no answer: $(tasks)"
[ "$(cat answer)" = 42 ] || fail "the answer is $(cat answer)"
[ "$(told '"bob" in [r["node"] for r in t[1]["runs"]]')" = False ] || fail "who lied is asked again: $(tasks)"
# Nor after a new start.
stop ada
start ada --slots 0
submit --wait --copies 3 --agree 2 -- echo 42 >answer || fail "no answer: $(tasks)"
[ "$(told '"bob" in [r["node"] for r in t[2]["runs"]]')" = False ] || fail "who lied is asked again: $(tasks)"

# Lost: what a task gives, to whoever of the crowd makes up a result; eve is of it.
# She takes no tasks any more, or she might be asked for this one, too.
stop eve
start eve --slots 0
soon 20 meets ada eve || fail "no contact"
stop eve
soon 40 grep -q "'eve' is not near any more" "$TMP/ada.log" || fail "eve is still here"
# It lasts until she has tried all. Others on this machine sleep, too.
nap=$((100000 + $$))
id=$(submit -- sh -c "sleep $nap; echo true")
given() { [ "$(told 't[-1]["state"]')" = given ]; }
soon 10 given || fail "not given: $(tasks)"
given_to=$(told 't[-1]["runs"][0]["node"]')
task=$(told 't[-1]["id"]')
forge() { on eve python3 "$PROGRAM_SOURCES/forge.py" "$TMP" "$@"; }
forge eve eve "$(printf '%032d' 7)"
logged ada "a result of 'eve' is refused: it is of a task that was never submitted"
forge eve eve "$task"
logged ada "a result of 'eve' is refused: it is of a task that it was not asked to do"
forge "$given_to" eve "$task"
logged ada "is refused: it is not signed by '$given_to'"
awake() { pkill -xf "sleep $nap"; }
soon 10 awake || fail "it does not run: $(tasks)"
over() { [ "$(told 't[-1]["state"]')" = done ]; }
soon 30 over || fail "not done: $(tasks)"
[ "$(on ada "$RIVULET" tasks --state "$TMP/ada" --json "$id" | grep -c '"exit":0')" = 1 ] || fail "$(tasks)"
forge "$given_to" "$given_to" "$task"
logged ada "a result of '$given_to' is refused: it is of a task that is over"
[ "$(told 't[-1]["exit"]')" = 0 ] || fail "a result that came again is taken"
EOF3
in_lab
