# SPDX-License-Identifier: GPL-2.0-or-later
"""What bench/via runs in the lab.

    python3 via.py first HOST PORT COUNT        ms from connect() to the first byte of an answer, median of COUNT
    python3 via.py many HOST PORT COUNT FILE    COUNT connections at once, each asked and answered; then waits until FILE is gone
    python3 via.py serve PORT                   what both talk to: answers each byte with itself
    python3 via.py resident PID                 kB
"""

import asyncio
import os
import resource
import socket
import statistics
import sys
import threading
import time


def all_descriptors():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def first(host, port, count):
    times = []
    for _ in range(int(count)):
        begin = time.monotonic()
        with socket.create_connection((host, int(port))) as s:
            s.sendall(b"x")
            s.recv(1)
            times.append((time.monotonic() - begin) * 1000)
        time.sleep(0.1)  # as a person's next click: what is kept ready is ready again
    print(statistics.median(times))


def many(host, port, count, path):
    all_descriptors()
    count, held, lock = int(count), [], threading.Lock()

    def some(number):
        for _ in range(number):
            s = socket.create_connection((host, int(port)))
            s.sendall(b"x")
            assert s.recv(1) == b"x"
            with lock:
                held.append(s)

    threads = [threading.Thread(target=some, args=(count // 100,)) for _ in range(100)]
    begin = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(len(held), time.monotonic() - begin, flush=True)
    while os.path.exists(path):
        time.sleep(0.05)
    for s in held:  # each still is the connection that it was
        s.sendall(b"y")
    assert all(s.recv(1) == b"y" for s in held)


async def answer(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def serve(port):
    all_descriptors()
    server = await asyncio.start_server(answer, None, int(port), backlog=4096)
    await server.serve_forever()


def resident(pid):
    print(next(int(l.split()[1]) for l in open(f"/proc/{pid}/status") if l.startswith("VmRSS")))


if sys.argv[1] == "serve":
    asyncio.run(serve(*sys.argv[2:]))
else:
    {"first": first, "many": many, "resident": resident}[sys.argv[1]](*sys.argv[2:])
