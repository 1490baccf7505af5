# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports of a plain server: 7001 counts what it gets and says so on 7002's next connection; 7003 sends a little and resets; 7004
sends back what it gets, for any number at once; 7005 accepts and reads nothing."""
import asyncio
import socket
import struct

counted = 0


async def count(reader, writer):
    global counted
    while data := await reader.read(1 << 16):
        counted += len(data)
    writer.close()


async def tell(reader, writer):
    writer.write(str(counted).encode())
    writer.close()


async def cut_off(reader, writer):
    writer.write(b"x" * 1000)
    await writer.drain()
    await reader.read(1)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def echo(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


async def sit(reader, writer):
    await asyncio.sleep(3600)


async def main():
    for port, serve in ((7001, count), (7002, tell), (7003, cut_off), (7004, echo), (7005, sit)):
        await asyncio.start_server(serve, "0.0.0.0", port, backlog=1000, limit=1 << 16)
    await asyncio.sleep(3600)


asyncio.run(main())
