#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The JSON has every number of the screen. Here on made-up summaries; e2e/commands.bats does the same on a recording.

@test "every number of the screen is in the JSON; one that is not is found, and so is a line that no rule knows" {
	cd "$BATS_TEST_DIRNAME"
	python3 -B - ../../golden <<'END'
import copy, json, sys
sys.path.insert(0, ".")
import every_number
def screen(name):
    return open(f"{sys.argv[1]}/{name}.txt", encoding="utf-8").read().splitlines()
lines = screen("screen")
document = json.load(open(sys.argv[1] + "/trace.json"))
for name in "screen", "screen-wide", "screen-ascii":
    assert every_number.check(screen(name), document) >= 70
tail = json.loads(json.dumps(document))
tail["mode"], tail["checks"]["fault_estimated_ns"] = "tail", 5000
assert every_number.check(screen("screen-tail"), tail) >= 75
client = json.load(open(sys.argv[1] + "/trace-client.json"))
assert every_number.check(screen("screen-client"), client) >= 80
def must_fail(lines, document, what):
    try:
        every_number.check(lines, document)
    except (AssertionError, KeyError, TypeError):
        return
    raise SystemExit(f"not found: {what}")
for change in ("why 2 mean_ns", "why 4 rest causes", "gc_tail_percent", "series_p99_ns_max", "worst 0 key", "requests_per_s", "server_ns p9999",
               "cost budget_percent", "why 1 taken_by tid", "gc cpu_percent", "cohort p99", "next"):
    changed = copy.deepcopy(document)
    *way, last = (int(key) if key.isdigit() else key for key in change.split())
    place = changed
    for key in way:
        place = place[key]
    place[last] = place[last].replace("0", "1") if last == "next" else place[last] * 2
    must_fail(lines, changed, change)
for change in "wait_ns p99", "response_ns p999", "requests":
    changed = copy.deepcopy(client)
    *way, last = change.split()
    place = changed["client"][way[0]] if way else changed["client"]
    place[last] *= 2
    must_fail(screen("screen-client"), changed, change)
must_fail(lines + [" and 7 of another kind"], document, "another line")
END
}
