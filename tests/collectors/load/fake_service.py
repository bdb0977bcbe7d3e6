#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A service that behaves as told, to see what memlab-load makes of it.

fake_service.py MODE PORT_FILE [LOG]: listens on a port of the kernel's choice and writes it to PORT_FILE.
On SIGTERM writes what it counted to LOG as JSON. MODE is one of the functions named answer_* below.
"""
import asyncio
import json
import signal
import socket
import sys

RUN = {"path": "naive", "records": 1000, "seed": 7, "gogc": 100}
counted = {"lookups": 0, "controls": 0, "connections": 0, "stamps": [], "keys": {}}


def http(body, status="200 OK", extra=""):
    return ("HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), extra, body)).encode()


async def answer_ok(number, writer):
    writer.write(http("x" * 300))


async def answer_status(number, writer):
    writer.write(http("busy", "503 Service Unavailable") if number % 10 == 0 else http("fine"))


async def answer_garbage(number, writer):
    writer.write(b"this is not HTTP\r\n\r\n" if number % 50 == 0 else http("fine"))


async def answer_cut(number, writer):
    """Ends the connection in the middle of every 50th answer."""
    if number % 50 == 0:
        writer.write(http("x" * 300)[:100])
        await writer.drain()
        writer.close()
    else:
        writer.write(http("fine"))


async def answer_polite(number, writer):
    """Closes after every 25th answer, and says so before."""
    if number % 25 == 0:
        writer.write(http("bye", extra="Connection: close\r\n"))
        await writer.drain()
        writer.close()
    else:
        writer.write(http("fine"))


async def answer_silent(number, writer):
    pass


async def answer_chunked(number, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n")
    await writer.drain()
    await asyncio.sleep(0.001)
    writer.write(b"5\r\nmore!\r\n0\r\n\r\n")


async def answer_open_end(number, writer):
    """HTTP/1.0 style: the end of the connection is the end of the body."""
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nto the end")
    await writer.drain()
    writer.close()


async def answer_reluctant(number, writer):
    """Reads little at a time and rests in between, so that the sender's socket fills up (see main)."""
    if number % 100 == 1:
        await asyncio.sleep(0.1)
    writer.write(http("at last"))


async def answer_twice(number, writer):
    writer.write(http("one") + (http("two") if number % 50 == 0 else b""))


async def answer_stranger(number, writer):
    """Not memlab-svc: nothing is known of /debug/allocs."""
    writer.write(http("fine"))


async def answer_babel(number, writer):
    """Not even HTTP."""
    writer.write(b"220 mail.example ESMTP\r\n")


async def answer_large(number, writer):
    writer.write(http("y" * 300000))


def note_request(head):
    for line in head.split("\r\n"):
        if line.lower().startswith("x-memlab-times:"):
            counted["stamps"].append([int(word) for word in line.split(":")[1].split()])
    target = head.split(" ")[1]
    key = target.split("key=")[1].split("&")[0] if "key=" in target else target
    counted["keys"][key] = counted["keys"].get(key, 0) + 1


def about(mode):
    if mode == "babel":
        return b"220 mail.example ESMTP\r\n"
    if mode == "stranger":
        return http("no such page", "404 Not Found")
    return http(json.dumps({"live_heap": 1, "records": 1000, "seed": 7, "run": RUN}))


async def serve(reader, writer, mode):
    answer = globals()["answer_" + mode]
    counted["connections"] += 1
    try:
        while not writer.is_closing():
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if head.startswith("GET /debug/allocs"):
                counted["controls"] += 1
                writer.write(about(mode))
            else:
                counted["lookups"] += 1
                note_request(head)
                await answer(counted["lookups"], writer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(mode, port_file, log=None):
    listener = socket.socket()
    if mode == "reluctant":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(lambda r, w: serve(r, w, mode), sock=listener, backlog=1024,
                                        limit=2048 if mode == "reluctant" else 65536)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with open(port_file, "w") as file:
        print(server.sockets[0].getsockname()[1], file=file)
    await stop.wait()
    if log:
        with open(log, "w") as file:
            json.dump(counted, file)


asyncio.run(main(*sys.argv[1:]))
