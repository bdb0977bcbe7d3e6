/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a view has to know beside the summary (attribution/result.h): whom we watch, how, and
 * what the watching costs.
 *
 * Filled by main, read by every view; strings stay main's own and may be NULL where the comment
 * says so. Strings that come from the target (comm, run_json) are hostile: each view escapes them.
 * Numbers that are not known are negative, and views then say so instead of printing 0.
 */
#ifndef MEMLAB_TRACE_INFO_H
#define MEMLAB_TRACE_INFO_H

#include <stdint.h>

struct trace_info {
	const char *version;
	uint32_t pid;
	char comm[16];
	const char *kind;                       /* what targets/ calls it: "memlab-svc", "process", ... */
	const char *mode;                       /* "exact" or "tail" */
	const char *mode_asked;                 /* the same or "auto"; NULL: not known */
	char mode_why[160];                     /* one line: why auto chose it; "": nothing to say */
	const char *alloc_mode;                 /* "counters", "sample" or "every" */
	uint64_t alloc_samples, alloc_period_bytes; /* of "sample": stacks taken, each for about so many bytes */
	uint32_t probes_found, probes_attached; /* found 0: only its sockets and the scheduler are seen */
	char probes_left_out[256];              /* those found but not attached, and what would attach them; "": none */
	uint64_t attach_ns;                     /* how long attaching took */
	uint64_t duration_ns;                   /* watched so far */
	double requests_per_second;             /* over the duration */
	struct {
		double target_ns_per_request; /* added to the target; < 0: not known */
		double tracer_cpu_percent;    /* of one CPU; < 0: not known */
		double bpf_cpu_percent;       /* of one CPU, in BPF programs in whatever process, right after attach; < 0: not known */
		double budget_percent;        /* --budget */
	} cost;
	const char *run_json;    /* the target's memlab_run_info, one JSON object; NULL: none */
	const char *missing;     /* one line: which causes cannot be seen here; NULL: all can */
	const char *no_requests; /* one line: why none was seen, when main knows; NULL: the screen guesses */

	/* How the screen is drawn; screen_detect() fills these from the terminal. All 0 is plain UTF-8. */
	int color;         /* 1: colour, which only repeats what the words say */
	int ascii;         /* 1: no character beyond ASCII */
	int rows, columns; /* 0: 24 and 80 */
};

#endif
