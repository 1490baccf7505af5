#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A link that goes, silently or with notice, or comes back, costs a program nothing but time.
. "$(dirname "$0")/run_lib.sh"
need curl

make_file file 30000000

download() {
	SCENARIO=$1
	expect "$1" pair_lab sh -c "'$RIVULET' run --quiet --report '$REPORT' -- curl -fsS --max-time 60 http://server/file | cmp - '$TMP/www/file'"
	report_has "r['connections'] == 1 and r['fallbacks'] == 0 and min(share.values()) > 0.05 and len(share) == 2"
	echo "survived: $1"
}

download handover-signalled
download handover-silent
download handover-return

# Lost: the second link would stay unused after it came up.
expect "a link that comes up later" pair_lab sh -c "
	ip link set wwan0 down
	'$RIVULET' run --quiet --report '$REPORT' -- sh -c '
		curl -fsS http://server/file | cmp - $TMP/www/file & sleep 1
		ip link set wwan0 up; ip route add default via 10.2.0.1 dev wwan0 metric 101; wait \$!'"
report_has "share.get('wwan0', 0) > 0.05"

# Lost: a middlebox that hates MPTCP would break the program, or nobody would know why one link is idle.
SCENARIO=stripped
expect "a middlebox strips MPTCP" pair_lab sh -c "'$RIVULET' run --report '$REPORT' -- curl -fsS --max-time 60 http://server/file | cmp - '$TMP/www/file'"
expect_text 'fell back to TCP' "$OUT"
report_has "r['fallbacks'] == 1"

# Lost: the same, towards a server that does not speak MPTCP.
SCENARIO=pair
SERVER=$NGINX
expect "a plain server" pair_lab sh -c "'$RIVULET' run --report '$REPORT' -- curl -fsS --max-time 60 http://server/file | cmp - '$TMP/www/file'"
expect_text 'fell back to TCP' "$OUT"
report_has "r['fallbacks'] == 1"
