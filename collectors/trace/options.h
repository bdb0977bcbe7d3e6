/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of memlab-trace, parsed and checked; nothing here acts.
 */
#ifndef MEMLAB_TRACE_OPTIONS_H
#define MEMLAB_TRACE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attribution/result.h"
#include "export/views.h"

/* Exit statuses of memlab-trace, part of its interface. */
enum exit_status {
	EXIT_OK = 0,
	EXIT_ERROR = 1,
	EXIT_USAGE = 2,
	EXIT_NO_PERMISSION = 3,
	EXIT_NO_TARGET = 4,
	EXIT_TARGET_LEFT = 5,
	EXIT_FAIL_IF = 99
};

enum alloc_mode {
	ALLOC_COUNTERS, /* what the target counts itself */
	ALLOC_SAMPLE,   /* a stack for those objects of the collected heap that the target samples */
	ALLOC_EVERY,    /* a stack for each object of the collected heap */
	ALLOC_MALLOC    /* a stack for each call of the malloc library, in any program */
};

enum watch_mode { MODE_AUTO, MODE_EXACT, MODE_TAIL };

enum command {
	COMMAND_TRACE,  /* memlab-trace -p PID, or -- CMD */
	COMMAND_RECORD, /* memlab-trace record -o FILE -p PID: the same, and keeps the records */
	COMMAND_REPORT, /* memlab-trace report FILE */
	COMMAND_PROBES, /* memlab-trace probes -p PID */
	COMMAND_DOCTOR  /* memlab-trace doctor [-p PID] */
};

/* --fail-if 'p99>5ms': the quantile named is compared with a length of time. */
struct fail_rule {
	const char *text; /* NULL: no rule */
	double percent;   /* 50, 90, 99, 99.9, 99.99 or 100 for max */
	bool above;       /* fails above the limit, else below */
	uint64_t limit_ns;
};

struct trace_options {
	enum command command;
	int pid;                /* 0: none given */
	char *const *launch;    /* the command to start and watch instead, ended by NULL; NULL: none */
	uint64_t duration_ns;   /* 0: until interrupted or the target ends */
	enum watch_mode mode;
	double budget_percent;  /* of the CPUs the target may use; for MODE_AUTO */
	enum alloc_mode alloc;
	bool sample;            /* stacks of the target's time, on and off the CPU */
	bool kernel_net;        /* what part of own the kernel's sending is */
	bool require_probes;
	bool follow;            /* go on with the process that comes after the target has ended */
	bool no_flight;         /* a probe at the end of each request even where the target keeps flight rings */
	bool withhold_sched, withhold_arrivals; /* a test's tool: no scheduler records; no arrivals */
	bool jsonl;
	const char *color;      /* auto, always, never */
	const char *listen;     /* ADDRESS:PORT of the live page; NULL: none */
	bool listen_anyone;     /* other addresses than loopback */
	const char *record_path, *report_path;
	const char *json_path, *html_path, *timeline_path, *requests_path;
	const char *flame_path[FLAME_KIND_COUNT], *folded_path[FLAME_KIND_COUNT], *pprof_path[PPROF_KIND_COUNT];
	struct fail_rule fail_if;
	uint64_t ring_bytes;
	bool verbose;
};

/*
 * Fills `options` or ends the process: 0 after --help and --version, EXIT_USAGE with one line on stderr. Pointers point into
 * argv.
 */
void trace_options_parse(struct trace_options *options, int argc, char **argv);

/* "1.5ms", "200us", "3s", "10" (seconds) to nanoseconds; false when it is none of these. */
bool trace_parse_time(const char *text, uint64_t *ns);

/* Parses "p99>5ms"; false when it is not of that form. `text` must stay alive. */
bool trace_parse_fail_rule(const char *text, struct fail_rule *rule);

/* Some output is nothing without samples of time. */
bool trace_options_want_samples(const struct trace_options *options);

/* The quantile that the rule is about. */
uint64_t fail_rule_value(const struct fail_rule *rule, const struct quantiles *quantiles);

#endif
