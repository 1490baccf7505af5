#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Lost: the library would work in this tree only. What is installed is enough to build the example
# and to fetch a file over both links with it.
. "$(dirname "$0")/run_lib.sh"
need meson pkg-config cc nm ldd

PREFIX=$TMP/prefix
# Into a prefix of its own, whichever one the build folder was set up for.
expect "an installation" env DESTDIR="$TMP/root" meson install -C "$BUILD" --no-rebuild
mv "$TMP/root$(meson introspect --buildoptions "$BUILD" |
	python3 -c 'import json,sys; print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')" "$PREFIX"
PC=$(find "$PREFIX" -name rivulet.pc)
[ -n "$PC" ] || fail "no rivulet.pc was installed"
[ -e "$PREFIX/share/man/man3/rivulet.3" ] || fail "no manual page was installed"
pc() {
	PKG_CONFIG_PATH=$(dirname "$PC") pkg-config --define-variable=prefix="$PREFIX" "$@" rivulet
}
LIB=$(pc --variable=libdir)

# A library that was built with sanitizers can be used only by a program with the same ones.
SANITIZE=
ldd "$LIB/librivulet.so.0" | grep -q libasan && SANITIZE=-fsanitize=address,undefined

# Lost: a program's own functions would clash with the library's.
nm -D --defined-only "$LIB/librivulet.so.0" | awk '$2 == "T" && $3 !~ /^rv_/' >"$TMP/foreign"
[ ! -s "$TMP/foreign" ] || fail "the library shows what is not its interface: $(cat "$TMP/foreign")"
nm -g --defined-only "$LIB/librivulet.a" | awk 'NF == 3 && $3 !~ /^rv_/ && $2 ~ /[TDBR]/' >"$TMP/foreign"
[ ! -s "$TMP/foreign" ] || fail "the archive shows what is not its interface: $(cat "$TMP/foreign")"
grep -Eo 'rv_[a-z_]+\(' "$PREFIX/include/rivulet.h" | tr -d '(' | sort -u >"$TMP/declared"
nm -D --defined-only "$LIB/librivulet.so.0" | awk '$2 == "T" { print $3 }' | sort >"$TMP/defined"
expect "what the header declares and what the library has" diff "$TMP/declared" "$TMP/defined"

EXAMPLE=$PREFIX/share/doc/rivulet/examples/fetch.c
# shellcheck disable=SC2046
expect "the example" cc -Wall -Wextra -Werror $SANITIZE "$EXAMPLE" $(pc --cflags --libs) -o "$TMP/fetch"
# shellcheck disable=SC2046
expect "the example, with the archive" cc $SANITIZE "$EXAMPLE" $(pc --cflags) "$LIB/librivulet.a" -o "$TMP/fetch-archive"
# shellcheck disable=SC2086
echo '#include <rivulet.h>' | expect "a header that stands alone, in C99 and C++" sh -c "
	cat >$TMP/h.c
	cc -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only $(pc --cflags) $TMP/h.c
	! command -v c++ || c++ -x c++ -std=c++11 -pedantic -Wall -Wextra -Werror -fsyntax-only $(pc --cflags) $TMP/h.c"
LD_LIBRARY_PATH=$LIB
export LD_LIBRARY_PATH

make_file file 8000000
fetch() {
	expect "$1" pair_lab sh -c "$2 >'$TMP/got' 2>'$TMP/said' || { code=\$?; cat '$TMP/said' >&2; exit \$code; }"
	cmp "$TMP/got" "$TMP/www/file" || fail "$1: other bytes"
}
fetch "the example under run" "'$RIVULET' run --quiet -- '$TMP/fetch' server 80 /file"
expect_text '^MPTCP: 8[0-9]{6} bytes received, 2 subflows' "$TMP/said"
expect_text 'wlan0: [0-9]{6,} bytes' "$TMP/said"
expect_text 'wwan0: [0-9]{6,} bytes' "$TMP/said"
fetch "the example by itself" "'$TMP/fetch' server 80 /file"
expect_text '^MPTCP: 8[0-9]{6} bytes received, 1 subflows' "$TMP/said"
fetch "the example, with the archive, on plain TCP" "'$TMP/fetch-archive' server 80 /file host"
expect_text '^TCP: 8[0-9]{6} bytes received, 1 subflows' "$TMP/said"

# Lost: a program that is installed would not find what stack lkl is had from.
if [ -x "$PREFIX/libexec/rivulet/rivulet-lkl" ]; then
	fetch "the example on lkl" "PATH='$PREFIX/bin':\$PATH '$TMP/fetch' server 80 /file lkl"
	expect_text '^MPTCP: 8[0-9]{6} bytes received, 2 subflows' "$TMP/said"
fi
expect_code 1 env PATH=/nowhere "$TMP/fetch" 127.0.0.1 1 /file lkl
expect_text 'needs the program rivulet, which is neither beside' "$OUT"

# Lost: nobody would learn why one link stays idle.
SERVER=$NGINX
fetch "the example towards a server without MPTCP" "'$TMP/fetch' server 80 /file"
expect_text '^TCP, because MPTCP was refused: 8[0-9]{6} bytes received, 1 subflows' "$TMP/said"

expect_code 1 "$TMP/fetch" 127.0.0.1 1 /file
expect_text "fetch: cannot connect to '127.0.0.1' at 127.0.0.1, port 1: Connection refused" "$OUT"
