#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The naive closed loop, for contrast: each connection sends when the last answer has come, and times that.

closed_loop.py PORT PATH CONNECTIONS SECONDS REQUESTS [PID]: for so long, and until there were so many; halfway through the
requests, process PID is stopped for half a second. Prints requests, p99 and maximum in milliseconds. (wrk will not do here:
since version 4 it adds the samples it thinks it omitted.)
"""
import asyncio
import os
import signal
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


async def stop(pid, when):
    while len(times) < when:
        await asyncio.sleep(0.001)
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(0.5)
    os.kill(pid, signal.SIGCONT)


async def main(port, path, connections, seconds, least, pid=None):
    end = time.monotonic() + float(seconds)
    tasks = [client(int(port), path, end, int(least)) for _ in range(int(connections))]
    if pid:
        tasks.append(stop(int(pid), int(least) // 2))
    await asyncio.gather(*tasks)
    times.sort()
    print("%d %.3f %.3f" % (len(times), times[len(times) * 99 // 100] * 1000, times[-1] * 1000))


asyncio.run(main(*sys.argv[1:]))
