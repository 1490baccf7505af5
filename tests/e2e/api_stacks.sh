#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The C interface does the same on every stack: programs/api.c says what and why.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/still.sh"
need unshare mount pgrep

# Like pair, and a link that never answers, whose addresses are the first ones of the server's name.
cat >"$TMP/dark.yaml" <<'EOF2'
hosts:
  - {name: phone}
  - {name: server}
links:
  - name: dark
    both: {rate: 20mbit, delay: 5ms}
    ends:
      - {host: phone, name: dark0, addresses: [10.9.0.2/24, "fd00:9::2/64"]}
      - {host: server, name: dark0, addresses: [10.9.0.1/24, "fd00:9::1/64"]}
  - name: wifi
    both: {rate: 50mbit, delay: 5ms, queue: {bytes: 125kB}}
    ends:
      - {host: phone, name: wlan0, kind: wifi, addresses: [10.1.0.2/24, "fd00:1::2/64"]}
      - {host: server, name: wlan0, kind: wifi, addresses: [10.1.0.1/24, "fd00:1::1/64"]}
events:
  - {at: 0s, link: dark, do: blackhole}
EOF2

# The name server is as dark; the resolver waits 2 s for it.
echo 'options timeout:2 attempts:1
nameserver 10.9.0.1' >"$TMP/resolv.conf"
cat >"$TMP/try" <<'EOF2'
set -e
cat /etc/hosts >"$TMP/hosts"
echo '10.1.0.1 half' >>"$TMP/hosts"
mount --bind "$TMP/hosts" /etc/hosts
mount --bind "$TMP/resolv.conf" /etc/resolv.conf
exec "$PROGRAMS/api" try "$1" 7000 server half 10.1.0.1 fd00:1::1 10.9.0.1
EOF2
export TMP

# Where `rivulet` is found that stack lkl is had from.
PATH=$(dirname "$RIVULET"):$PATH
export PATH
stacks="native host lkl"
[ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || {
	echo "rivulet-lkl is not built (make kernels): not tried" >&2
	stacks="native host"
}
for stack in $stacks; do
	in_time expect "the interface on $stack" rivulet lab run "$TMP/dark.yaml" \
		--also "server: $PROGRAMS/api serve $stack 7000" -- \
		unshare --mount sh "$TMP/try" "$stack"
	cat "$OUT"
	# Lost: every program that ever used the stack would leave processes.
	[ "$stack" != lkl ] || ! pgrep -x rivulet-lkl -s 0 >/dev/null || fail "processes are left"
done
