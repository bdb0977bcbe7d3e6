/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run says in the end: the table for people, the JSON object for programs (docs/man/memlab-load.1 lists its
 * members), and HdrHistogram's percentile table for plots. Pure but for the stream written to.
 */
#ifndef MEMLAB_LOAD_REPORT_H
#define MEMLAB_LOAD_REPORT_H

#include "driver.h"

struct report {
	const struct load_options *options;
	const struct target *target;
	const struct outcome *outcome;
};

void report_text(const struct report *report, FILE *file);
/* 0, or -ENOMEM */
int report_json(const struct report *report, FILE *file);
void report_hgrm(const struct latency *latency, FILE *file);

/* Measured length of a step in seconds; shorter than asked after an interruption. */
double report_step_s(const struct outcome *outcome, uint32_t step);

/* Answers a second during the measured window of a step. */
double report_achieved_rate(const struct outcome *outcome, uint32_t step);

#endif
