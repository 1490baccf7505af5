#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Relays that are not ours (an HTTP proxy that knows nothing of MPTCP, as it is and inside TLS), relays and clients with certificates,
# and what changes while a relay runs.
. "$(dirname "$0")/run_lib.sh"
need curl jq mptcpize openssl stunnel4 tinyproxy

make_file small 1000
make_file file 8000000
trusted=/etc/ssl/certs/ca-certificates.crt
[ -e "$trusted" ] || skip "no authorities are trusted here"

# certificate NAME EXTENSION [AUTHORITY]: NAME.pem and NAME.key, signed by itself or by that.
certificate() {
	sign=
	[ -z "${3:-}" ] || sign="-CA $TMP/$3.pem -CAkey $TMP/$3.key"
	# shellcheck disable=SC2086
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -addext "$2" $sign \
		-keyout "$TMP/$1.key" -out "$TMP/$1.pem" 2>"$TMP/openssl" || fail "$(cat "$TMP/openssl")"
}
key_of() {
	openssl x509 -in "$TMP/$1.pem" -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -d ' ' -f 1
}
certificate authority basicConstraints=critical,CA:TRUE
certificate relay subjectAltName=DNS:relay,IP:10.3.0.2 authority
certificate carl subjectAltName=DNS:carl
cat "$trusted" "$TMP/authority.pem" >"$TMP/trusted"
echo "carl key $(key_of carl)" >"$TMP/clients"

cat >"$TMP/tinyproxy" <<END
User root
Group root
Port 8888
Timeout 60
MaxClients 50
END
cat >"$TMP/stunnel" <<END
foreground = yes
pid =
sslVersionMin = TLSv1.3
[relay]
accept = 0.0.0.0:7443
connect = 127.0.0.1:8888
cert = $TMP/relay.pem
key = $TMP/relay.key
END
folder=$TMP/relay
LINE=$("$RIVULET" relay --folder "$folder" --init 10.3.0.2:7445 --client anna 2>/dev/null)
echo "allow 10.4.0.2:80" >"$folder/destinations"
cat >"$TMP/relay.sh" <<END
mptcpize run tinyproxy -d -c "$TMP/tinyproxy" >"$TMP/tinyproxy.log" 2>&1 &
mptcpize run stunnel4 "$TMP/stunnel" >"$TMP/stunnel.log" 2>&1 &
"$RIVULET" relay --folder "$folder" --listen :7445 --log "$TMP/changes.log" 2>"$TMP/changes.err" &
echo \$! >"$TMP/changes.pid"
exec "$RIVULET" relay --certificate "$TMP/relay.pem" --key "$TMP/relay.key" --clients "$TMP/clients" --listen :7444 \
	--allow 10.0.0.0/8 --log "$TMP/ours.log"
END

cat "$(dirname "$0")/soon.sh" - >"$TMP/inside.sh" <<'EOF2'
set -eu
fail() { echo "$*" >&2; exit 1; }
fetch() { # CODE URL COMMAND...
	wanted=$1 url=$2 code=0
	shift 2
	"$@" curl -sS -o "$TMP/got" --max-time 20 "$url" 2>"$TMP/err" || code=$?
	[ "$code" = "$wanted" ] || { cat "$TMP/err" >&2; fail "curl ended with $code, not $wanted: $*"; }
}
fetches() { (fetch "$@"); }
same() { cmp -s "$TMP/www/$1" "$TMP/got" || fail "other bytes"; }
over_both() { jq -e '[.links[] | select(.received > 3e5)] | length == 2' "$TMP/report" >/dev/null || fail "not over both links: $1"; }
run="$RIVULET run --explain --report $TMP/report"
for port in 8888 7443 7444 7445; do
	soon 20 python3 -c "import socket; socket.create_connection(('10.3.0.2', $port))" || fail "nothing at port $port"
done

# Lost: whoever has a proxy already, and puts an MPTCP listener before it, in the plain and inside TLS.
fetch 0 http://10.4.0.2/file $run --via plain://10.3.0.2:8888 --
same file
over_both "a foreign proxy"
fetch 0 http://10.4.0.2/file $run --via "tls://10.3.0.2:7443#$KEY" --
same file
over_both "a foreign proxy inside TLS"
fetch 7 http://10.4.0.2:83/ "$RIVULET" run --quiet --via "tls://10.3.0.2:7443#$KEY" --via-always --

# Lost: relays whose certificate an authority has signed, and clients with one instead of a token.
mkdir -p "$TMP/config/rivulet"
cat >"$TMP/config/rivulet/config.yaml" <<EOF3
via:
  relay: 10.3.0.2:7444
  certificate: $TMP/carl.pem
  key: $TMP/carl.key
  use: always
EOF3
fetch 7 http://10.4.0.2/small env XDG_CONFIG_HOME="$TMP/config" $run --
grep -q 'nobody who is trusted here' "$TMP/err" || fail "an authority that is not trusted is"
mount --bind "$TMP/trusted" /etc/ssl/certs/ca-certificates.crt
fetch 0 http://10.4.0.2/file env XDG_CONFIG_HOME="$TMP/config" $run --
same file
over_both "certificates"
soon 20 jq -es 'any(.[]; .client == "carl" and .received > 8e6)' "$TMP/ours.log" || fail "the log does not know carl"
fetch 7 http://10.4.0.2/small $run --via 10.3.0.2:7444 --via-always --
grep -q 'does not know this client' "$TMP/err" || fail "a client without a certificate is served"
# Its name is another: somebody else has the address.
echo '10.3.0.2 other' >"$TMP/hosts"
cat /etc/hosts >>"$TMP/hosts"
mount --bind "$TMP/hosts" /etc/hosts
fetch 7 http://10.4.0.2/small $run --via other:7444 --via-always --
grep -q 'nobody who is trusted here' "$TMP/err" || fail "a certificate for another name is taken"

# Lost: a client that is let in, or shut out, would have to wait for a restart, which cuts off all others.
again() { kill -HUP "$(cat "$TMP/changes.pid")"; }
fetch 0 http://10.4.0.2/small $run --via "$LINE" --via-always --
bert=$("$RIVULET" relay --folder "$TMP/relay" --add bert 2>/dev/null)
fetch 7 http://10.4.0.2/small $run --via "$bert" --via-always --
again
soon 20 fetches 0 http://10.4.0.2/small $run --via "$bert" --via-always -- || fail "a new client is not let in"
"$RIVULET" run --quiet --via "$bert" --via-always -- python3 -c "
import socket
s = socket.create_connection(('10.4.0.2', 80))
open('$TMP/connected', 'w')
s.recv(1)" 2>/dev/null &
holds_bert=$!
"$RIVULET" run --quiet --via "$LINE" --via-always -- curl -sS --limit-rate 2M -o "$TMP/slow" http://10.4.0.2/file &
holds_anna=$!
soon 20 test -e "$TMP/connected" || fail "bert does not get through"
soon 20 test -s "$TMP/slow" || fail "anna does not get through"
sed -i '/^bert /d' "$TMP/relay/clients"
again
! wait $holds_bert || :
soon 20 jq -es 'any(.[]; .client == "bert" and .result == "it is not known any more")' "$TMP/changes.log" || fail "bert is not cut off"
fetch 7 http://10.4.0.2/small $run --via "$bert" --via-always --
wait $holds_anna || fail "anna is cut off"
cmp "$TMP/www/file" "$TMP/slow" || fail "anna got other bytes"
# Lost: the relay, by a typing error.
echo 'allow everything' >>"$TMP/relay/destinations"
again
soon 20 grep -q 'nothing is changed: .*destinations:2: ' "$TMP/changes.err" || fail "what is wrong is not said"
fetch 0 http://10.4.0.2/small $run --via "$LINE" --via-always --
echo 'deny 10.4.0.2' >"$TMP/relay/destinations"
again
soon 20 fetches 7 http://10.4.0.2/small "$RIVULET" run --quiet --via "$LINE" --via-always -- || fail "what is denied now is served"
kill "$(cat "$TMP/changes.pid")"
EOF2
expect "relays of others" timeout 150 "$RIVULET" lab run relay --also "server: $NGINX" --also "relay: sh $TMP/relay.sh" -- \
	env TMP="$TMP" RIVULET="$RIVULET" LINE="$LINE" KEY="$(key_of relay)" unshare --mount sh "$TMP/inside.sh"
