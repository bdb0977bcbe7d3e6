#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""semaphores.py PID: prints `name value` for the semaphore of every memlab probe in a live process."""
import struct
import subprocess
import sys


def notes(path):
    """Yields (name, virtual address of the semaphore) from the file's stapsdt notes."""
    name = None
    provider = None
    for line in subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=False).stdout.splitlines():
        line = line.strip()
        if line.startswith("Provider:"):
            provider = line.split()[1]
        elif line.startswith("Name:"):
            name = line.split()[1]
        elif line.startswith("Location:") and provider in ("memlab", "memlab_ring"):
            yield name if provider == "memlab" else "ring_" + name, int(line.rsplit(" ", 1)[1], 16)


def load_bias(pid):
    """The address the executable's first page is mapped at (it is position independent)."""
    exe = subprocess.run(["readlink", f"/proc/{pid}/exe"], capture_output=True, text=True, check=True).stdout.strip()
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            fields = line.split()
            if len(fields) >= 6 and fields[5] == exe and int(fields[2], 16) == 0:
                return int(fields[0].split("-")[0], 16)
    raise SystemExit("the executable is not mapped")


def main():
    pid = int(sys.argv[1])
    bias = load_bias(pid)
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for name, address in notes(f"/proc/{pid}/exe"):
            memory.seek(bias + address)
            print(name, struct.unpack("<H", memory.read(2))[0])


if __name__ == "__main__":
    main()
