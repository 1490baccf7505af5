#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Devices that are near find each other and share; whoever does not belong to them gets nothing, and is named.
. "$(dirname "$0")/node_lib.sh"

cat >"$TMP/inside.sh" <<'EOF3'
"$RIVULET" crowd new lab --name ada --state "$TMP/ada" >/dev/null
# Lost: a node that nohup started, to the end of a session.
env --ignore-signal=HUP "$RIVULET" node --state "$TMP/ada" $AS_IT_IS 2>/dev/null &
soon 10 "$RIVULET" peers --state "$TMP/ada" || fail "a node does not begin"
kill -HUP $!
sleep 0.3
"$RIVULET" peers --state "$TMP/ada" >/dev/null || fail "it ends by a signal that it was to ignore"
kill -TERM $!
wait $! || fail "it ended with $?"
start ada
# Lost: a new device could not come in by what its user was told, without knowing any address.
token=$("$RIVULET" crowd invite --state "$TMP/ada")
rv bob crowd join "$token" --name bob >/dev/null || fail "bob cannot join"
start bob
soon 5 near ada bob || fail "ada does not hear bob"
soon 5 meets ada bob || fail "no contact"
soon 5 meets bob ada || fail "no contact"

# Lost: what a neighbour has.
make_file "$TMP/file" 5000000
id=$(rv ada put "$TMP/file")
rv bob get "$id" -o "$TMP/got"
same "$TMP/file" "$TMP/got"
printf '' >"$TMP/empty"
id=$(rv ada put "$TMP/empty")
rv bob get "$id" -o "$TMP/got"
same "$TMP/empty" "$TMP/got"
printf 'from a pipe' | rv bob put - >"$TMP/id"
[ "$(rv ada get "$(cat "$TMP/id")")" = 'from a pipe' ] || fail "a piped object differs"

rv ada put - <&- 2>"$TMP/out" && fail "what cannot be read was put"
grep -q 'Bad file descriptor' "$TMP/out" || fail "no word of why it cannot be read"

# Lost: an object that is damaged on a disk, for good: here it is fetched again, there it is not handed out.
make_file "$TMP/file" 3500000
id=$(rv ada put "$TMP/file")
rv bob get "$id" -o "$TMP/got"
# Lost: what somebody reads who takes longer than is waited for others.
rv bob get "$id" --wait 1s | (sleep 2; cat) >"$TMP/got"
same "$TMP/file" "$TMP/got"
# Lost: a device or a pipe, in whose place a file would be.
mkfifo "$TMP/fifo"
cat "$TMP/fifo" >"$TMP/passed" &
rv bob get "$id" -o "$TMP/fifo" || fail "nothing can be got into a pipe"
wait $!
same "$TMP/file" "$TMP/passed"
[ -p "$TMP/fifo" ] || fail "a file is in the place of a pipe"
# Lost: time and bytes, for a folder, in whose place no file can be.
mkdir "$TMP/folder"
code=0
rv bob get "$(printf '%064d' 7)" --wait 20s -o "$TMP/folder" 2>"$TMP/out" || code=$?
[ "$code" = 1 ] && grep -q 'Is a directory' "$TMP/out" || fail "into a folder: $code $(cat "$TMP/out")"
damage() { printf 'damage' | dd of="$TMP/$1/store/objects/$id" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
damage bob 1500000
rv bob get "$id" -o "$TMP/got" || fail "a damaged piece is not fetched again"
same "$TMP/file" "$TMP/got"
logged bob "piece 1 of an object is damaged here"
damage ada 2500000
damage bob 200000
rv bob get "$id" -o "$TMP/got" || fail "a piece is not fetched from one who has others that are damaged"
same "$TMP/file" "$TMP/got"
rv ada get "$id" -o "$TMP/got" || fail "a damaged piece is not fetched again from one who had it from here"
same "$TMP/file" "$TMP/got"

# Lost: what nobody near has, but the web. What it has must be what was asked for.
mkdir "$TMP/www"
make_file "$TMP/www/page" 1200000
# A node that is of no crowd with the others tells the name.
id=$(rv ada put "$TMP/www/page")
rm -rf "$TMP/ada/store/objects/$id"
(cd "$TMP/www" && exec python3 -m http.server -b 127.0.0.1 8080 >/dev/null 2>&1) &
web=$!
on bob ip link set lo up
on bob sh -c 'cd "$1" && exec python3 -m http.server -b 127.0.0.1 8080 >/dev/null 2>&1' sh "$TMP/www" &
soon 5 on bob curl -s -o /dev/null http://127.0.0.1:8080/ || fail "no web server"
rv bob get "$id" --wait 1s --url http://127.0.0.1:8080/page -o "$TMP/got" || fail "the URL is not asked"
same "$TMP/www/page" "$TMP/got"
code=0
rv bob get "$(printf '%064d' 7)" --wait 1s --url http://127.0.0.1:8080/page -o "$TMP/none" 2>"$TMP/out" || code=$?
[ "$code" = 1 ] && [ ! -e "$TMP/none" ] || fail "what a URL has is taken for something else"
# Lost: what somebody of the crowd has fetched already, where there is no web. (Bob's own server has no other page.)
make_file "$TMP/www/query" 700000
rv ada get "http://127.0.0.1:8080/query?a=b&c=%20d" -o "$TMP/got" || fail "a URL is not fetched"
same "$TMP/www/query" "$TMP/got"
mv "$TMP/www/query" "$TMP/query"
rv bob get "http://127.0.0.1:8080/query?a=b&c=%20d" -o "$TMP/got" 2>"$TMP/out" || fail "what another one fetched is not asked for"
same "$TMP/query" "$TMP/got"
grep -q "as 'ada' fetched it" "$TMP/out" || fail "no word of who fetched it"
code=0
rv bob get http://127.0.0.1:8080/none --wait 1s -o "$TMP/none" 2>"$TMP/out" || code=$?
[ "$code" = 1 ] && [ ! -e "$TMP/none" ] || fail "a page that there is not ended with $code"
# Lost: what there is of a page that could not be fetched, or not all, would be taken for the page, by the whole crowd.
python3 - <<'EOF4' &
import socket
s = socket.create_server(("127.0.0.1", 8081))
while True:
    c = s.accept()[0]
    c.recv(10000)
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + b"x" * 200000)
    c.close()
EOF4
half=$!
soon 5 sh -c 'curl -s -o /dev/null http://127.0.0.1:8081/; [ $? = 18 ]' || fail "no server that breaks off"
for page in 8080/none 8081/half 8080/none 8081/half; do
	code=0
	rv ada get "http://127.0.0.1:$page" --wait 1s -o "$TMP/none" 2>"$TMP/out" || code=$?
	[ "$code" = 1 ] && [ ! -e "$TMP/none" ] || fail "$page ended with $code"
	grep -q 'curl could not fetch' "$TMP/out" || fail "no word of what could not be fetched"
done
kill "$half"
code=0
rv bob get ftp://x/ 2>"$TMP/out" || code=$?
[ "$code" != 0 ] || fail "any URL is taken"
kill "$web"

# Lost: a name that nobody has would be waited for without end.
code=0
rv bob get "$(printf '%064d' 7)" --wait 1s 2>"$TMP/out" || code=$?
[ "$code" = 1 ] || fail "an object that nobody has ended with $code"
grep -q 'nobody' "$TMP/out" || fail "no word of why"

# Lost: time, at another port than was meant.
for port in 99999 0 x ''; do
	code=0
	rv fay crowd join "$token" --name fay --at "10.3.1.1:$port" 2>"$TMP/out" || code=$?
	[ "$code" = 1 ] && grep -q 'is no port' "$TMP/out" || fail "port '$port': $code $(cat "$TMP/out")"
done

! rv fay crowd join "$token" --name fay --at '[::1]' 2>"$TMP/out" || fail "there is a founder on fay"
grep -q 'at ::1, port 4556' "$TMP/out" || fail "an IPv6 address is taken for a name: $(cat "$TMP/out")"

# Lost: an invitation that leaks, or is used twice, lets anybody in.
code=0
rv fay crowd join "$token" --name fay --at 10.3.1.1 2>"$TMP/out" --wait 1s || code=$?
[ "$code" = 1 ] || fail "a used invitation let somebody in"
code=0
rv bob crowd join "$token" --name bob2 --at 10.3.1.1 --wait 1s 2>"$TMP/out" || code=$?
grep -q 'already' "$TMP/out" || fail "a node can join twice"
mkdir -p "$TMP/other"
code=0
on bob "$RIVULET" crowd join "$token" --name bob2 --at 10.3.1.1 --state "$TMP/other" 2>"$TMP/out" || code=$?
grep -q 'used before' "$TMP/out" || fail "no word of a used invitation"
logged ada "'bob2' shows an invitation that was used before"
for wrong in rv1-abc "${token}0" "$(echo "$token" | sed 's/.$/y/;t')" nonsense; do
	[ "$wrong" != "$token" ] || continue
	code=0
	on bob "$RIVULET" crowd join "$wrong" --state "$TMP/other" 2>"$TMP/out" || code=$?
	grep -q 'no invitation' "$TMP/out" || fail "'$wrong' is taken for an invitation"
done
token=$("$RIVULET" crowd invite --name carl --state "$TMP/ada")
! on bob "$RIVULET" crowd join "$token" --name bob2 --at 10.3.1.1 --state "$TMP/other" 2>"$TMP/out" ||
	fail "an invitation for another one is taken"
logged ada "that is for 'carl'"

# Lost: devices of others would be let in. Eve has a crowd of her own; dan's certificate runs out.
on eve "$RIVULET" crowd new evil --name eve --state "$TMP/eve" >/dev/null
start eve
logged ada "'eve' is of another crowd"
logged eve "'ada' is of another crowd"
python3 - "$TMP/eve/crowd" <<'EOF4' || fail "a node of another crowd is let in"
import socket, ssl, sys
crowd = sys.argv[1]
s = socket.create_connection(("10.3.5.1", 4556), timeout=5)
s.sendall(b"dtn!\x04\x01")
assert s.recv(6) == b"dtn!\x04\x01"
c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
c.check_hostname = False
c.verify_mode = ssl.CERT_NONE
c.load_cert_chain(crowd + "/certificate.pem", crowd + "/key.pem")
t = c.wrap_socket(s)
try:
    data = t.recv(100)
except ssl.SSLError:
    data = b""
sys.exit(len(data) > 0)
EOF4
logged ada "the certificate of 'eve' is not of this crowd"
token=$("$RIVULET" crowd invite --valid 2s --state "$TMP/ada")
on bob "$RIVULET" crowd join "$token" --name dan --at 10.3.1.1 --state "$TMP/dan" >/dev/null || fail "dan cannot join"
stop bob
sleep 3
(host=bob; on bob sh -c 'echo $$ >"$1.pid"; exec "$2" node --state "$1" --as-it-is 2>"$1.log"' sh "$TMP/dan" "$RIVULET") &
logged ada "the certificate of 'dan' is expired"
stop dan

# Lost: a device that was stolen would stay in.
start bob
soon 5 meets ada bob || fail "no contact"
code=0
"$RIVULET" crowd revoke ada --state "$TMP/ada" 2>"$TMP/out" >&2 || code=$?
[ "$code" = 1 ] && grep -q founder "$TMP/out" || fail "the founder takes itself out of the crowd: $code $(cat "$TMP/out")"
"$RIVULET" crowd revoke bob --state "$TMP/ada" >/dev/null
logged ada "the certificate of 'bob' is revoked"
soon 5 no_more ada bob contact || fail "a revoked node keeps its contact"
stop bob
start bob
logged ada "%wlan0: the certificate of 'bob' is revoked"
no_more ada bob near || fail "a revoked node is near"
stop ada
EOF3
in_lab
