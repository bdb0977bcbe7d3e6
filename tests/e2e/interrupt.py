#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""interrupt.py TEXT COMMAND...: runs the command on a terminal of its own, presses Ctrl-C two seconds after it has printed TEXT.

Prints what the command printed. Fails if the text does not come, if it does not end then, or leaves a process of its terminal running. Two
minutes for either is hanging.
"""
import os
import pty
import select
import signal
import sys
import time


def session_processes(session):
    """The process ids that belong to the terminal's session and still run."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(name))
    return found


def read_until(terminal, seconds, awaited=None):
    """Collects output for so long, or until the awaited text came; returns (text, whether the terminal was closed)."""
    text, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline and not (awaited and awaited in text):
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                return text, True
            if not part:
                return text, True
            text += part
    return text, False


def await_end(child):
    """The terminal is closed a little before the command that held it has ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and os.waitpid(child, os.WNOHANG)[0] == 0:
        time.sleep(0.01)


def main():
    awaited, command = sys.argv[1].encode(), sys.argv[2:]
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execvp(command[0], command)
    before, closed = read_until(terminal, 120, awaited)
    came = awaited in before
    if not closed:
        more, closed = read_until(terminal, 2)
        before += more
    if not closed:
        os.write(terminal, b"\x03")
    after, ended = read_until(terminal, 120)
    print((before + after).decode(errors="replace"))
    if ended:
        await_end(child)
    left = session_processes(child)
    for process in left:
        os.kill(process, signal.SIGKILL)
    if not came or closed or not ended or left:
        sys.exit(f"printed what was awaited: {came}; ended by itself: {closed}; ended after Ctrl-C: {ended}; left running: {left}")


if __name__ == "__main__":
    main()
