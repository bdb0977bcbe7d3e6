#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The live page and the frozen report in a real browser, without network.

setup() {
	command -v chromium >/dev/null || skip "chromium is not installed (apt-get install chromium)"
	dir=$(mktemp -d)
	program="${BUILD:?}/tests/collectors/trace/test_screen_page"
}

teardown() {
	[ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
	[ -z "${dir:-}" ] || rm -rf "$dir"
}

# The document after three seconds of its scripts' time, in $dir/dom; the console must stay empty.
browse() {
	timeout 90 chromium --headless --no-sandbox --disable-gpu --no-first-run --user-data-dir="$dir/profile" \
		--host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' --enable-logging=stderr --v=0 "${@:2}" \
		--virtual-time-budget=3500 --dump-dom "$1" >"$dir/dom" 2>"$dir/console"
	! grep -E 'CONSOLE' "$dir/console"
}

# What must be on the page either way. The fixture's thread name is hostile; it must be text.
check_document() {
	python3 - "$dir/dom" <<'P'
import html.parser, re, sys
text = open(sys.argv[1]).read()
shares = [float(s) for s in re.findall(r'data-share="([^"]*)"', text)]
assert len(shares) == 10 and abs(sum(shares) - 100) < 0.01, shares
assert shares == sorted(shares, reverse=True), "biggest first"
assert '&lt;b&gt;"x&amp;' in text, "the target's name is shown"
assert '<b>"x' not in text and '<i>' not in text, "and is inert"
assert 'the collector is 3.74 ms of it (90.1 %)' in text
assert '8841' in text and 'aria-expanded="false"' in text, "the worst request"
assert '7.40 ms gc_cpu' in text, "and its decomposition"
assert text.count('<rect') > 100, "heatmap and stack"
assert 'class="cycle"' in text
# The collector's timeline: each of its twelve cycles marks and sweeps, and the last eight are listed.
assert text.count('<rect class="mark"') == text.count('<rect class="sweep"') == text.count('<rect class="felt"') == 12
assert re.search(r'<th scope="row">#12</th><td>[^<]*</td><td>trigger</td><td>30.0 ms</td><td>22.0 ms</td><td>80.0 ms</td><td>60.0 MiB</td><td>31.0 MiB</td><td>1, 12.0 us</td><td>1, 200 us</td>', text), "cycle 12"
assert '#5<' in text and '#4<' not in text
assert '3.90 ms to 4.50 ms' in text and 'too few' in text, "intervals"
assert 'budget 2 %' in text
P
}

@test "the live page shows the run and keeps updating" {
	"$program" serve "$dir/port" 3>&- &
	server=$!
	for _ in $(seq 100); do [ -s "$dir/port" ] && break; sleep 0.1; done
	browse "http://127.0.0.1:$(cat "$dir/port")/"
	check_document
	updates=$(grep -oE 'data-updates="[0-9]+"' "$dir/dom" | grep -oE '[0-9]+')
	[ "$updates" -ge 3 ]
	grep -q 'src="flame-tail.svg?' "$dir/dom"
	grep -q 'live, updated every second' "$dir/dom"
}

@test "the frozen report is one file that works from disk" {
	"$program" frozen "$dir/report.html"
	browse "file://$dir/report.html"
	check_document
	grep -q 'frozen report' "$dir/dom"
	grep -q 'src="blob:' "$dir/dom"
}

@test "the server's page survives its end and says so" {
	"$program" serve "$dir/port" 3>&- &
	server=$!
	for _ in $(seq 100); do [ -s "$dir/port" ] && break; sleep 0.1; done
	curl -sf "http://127.0.0.1:$(cat "$dir/port")/" | grep -q '<main>'
	[ "$(curl -s -o /dev/null -w '%{http_code}' --path-as-is "http://127.0.0.1:$(cat "$dir/port")/../../etc/passwd")" = 404 ]
	kill "$server"
}
