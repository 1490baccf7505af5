#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A relay that anybody in the world can reach goes on serving those whom it knows, within bounds, whatever others send.
. "$(dirname "$0")/run_lib.sh"
need jq ss

make_file small 1000
folder=$TMP/relay
LINE=$("$RIVULET" relay --folder "$folder" --init 127.0.0.1 --client anna 2>/dev/null)
token=${LINE#tls://}
token=${token%%@*}

memory=20000
! grep -q __asan_init "$RIVULET" || memory=400000 # which keeps what was freed
cat >"$TMP/inside.sh" <<'EOF2'
set -eu
ip link set lo up
$NGINX &
nginx=$!
"$RIVULET" relay --quiet --folder "$TMP/relay" --listen 127.0.0.1:7443 --allow 127.0.0.0/8 --log "$TMP/log" &
relay=$!
trap 'kill $nginx $relay 2>/dev/null || :' EXIT
until ss -Hltn 'sport = :7443' | grep -q . && ss -Hltn 'sport = :80' | grep -q .; do sleep 0.05; done
python3 "$PROGRAM_SOURCES/hostile.py" 7443 "$relay" "$TOKEN" 80 "$HALF_OPEN" "$MEMORY"
kill "$relay"
wait "$relay"
EOF2
if [ "$(id -u)" = 0 ]; then user=; else user=--map-root-user; fi
# shellcheck disable=SC2086
expect "hostile clients" env TMP="$TMP" RIVULET="$RIVULET" NGINX="$NGINX" TOKEN="$token" HALF_OPEN="${HALF_OPEN:-6000}" MEMORY="$memory" \
	PROGRAM_SOURCES="$PROGRAM_SOURCES" timeout 100 unshare --net $user sh "$TMP/inside.sh"
cat "$OUT"
logged() {
	jq -es "$1" "$TMP/log" >/dev/null || fail "the log does not have: $1"
}
logged 'any(.[]; .result == "closed" and .client == "anna")'
logged 'any(.[]; .result == "nobody who is known here has this token")'
logged 'any(.[]; .result == "clients have to say who they are")'
logged 'any(.[]; .result == "too slow")'
logged 'any(.[]; .result | test("TLS|agreed on"))'
logged 'any(.[]; .count > 0)'
# Lost: a log that fills the disk.
logged 'length < 2000'
