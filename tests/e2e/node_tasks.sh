#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What is submitted on one device is done by others, over devices between them, and comes home: once, whole, and only from whom it
# was asked.
. "$(dirname "$0")/node_lib.sh"
need bwrap

cat >"$TMP/inside.sh" <<'EOF3'
work=$TMP/here
mkdir "$work"
cd "$work"
submit() { timeout 60 "$RIVULET" submit --state "$TMP/ada" "$@"; }
tasks() { "$RIVULET" tasks --state "$TMP/ada" --json "$@"; }
# FILTER of Python over the list t of tasks.
told() { tasks | python3 -c 'import json, sys; t = json.load(sys.stdin)["tasks"]; print('"$1"')'; }

# Ada runs nothing herself; bob is between her and cyd, and runs nothing for others.
found --slots 0
join bob cyd
start bob
# Others use this machine, too.
start cyd --take-tasks --slots 2 --load-most 1000
soon 10 meets ada bob || fail "no contact"
soon 10 meets bob cyd || fail "no contact"

# Lost: a task over devices that never meet, its input, its program, and its result.
make_file input 300000
cat >count <<'END'
#!/bin/sh
echo "counting $1"
echo "to standard error" >&2
wc -c <"$1" >"$2"
cat "$1" >>"$2"
exit 3
END
chmod +x count
code=0
submit --wait -i input -o result -- ./count input result >out 2>err || code=$?
[ "$code" = 3 ] || { cat err >&2; tasks >&2; fail "the exit status is $code, not 3"; }
[ "$(cat out)" = "counting input" ] || fail "standard output: $(cat out)"
grep -q '^to standard error' err || fail "standard error: $(cat err)"
(wc -c <input; cat input) >expected
same expected result
[ "$(told 't[0]["by"], t[0]["state"], t[0]["exit"]')" = "cyd done 3" ] || fail "$(tasks)"
ls -A | grep -q rivulet && fail "a part of an output is left"

# Lost: all that was done while the submitter looked away; and order, when many are one group.
for i in 1 2 3 4 5 6; do echo "text $i" >"in $i.txt"; done
group=$(submit --each -o '{}.up' in*.txt -- sh -c 'tr a-z A-Z <"$1" >"$1.up"' sh '{}')
over() { "$RIVULET" tasks --state "$TMP/ada" --json "$group" | python3 -c '
import json, sys
t = json.load(sys.stdin)["tasks"]
sys.exit(len(t) != 6 or any(x["state"] != "done" for x in t))'; }
soon 30 over || fail "a group is not done: $(tasks "$group")"
for i in 1 2 3 4 5 6; do [ "$(cat "in $i.txt.up")" = "TEXT $i" ] || fail "output $i: $(cat "in $i.txt.up")"; done

# Lost: rate, to a file that goes along with each of many tasks. A device gets it once.
sent() { "$RIVULET" peers --state "$TMP/ada" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["peers"][0]["sent"])'; }
make_file shared 2000000
before=$(sent)
submit --wait --each -i shared -o '{}.sum' in?[1-4].txt -- sh -c 'cat "$1" shared | cksum >"$1.sum"' sh '{}' || fail "tasks with one file fail"
[ $(($(sent) - before)) -lt 3000000 ] || fail "a file was sent more than once: $(($(sent) - before)) bytes"
[ "$(cat 'in 3.txt.sum')" = "$(cat 'in 3.txt' shared | cksum)" ] || fail "a sum differs"

# Lost: one's mind changed. Others on this machine sleep, too.
nap=$((100000 + $$))
id=$(submit -- sleep $nap)
soon 10 sh -c '"$1" tasks --state "$2/ada" | grep -q "given.*sleep $3"' sh "$RIVULET" "$TMP" "$nap" || fail "not given"
"$RIVULET" tasks --state "$TMP/ada" --cancel "$id" || fail "it cannot be cancelled"
[ "$(told 't[-1]["state"]')" = cancelled ] || fail "$(tasks)"
soon 10 sh -c '! pgrep -xf "sleep $1"' sh "$nap" || fail "what was cancelled goes on"
code=0
"$RIVULET" tasks --state "$TMP/ada" --cancel "$id" 2>err || code=$?
[ "$code" = 1 ] && grep -q 'still to be done' err || fail "what is over is cancelled again"

# Lost: what becomes of all but the first thousand of many.
mkdir many
for i in $(seq 1003); do : >"many/$i"; done
many=$(submit --each many/* -- sleep $nap)
[ "$(tasks "$many" | python3 -c 'import json, sys; print(len({t["id"] for t in json.load(sys.stdin)["tasks"]}))')" = 1003 ] ||
	fail "not all tasks of a group are told of"
[ "$("$RIVULET" tasks --state "$TMP/ada" "$many" | wc -l)" = 1003 ] || fail "not all tasks of a group are listed"
"$RIVULET" tasks --state "$TMP/ada" --cancel "$many" || fail "many cannot be cancelled"

# Lost: a file whose name is no text, without a word.
bad=$(printf 'b\377d')
echo x >"$bad"
for wrong in "-i $bad" "-o $bad" "-i $work/$bad"; do
	code=0
	# shellcheck disable=SC2086
	submit $wrong -- true 2>err || code=$?
	[ "$code" = 1 ] && grep -q 'is no text' err || fail "'$wrong' ends with $code: $(cat err)"
done

# Lost: words where a command or a file is missing.
for wrong in "-i nothing -- true" "-o nowhere/x -- true" "--copies 2 --agree 3 -- true" "--each -- true" "x -- true" "--"; do
	code=0
	# shellcheck disable=SC2086
	submit $wrong 2>err || code=$?
	[ "$code" != 0 ] && grep -q '^rivulet: ' err || fail "'$wrong' ends with $code: $(cat err)"
done
code=0
submit --wait -o missing -- true 2>err || code=$?
[ "$code" = 125 ] && grep -q 'an output is missing' err || fail "an output that is not made: $code $(cat err)"
id=$(submit -- no-such-program)
says() { "$RIVULET" tasks --state "$TMP/ada" "$id" | grep -q 'cyd: .*no-such-program'; }
soon 10 says || fail "no word of a program that is not there: $(tasks)"

# Lost: money, for inputs that go over a metered link to bob, while eve is there.
stop ada
stop bob
start bob --take-tasks --slots 4 --load-most 1000
start ada --slots 0 --links 'wlan0:metered,bnep0:metered,wlan1'
join eve
start eve --take-tasks --slots 1 --load-most 1000
soon 10 meets ada eve || fail "no contact"
soon 10 meets ada bob || fail "no contact"
# All are familiar afterwards; without an input nothing is sent that counts.
submit --wait --copies 3 -- true || fail "a task without inputs is not done by all: $(tasks)"
for i in 1 2 3; do submit --wait --each in?[1-4].txt -- sleep 0.2 || fail "tasks fail beside a metered link"; done
[ "$(told '{x["by"] for x in t[-12:]} == {"eve"}')" = True ] || fail "inputs went over a metered link: $(tasks)"
[ "$(told '"bob" in {r["node"] for x in t[-12:] for r in x["runs"]}')" = False ] || fail "inputs went over a metered link: $(tasks)"

# Lost: room, for what tasks leave behind.
for host in ada bob cyd; do
	[ -z "$(ls -A "$TMP/$host/tasks")" ] || fail "$host keeps what tasks have left: $(ls "$TMP/$host/tasks")"
done
EOF3
in_lab
