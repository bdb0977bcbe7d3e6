#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that curl cannot be: pipelining, slow, broken and many. client.py TEST PORT [ARGUMENT...]; status 1 if the
service did not do what it should."""
import json
import os
import resource
import socket
import sys
import threading
import time


def connect(port, receive_bytes=0):
    s = socket.socket()
    if receive_bytes:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    s.settimeout(30)
    s.connect(("127.0.0.1", port))
    return s


def get(key, extra=""):
    return f"GET /lookup?key={key} HTTP/1.1\r\nHost: x\r\n{extra}\r\n".encode()


class Reader:
    """Takes answers off a socket one by one."""

    def __init__(self, sock):
        self.sock, self.data = sock, b""

    def more(self):
        got = self.sock.recv(65536)
        if not got:
            raise EOFError("the service closed the connection")
        self.data += got

    def answer(self, head=False):
        while b"\r\n\r\n" not in self.data:
            self.more()
        header, self.data = self.data.split(b"\r\n\r\n", 1)
        status = int(header.split()[1])
        fields = dict(line.lower().split(b": ", 1) for line in header.split(b"\r\n")[1:])
        length = 0 if head else int(fields.get(b"content-length", b"0"))
        while len(self.data) < length:
            self.more()
        body, self.data = self.data[:length], self.data[length:]
        return status, fields, body


def keepalive(port):
    s = connect(port)
    reader = Reader(s)
    for key in range(100):
        s.sendall(get(key))
        status, _, body = reader.answer()
        assert status == 200 and json.loads(body)["id"] == key


def hang_up(port, pid, count="300"):
    """Clients that send their last bytes and the end of their stream at once. Whole requests are answered, then the connection is
    closed; broken ones are closed; and the service keeps no socket."""
    def sockets():
        count = 0
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                count += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
            except FileNotFoundError:
                pass  # closed since it was listed
        return count

    before = sockets()
    for key in range(int(count)):
        s = connect(port)
        s.sendall(get(key) + get(key + 1))
        s.shutdown(socket.SHUT_WR)
        reader = Reader(s)
        for expected in (key, key + 1):
            status, _, body = reader.answer()
            assert status == 200 and json.loads(body)["id"] == expected
        assert s.recv(1) == b"", "not closed"
        s = connect(port)
        s.sendall(get(key)[:-2 - key % 20])
        s.close()
    # Many at once, so that some come while the service is between two looks.
    for _ in range(int(count)):
        broken = [connect(port) for _ in range(30)]
        for s in broken:
            s.sendall(get(key)[:-2])
            s.shutdown(socket.SHUT_WR)
        for s in broken:
            assert s.recv(1) == b"", "a broken request is neither answered nor kept"
            s.close()
    end = time.monotonic() + 20
    while sockets() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert sockets() <= before, f"{sockets()} sockets, {before} before"


def pipeline(port, count="500"):
    s = connect(port)
    s.sendall(b"".join(get(key) for key in range(int(count))))
    reader = Reader(s)
    for key in range(int(count)):
        status, _, body = reader.answer()
        assert status == 200 and json.loads(body)["id"] == key, key


def byte_by_byte(port):
    s = connect(port)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in get(7):
        s.sendall(bytes([byte]))
        time.sleep(0.001)
    assert Reader(s).answer()[0] == 200


def head(port):
    s = connect(port)
    reader = Reader(s)
    s.sendall(get(7).replace(b"GET", b"HEAD") + get(8))
    status, fields, _ = reader.answer(head=True)
    assert status == 200 and int(fields[b"content-length"]) > 100
    status, _, body = reader.answer()
    assert status == 200 and json.loads(body)["id"] == 8


def methods(port):
    s = connect(port)
    reader = Reader(s)
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]:
        s.sendall(f"{method} /lookup?key=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".encode())
        status, fields, body = reader.answer()
        assert status == 405 and fields[b"allow"] == b"get, head" and json.loads(body)["status"] == 405
    s.sendall(get(3))
    assert reader.answer()[0] == 200


def large_body(port):
    """Refused without reading it all; the service does not choke."""
    s = connect(port)
    s.sendall(b"POST /lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 1000)
    assert Reader(s).answer()[0] in (405, 413)


def long_headers(port):
    for request in [b"GET /lookup?key=" + b"1" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20000 + b"\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n"]:
        s = connect(port)
        try:
            s.sendall(request)
            status = Reader(s).answer()[0]
            assert 400 <= status < 500, status
        except (EOFError, ConnectionError):
            pass  # closing is an answer too
    one = connect(port)
    one.sendall(get(1))
    assert Reader(one).answer()[0] == 200


def garbage(port):
    import random
    rng = random.Random(7)
    seeds = [get(7), b"GET /lookup?key=%zz&fmt=%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
             b"GET  HTTP/1.1\r\n\r\n", b"\r\n\r\n\r\n", b"GET /lookup?key=1 HTTP/9.9\r\n\r\n", b"\0" * 100,
             b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
             b"GET /lookup?&&&=&key=&key==1&=7 HTTP/1.1\r\nHost: x\r\n\r\n"]
    for round_ in range(400):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        s = connect(port)
        s.settimeout(0.05 if round_ % 8 == 0 else 0.002)
        try:
            s.sendall(data)
            s.recv(4096)
        except OSError:
            pass
        s.close()
    s = connect(port)
    s.sendall(get(1))
    assert Reader(s).answer()[0] == 200


def slow_request(port, seconds):
    """A request that is never finished is closed."""
    s = connect(port)
    s.sendall(b"GET /lookup?key=1 HT")
    start = time.monotonic()
    s.settimeout(float(seconds) + 20)
    try:
        got = s.recv(4096)
    except ConnectionError:
        got = b""
    assert time.monotonic() - start >= float(seconds) / 2
    assert got == b"" or got.split()[1] == b"408", got


def trickle(port, seconds):
    """A byte now and then does not keep a request open for ever; a client that sends whole requests stays."""
    s, good = connect(port), connect(port)
    reader, start = Reader(good), time.monotonic()
    try:
        for byte in b"GET /lookup?key=1 HTTP/1.1\r\nX: " + b"y" * 1000:
            s.sendall(bytes([byte]))
            good.sendall(get(3))
            assert reader.answer()[0] == 200
            time.sleep(float(seconds) / 8)
            assert time.monotonic() - start < float(seconds) * 5 + 10, "still open"
    except ConnectionError:
        pass
    good.sendall(get(3))
    assert reader.answer()[0] == 200


def slow_reader(port, count="3000", collections="10"):
    """Asks much, reads late, after some forced collections and while others go on: answers wait in the service and are right in the end."""
    count, collected, done_reading = int(count), [], threading.Event()
    collector = threading.Thread(target=collect_until, args=(port, done_reading, collected))
    collector.start()
    try:
        read_slowly(port, count, lambda: len(collected) >= int(collections))
    finally:
        done_reading.set()
        collector.join()


def collect_until(port, event, collected):
    while not event.is_set():
        s = connect(port)
        s.sendall(b"POST /debug/knobs?gc=now HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        status, _, _ = Reader(s).answer()
        assert status == 200, status
        collected.append(status)
        s.close()
        event.wait(0.02)


def ready_in_collection(port, least="5"):
    """Readiness is answered again and again while one forced collection goes on, not once at its end."""
    reader, knobs, about = (Reader(connect(port)) for _ in range(3))

    def ask(reader, text):
        reader.sock.sendall(f"{text} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        status, _, body = reader.answer()
        assert status == 200, (text, status)
        return json.loads(body)

    before, answers = ask(about, "GET /debug/allocs")["gc_cycles"], 0
    ask(knobs, "POST /debug/knobs?gc=now")
    begin = time.monotonic()
    while ask(about, "GET /debug/allocs")["gc_cycles"] == before:
        ask(reader, "GET /readyz")
        answers += 1
    print(f"{answers} answers in a collection of {1000 * (time.monotonic() - begin):.0f} ms")
    assert answers >= int(least), answers


def read_slowly(port, count, may_begin):
    s = connect(port, receive_bytes=4096)
    s.setblocking(False)
    requests, sent = b"".join(get(key) for key in range(count)), 0
    reader, done, idle_until = Reader(s), 0, time.monotonic() + 1
    while done < count:
        try:
            sent += s.send(requests[sent:sent + 65536]) if sent < len(requests) else 0
        except BlockingIOError:
            pass
        if time.monotonic() < idle_until or not may_begin():
            time.sleep(0.02)
            continue
        s.settimeout(30)
        for _ in range(20):
            if done < count and (sent == len(requests) or reader.data):
                status, _, body = reader.answer()
                assert status == 200 and json.loads(body)["id"] == done, done
                done += 1
            elif sent < len(requests):
                s.setblocking(False)
                try:
                    reader.more()
                except BlockingIOError:
                    time.sleep(0.001)
                s.settimeout(30)
        s.setblocking(False)


def idle(port, count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(int(count), hard - 100)
    idle_ones = []
    for _ in range(count):
        idle_ones.append(connect(port))
    slowest = 0
    one = connect(port)
    reader = Reader(one)
    for key in range(200):
        start = time.monotonic()
        one.sendall(get(key))
        assert reader.answer()[0] == 200
        slowest = max(slowest, time.monotonic() - start)
    for s in idle_ones[:: max(1, count // 100)]:
        s.sendall(get(5))
        assert Reader(s).answer()[0] == 200
    print(f"{count} idle, slowest answer {slowest * 1e3:.1f} ms")


def in_flight(port, pid, request):
    """A request in the handler when SIGTERM comes is answered; new connections are not taken."""
    import os
    import signal
    s, idle_one = connect(port), connect(port)
    s.sendall(f"GET {request} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    time.sleep(0.1)
    os.kill(int(pid), signal.SIGTERM)
    status, fields, _ = Reader(s).answer()
    assert status == 200
    assert s.recv(1) == b""
    assert idle_one.recv(1) == b""


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2]), *sys.argv[3:])
