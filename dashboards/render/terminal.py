#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""terminal.py SECONDS KEYS DIR PROGRAM ARGUMENT...: a program in a terminal of 24 lines by 80 columns.

After SECONDS each of KEYS is pressed, and what stands on the screen a moment later goes to DIR/live-KEY.html. Ends with q.
Knows the few codes that memlab-trace's live view uses.
"""
import fcntl
import html
import os
import pty
import re
import select
import struct
import sys
import termios
import time

STYLES = {"1": "font-weight:bold", "2": "color:#8a8f98", "31": "color:#ff6b6b", "33": "color:#f2c14e", "1;33": "color:#f2c14e;font-weight:bold"}


def line_of(text):
    """One line with its colours as spans."""
    parts, style = [], ""
    for piece in re.split(r"(\x1b\[[0-9;]*m)", text.replace("\x1b[K", "")):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", piece)
        if code:
            style = STYLES.get(code.group(1), "")
        elif piece:
            parts.append(f'<span style="{style}">{html.escape(piece)}</span>')
    return "".join(parts)


def write_page(path, frame):
    lines = "\n".join(line_of(line) for line in frame.replace("\r", "").split("\n"))
    with open(path, "w", encoding="utf-8") as file:
        file.write('<!doctype html><meta charset="utf-8"><style>body{margin:0;background:#16181c}pre{margin:0;padding:14px 18px;color:#e8eaed;'
                   "font:15px/18px 'DejaVu Sans Mono',monospace}</style>" + f"<pre>{lines}</pre>")


def main(seconds, keys, directory, *command):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
        os.execvp(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    stream = b""

    def read_for(length):
        nonlocal stream
        end = time.monotonic() + length
        while (left := end - time.monotonic()) > 0:
            if select.select([fd], [], [], left)[0]:
                stream += os.read(fd, 65536)

    read_for(float(seconds))
    for key in keys:
        os.write(fd, key.encode())
        read_for(1.5)
        frames = re.findall(r"\x1b\[H(.*?)\x1b\[K\x1b\[J", stream.decode(), re.S)
        write_page(f"{directory}/live-{key}.html", frames[-1])
    os.write(fd, b"q")
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass
    return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
