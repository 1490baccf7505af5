# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the tests of `rivulet run` share, on top of lib.sh: a web server of a real kind, and reports.
#
#   nginx_config FILE    writes a configuration that serves $TMP/www on port 80
#   make_file NAME SIZE  a file of random bytes in $TMP/www
#   pair_lab CMD...      CMD on the phone of scenario $SCENARIO (pair); nginx, under `run`, on the server
#   report_has EXPRESSION   the last $TMP/report makes the Python EXPRESSION over `r` true
. "$(dirname "$0")/lib.sh"
need nginx python3

SCENARIO=${SCENARIO:-pair}
REPORT=$TMP/report
mkdir -p "$TMP/www"

nginx_config() {
	cat >"$1" <<EOF
daemon off;
worker_processes 2;
user root;
pid $TMP/nginx.pid;
error_log stderr;
events { worker_connections 512; }
http {
	access_log off;
	client_max_body_size 0;
	client_body_temp_path $TMP/body;
	proxy_temp_path $TMP/proxy;
	fastcgi_temp_path $TMP/fastcgi;
	uwsgi_temp_path $TMP/uwsgi;
	scgi_temp_path $TMP/scgi;
	server {
		listen 80;
		listen [::]:80;
		root $TMP/www;
	}
}
EOF
}

make_file() {
	head -c "$2" /dev/urandom >"$TMP/www/$1"
}

NGINX="nginx -e stderr -c $TMP/nginx.conf"
nginx_config "$TMP/nginx.conf"
SERVER="$RIVULET run --quiet -- $NGINX"

pair_lab() {
	rivulet lab run "$SCENARIO" --also "server: $SERVER" -- "$@"
}

report_has() {
	python3 - "$REPORT" "$1" <<'EOF' || fail "the report does not say: $1"
import json, sys
r = json.load(open(sys.argv[1]))
links = {l["name"]: l for l in r["links"]}
total = sum(l["sent"] + l["received"] for l in r["links"]) or 1
share = {n: (l["sent"] + l["received"]) / total for n, l in links.items()}
if not eval(sys.argv[2]):
    print(json.dumps(r, indent=1), share, file=sys.stderr)
    sys.exit(1)
EOF
}
