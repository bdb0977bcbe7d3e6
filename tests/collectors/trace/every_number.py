#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""every_number.py SCREEN JSON: every number of the screen is in the JSON document of the same run.

For each kind of line there is a rule: a pattern, and which key each of its groups shows. A line that no rule knows, or a
number that is not what its key says, fails. The way numbers are written for people is written here a second time.
"""
import json
import re
import sys


def digits(value):
    size = abs(value)
    return "0" if value == 0 else f"{value:.{2 if size < 9.995 else 1 if size < 99.95 else 0}f}"


def scaled(value, step, units):
    unit = 0
    while unit + 1 < len(units) and abs(value) >= step - step / 2000:
        value /= step
        unit += 1
    return (f"{value:.0f}" if unit == 0 else digits(value)) + " " + units[unit]


def ns(value):
    return scaled(value, 1000, ["ns", "us", "ms", "s"])


def size(value):
    return scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB"])


def count(value):
    return f"{int(value):,}"


def percent(value):
    return "<0.1 %" if 0 < value < 0.05 else f"{value:.1f} %"


def quantiles(values):
    return ["unknown" if values[q] is None else ns(values[q]) for q in ("p50", "p90", "p99", "p999", "p9999", "max")]


def mean_row(part):
    return (percent(part["percent"]), ns(part["mean_ns"]), percent(part["queue_percent"]), percent(part["service_percent"]))


class Screen:
    """The rules for one document. Each gives the strings that its pattern's groups must be, in order; None: the group may
    be anything (it is no number)."""

    def __init__(self, document):
        self.json = document
        self.why = {row["cause"]: row for row in document["why"]}
        self.last = None  # the cause of the row before
        n = r"([\d.,]+)"
        t = r"([\d.]+ (?:ns|us|ms|s))"
        p = r"(<?[\d.]+ %)"
        self.rules = [
            (r"memlab-trace (\S+)  (.+)\[(\d+)\](?:  (\S+) path)?(?:  ([\d.]+ \S+) (\S+))?(?:  GOGC=(\S+))?", self.title),
            (r"(?:no memlab probes|probes (\d+)/(\d+) in " + t + r") \(not stopped, not ptraced\)   mode (?:auto: )?(\w+)(?:   " + n + r" req/s)?", self.probes),
            (r"lost " + n + r"(?:   late " + n + r")?(?:   cut " + n + r")?(?:   without arrival " + n + r")?   cost (?:" + t + r"/request \+ )?(?:" + n +
             r" % of a CPU|not measured)(?: \(budget " + n + r" %\))?(?:   all BPF " + n + r" %)?(?:   " + t + r")?(?:   alloc (\w+))?", self.cost),
            (" " + n + r" requests?\s+p50\s+p90\s+p99\s+p99\.9\s+p99\.99\s+max", lambda: [count(self.json["requests"])]),
            (r" server time" + (r"\s+(\S+(?: \w+)?)" * 6), lambda: quantiles(self.json["server_ns"])),
            (r" 95 % interval(?:, \+-)?" + (r"\s+(±?\d\S* \w+|too few)" * 5), self.intervals),
            (r" client wait" + (r"\s+(\S+(?: \w+)?)" * 6), lambda: quantiles(self.json["client"]["wait_ns"])),
            (r" response(?: of " + n + r")?" + (r"\s+([\d.]+ \w+)" * 6),
             lambda: [count(self.json["client"]["requests"]), *quantiles(self.json["client"]["response_ns"])]),
            (r" without the collector" + (r"\s+(\S+(?: \w+)?)" * 6), lambda: quantiles(self.json["without_gc_ns"])),
            (r" -> the collector is " + t + r" of p99(?: \(" + n + r" %\))?, " + n + r" cycles?(?:, " + n + r" % of the CPU time)?", self.collector),
            (r" -> 0 cycles yet in " + t + r": the collector has cost nothing so far", self.no_cycles),
            (r" -> what the collector is of p99 is not known: records (?:were lost|contradict each other)", self.not_known),
            (" " + n + r" allocations and ([\d.]+ \S+) per request(?:, handshake p99 " + t + r")?", self.memory),
            (r" p99/s \D+max " + t, lambda: [ns(self.json["series_p99_ns_max"])]),
            (r" cycle [ #]+(?:# seconds in which the collector ran)?", lambda: []),
            (r" WHY THE SLOWEST 1 % ARE SLOW \(" + n + r" requests? at or over " + t + r"(?:: too few for (?:\+-|±))?\)",
             lambda: [count(self.json["cohort"]["p99"]), ns(self.json["cohort_floor_ns"]["p99"])]),
            (r" +share(?:  95 %)? +mean +queue +service +taken by", lambda: []),
            (r" and (\d+) more +" + p + " +" + t + " +" + p + " +" + p, self.rest),
            (r" ([a-z_]+) +[^\w%<]* *" + p + r"(?: (?:\+-|±)([\d.]+))? +(~?[\d.]+ (?:ns|us|ms|s)) +" + p + " +" + p + r"(?:  sending " + t + r")?(?:  stolen " + t + r")?(?:  ([^\[~]+?)(?:\[(\d+)\]| x(\d+))?)?", self.cause),
            (r" worst: " + t + r"(?:  GET /lookup\?key=(\d+)  (json|bin) (\d+)|  from port (\d+))(?:  cycle (\d+))?(?:  behind (.+))?", self.worst),
            (r"  = " + t + r" queue(?: \(" + t + r" (\w+)\))? \+ " + t + r" service(?: \(" + t + r" (\w+)\))?", self.worst_parts),
            (r" NO REQUESTS SEEN", lambda: []),
            (r"after [\d.]+ \S+: [\d,]+ requests   .*", lambda: []),  # of an earlier moment: --jsonl has its numbers
        ]

    def title(self):
        run = self.json["run"]
        bytes_ = float(run.get("index_bytes", 0))
        return [self.json["version"], None, str(self.json["target"]["pid"]), run.get("path"), size(bytes_) if bytes_ else None, None, str(run.get("gogc"))]

    def probes(self):
        probes = self.json["probes"]
        return [str(probes["attached"]), str(probes["found"]), ns(probes["attach_ns"]), self.json["mode"], count(self.json["requests_per_s"] + 0.5)]

    def cost(self):
        cost = self.json["cost"]
        number = lambda form, value: form(value) if value is not None else "not known"
        return [count(self.json["lost"]), count(self.json["late"]), count(self.json["cut"]), count(self.json["checks"]["without_arrival"]),
                number(ns, cost["target_ns_per_request"]), number(digits, cost["tracer_cpu_percent"]),
                number(lambda value: f"{value:g}", cost["budget_percent"]), number(digits, cost["bpf_cpu_percent"]), ns(self.json["duration_s"] * 1e9), None]

    def intervals(self):
        shown = []
        for quantile in ("p50", "p90", "p99", "p999", "p9999"):
            interval, value = self.json["server_interval_ns"][quantile], self.json["server_ns"][quantile]
            sign = "±" if not self.ascii else ""
            shown.append(sign + ns(max(value - interval[0], interval[1] - value)) if interval else "too few")
        return shown

    def collector(self):
        return [ns(max(0, self.json["gc_tail_ns"]["p99"])), digits(self.json["gc_tail_percent"]), count(self.json["gc"]["cycles"]),
                digits(self.json["gc"]["cpu_percent"])]

    def no_cycles(self):
        assert self.json["gc"]["cycles"] == 0
        return [ns(self.json["duration_s"] * 1e9)]

    def not_known(self):
        assert self.json["gc_tail_ns"]["p99"] is None and self.json["gc_tail_percent"] is None
        return []

    def memory(self):
        return [digits(self.json["alloc"]["per_request_mean"]), size(self.json["alloc"]["bytes_per_request_mean"]), ns(self.json["gc"]["handshake_ns"]["p99"])]

    def cause(self, match):
        row = self.why[match.group(1)]
        if match.group(1) != "unattributed" or self.last is None:
            self.last = row
        by = row["taken_by"] or {}
        share, mean, queue, service = mean_row(row)
        estimated = "~" if row["cause"] == "fault" and self.json["checks"]["fault_estimated_ns"] else ""
        error = None if row["error_percent"] is None else f"{row['error_percent']:.1f}"
        own = row["cause"] == "own"
        sending = ns(self.json["kernel_net"]["service_ns"]["p99"]) if own and self.json["kernel_net"] else "not known"
        stolen = ns(self.json["steal"]["server_ns"]["p99"]) if own and self.json["steal"] else "not known"
        return [row["cause"], share, error, estimated + mean, queue, service, sending, stolen, None, str(by.get("tid")), str(by.get("threads"))]

    def rest(self):
        rest = self.last["rest"]
        return [str(rest["causes"]), *mean_row(rest)]

    def worst(self):
        worst = self.json["worst"][0]
        return [ns(worst["server_ns"]), str(worst.get("key")), worst.get("format"), str(worst.get("status")), str(worst["peer_port"]), str(worst["cycle"]), None]

    def worst_parts(self):
        worst, parts = self.json["worst"][0], []
        for span in ("queue_ns", "service_ns"):
            greatest = max(worst["causes"], key=lambda name: worst["causes"][name][span])
            parts += [ns(worst[span]), ns(worst["causes"][greatest][span]), greatest]
        return parts

    def check_line(self, line):
        for pattern, rule in self.rules:
            match = re.fullmatch(pattern, line)
            if not match:
                continue
            expected = rule(match) if rule == self.cause else rule()
            assert len(expected) == len(match.groups()), pattern
            for shown, known in zip(match.groups(), expected):
                assert shown is None or known is None or shown == known, f"{shown!r} is shown, the JSON says {known!r}: {line}"
            return sum(1 for shown, known in zip(match.groups(), expected) if shown and known and any(map(str.isdigit, shown)))
        raise AssertionError(f"no rule knows this line: {line!r}")

    def sentences(self):
        """What the JSON has as sentences, numbers and all."""
        return [self.json[key] for key in ("next", "missing", "no_requests") if self.json[key]]


def check(lines, document):
    """How many numbers there are; AssertionError where one is not in the document."""
    screen = Screen(document)
    screen.ascii = all(line.isascii() for line in lines)
    numbers, sentence = 0, None
    for line in lines:
        begin = re.match(r" (next|not visible|why): ", line)
        if begin or (sentence and line.startswith(" " * len(sentence[0]))):
            sentence = sentence if not begin else (begin.group(0), [])
            words = line[len(sentence[0]):]
            assert any(words in " ".join(one.split()) for one in screen.sentences()), f"not in the JSON: {words!r}"
            continue
        sentence = None
        numbers += screen.check_line(line)
    return numbers


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as screen_file, open(sys.argv[2], encoding="utf-8") as json_file:
        found = check(screen_file.read().splitlines(), json.load(json_file))
    print(f"{found} numbers")
    assert found >= 5
