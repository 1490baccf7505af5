#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A person's wish for a link holds: one that is excluded carries nothing, a backup only while the others do not
# work, and a wish that cannot be read is refused with the place where it stands.
. "$(dirname "$0")/run_lib.sh"
. "$(dirname "$0")/still.sh"
need curl jq

make_file file 16000000
XDG_CONFIG_HOME=$TMP/config
CONFIG=$XDG_CONFIG_HOME/rivulet/config.yaml
export XDG_CONFIG_HOME
mkdir -p "$XDG_CONFIG_HOME/rivulet"

# The server must not take the wishes that are the phone's.
SERVER="env XDG_CONFIG_HOME=$TMP/none $SERVER"

# download WHAT SHARE OPTION...: the file, byte by byte, with these options of run, and with the links' share.
download() {
	in_time download_once "$@"
	echo "kept: $1"
}
download_once() {
	what=$1 wanted=$2
	shift 2
	expect "$what" pair_lab sh -c "'$RIVULET' run --explain $* --report '$REPORT' -- curl -4 -fsS --max-time 60 http://server/file | cmp - '$TMP/www/file'"
	report_has "r['connections'] == 1 and r['fallbacks'] == 0 and ($wanted)"
}

# Lost: the link that costs money, or that an employer watches, is used though it was excluded.
download "only the named link" True --links wlan0
report_has "share == {'wlan0': 1}" # whatever the machine does
expect_text 'link wwan0 .*not used: you excluded it' "$OUT"
download "all but one" True --not wwan0
report_has "share == {'wlan0': 1}"
download "all but a kind" True --not kind=cellular
report_has "share == {'wlan0': 1}"

# Lost: with the default route on the excluded link, everything stays there and nobody is told that it begins there.
download "another link than the default route's" "share['wwan0'] > 0.85" --links "'ww*'"
expect_text 'connections still begin on wlan0' "$OUT"

# Lost: a backup that costs, or one that is not there when it is needed.
rests="share.get('wwan0', 0) < 0.05"
download "a backup rests" "$rests" --links wlan0,wwan0:backup
expect_text 'link wwan0 .*used as a backup' "$OUT"
download "a metered link rests" "$rests" --links wlan0,wwan0:metered

takes_over() {
	SCENARIO=$TMP/$1.yaml
	{
		cat "$RIVULET_SCENARIOS/pair.yaml"
		printf 'events:\n  - {at: 1s, link: wifi, do: %s}\n' "$1"
	} >"$SCENARIO"
	download "a backup takes over from a link of which nothing is heard ($1)" "share['wwan0'] > 0.2 and share['wlan0'] > 0.1" \
		--links wlan0,wwan0:backup
	SCENARIO=pair
}
takes_over blackhole
takes_over down

# Lost: what stands in the configuration is not done, or done though the command line says otherwise.
cat >"$CONFIG" <<'END'
# The phone's
links:
  - {kind: cellular, policy: backup}
  - name: "eth*"
    policy: never
END
download "the configuration file" "$rests"
download "the command line before the configuration file" "min(share.values()) > 0.1 and len(share) == 2" --links wlan0,wwan0

# Lost: nobody can find out what run would do.
expect "the list of links" pair_lab "$RIVULET" links
expect_text '^wlan0 +wifi +up .* used; connections begin here' "$OUT"
expect_text '^  10.2.0.2/24 via 10.2.0.1' "$OUT"
expect "the list of links as JSON" pair_lab sh -c "'$RIVULET' links --not wlan0 --json >'$TMP/links'"
jq -e '[.links[] | select(.name == "wwan0") | .kind == "cellular" and .use == "backup" and .policy == "backup" and
	.state == "up" and .mtu == 1500 and .addresses[0] == "10.2.0.2/24" and .gateways[0] == "10.2.0.1"] == [true]' \
	"$TMP/links" >/dev/null || { cat "$TMP/links" >&2; fail "wwan0 is not described"; }
jq -e '[.links[] | select(.name == "wlan0") | .use == "not used" and (.why | test("excluded")) and .connections_begin] == [true]' \
	"$TMP/links" >/dev/null || { cat "$TMP/links" >&2; fail "wlan0 is not described"; }

# Lost: a change would be missed, or an unchanged table printed again and again.
expect "watching the links" pair_lab sh -c "
	. '$(dirname "$0")/soon.sh'
	'$RIVULET' links --watch --json >'$TMP/watch' & watch=\$!
	soon 10 grep -q . '$TMP/watch' || { echo 'it says nothing' >&2; exit 1; }
	ip link set wwan0 mtu 1400
	soon 10 grep -q '\"mtu\": *1400' '$TMP/watch' || { cat '$TMP/watch' >&2; echo 'it does not say what changed' >&2; exit 1; }
	kill \$watch; wait \$watch || :"
[ "$(sed -n '$p' "$TMP/watch" | jq '.links[] | select(.name == "wwan0").mtu')" = 1400 ] ||
	{ cat "$TMP/watch" >&2; fail "the last line does not say what changed"; }

# Lost: a mistyped wish would be taken for none.
printf 'links:\n  - {name: wlan0, policy: use}\n  - {name: wwan0, polcy: backup}\n' >"$CONFIG"
expect_code 125 "$RIVULET" run -- true
expect_text "rivulet: $CONFIG:3: unknown key 'polcy'" "$OUT"
expect_code 1 "$RIVULET" links
expect_text "rivulet: $CONFIG:3: " "$OUT"
rm "$CONFIG"
expect_code 125 "$RIVULET" run --links wlan0:bakup -- true
expect_text "rivulet: --links: 'bakup' after 'wlan0:' is not known" "$OUT"
expect_code 125 "$RIVULET" run --not wlan0:backup -- true
expect_text "rivulet: --not: " "$OUT"
expect "a name that no link has" pair_lab sh -c "'$RIVULET' run --links wlan0,wlan9 -- true"
expect_text "rivulet: --links: there is no link 'wlan9' now \(there are: wlan0, wwan0\)" "$OUT"

# Lost: a VPN that is switched on while a program runs would be got around.
cat "$(dirname "$0")/soon.sh" - >"$TMP/vpn" <<EOF
has() { ip mptcp endpoint | grep -q 10.2.0.2; }
has_none() { [ -z "\$(ip mptcp endpoint)" ]; }
ip link add tun9 type veth peer name peer9
ip address add 10.9.0.2/24 dev tun9
ip link set tun9 up
ip link set peer9 up
ip route add default via 10.9.0.1 dev tun9 table 777
'$RIVULET' run --quiet -- sleep 60 & run=\$!
soon 10 has || { echo "no endpoint" >&2; exit 1; }
ip rule add priority 100 table 777
soon 5 has_none || { echo "subflows beside the VPN" >&2; exit 1; }
ip rule del priority 100 table 777
soon 5 has || { echo "no endpoint after it" >&2; exit 1; }
kill \$run
EOF
expect "a VPN that comes and goes" rivulet lab run pair -- sh "$TMP/vpn"

# Lost: another run in the same place undoes what was asked for, or is itself undone by it.
two_runs() {
	pair_lab sh -c "
		'$RIVULET' run --quiet $1 -- sh -c 'touch $TMP/first; cat $TMP/wait' & first=\$!
		for i in \$(seq 200); do [ -e '$TMP/first' ] && break; sleep 0.05; done
		'$RIVULET' run --report '$REPORT' $2 -- curl -4 -fsS -o '$TMP/got' http://server/file; code=\$?
		echo >'$TMP/wait'; wait \$first; rm '$TMP/first'
		exit \$code"
}
mkfifo "$TMP/wait"
expect_code 125 two_runs "" "--stack native --not wlan0"
expect_text "the policy 'never' cannot be kept: link wlan0 is used by another run" "$OUT"
expect_text 'or give one a network stack of its own .--stack lkl' "$OUT"
expect_code 125 two_runs "" "--stack native --links wlan0:backup,wwan0"
expect_text "the policy .backup. cannot be kept: link wlan0 is used by another run" "$OUT"
expect_code 125 two_runs "" "--stack native --not wwan0"
expect_text "the policy 'never' cannot be kept: link wwan0 is used for subflows here" "$OUT"
expect_code 125 two_runs "--links wlan0" "--stack native --links wlan0,wwan0"
expect_text "the policy 'use' cannot be kept: link wwan0 is kept out of use" "$OUT"
expect "a run without wishes beside one with" two_runs "--not wwan0" ""
expect_text "rivulet: link wwan0 is kept out of use here" "$OUT"
report_has "share == {'wlan0': 1}"
of_one_mind() {
	expect "two runs of one mind" two_runs "--links wlan0,wwan0:backup" "--links wlan0,wwan0:backup"
	report_has "$rests"
}
in_time of_one_mind

# Lost: what was said for one run would hold for another when it is over.
expect "a wish ends with its run" pair_lab sh -c "
	stays() { '$RIVULET' run --quiet \$2 -- sh -c 'touch $TMP/\$0; until [ -e $TMP/\$0.over ]; do sleep 0.05; done' \$1; }
	. '$(dirname "$0")/soon.sh'
	must() { soon 10 \"\$@\" || { ip mptcp endpoint >&2; echo \"not: \$*\" >&2; exit 1; }; }
	rests() { ip mptcp endpoint | grep -q '10.2.0.2.*subflow backup'; }
	is_used() { ip mptcp endpoint | grep -q '10.2.0.2.*subflow *dev'; }
	is_left() { [ -z \"\$(ip mptcp endpoint)\" ]; }
	stays one '--links wlan0,wwan0:backup' & one=\$!
	must rests
	stays two '' & two=\$!
	must [ -e '$TMP/two' ]
	rests || { echo 'the second run has changed it' >&2; exit 1; }
	touch '$TMP/one.over'
	wait \$one
	must is_used
	touch '$TMP/two.over'
	wait \$two
	must is_left"
