#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The live view in a pseudo-terminal: keys, sizes, and a terminal that is left as it was found.

setup() {
	program="${BUILD:?}/tests/collectors/trace/test_screen_live"
}

@test "the live view shows its pages, follows the size and leaves the terminal as it was" {
	timeout 60 python3 - "$program" <<'P'
import fcntl, os, pty, re, select, signal, struct, sys, termios, time
def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[1], [sys.argv[1], "run"])
resize(fd, 24, 80)
stream = b""
def read_for(seconds):
    global stream
    end = time.time() + seconds
    while time.time() < end:
        if select.select([fd], [], [], 0.05)[0]:
            try:
                stream += os.read(fd, 65536)
            except OSError:
                return
def frame():
    """The last whole frame as lines: what stands between 'home' and 'erase below'."""
    text = stream.decode()
    return re.findall(r"\x1b\[H(.*?)\x1b\[K\x1b\[J", text, re.S)[-1].replace("\x1b[K", "").split("\r\n")
def expect(words, rows, seconds=15):
    end = time.time() + seconds
    while time.time() < end:
        read_for(0.2)
        if b"\x1b[J" in stream and any(words in line for line in frame()) and len(frame()) == rows:
            return frame()
    raise AssertionError(f"{words!r} with {rows} lines not seen; the last frame is {frame()}")
expect("WHY THE SLOWEST", 24)
for key, words in ((b"h", "second by second"), (b"c", "slowest 0.1 %"), (b"r", "the worst requests"), (b"g", "handshakes"), (b"f", "one mean request of the slowest"), (b"?", "quit, and print")):
    os.write(fd, key)
    expect(words, 24)
os.write(fd, b"\x1b[A")  # an arrow key: nothing, and surely not a page of its letter
os.write(fd, b"v")
expect("WHY THE SLOWEST", 24)
os.write(fd, b"p")
paused = expect("PAUSED", 24)
count = [line for line in paused if "requests  " in line][0]
read_for(1.5)
assert [line for line in frame() if "requests  " in line][0] == count, "numbers stand still"
os.write(fd, b"p")
expect("[p]ause", 24)
resize(fd, 40, 120)
wide = expect("WHY THE SLOWEST", 40)
assert all(len(line) <= 120 for line in wide)
os.write(fd, b"q")
while select.select([fd], [], [], 5)[0]:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    stream += data
    if not data:
        break
text = stream.decode()
assert text.startswith("\x1b[?1049h\x1b[?25l") and "\x1b[?25h\x1b[?1049l" in text
assert text.endswith("the verdict after\r\n"), repr(text[-60:])
assert os.waitpid(pid, 0)[1] == 0
P
}

@test "without a terminal there is no live view" {
	run "$program" run </dev/null
	[ "$status" -eq 1 ]
	[ -z "$output" ]
}
