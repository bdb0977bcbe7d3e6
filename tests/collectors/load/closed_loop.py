#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The naive closed loop, for contrast: each connection sends when the last answer has come, and times that.

closed_loop.py PORT PATH CONNECTIONS SECONDS REQUESTS: for so long, and until there were so many. Prints requests, p99 and
maximum in milliseconds. (wrk will not do here: since version 4 it adds the samples it thinks it omitted.)
"""
import asyncio
import sys
import time

times = []


async def client(port, path, end, least):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = ("GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path).encode()
    while time.monotonic() < end or len(times) < least:
        begin = time.monotonic()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split()[0]))
        times.append(time.monotonic() - begin)
    writer.close()


async def main(port, path, connections, seconds, least):
    end = time.monotonic() + float(seconds)
    await asyncio.gather(*(client(int(port), path, end, int(least)) for _ in range(int(connections))))
    times.sort()
    print("%d %.3f %.3f" % (len(times), times[len(times) * 99 // 100] * 1000, times[-1] * 1000))


asyncio.run(main(*sys.argv[1:]))
