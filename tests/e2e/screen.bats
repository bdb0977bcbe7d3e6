#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The verdict where people read it: in a terminal, in a pipe, with and without colour, while a load runs.

load common

start_load() {
	"$bin/memlab-load" --url "$url" --rate 2000 --connections 8 --duration 60s --warmup 0s --keys "$records" --seed "$seed" \
		>"$dir/load.log" 2>&1 3>&- &
	pids+=($!)
	for _ in $(seq 200); do [ "$(ask | jq .requests)" -gt 100 ] && return; sleep 0.05; done
}

@test "piped: a line a second before the verdict, and no escape code" {
	need_root
	start_service "$bin/memlab-svc" --path naive --index-size 4MiB
	start_load
	"$bin/memlab-trace" -p "$service_pid" -d 3 2>"$dir/trace.log" | while IFS= read -r line; do echo "$(date +%s%N) $line"; done >"$dir/lines"
	cut -d' ' -f2- "$dir/lines"
	grep -qE '^[0-9]+ after [0-9.]+ m?s: [0-9,]+ requests   p50 .* p99 .* lost 0' "$dir/lines"
	grep -q 'WHY THE SLOWEST' "$dir/lines"
	run grep -c $'\033' "$dir/lines"
	[ "$output" = 0 ]
	# The first line came while it still ran: before the verdict by most of a report's period.
	python3 - "$dir/lines" <<'END'
import sys
lines = [(int(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in open(sys.argv[1])]
first = next(at for at, line in lines if line.startswith("after "))
verdict = next(at for at, line in lines if line.startswith("memlab-trace"))
print(f"the first line {(verdict - first) / 1e9:.2f} s before the verdict")
assert verdict - first > 500_000_000
END
}

@test "in a terminal the verdict stands on one of the first three frames, and NO_COLOR takes the colour away" {
	need_root
	start_service "$bin/memlab-svc" --path naive --index-size 4MiB
	start_load
	timeout 120 python3 - "$bin/memlab-trace" "$service_pid" <<'END'
import fcntl, os, pty, re, select, struct, sys, termios, time
def watch(environment):
    """All bytes of a run in a terminal of 24 lines that quits once the verdict is there, and when it was there."""
    start = time.monotonic()
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8", **environment)
        os.execv(sys.argv[1], [sys.argv[1], "-p", sys.argv[2], "--json", "/dev/null"])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    stream, seen = b"", None
    while True:
        try:
            data = os.read(fd, 65536) if select.select([fd], [], [], 60)[0] else b""
        except OSError:
            data = b""
        if not data:
            break
        stream += data
        if seen is None and b"WHY THE SLOWEST" in stream:
            seen = time.monotonic() - start
            os.write(fd, b"q")
    assert os.waitpid(pid, 0)[1] == 0
    return stream.decode(), seen
for environment in {}, {"NO_COLOR": "1"}:
    text, seen = watch(environment)
    frames = re.findall(r"\x1b\[H(.*?)\x1b\[K\x1b\[J", text, re.S)
    first = next(i for i, frame in enumerate(frames) if "WHY THE SLOWEST" in frame)
    print(f"{environment}: verdict after {seen:.2f} s, on frame {first + 1} of one a second")
    assert first <= 2
    lines = re.sub(r"\x1b\[[0-9;]*[mK]", "", frames[first]).replace("\r", "").split("\n")
    assert len(lines) == 24 and all(len(line) <= 80 for line in lines), lines
    colours = re.findall(r"\x1b\[[0-9;]*m", text)
    assert bool(colours) == ("NO_COLOR" not in environment), colours[:5]
    assert "next:" in text.rsplit("\x1b[?1049l", 1)[1], "the verdict stays on the screen"
END
}

# browse URL: the document after three seconds of its scripts' time, in $dir/dom; the console must stay empty.
browse() {
	timeout 120 chromium --headless --no-sandbox --disable-gpu --no-first-run --user-data-dir="$dir/profile" \
		--host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' --enable-logging=stderr --v=0 --virtual-time-budget=3500 \
		--dump-dom "$1" >"$dir/dom" 2>"$dir/console"
	! grep CONSOLE "$dir/console"
}

@test "the page of a loaded service, live and frozen, and its flame graphs in a browser without network" {
	need_root
	command -v chromium >/dev/null || skip "chromium is not installed (apt-get install chromium)"
	GOGC=25 start_service "$bin/memlab-svc" --path naive --index-size 4MiB
	start_load
	start_tracer "$service_pid" --listen 127.0.0.1:0 --html "$dir/report.html" --alloc=every --flame "alloc_bytes:$dir/alloc.svg"
	for _ in $(seq 400); do grep -q 'after .* [1-9][0-9,]* requests' "$dir/screen" && break; sleep 0.05; done
	browse "$(sed -n 's/.*page and metrics on \(http[^ ]*\).*/\1/p' "$dir/trace.log")"
	mv "$dir/dom" "$dir/live.dom"
	stop_tracer
	browse "file://$dir/report.html"
	python3 - "$dir/live.dom" "$dir/dom" <<'END'
import re, sys
for path in sys.argv[1:]:
    text = open(path).read()
    shares = [float(share) for share in re.findall(r'data-share="([^"]*)"', text)]
    assert len(shares) == 10 and abs(sum(shares) - 100) < 0.01 and shares == sorted(shares, reverse=True), shares
    assert text.count('aria-expanded="false"') == 10, "ten worst requests"
    assert "budget 2 %" in text and "gc_pool_miss (memlab-trace probes)" in text
updates = int(re.search(r'data-updates="(\d+)"', open(sys.argv[1]).read()).group(1))
assert updates >= 2, updates
frozen = open(sys.argv[2]).read()
assert 'class="mark"' in frozen and re.search(r"<td>trigger</td>", frozen), "the collector's timeline"
END
	browse "file://$dir/alloc.svg#search=buffer_bytes"
	grep -oE 'search: buffer_bytes +[1-9][0-9]* frames?, [0-9.]+ %' "$dir/dom"
}
