#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Connections to a server that does not speak MPTCP go by a relay of one's own, over all links, whoever makes them; those to
# one that does go there directly; and nobody else gets in, or further than is allowed.
. "$(dirname "$0")/run_lib.sh"
need curl jq unshare

make_file small 1000
make_file file 8000000
folder=$TMP/relay
LINE=$("$RIVULET" relay --folder "$folder" --init 10.3.0.2 --client anna 2>/dev/null)
OTHER=$("$RIVULET" relay --folder "$folder" --add bert 2>/dev/null)
[ "$LINE" != "$OTHER" ] || fail "two clients have one token"
# Lost: the key, to a folder where nobody looks for it. (In a user namespace of its own root is nobody.)
expect_code 2 unshare --user env -u HOME -u XDG_CONFIG_HOME "$RIVULET" relay --init 10.3.0.2
expect_text 'not known without HOME' "$OUT"
expect_code 125 "$RIVULET" relay --folder "$folder" --init 10.3.0.2
expect_code 125 "$RIVULET" relay --folder "$folder" --add anna
# Lost: a relay that could not be begun again, for half of it is there; and all clients, by one line more.
expect_code 2 "$RIVULET" relay --folder "$TMP/again" --init 10.3.0.2 --client 'a b'
[ ! -e "$TMP/again" ] || fail "half a relay is left"
expect "a relay" "$RIVULET" relay --folder "$TMP/again" --init 10.3.0.2
truncate -s -1 "$TMP/again/clients"
expect "a client more" "$RIVULET" relay --folder "$TMP/again" --add bob
[ "$(grep -c ' token ' "$TMP/again/clients")" = 2 ] || fail "two clients are in one line"
expect_code 125 "$RIVULET" relay --folder "$TMP/nothing" --listen 127.0.0.1:0
[ "$(stat -c %a "$folder/key.pem")" = 600 ] || fail "others can read the relay's key"
! grep -rq "${LINE%@*}" "$folder" || fail "a token is written down"

# A second web server, with MPTCP; the first one here is without.
sed 's/listen 80/listen 81/; s/listen \[::\]:80/listen [::]:81/; s/nginx.pid/nginx2.pid/' "$TMP/nginx.conf" >"$TMP/nginx2.conf"
cat >"$TMP/relay.sh" <<EOF2
ip address add 9.9.9.9/32 dev lo
"$RIVULET" relay --plain --listen :7000 --allow 10.0.0.0/8,[fd00::]/8 --deny 10.4.0.2:82 --log "$TMP/plain.log" &
"$RIVULET" relay --plain --listen :7001 --log "$TMP/private.log" &
exec "$RIVULET" relay --folder "$folder" --allow 10.0.0.0/8,[fd00::]/8 --log "$TMP/tls.log"
EOF2

# The kernel is built (make kernels), and its first process can be ours, which a sanitized one cannot.
MACHINE=$([ ! -x "$(dirname "$RIVULET")/kernel/rivulet-uml" ] || grep -q __asan_init "$RIVULET" || echo yes)
LIBRARY=$([ ! -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || echo yes)
export MACHINE LIBRARY
[ -n "$MACHINE" ] || echo "no kernel to run programs inside: not tried" >&2
cat "$(dirname "$0")/soon.sh" - >"$TMP/inside.sh" <<'EOF2'
set -eu
fail() { echo "$*" >&2; exit 1; }
# fetch CODE URL COMMAND...: curl under that ends with CODE.
fetch() {
	wanted=$1 url=$2
	shift 2
	code=0
	"$@" curl -sS -o "$TMP/got" -w '%{remote_ip}:%{remote_port}' --max-time 20 "$url" >"$TMP/peer" 2>"$TMP/err" || code=$?
	[ "$code" = "$wanted" ] || { cat "$TMP/err" >&2; fail "curl ended with $code, not $wanted: $url $*"; }
}
same() { cmp -s "$TMP/www/$1" "$TMP/got" || fail "other bytes"; }
says() { grep -Eq -- "$1" "$TMP/err" || { cat "$TMP/err" >&2; fail "no word of '$1'"; }; }
logged() {
	soon 10 jq -es "any(.[]; $2)" "$TMP/$1.log" || { cat "$TMP/$1.log" >&2; fail "no line: $2"; }
}
run="$RIVULET run --explain"
PLAIN=plain://10.3.0.2:7000

# Lost: the links' rates together, towards most servers there are.
for way in "$PLAIN" "$LINE"; do
	fetch 0 http://10.4.0.2/file $run --report "$TMP/report" --via "$way" --
	same file
	says '10.4.0.2:80: does not speak MPTCP: by the relay 10.3.0.2'
	# Lost: that, for a program inside a kernel of its own.
	if [ -n "$MACHINE" ]; then
		fetch 0 http://10.4.0.2/file $run --stack uml --report "$TMP/report" --via "$way" --
		same file
		says '10.4.0.2:80: does not speak MPTCP: by the relay 10.3.0.2'
	fi
	# Lost: programs would find another peer than the one they asked for.
	[ "$(cat "$TMP/peer")" = 10.4.0.2:80 ] || fail "the peer is $(cat "$TMP/peer")"
	jq -e '[.links[] | select(.received > 3e5)] | length == 2' "$TMP/report" >/dev/null || fail "not over both links"
	fetch 0 'http://[fd00:4::2]/small' $run --via "$way" --
	same small
	fetch 0 http://10.4.0.2/file "$RIVULET" run --quiet --stack host --via "$way" --
	same file
	if [ -n "$LIBRARY" ]; then
		fetch 0 http://10.4.0.2/file $run --stack lkl --via "$way" --
		same file
		says '10.4.0.2:80: does not speak MPTCP: by the relay 10.3.0.2'
		[ "$(cat "$TMP/peer")" = 10.4.0.2:80 ] || fail "the peer is $(cat "$TMP/peer")"
	fi
	[ "$(cat "$TMP/peer")" = 10.4.0.2:80 ] || fail "the peer is $(cat "$TMP/peer")"
done
logged tls '.client == "anna" and .host == "10.4.0.2" and .received > 8e6 and .result == "closed"'
logged plain '.received > 8e6'

# Lost: the direct way, where it is the better one.
fetch 0 http://10.4.0.2:81/file $run --via "$LINE" --
same file
says '10.4.0.2:81: speaks MPTCP: directly'
fetch 0 http://10.4.0.2:81/small $run --via "$LINE" --via-always --
says 'as was said: by the relay'
fetch 0 http://10.4.0.2/small $run --via "$LINE" --via-never --
! grep -q 'by the relay' "$TMP/err" || fail "by the relay in spite of --via-never"

# Lost: what is written in a file.
mkdir -p "$TMP/config/rivulet"
cat >"$TMP/config/rivulet/config.yaml" <<EOF3
via:
  relay: "$LINE"
  rules:
    - {to: 10.4.0.2, port: 80, way: direct}
    - {to: server, way: relay}
EOF3
fetch 0 http://10.4.0.2/small env XDG_CONFIG_HOME="$TMP/config" $run --
! grep -q 'by the relay' "$TMP/err" || fail "a rule does not count"

# Lost: a try for each server in each run, or, for ever, the links of one that was remembered wrongly.
again="env XDG_STATE_HOME=$TMP/state/new $run"
fetch 0 http://10.4.0.2/small $again --via "$LINE" --
says '10.4.0.2:80: does not speak MPTCP: by the relay'
remembered=$TMP/state/new/rivulet/servers
soon 10 test -s "$remembered" || fail "nothing is remembered"
! grep -q 10.4 "$remembered" || fail "who was talked to is written down"
fetch 0 http://10.4.0.2/small $again --via "$LINE" --
says '10.4.0.2:80: did not speak MPTCP lately: by the relay'
sed -i 's/relay/direct/' "$remembered"
fetch 0 http://10.4.0.2/file $again --report "$TMP/report" --via "$LINE" --
same file
jq -e '[.links[] | select(.received > 3e5)] | length == 2' "$TMP/report" >/dev/null || fail "what was remembered is believed"
head -c 100000 /dev/urandom >"$remembered"
fetch 0 http://10.4.0.2/small $again --via "$LINE" --
says 'does not speak MPTCP'

# Lost: programs would not be told what is wrong with a server, and the next try on the same socket.
fetch 7 http://10.4.0.2:83/ "$RIVULET" run --quiet --via "$LINE" --via-always --
"$RIVULET" run --quiet --via "$LINE" --via-always -- python3 "$PROGRAM_SOURCES/via.py" 10.4.0.2 80 || fail "via.py"
"$RIVULET" run --quiet --stack host --via "$LINE" --via-always -- python3 "$PROGRAM_SOURCES/via.py" 10.4.0.2 80 unix || fail "via.py on host"

# Lost: that a transfer was cut off; and programs that set an option and believe in it.
for way in "$PLAIN" "$LINE"; do
	for stack in native host ${LIBRARY:+lkl}; do
		"$RIVULET" run --quiet --stack $stack --via "$way" --via-always -- python3 "$PROGRAM_SOURCES/via_cut.py" 10.4.0.2 ||
			fail "cut off, on $stack by $way"
	done
done

# Lost: a relay would be everyone's.
fetch 7 http://10.4.0.2/small $run --via "tls://wrong@${LINE#*@}" --via-always --
says 'does not know this client'
logged tls '.result == "nobody who is known here has this token"'
fetch 7 http://10.4.0.2/small $run --via "${LINE%#*}" --via-always --
says 'nobody who is trusted here'
fetch 7 http://10.4.0.2/small $run --via "${LINE%#*}#$(printf '%064d' 0)" --via-always --
says 'another key'
# Lost: the connection, only because the relay does not do.
fetch 0 http://10.4.0.2/small $run --via "tls://wrong@${LINE#*@}" --
same small
says 'directly, by plain TCP: the relay does not know'
fetch 0 http://10.4.0.2/small $run --via plain://10.3.0.2:9 --
same small

# Lost: ways into the relay's own network.
for where in 10.4.0.2 127.0.0.1 localhost '[::1]' '[::ffff:10.4.0.2]' '[fd00:4::2]' 0.0.0.0 169.254.1.1; do
	code=0
	curl -sS -p -x http://10.3.0.2:7001 -o "$TMP/got" --max-time 20 "http://$where/" 2>"$TMP/err" || code=$?
	[ "$code" = 56 ] || fail "the way to $where: $code"
	grep -Eq 'response (403|502)' "$TMP/err" || { cat "$TMP/err" >&2; fail "the way to $where is not refused"; }
done
# Lost: who keeps the world from what serves on the relay's machine by a firewall, which does not see who comes from inside.
curl -sS -p -x http://10.3.0.2:7001 -o "$TMP/got" --max-time 20 http://9.9.9.9:7000/ 2>"$TMP/err" && fail "the way to the relay's own address"
grep -q 'response 403' "$TMP/err" || { cat "$TMP/err" >&2; fail "the way to the relay's own address is not refused"; }
logged private '.host == "10.4.0.2" and (.result | test("Permission denied"))'
curl -sS -p -x http://10.3.0.2:7000 -o "$TMP/got" http://10.4.0.2:82/ 2>"$TMP/err" && fail "denied, and served"
grep -q 403 "$TMP/err" || fail "it is not said to be denied"

# Lost: those who have a proxy of their own, or none of ours.
curl -sS --socks5-hostname 10.3.0.2:7000 -o "$TMP/got" http://server/small
same small
"$RIVULET" proxy --quiet --listen "unix:$TMP/p.sock" --listen 127.0.0.1:1080 --via "$LINE" --via-always &
proxy=$!
soon 10 [ -S "$TMP/p.sock" ] || fail "the proxy does not begin"
curl -sS --proxy "socks5h://localhost$TMP/p.sock" -o "$TMP/got" http://server/file
same file
logged tls '.host == "server" and .received > 8e6'
python3 "$PROGRAM_SOURCES/via_cut.py" 10.4.0.2 1080 || fail "cut off, by a proxy"
kill "$proxy"
wait "$proxy" || :

# Lost: half a second, where a link is lost and lines to the relay that nobody uses yet stand on it alone. (The last: the link stays down.)
$run --via "$PLAIN" --via-always -- curl -fsS --limit-rate 2M -o "$TMP/lost" http://10.4.0.2/file 2>"$TMP/err" &
run=$!
begun() { [ "$(stat -c %s "$TMP/lost" 2>/dev/null || echo 0)" -gt 1000000 ]; }
soon 10 begun || fail "nothing comes"
ip link set wlan0 down
wait $run || fail "a transfer does not live through a link that is lost"
cmp -s "$TMP/lost" "$TMP/www/file" || fail "other bytes after a link was lost"
says 'connections leave wlan0'
EOF2
env=$(printf 'TMP=%s RIVULET=%s LINE=%s PROGRAM_SOURCES=%s' "$TMP" "$RIVULET" "$LINE" "$PROGRAM_SOURCES")
# shellcheck disable=SC2086
expect "a relay in a lab" timeout 280 "$RIVULET" lab run relay --also "server: $NGINX" \
	--also "server: $RIVULET run --quiet -- nginx -e stderr -c $TMP/nginx2.conf" --also "server: python3 '$PROGRAM_SOURCES/peer.py'" \
	--also "relay: sh $TMP/relay.sh" -- env $env sh "$TMP/inside.sh"
