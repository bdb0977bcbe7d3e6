/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budget: what watching costs, modelled from counts, and whether exact mode can be afforded.
 *
 * The cost is that of the target (traps at the price measured at start, records and flight entries at the prices of
 * docs/tracing.md; what senders and others pay is theirs) and that of the tracer. --mode auto starts in exact mode, looks after 0.2 s and then every second at the
 * last stretch, and goes over to tail mode for good when both together took more than --budget of the CPUs the
 * target may use. Pure but for budget_cpus.
 */
#ifndef MEMLAB_TRACE_BUDGET_H
#define MEMLAB_TRACE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "source/source.h"

/* Fewer requests in a stretch say nothing about a price per request. */
#define BUDGET_REQUESTS_MIN 20u
#define BUDGET_FIRST_NS 200000000u
#define BUDGET_EVERY_NS 1000000000u

struct budget {
	double percent; /* of cpus; what may be used */
	unsigned cpus;  /* the target may use */
	double trap_ns; /* what a probe costs here; < 0: not known */
	double counting_ns; /* of the time of each BPF program's run, what counting it takes; 0: not known */
	uint64_t next_ns; /* of the next look; 0: no more */
	/* At the last look. */
	uint64_t looked_ns, requests;
	double target_ns, tracer_s;
	/* Found by it. */
	double requests_per_s, used_percent;
};

/* How many CPUs the process may use: all of its threads' masks together are not looked at, only its first thread's. */
unsigned budget_cpus(int pid);

/* CPU time that the target has spent for being watched, so far. */
double budget_target_ns(const struct budget *budget, const struct source_counts *counts);

/* CPU time of all BPF programs, in whatever process, of one CPU, without what counting it took; counts->bpf_over_ns > 0. */
double budget_bpf_percent(const struct budget *budget, const struct source_counts *counts);

/* Requests seen so far, whatever their form. */
uint64_t budget_requests(const struct source_counts *counts);

/*
 * Looks, if it is time, at the stretch since the last look; tracer_s is the tracer's own CPU time so far. True: it took more than
 * the budget. The first stretch begins at now_ns of the first call.
 */
bool budget_exceeded(struct budget *budget, uint64_t now_ns, const struct source_counts *counts, double tracer_s);

#endif
