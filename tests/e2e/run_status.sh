#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What `rivulet status` says is what is so, to those whom it concerns, and nothing of it is left.
. "$(dirname "$0")/run_lib.sh"
need curl pgrep script setpriv

# Large enough to last; nobody reads what is in it.
truncate -s 2G "$TMP/www/file"

# In the lab: RIVULET, and TMP. Its own runs and those of nginx on the server share a folder.
cat "$(dirname "$0")/soon.sh" "$(dirname "$0")/status_lib.sh" - >"$TMP/inside.sh" <<'EOF2'
at_least() { [ "$(grep -c "$1" "$2")" -ge "$3" ]; }
# The supervisor of the run of this host: its watcher's child.
supervisor() { pgrep -x rivulet-super -P "$(pgrep -x rivulet-watch -P "$run")"; }
download() {
	"$RIVULET" run --quiet -- curl -4 -fsS -o /dev/null http://server/file &
	run=$!
	soon 10 is "len(flows) == 2 and all(f['received'] > 100000 for f in flows.values())" || fail "no download with two subflows"
}
end() {
	kill -TERM "$run" 2>/dev/null || :
	wait "$run" || :
}

soon 10 is "len(runs) == 1 and runs[0]['program'][0] == 'nginx'" || fail "the server's run is not shown"
before=$(sockets)

# Lost: nobody could see what the links do.
download
soon 10 is "len(mine) == 1 and len(connections) == 1 and connections[0]['protocol'] == 'mptcp'" || fail "not one connection"
soon 10 is "mine[0]['pid'] == $run and mine[0]['program'][-1] == 'http://server/file' and mine[0]['seconds'] > 0" || fail "not the run's own"
soon 10 is "sorted(flows) == ['wlan0', 'wwan0'] and all(f['state'] == 'established' and not f['backup'] for f in flows.values())" || fail "not both links"
soon 10 is "10000 <= flows['wlan0']['rtt_us'] < 300000 and 40000 <= flows['wwan0']['rtt_us'] < 600000" || fail "no sensible RTT"
soon 10 is "connections[0]['received'] >= sum(f['received'] for f in flows.values()) > 200000" || fail "no sensible counts"
soon 10 is "1e6 < connections[0]['rate_received'] < 1e9" || fail "no sensible rate"
soon 10 is "[l['name'] for l in mine[0]['links'] if l['used']] == ['wlan0', 'wwan0']" || fail "not the links"
soon 10 is "any(c['remote'].startswith('10.') and c['sent'] > 100000 for r in runs if r not in mine for c in r['connections'])" || fail "not what the server accepted"
status >"$TMP/now"
grep -Eq "^$run  curl .*http://server/file$" "$TMP/now" || fail "no head"
grep -Eq '10\.[12]\.0\.2:[0-9]+ > 10\.1\.0\.1:80 +MPTCP .* [0-9.]+ Mbit/s' "$TMP/now" || fail "no connection"
grep -Eq '^    wlan0 +established +[0-9.]+ ms +[0-9]+ ' "$TMP/now" || fail "no row of wlan0"
grep -Eq '^    wwan0 +established +[0-9.]+ ms +[0-9]+ ' "$TMP/now" || fail "no row of wwan0"

# Lost: a bystander's connection would be taken for the run's.
curl -fsS --limit-rate 1M -o /dev/null http://server/file &
bystander=$!
soon 10 sh -c "ss -tnH state established 'dport = :80' | grep -q -- . && [ \$(ss -tnH state established 'dport = :80' | wc -l) -ge 3 ]" || fail "no bystander"
soon 10 is "len(connections) == 1 and len(flows) == 2" || fail "a bystander is shown"
kill "$bystander"

# Lost: a watch that scripts read would be full of escapes, or could not be ended.
for signal in INT TERM; do
	env --default-signal=INT "$RIVULET" status --watch >"$TMP/now" &
	watch=$!
	soon 10 at_least 'curl' "$TMP/now" 2 || fail "--watch does not repeat"
	kill -$signal "$watch"
	wait "$watch" || fail "--watch ended with $? after SIG$signal"
	! grep -q "$(printf '\033')" "$TMP/now" || fail "escapes in a file"
done
env --default-signal=INT "$RIVULET" status --watch --json >"$TMP/now" &
watch=$!
soon 10 at_least '"curl"' "$TMP/now" 2 || fail "--watch --json does not repeat"
kill "$watch"
wait "$watch" || fail "--watch --json ended with $?"
python3 -c 'import json,sys; [json.loads(l) for l in sys.stdin]' <"$TMP/now" || fail "not one JSON object a line"
script -qfec "stty rows 4; exec '$RIVULET' status --watch" "$TMP/screen" </dev/null >/dev/null 2>&1 &
watch=$!
soon 10 at_least "$(printf '\033')\[H" "$TMP/screen" 3 || fail "a terminal is not redrawn"
kill -INT "$(pgrep -P "$watch" | head -n 1)"
wait "$watch" || fail "on a terminal --watch ended with $?"

# Lost: another user could see what runs here, or hold the run up.
if [ "$(id -u)" = 0 ]; then
	other="setpriv --reuid=65534 --regid=65534 --clear-groups -- env -u RIVULET_STATE -u XDG_RUNTIME_DIR"
	# The other user may not be able to enter the folder that the program was built in.
	mkdir "$TMP/open" && cp "$RIVULET" "$TMP/open/rivulet" && chmod 755 "$TMP" "$TMP/open" "$TMP/open/rivulet"
	$other "$TMP/open/rivulet" status >"$TMP/now" || fail "another user's status ended with $?"
	grep -q 'no program runs' "$TMP/now" || fail "another user sees the run"
	folder=${RIVULET_STATE:-/run/rivulet}
	socket=$(find "$folder" -name "status-$(supervisor)-*")
	mode=$(stat -c %a "$folder")
	[ "$mode" = 700 ] || fail "the folder's mode is $mode"
	chmod 711 "$folder"
	chmod 777 "$socket"
	$other python3 - "$socket" <<'EOF3' || fail "another user was answered"
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(10)
s.connect(sys.argv[1])
sys.exit(len(s.recvmsg(1, 100)[0]))
EOF3
	chmod 700 "$folder"
fi

# Lost: one who asks and does not read would stop every socket() call of the run.
python3 - "$(find "${RIVULET_STATE:-/run/rivulet}" -name "status-$(supervisor)-*")" <<'EOF3' &
import socket, sys, time
asking = []
for i in range(200):
    asking.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    asking[-1].connect(sys.argv[1])
time.sleep(60)
EOF3
idle=$!
soon 10 is "len(flows) == 2" || fail "slow readers hold the run up"
kill "$idle"

# Lost: a stopped supervisor would stop `status` too.
stopped=$(supervisor)
kill -STOP "$stopped"
status >"$TMP/now" || fail "with a stopped supervisor it ended with $?"
kill -CONT "$stopped"
grep -q '1 run does not answer' "$TMP/now" || fail "it does not say that a run does not answer"

# Lost: sockets would pile up.
end
soon 10 none_left || fail "a socket is left"
download
kill -KILL "$(supervisor)"
soon 10 none_left || fail "a socket is left after the supervisor was killed"
soon 10 is "len(mine) == 0 and answer['silent'] == 0" || fail "the killed one is still shown"
end
download
kill -KILL "$(pgrep -x rivulet-watch -P "$run")" "$(supervisor)" "$run"
wait "$run" || :
soon 10 is "len(mine) == 0 and answer['silent'] == 0" || fail "one of which all were killed is still shown"
none_left || fail "a socket is left after all were killed"
EOF2
expect "status in a lab" pair_lab env TMP="$TMP" RIVULET="$RIVULET" sh "$TMP/inside.sh"

# Lost: a script that asks whether anything runs would fail when nothing does.
RIVULET_STATE=$TMP/state
export RIVULET_STATE
expect "status without runs" rivulet status
expect_text 'no program runs' "$OUT"
expect "status --json without runs" rivulet status --json
python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["runs"] != [])' "$OUT" || fail "not an empty array"
[ ! -e "$RIVULET_STATE" ] || fail "the folder is left"
expect_code 2 rivulet status --nonsense
expect_code 2 rivulet status nonsense
