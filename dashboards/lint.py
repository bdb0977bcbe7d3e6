#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks Grafana dashboards: the rules that dashboards break most often, and memlab's own: only names of a metrics.def.

usage: lint.py DASHBOARD.json...     prints `file: panel: complaint`, status 1 if there is one
       lint.py --queries FILE...     prints every query as `file<TAB>panel<TAB>expression`
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
UNITS = {"s", "bytes", "Bps", "short", "percentunit", "reqps", "ops"}
DRAWN = {"stat", "timeseries", "heatmap", "gauge", "bargauge", "table"}


def published():
    """Names by type, from both metrics.def; histograms as their three series."""
    names = {}
    for path in ("svc/metrics.def", "collectors/trace/export/metrics.def"):
        for name, kind in re.findall(r"^METRIC\((\w+), (\w+),", (ROOT / path).read_text(), re.M):
            for suffix in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
                names[name + suffix] = "counter" if kind == "histogram" else kind
    return names


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def check_variables(dashboard):
    variables = {v["name"]: v for v in dashboard["templating"]["list"]}
    sources = [v for v in variables.values() if v["type"] == "datasource"]
    if [v["name"] for v in sources] != ["datasource"] or sources[0].get("label") != "Data source":
        yield "dashboard", "needs exactly one data source variable, `datasource`, labelled Data source"
    for name, label in (("job", "Job"), ("instance", "Instance")):
        v = variables.get(name, {})
        if not (v.get("label") == label and v.get("multi") and v.get("allValue") == ".+" and v.get("refresh") == 2
                and v.get("datasource", {}).get("uid") == "${datasource}"):
            yield "dashboard", f"variable {name}: label {label}, multi, allValue .+, refresh on time change, on the variable data source"


def check_dashboard(dashboard):
    if dashboard.get("editable") is not False:
        yield "dashboard", "must not be editable"
    if dashboard.get("id", 0) is not None or not dashboard.get("uid") or "__inputs" in dashboard:
        yield "dashboard", "needs id null, a stable uid and no __inputs"
    if not dashboard.get("description"):
        yield "dashboard", "has no description"
    ids = [p["id"] for p in panels_of(dashboard)]
    if len(ids) != len(set(ids)):
        yield "dashboard", "panel ids are not unique"
    yield from check_variables(dashboard)


def check_expression(expr, names):
    for match in re.finditer(r"\bmemlab_\w+", expr):
        if match.group(0) not in names:
            yield f"{match.group(0)} stands in no metrics.def"
        elif not expr[match.end():].startswith('{job=~"$job", instance=~"$instance"'):
            yield f"{match.group(0)} is not selected by job and instance"
        elif names[match.group(0)] == "counter" and not re.search(r"\b(rate|irate|increase|changes|resets)\($", expr[:match.start()]):
            yield f"{match.group(0)} is a counter outside of rate()"
    for fixed in re.findall(r"\[(?!\$__rate_interval\])[^\]]*\]", expr):
        yield f"a fixed range {fixed}: use $__rate_interval"
    if expr.count("(") != expr.count(")") or expr.count("{") != expr.count("}"):
        yield "brackets do not match"


def check_panel(panel, names):
    if panel["type"] == "row":
        return
    if panel["type"] not in DRAWN:
        yield f"unknown type {panel['type']}"
    if not panel.get("title") or not panel.get("description"):
        yield "needs a title and a description"
    if panel["fieldConfig"]["defaults"].get("unit") not in UNITS:
        yield "needs a unit"
    if not panel.get("targets"):
        yield "has no query"
    for where in [panel] + panel.get("targets", []):
        if where.get("datasource", {}).get("uid") != "${datasource}":
            yield "does not use the variable data source"
    grid = panel["gridPos"]
    if grid["x"] + grid["w"] > 24:
        yield "lies outside the grid"
    for target in panel.get("targets", []):
        yield from check_expression(target["expr"], names)


def check_overlap(dashboard):
    taken = {}
    for panel in dashboard["panels"]:
        grid = panel["gridPos"]
        for cell in ((x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])):
            if cell in taken:
                yield panel["title"], f"overlaps {taken[cell]}"
                return
            taken[cell] = panel["title"]


def check_file(path, names):
    dashboard = json.loads(pathlib.Path(path).read_text())
    yield from check_dashboard(dashboard)
    yield from check_overlap(dashboard)
    for panel in panels_of(dashboard):
        for complaint in check_panel(panel, names):
            yield panel.get("title", "?"), complaint
    for annotation in dashboard["annotations"]["list"]:
        for complaint in check_expression(annotation["expr"], names):
            yield annotation["name"], complaint


def main(arguments):
    if arguments[:1] == ["--queries"]:
        for path in arguments[1:]:
            for panel in panels_of(json.loads(pathlib.Path(path).read_text())):
                for target in panel.get("targets", []):
                    print(pathlib.Path(path).name, panel["title"], target["expr"], sep="\t")
        return 0
    complaints = 0
    for path in arguments:
        for where, complaint in check_file(path, published()):
            print(f"{path}: {where}: {complaint}")
            complaints += 1
    return 1 if complaints or not arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
