#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A program that would lose a privilege of its own is named before it starts.
. "$(dirname "$0")/run_lib.sh"
need setpriv setcap
[ "$(id -u)" = 0 ] || skip "only root can make a set-user-ID program"

# Lost: sudo, ping or a mail program would fail inside, in words that lead nowhere.
chmod 755 "$TMP"
cp "$RIVULET" "$TMP/rivulet"
for name in plain owned grouped capable script; do
	cp "$(command -v id)" "$TMP/$name"
done
printf '#!/bin/sh\nid\n' >"$TMP/script"
chmod 4755 "$TMP/owned" "$TMP/script"
chmod 2755 "$TMP/grouped"
setcap cap_net_raw=ep "$TMP/capable"

as_user() {
	rivulet lab run pair -- setpriv --reuid=65534 --regid=65534 --clear-groups -- "$TMP/rivulet" run "$@"
}
warned() {
	expect "$2" as_user -- "$TMP/$2"
	expect_text "$TMP/$2 is $1.*starts without that privilege" "$OUT"
	expect_text 'uid=65534' "$OUT"
}
silent() {
	expect "$*" "$@"
	! grep -q 'without that privilege' "$OUT" || fail "a warning for nothing: $*"
}
warned set-user-ID owned
warned set-group-ID grouped
warned 'a program with capabilities' capable
silent as_user -- "$TMP/plain"
silent as_user -- "$TMP/script"
silent as_user --quiet -- "$TMP/owned"

# Lost: one that is found by its name only would not be looked at.
expect "by PATH" rivulet lab run pair -- env PATH="$TMP:$PATH" \
	setpriv --reuid=65534 --regid=65534 --clear-groups -- "$TMP/rivulet" run -- owned
expect_text "$TMP/owned is set-user-ID" "$OUT"

# Lost: root would be warned of what does not happen.
chown 65534 "$TMP/owned"
chmod 4755 "$TMP/owned"
silent rivulet lab run pair -- "$RIVULET" run -- "$TMP/owned"
expect_text 'euid=65534' "$OUT"
