#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A program that makes many connections at once gets all of them by the relay, whoever else is on the device.
. "$(dirname "$0")/run_lib.sh"

LINE=$("$RIVULET" relay --folder "$TMP/relay" --init 10.3.0.2 2>/dev/null)
cat >"$TMP/inside.sh" <<EOF2
$(cat "$(dirname "$0")/soon.sh")
soon 20 python3 -c "import socket; socket.create_connection(('10.3.0.2', 7443))" || { echo "no relay" >&2; exit 1; }
soon 20 python3 -c "import socket; socket.create_connection(('10.4.0.2', 7000))" || { echo "no server" >&2; exit 1; }
exec "$RIVULET" run --quiet --via "$LINE" --via-always -- python3 "$PROGRAM_SOURCES/crowd.py" 10.4.0.2 7000 10 100 "$TMP"
EOF2

# Lost: some of a browser's connections, which would wait for ever.
expect "a thousand connections, a hundred at once" timeout 150 "$RIVULET" lab run relay \
	--also "server: python3 '$PROGRAM_SOURCES/echo.py' serve 7000" \
	--also "relay: '$RIVULET' relay --quiet --folder '$TMP/relay' --allow 10.0.0.0/8" -- sh "$TMP/inside.sh"
