#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What all commands have in common. Lost otherwise: output, and nobody is told; options that nobody can find.
. "$(dirname "$0")/lib.sh"
need bash

SOURCE=$(dirname "$0")/../..
COMMANDS=$(rivulet --help | sed -n 's/^  \([a-z]*\)  *[^ ].*/\1/p')
[ "$(echo "$COMMANDS" | wc -l)" -ge 17 ] || fail "too few commands in --help: $COMMANDS"

# What is not written is a failure, whether there is no room or no such descriptor.
lost() {
	expect_code 1 sh -c '"$@" >/dev/full' sh "$RIVULET" "$@"
	expect_text 'cannot write: No space left' "$OUT"
	expect_code 1 sh -c '"$@" >&-' sh "$RIVULET" "$@"
	expect_text 'cannot write: Bad file descriptor' "$OUT"
}
lost --help
lost --version
for command in $COMMANDS; do
	lost "$command" --help
done
lost links --json
lost probe --quick --json
lost choose --regret "$SOURCE/data/measurements.json"
lost choose --regret "$SOURCE/data/measurements.json" --json
lost lab show pair --json
lost lab check pair
lost run --dry-run
expect_code 1 sh -c '"$1" crowd new lab --name me --state "$2" >/dev/full' sh "$RIVULET" "$TMP/state"
expect_text 'cannot write' "$OUT"

# A standard descriptor that we were started without is nobody's file or socket, and programs are started without it, too.
without='"$@" <&-'
expect "a lab without standard input" sh -c "$without" sh "$RIVULET" lab run pair -- test ! -e /proc/self/fd/0
expect "a program without standard input" "$RIVULET" lab run pair -- sh -c "$without" sh \
	"$RIVULET" run --quiet --as-root -- test ! -e /proc/self/fd/0

# Wrong arguments are told from failures.
for wrong in 'get --wait soon x' 'get x' 'put --lifetime soon x' 'put --to a,b x' 'crowd invite --open soon' \
	'crowd new --name a,b x' 'tasks x' 'tasks --cancel ../x' 'node --load-most nan' 'submit --copies 4294967297 -- true' \
	'submit --memory 9223372036854775808 -- true' 'links x' 'choose --for anything' 'assess --seed x' \
	'proxy --stack x' 'proxy --stack uml' 'proxy --listen x' 'proxy --listen 127.0.0.1:65536' 'node --stack x' 'relay --listen x'; do
	# shellcheck disable=SC2086
	expect_code 2 "$RIVULET" $wrong
done

# Also where there is no folder for what they would be about.
expect_code 2 env RIVULET_NODE="$(printf '%05000d' 0)" "$RIVULET" crowd found x

# What completion offers at @2... of the command line, and $CUR behind them.
cat >"$TMP/complete.bash" <<'END'
_init_completion() { words=("${line[@]}" "$CUR") cword=${#line[@]} cur=$CUR prev=${line[-1]}; }
_filedir() { :; }
compopt() { :; }
complete() { :; }
. "$1"
shift
line=("$RIVULET" "$@")
_rivulet
printf '%s\n' "${COMPREPLY[@]}"
END

# The hosts of a scenario are known, too, whatever stands before it.
for line in 'run handover-silent --on' 'run --verbose handover-silent --seed 3 --on'; do
	# shellcheck disable=SC2086
	hosts=$(CUR='' bash "$TMP/complete.bash" "$SOURCE/completion/rivulet.bash" lab $line | sort | xargs)
	[ "$hosts" = "$("$RIVULET" lab show --json handover-silent | grep -o '"hosts": [^]]*' | grep -o '"name": "[^"]*' |
		sed 's/.*"//' | sort | xargs)" ] || fail "hosts that are completed: $hosts"
done

# Each option of --help is in the manual page and completed, and the other way round.
for command in $COMMANDS; do
	set -- "$command"
	case $command in
	lab) set -- lab run ;;
	crowd) set -- crowd new ;;
	esac
	"$RIVULET" "$command" --help >"$TMP/help"
	# What stands before the description, and any.
	sed -n 's/^  \(-[a-z], \)\{0,1\}\(--.*\)/\2/p' "$TMP/help" | sed 's/   *.*//' |
		grep -o -- '--[a-z][a-z-]*' | sort -u >"$TMP/options" || :
	grep -o -- '--[a-z][a-z-]*' "$TMP/help" | sort -u >"$TMP/named" || :
	grep '^\.It' "$SOURCE/man/rivulet-$command.1" | grep -o 'Fl Fl [a-z-]*' |
		sed 's/Fl Fl /--/' | sort -u >"$TMP/manual" || :
	CUR=-- bash "$TMP/complete.bash" "$SOURCE/completion/rivulet.bash" "$@" |
		grep -x -- '--[a-z][a-z-]*' | sort -u >"$TMP/completed" || :
	options=$(cat "$TMP/options")
	for option in $options; do
		[ "$option" != --help ] || continue
		grep -Eq "Fl Fl ${option#--}( |\$)" "$SOURCE/man/rivulet-$command.1" ||
			fail "$command $option is not in the manual page"
		grep -qx -- "$option" "$TMP/completed" || fail "$command $option is not completed"
	done
	# Only tests have a use for --sensors.
	options=$(cat "$TMP/manual" "$TMP/completed")
	for option in $options; do
		case $option in
		--help | --sensors) continue ;;
		esac
		grep -qx -- "$option" "$TMP/named" || fail "--help of $command does not say $option"
	done
	grep -qx -- --help "$TMP/completed" || fail "$command --help is not completed"
done
