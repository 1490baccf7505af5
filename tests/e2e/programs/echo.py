# SPDX-License-Identifier: GPL-2.0-or-later
"""An asyncio server that sends back what it gets, and a client that asks it for a lot at once: echo.py serve PORT | ask ADDRESS PORT."""
import asyncio
import os
import sys


async def answer(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


async def ask(address, port, size):
    reader, writer = await asyncio.open_connection(address, port)
    data = os.urandom(size)
    writer.write(data)
    # All of it before the end is said: this kernel's MPTCP now and then loses the last bytes behind a half-close, with no program of
    # ours in between (Linux 6.18, `mptcpize run` at both ends: one of some thousand connections). relayed.py tries half-closes.
    assert await reader.readexactly(size) == data, "other bytes came back"
    writer.write_eof()
    assert await reader.read() == b"", "more than all came back"
    writer.close()
    await writer.wait_closed()


async def main():
    if sys.argv[1] == "serve":
        server = await asyncio.start_server(answer, "0.0.0.0", int(sys.argv[2]), backlog=512)
        await server.serve_forever()
    for _ in range(3):
        await asyncio.gather(*(ask(sys.argv[2], int(sys.argv[3]), 1 << n % 18) for n in range(100)))


asyncio.run(main())
