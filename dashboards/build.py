#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the Grafana dashboards: grafana/*.json. The panels stand here, the JSON is what Grafana wants around them.

`build.py` writes them; `build.py --check` says whether the files are what it would write. Every panel has a title, a description
and a unit; every selector carries job and instance; rates use $__rate_interval. lint.py holds the rules.
"""
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent / "grafana"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WHO = 'job=~"$job", instance=~"$instance"'
CAUSE_COLORS = {"own": "#4c78a8", "alloc": "#f2a65a", "assist": "#e4572e", "stop": "#a3191f", "gc_cpu": "#c8385a", "runq": "#8a6fc2",
                "wake": "#7fb3a6", "blocked": "#5f7a61", "fault": "#9b7653", "unattributed": "#9aa0a8"}


def rate(metric, labels="", by=""):
    selector = WHO + (", " + labels if labels else "")
    inner = f"rate({metric}{{{selector}}}[$__rate_interval])"
    return f"sum by ({by}) ({inner})" if by else f"sum({inner})"


def quantile(q, metric, by=""):
    return f"histogram_quantile({q}, {rate(metric + '_bucket', by='le' + (', ' + by if by else ''))})"


def gauge(metric, by="instance"):
    return f"sum by ({by}) ({metric}{{{WHO}}})"


# The time of requests at or above the p99 of all chosen instances, by cause: buckets beyond 99 %, joined with the time in them.
TAIL = (f"sum by (cause) (rate(memlab_request_cause_seconds_total{{{WHO}}}[$__rate_interval]) and on (bucket) label_replace("
        f"{rate('memlab_request_server_seconds_bucket', by='le')} / scalar({rate('memlab_request_server_seconds_count')}) > 0.99, "
        '"bucket", "$1", "le", "(.*)"))')


def target(expr, legend, ref, **more):
    return {"datasource": DATASOURCE, "expr": expr, "legendFormat": legend, "refId": ref, **more}


def targets(pairs, **more):
    return [target(expr, legend, chr(ord("A") + i), **more) for i, (expr, legend) in enumerate(pairs)]


def panel(kind, title, description, unit, pairs, width=12, height=8, custom=None, options=None, overrides=None, thresholds=None, more=None):
    return {
        "type": kind, "title": title, "description": description, "datasource": DATASOURCE,
        "targets": targets(pairs, **(more or {})), "gridPos": {"w": width, "h": height},
        "fieldConfig": {
            "defaults": {
                "unit": unit, "custom": custom or {},
                "color": {"mode": "thresholds" if kind == "stat" else "palette-classic"},
                "thresholds": {"mode": "absolute", "steps": thresholds or [{"color": "green", "value": None}]},
            },
            "overrides": overrides or [],
        },
        "options": options or {},
    }


def lines(title, description, unit, pairs, stack=False, overrides=None, exemplars=False, **more):
    custom = {"lineWidth": 1, "fillOpacity": 60 if stack else 10, "showPoints": "never",
              "stacking": {"mode": "normal" if stack else "none", "group": "A"}}
    options = {"legend": {"displayMode": "list", "placement": "bottom", "calcs": ["mean", "max"]}, "tooltip": {"mode": "multi", "sort": "desc"}}
    return panel("timeseries", title, description, unit, pairs, custom=custom, options=options, overrides=overrides,
                 more={"exemplar": True} if exemplars else None, **more)


def number(title, description, unit, expr, thresholds=None, **more):
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "graphMode": "area", "colorMode": "value", "textMode": "auto"}
    return panel("stat", title, description, unit, [(expr, "")], width=4, height=4, options=options, thresholds=thresholds, **more)


def heatmap(title, description, metric):
    options = {"calculate": False, "yAxis": {"unit": "s"}, "color": {"scheme": "Oranges", "scale": "exponential", "exponent": 0.5, "mode": "scheme"},
               "cellGap": 0, "tooltip": {"show": True}}
    return panel("heatmap", title, description, "s", [(rate(metric + "_bucket", by="le"), "{{le}}")], width=24, options=options,
                 more={"format": "heatmap"})


def by_cause():
    return [{"matcher": {"id": "byName", "options": cause}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}]}
            for cause, color in CAUSE_COLORS.items()]


def row(title):
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": 24, "h": 1}}


def variable(name, label, query):
    return {"name": name, "label": label, "type": "query", "datasource": DATASOURCE, "query": {"query": query, "refId": name}, "definition": query,
            "refresh": 2, "multi": True, "includeAll": True, "allValue": ".+", "current": {"text": "All", "value": "$__all"}, "sort": 1}


def place(panels):
    """Left to right, top to bottom on the 24-column grid; ids in that order."""
    x = y = tall = 0
    for number_, item in enumerate(panels, 1):
        grid = item["gridPos"]
        if x + grid["w"] > 24:
            x, y, tall = 0, y + tall, 0
        grid.update(x=x, y=y)
        x, tall = x + grid["w"], max(tall, grid["h"])
        item["id"] = number_
    return panels


def dashboard(uid, title, description, metric, panels, annotations=None):
    links = [{"title": other, "type": "dashboards", "tags": ["memlab"], "asDropdown": True, "keepTime": True, "includeVars": True} for other in ["memlab"]]
    return {
        "id": None, "uid": uid, "title": title, "description": description, "tags": ["memlab"], "schemaVersion": 39, "version": 1, "editable": False,
        "graphTooltip": 1, "refresh": "5s", "time": {"from": "now-15m", "to": "now"}, "timezone": "browser", "links": links,
        "annotations": {"list": annotations or []},
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1, "current": {}},
            variable("job", "Job", f"label_values({metric}, job)"),
            variable("instance", "Instance", f'label_values({metric}{{job=~"$job"}}, instance)'),
        ]},
        "panels": place(panels),
    }


def annotation(name, expr, color):
    return {"name": name, "datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": color, "expr": expr, "titleFormat": name,
            "step": "15s"}


SERVER, WITHOUT = "memlab_request_server_seconds", "memlab_request_without_gc_seconds"
LOST = f"sum(increase(memlab_trace_records_lost_total{{{WHO}}}[$__rate_interval]))"


def tail_latency():
    slow = [{"color": "green", "value": None}, {"color": "orange", "value": 0.005}, {"color": "red", "value": 0.05}]
    share = [{"color": "green", "value": None}, {"color": "orange", "value": 0.25}, {"color": "red", "value": 0.5}]
    return dashboard("memlab-tail-latency", "memlab / tail latency", "How slow requests are and why, as memlab-trace sees them.", SERVER + "_count", [
        number("p99", "99 of 100 requests are faster. Server time: from the arrival of the last byte to the answer.", "s", quantile(0.99, SERVER), slow),
        number("p99 without the collector", "What p99 would be if the collector never ran, by replay of the same requests.", "s", quantile(0.99, WITHOUT)),
        number("The collector's share of p99", "The part of p99 that would not be there without the collector.", "percentunit",
               f"1 - {quantile(0.99, WITHOUT)} / {quantile(0.99, SERVER)}", share),
        number("Requests", "Complete requests per second.", "reqps", rate(SERVER + "_count")),
        number("Unattributed", "Request time that no record explains, of all request time.", "percentunit",
               f"{rate('memlab_request_cause_seconds_total', 'cause=' + chr(34) + 'unattributed' + chr(34))} / {rate('memlab_request_cause_seconds_total')}",
               [{"color": "green", "value": None}, {"color": "red", "value": 0.05}]),
        number("Records lost", "Records that found no room in the ring: the blame of requests near them is incomplete.", "short", LOST,
               [{"color": "green", "value": None}, {"color": "red", "value": 1}]),
        row("Why are requests slow?"),
        lines("Causes of the slowest 1 %", "Seconds per second that requests at or above p99 spent, by cause, to one histogram bucket.", "s",
              [(TAIL, "{{cause}}")], stack=True, overrides=by_cause()),
        lines("Causes of all requests", "Seconds per second that all requests spent, by cause: queue and service together.", "s",
              [(rate("memlab_request_cause_seconds_total", by="cause"), "{{cause}}")], stack=True, overrides=by_cause()),
        lines("Server time", "Percentiles over all chosen instances. Dots are single requests: their number stands in memlab-trace's report.", "s",
              [(quantile(q, SERVER), f"p{name}") for q, name in ((0.5, "50"), (0.99, "99"), (0.999, "99.9"))], exemplars=True),
        lines("With and without the collector", "p99 as it is, and as it would be if the collector never ran.", "s",
              [(quantile(0.99, SERVER), "p99"), (quantile(0.99, WITHOUT), "p99 without the collector")]),
        heatmap("Server time", "How many requests fell into which bucket of server time.", SERVER),
        row("Queue and service"),
        lines("Queue", "From arrival to the moment a thread read the request.", "s",
              [(quantile(q, "memlab_request_queue_seconds"), f"p{name}") for q, name in ((0.5, "50"), (0.99, "99"), (0.999, "99.9"))]),
        lines("Service", "From the moment a thread read the request to its answer.", "s",
              [(quantile(q, "memlab_request_service_seconds"), f"p{name}") for q, name in ((0.5, "50"), (0.99, "99"), (0.999, "99.9"))]),
        row("The tracer itself"),
        lines("CPU of memlab-trace", "CPU time of the tracer, in CPUs.", "short", [(rate("memlab_trace_cpu_seconds_total", by="instance"), "{{instance}}")], width=8),
        lines("Records lost and late", "Both should be 0.", "short", [(rate("memlab_trace_records_lost_total"), "lost"),
                                                                      (rate("memlab_trace_records_late_total"), "late")], width=8),
        lines("Requests cut", "Requests open when the tracer came or went, and not counted.", "short", [(rate("memlab_trace_requests_cut_total"), "cut")], width=8),
    ], [annotation("collector cycles", f"changes(memlab_trace_gc_cycles_total{{{WHO}}}[$__rate_interval]) > 0", "red")])


def heap_and_gc():
    return dashboard("memlab-heap-and-gc", "memlab / heap and GC", "The collected heap of memlab-svc, as it reports itself.", "memlab_gc_cycles_total", [
        number("Request p99", "99 of 100 requests are answered faster, as the service itself measures it.", "s", quantile(0.99, "memlab_svc_request_duration_seconds")),
        number("GC CPU", "CPUs that the collector uses.", "short", rate("memlab_gc_cpu_seconds_total")),
        number("Pause p99", "99 of 100 handshakes are shorter: what one thread feels.", "s", quantile(0.99, "memlab_gc_pause_seconds")),
        number("Live heap", "Bytes marked by the last collection.", "bytes", f"sum(memlab_heap_live_bytes{{{WHO}}})"),
        number("Allocations", "Objects per second.", "ops", rate("memlab_heap_allocs_total")),
        number("Cycles", "Collections per second.", "ops", rate("memlab_gc_cycles_total")),
        row("The heap"),
        lines("Heap", "What lives, where the next collection should end, and what is held from the operating system.", "bytes",
              [(f"sum({metric}{{{WHO}}})", name) for metric, name in (("memlab_heap_live_bytes", "live"), ("memlab_heap_goal_bytes", "goal"),
                                                                       ("memlab_heap_resident_bytes", "resident"))]),
        lines("Allocation", "Bytes allocated per second.", "Bps", [(rate("memlab_heap_alloc_bytes_total", by="instance"), "{{instance}}")]),
        lines("Objects per request", "Allocations divided by requests.", "short",
              [(f"{rate('memlab_heap_allocs_total')} / {rate('memlab_svc_requests_total')}", "objects per request")]),
        lines("Bytes per request", "Bytes allocated divided by requests.", "bytes",
              [(f"{rate('memlab_heap_alloc_bytes_total')} / {rate('memlab_svc_requests_total')}", "bytes per request")]),
        row("The collector"),
        lines("CPU by class", "CPUs: workers, assists inside requests, and event loops that mark while they have nothing else to do.", "short",
              [(rate("memlab_gc_cpu_seconds_total", by="class"), "{{class}}")], stack=True),
        lines("Pauses", "One thread's own part of a handshake.", "s", [(quantile(q, "memlab_gc_pause_seconds"), f"p{name}") for q, name in
                                                                     ((0.5, "50"), (0.99, "99"), (0.999, "99.9"))]),
        heatmap("Pauses", "How many handshakes fell into which bucket.", "memlab_gc_pause_seconds"),
    ], [annotation("restart", f"resets(memlab_gc_cycles_total{{{WHO}}}[$__rate_interval]) > 0", "blue")])


def fleet():
    return dashboard("memlab-fleet", "memlab / fleet", "Many services and tracers: the tail of all of them together, before and after a change.", SERVER + "_count", [
        number("Fleet p99", "p99 over all requests of all chosen instances: not a mean of percentiles.", "s", quantile(0.99, SERVER)),
        number("Instances", "Tracers that answer.", "short", f"count(memlab_trace_target_info{{{WHO}}})"),
        number("Requests", "Complete requests per second of all chosen instances.", "reqps", rate(SERVER + "_count")),
        lines("Causes above the fleet's p99", "Seconds per second of the requests at or above the p99 of all chosen instances, by cause. A roll-out is a step here.", "s",
              [(TAIL, "{{cause}}")], stack=True, overrides=by_cause(), width=24, height=10),
        lines("p99 by instance", "Which instances make the fleet's tail.", "s", [(quantile(0.99, SERVER, "instance"), "{{instance}}")]),
        lines("Instances by path", "Which code the instances run: naive or opt.", "short",
              [(f"count by (path) (memlab_trace_target_info{{{WHO}}})", "{{path}}")], stack=True),
        lines("The collector's share of p99", "By instance, from the replay without the collector.", "percentunit",
              [(f"1 - {quantile(0.99, WITHOUT, 'instance')} / {quantile(0.99, SERVER, 'instance')}", "{{instance}}")]),
        lines("Time in run queues", "Seconds per second that requests waited for a CPU that strangers had.", "s",
              [(rate("memlab_request_cause_seconds_total", 'cause="runq"', "instance"), "{{instance}}")]),
    ], [annotation("change of the target", f"changes(memlab_trace_target_info{{{WHO}}}[$__rate_interval]) > 0", "purple")])


def main():
    check = sys.argv[1:] == ["--check"]
    stale = []
    for name, make in (("tail-latency", tail_latency), ("heap-and-gc", heap_and_gc), ("fleet", fleet)):
        text = json.dumps(make(), indent=1) + "\n"
        path = FOLDER / (name + ".json")
        if check and (not path.exists() or path.read_text() != text):
            stale.append(str(path))
        elif not check:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text)
    for path in stale:
        print(f"{path} is not what dashboards/build.py writes")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
