#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for memlab-svc's /metrics: every name of svc/metrics.def with numbers that grow. usage: stand_in.py PORT"""
import http.server
import pathlib
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
METRICS = re.findall(r'^METRIC\((\w+), (\w+), [^,]+, "([^"]*)"\)', (ROOT / "svc/metrics.def").read_text(), re.M)
LABELS = {"memlab_gc_cpu_seconds_total": ['class="worker"', 'class="assist"', 'class="idle"'], "memlab_svc_requests_total": ['code="200"', 'code="404"']}
START = time.time()


def body():
    age = int((time.time() - START) * 100)
    lines = []
    for name, kind, text in METRICS:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        if kind == "histogram":
            lines += [f'{name}_bucket{{le="{le}"}} {age * share}' for le, share in (("0.001", 5), ("0.01", 9), ("+Inf", 10))]
            lines += [f"{name}_sum {age * 0.01}", f"{name}_count {age * 10}"]
        else:
            lines += [f"{name}{{{label}}} {age + 1}" if label else f"{name} {age + 1}" for label in LABELS.get(name, [""])]
    return "\n".join(lines) + "\n"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = body().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
