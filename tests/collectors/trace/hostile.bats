#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A target that attacks whoever looks at it: names of threads and functions, and what it says of its run, are markup, escape codes,
# line breaks, quotes and bytes that are no UTF-8. No view may let any of it act, and none may hide the target for it.

load ../../e2e/common

# One run with every output, for all tests of this file.
setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	dir=$(mktemp -d)
	export dir
	pids=()
	local top=$BATS_TEST_DIRNAME evil
	evil=$'<script>hacked()</script>";&\'\n\e[2J\xff'
	cc -O1 -g0 -fno-omit-frame-pointer -fno-optimize-sibling-calls -c -o "$dir/hostile.o" "$top/hostile_target.c"
	objcopy --redefine-sym "hostile_work=$evil" "$dir/hostile.o"
	cc -rdynamic -o "$dir/hostile" "$dir/hostile.o"
	"$dir/hostile" >"$dir/service.log" 3>&- &
	service_pid=$!
	pids+=($service_pid)
	await "$dir/service.log" listening $service_pid
	url=http://127.0.0.1:$(sed 's/.* //' "$dir/service.log")
	export service_pid url
	"$bin/memlab-load" --url "$url" --rate 2000 --connections 8 --duration 300s --warmup 0s --keys 100 --seed 1 >"$dir/load.log" 2>&1 3>&- &
	pids+=($!)
	printf '%s ' "${pids[@]}" >"$dir/pids"
	start_tracer "$service_pid" --alloc=malloc --sample --json "$dir/trace.json" --html "$dir/report.html" --timeline "$dir/timeline.json" \
		--flame "alloc_bytes:$dir/alloc.svg" --flame "cpu:$dir/cpu.svg" --flame "tail:$dir/tail.svg" --flame "diff:$dir/diff.svg" \
		--folded "cpu:$dir/cpu.folded" --folded "alloc_bytes:$dir/alloc.folded" --pprof "alloc:$dir/alloc.pb.gz" --pprof "cpu:$dir/cpu.pb.gz" \
		--listen 127.0.0.1:0
	page=$(sed -n 's/.*page and metrics on \(http[^ ]*\).*/\1/p' "$dir/trace.log")
	sleep 2.5
	curl -s --max-time 20 "${page}metrics" >"$dir/metrics"
	curl -s --max-time 20 -H 'Accept: application/openmetrics-text' "${page}metrics" >"$dir/openmetrics"
	curl -s --max-time 20 "${page}data.json" >"$dir/data.json"
	curl -s --max-time 20 "${page}flame-cpu.svg" >"$dir/live.svg"
	stop_tracer
}

setup() { need_root; }
teardown() { :; }
teardown_file() {
	[ -n "${dir:-}" ] || return 0
	# shellcheck disable=SC2046
	kill -9 $(cat "$dir/pids") 2>/dev/null || true
	rm -rf "$dir"
}

@test "text: no control character but the line's end reaches the screen, folded stacks or metrics" {
	cat "$dir/screen"
	python3 - "$dir" <<'END'
import re, sys
for name in ("screen", "cpu.folded", "alloc.folded", "metrics", "openmetrics"):
    text = open(f"{sys.argv[1]}/{name}", "rb").read().decode()  # UTF-8, or it fails
    assert len(text) > 10, name
    bad = re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert not bad, (name, repr(text[max(0, bad.start() - 40):bad.end() + 40]))
for name in ("cpu.folded", "alloc.folded"):
    lines = open(f"{sys.argv[1]}/{name}").read().splitlines()
    assert all(re.fullmatch(r".+ \d+", line) for line in lines)
    named = [line for line in lines if "<script>hacked()" in line]
    assert named, f"{name}: the function is shown"
    # Its semicolon is not taken for the next frame.
    assert all(re.search(r"<script>hacked\(\)</script>\"[^;]&'", line) for line in named), named[0]
END
	grep -q '<b>"?\[2J&?' "$dir/screen"
}

@test "metrics: promtool and a strict reading of labels find nothing wrong" {
	command -v promtool >/dev/null || skip "promtool is not installed (apt-get install prometheus)"
	promtool check metrics <"$dir/metrics"
	python3 - "$dir/metrics" <<'END'
import re, sys
labels = r'(\w+="(?:[^"\\\n]|\\["\\n])*"(?:,\w+="(?:[^"\\\n]|\\["\\n])*")*)'
lines = [line for line in open(sys.argv[1]).read().split("\n") if line and not line.startswith("#")]
assert all(re.fullmatch(r"[a-z_]\w*(\{" + labels + r"\})? [-+.\deInfNa]+", line) for line in lines), "a label breaks its line"
assert any("onerror=hacked" in line for line in lines)
END
}

@test "JSON, timeline and live data are valid, and tell the names" {
	for file in trace.json timeline.json data.json; do
		python3 - "$dir/$file" <<'END'
import json, sys
text = open(sys.argv[1], "rb").read().decode()
json.loads(text)
assert not any(ord(c) < 32 and c != "\n" for c in text)
END
	done
	[[ "$(jq -r .target.comm "$dir/trace.json")" == '<b>"'* ]]
	[[ "$(jq -r .run.path "$dir/trace.json")" == '</script><img '* ]]
}

@test "flame graphs are well-formed and have no element but their own" {
	python3 - "$dir" <<'END'
import collections, sys, xml.dom.minidom
for name in ("alloc", "cpu", "tail", "diff", "live"):
    document = xml.dom.minidom.parse(f"{sys.argv[1]}/{name}.svg")
    elements = collections.Counter(e.tagName for e in document.getElementsByTagName("*"))
    assert elements["script"] == 1, (name, elements)
    assert set(elements) <= {"svg", "style", "script", "title", "desc", "g", "rect", "text", "a", "path", "clipPath", "defs"}, (name, elements)
    words = "".join(node.data for e in document.getElementsByTagName("title") for node in e.childNodes)
    # Where slow requests spend their time is not for the target to say.
    assert name in ("tail", "diff") or "<script>hacked()</script>" in words, f"{name}: the function is named"
END
}

@test "go tool pprof names the function on one line" {
	command -v go >/dev/null || skip "go is not installed (apt-get install golang-go)"
	export PPROF_TMPDIR=$dir HOME=$dir
	for kind in alloc cpu; do
		run go tool pprof -top "$dir/$kind.pb.gz"
		echo "$output"
		[ "$status" -eq 0 ]
		grep -q 'hacked";&' <<<"$output" # what pprof takes for a path is left out
		run grep -c $'\e' <<<"$output"
		[ "$output" = 0 ]
	done
}

@test "the report in a browser shows the names and runs none of them" {
	command -v chromium >/dev/null || skip "chromium is not installed (apt-get install chromium)"
	timeout 90 chromium --headless --no-sandbox --disable-gpu --no-first-run --user-data-dir="$dir/profile" \
		--host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr --v=0 --virtual-time-budget=3500 --dump-dom "file://$dir/report.html" \
		>"$dir/dom" 2>"$dir/console"
	run grep CONSOLE "$dir/console" # a name that ran would call hacked(), which is not there
	echo "$output"
	[ "$status" -eq 1 ]
	python3 - "$dir/dom" <<'END'
import html.parser, sys
class Elements(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.words, self.scripts = set(), "", 0
    def handle_starttag(self, name, attributes):
        self.names.add(name)
        self.scripts += name == "script"
        assert not any(key.startswith("on") for key, _ in attributes), (name, attributes)
    def handle_data(self, data):
        self.words += data
page = Elements()
page.feed(open(sys.argv[1]).read())
assert not page.names & {"img", "b"}, page.names
assert page.scripts == 2, page.scripts
assert '<b>"' in page.words and "</script><img src=x onerror=hacked()> path" in page.words
END
}

@test "the live view's terminal gets no escape code but its own" {
	timeout 120 python3 - "$bin/memlab-trace" "$service_pid" <<'END'
import fcntl, os, pty, re, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
    os.execv(sys.argv[1], [sys.argv[1], "-p", sys.argv[2]])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
stream, keys = b"", iter([b"r", b"c", b"g", b"h", b"f", b"v", b"q"])
while select.select([fd], [], [], 60)[0]:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    stream += data
    if b"WHY THE SLOWEST" in stream and data.endswith(b"\x1b[J"):
        os.write(fd, next(keys, b"q"))
assert os.waitpid(pid, 0)[1] == 0
text = stream.decode()
assert '<b>"?[2J&?' in text
rest = re.sub(r"\x1b\[(\?1049[hl]|\?25[hl]|[HKJ]|[0-9;]*m)", "", text)
bad = re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]", rest)
assert not bad, repr(rest[max(0, bad.start() - 40):bad.end() + 40])
END
}
