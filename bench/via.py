# SPDX-License-Identifier: GPL-2.0-or-later
"""What bench/via runs in the lab.

    python3 via.py first HOST PORT COUNT        ms from connect() to the first byte of an answer, median of COUNT
    python3 via.py many HOST PORT COUNT FILE    COUNT connections at once, each asked and answered; then waits until FILE is gone
    python3 via.py serve PORT                   what both talk to: answers each byte with itself
    python3 via.py resident PID                 kB; and `most`, at any time
    python3 via.py strangers PORT COUNT         COUNT connections to PORT of this host that say nothing, from 1 400 addresses
    python3 via.py clients PORT TOKEN COUNT ECHO    how many of COUNT clients, one after the other and each from an address of
                                                its own, get an answer from ECHO by the relay at PORT; the median of ms, the most
"""

import asyncio
import os
import resource
import socket
import ssl
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
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:  # as said by a client that has what it wanted
        pass
    writer.close()


async def serve(port):
    all_descriptors()
    server = await asyncio.start_server(answer, None, int(port), backlog=4096)
    await server.serve_forever()


def strangers(port, count):
    all_descriptors()
    held = []
    for i in range(int(count)):
        s = socket.socket()
        s.bind((f"127.1.{i % 200}.{1 + i % 7}", 0))
        s.connect(("127.0.0.1", int(port)))
        held.append(s)
        if len(held) > 4000:
            held.pop(0).close()


def clients(port, token, count, echo):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    times = []
    for i in range(int(count)):
        begin = time.monotonic()
        try:
            with socket.socket() as s:
                s.bind((f"127.2.{i // 200}.{1 + i % 200}", 0))
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                s.settimeout(30)
                s.connect(("127.0.0.1", int(port)))
                with context.wrap_socket(s) as tls:
                    tls.sendall(f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\nProxy-Authorization: Bearer {token}\r\n\r\n".encode())
                    assert b" 200 " in tls.recv(4096)
                    tls.sendall(b"x")
                    assert tls.recv(1) == b"x"
            times.append((time.monotonic() - begin) * 1000)
        except (AssertionError, OSError) as e:
            print(f"client {i}: {e!r}", file=sys.stderr)
        time.sleep(0.05)  # so that they come throughout
    print(len(times), statistics.median(times), max(times))


def resident(pid, what="VmRSS"):
    print(next(int(l.split()[1]) for l in open(f"/proc/{pid}/status") if l.startswith(what)))


def most(pid):
    resident(pid, "VmHWM")


if sys.argv[1] == "serve":
    asyncio.run(serve(*sys.argv[2:]))
else:
    commands = {f.__name__: f for f in (first, many, resident, most, strangers, clients)}
    commands[sys.argv[1]](*sys.argv[2:])
