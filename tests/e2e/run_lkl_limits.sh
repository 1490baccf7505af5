#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stack lkl at its limits: more connections than port numbers are held for, the least memory, a kernel that breaks down, and
# many starts.
. "$(dirname "$0")/run_lib.sh"
need curl pgrep ss
[ -x "$(dirname "$RIVULET")/kernel/rivulet-lkl" ] || skip "rivulet-lkl is not built (make kernels)"
[ "$(id -u)" = 0 ] || skip "only root may hold so many descriptors"

make_file file 8000000
run="'$RIVULET' run --quiet --stack lkl"

# Lost: a program with many connections at once would be told that there are no addresses left.
cat >"$TMP/many.py" <<'EOF'
import asyncio, resource, sys
COUNT = int(sys.argv[2])
SIZE = int(sys.argv[3]) if len(sys.argv) > 3 else 800
async def serve(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()
async def one(index, ready, go):
    try:
        reader, writer = await asyncio.open_connection("10.1.0.1", 7004)
    finally:
        ready.release()
    await go.wait()
    data = b"%08d" % index * (SIZE // 8)
    writer.write(data)
    writer.write_eof()
    got = await reader.read(-1)
    assert got == data, (index, len(got))
    writer.close()
async def arrival():  # of the server
    while True:
        try:
            _, writer = await asyncio.open_connection("10.1.0.1", 7004)
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
    writer.close()
async def main():
    if sys.argv[1] == "serve":
        server = await asyncio.start_server(serve, "0.0.0.0", 7004, backlog=4096)
        await server.serve_forever()
    await arrival()
    ready, go = asyncio.Semaphore(0), asyncio.Event()
    tasks = [asyncio.create_task(one(i, ready, go)) for i in range(COUNT)]
    for _ in range(COUNT):
        await ready.acquire()
    go.set()  # all are connected, or gather() says which is not
    await asyncio.gather(*tasks)
resource.setrlimit(resource.RLIMIT_NOFILE, (COUNT + 100, COUNT + 100))
asyncio.run(main())
EOF
SERVER="python3 '$TMP/many.py' serve 5000"
expect "2 000 connections at once" pair_lab sh -c "$run --memory 128MiB -- python3 '$TMP/many.py' ask 2000"
echo "works: 2 000 connections at once"

# Lost: some of many uploads would stand still for ever, because all memory was taken at the wrong moment.
SERVER="'$RIVULET' run --quiet -- python3 '$TMP/many.py' serve 5000"
for memory in 16 32; do
	expect "more to send than there is memory, of $memory MiB" pair_lab sh -c "$run --memory ${memory}MiB -- timeout 60 python3 '$TMP/many.py' ask 128 200000"
done
echo "works: 128 connections that have more to send than there is memory"

# Lost: all connections of a small device would stop together.
cat >"$TMP/store.py" <<'EOF'
import http.server, sys
DATA = open(sys.argv[1], "rb").read()
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, code, data=b""):
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def do_GET(self):
        self.answer(200, DATA)
    def do_PUT(self):
        self.answer(200 if self.rfile.read(int(self.headers["Content-Length"])) == DATA else 409)
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
EOF
SERVER="'$RIVULET' run --quiet -- python3 '$TMP/store.py' '$TMP/www/file'"
for ports in shared nat; do
	expect "the least memory ($ports)" pair_lab sh -c "$run --memory 16MiB --ports $ports -- sh -c '
		curl -4 -fsS --retry 20 --retry-connrefused --max-time 60 http://server:8000/file | cmp - $TMP/www/file &&
		curl -4 -fsS --max-time 60 -T $TMP/www/file http://server:8000/file'"
done
echo "works: 16 MiB of memory, both ways, over shared ports and nat"

# Lost: nobody would know why all connections were cut off; or the program would wait for ever.
for way in breaks is-killed; do
	rm -f "$TMP/words" "$TMP/got"
	case $way in
	breaks) signal=USR1 ;;
	is-killed) signal=KILL ;;
	esac
	expect "a kernel that $way" pair_lab sh -c "
		RIVULET_LKL_BREAKS=yes $run -- curl -4 -sS --limit-rate 500k --retry 20 --retry-connrefused --max-time 60 -o '$TMP/got' http://server:8000/file 2>'$TMP/words' & run=\$!
		until [ -s '$TMP/got' ]; do sleep 0.05; kill -0 \$run || exit 1; done
		kill -$signal \$(pgrep -x rivulet-lkl --ns \$\$ --nslist net)
		wait \$run
		[ \$? = 56 ]"
	expect_text 'curl: \(56\)' "$TMP/words"
	[ $way = is-killed ] || expect_text 'the kernel of stack lkl has crashed.*Kernel panic.*Attempted to kill init' "$TMP/words"
done
echo "works: a kernel that breaks down says so, and its connections are reset"

# Lost: a device that runs many short programs would fill up.
COUNT=${COUNT:-100}
cat "$(dirname "$0")/soon.sh" - >"$TMP/starts" <<EOF
left() {
	pgrep -x 'rivulet-.*' --ns \$\$ --nslist net
	ss -tlnuH
	ip rule
	ip route show table all
	ip mptcp endpoint
	find "\${RIVULET_STATE:-/run/rivulet}" -name '*-*' 2>/dev/null
}
soon 10 settled || exit 1
left >"$TMP/before"
for i in \$(seq $COUNT); do
	$run -- true || exit 1
	# Its port numbers would be the next run's, and it reset what comes for them.
	! pgrep --ns \$\$ --nslist net -x rivulet-lkl || { echo "the kernel outlives its run" >&2; exit 1; }
done
for i in \$(seq 100); do
	left >"$TMP/after"
	! cmp -s "$TMP/before" "$TMP/after" || exit 0
	sleep 0.1
done
diff "$TMP/before" "$TMP/after"
EOF
SERVER=$NGINX
expect "$COUNT starts" pair_lab sh "$TMP/starts"
echo "works: $COUNT starts and ends leave nothing"
