/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run says in the end: the table for people (report_text.c) and the JSON object for programs (report_json.c;
 * docs/man/memlab-load.1 lists its members), with the same percentiles. Pure but for the stream written to.
 */
#ifndef MEMLAB_LOAD_REPORT_H
#define MEMLAB_LOAD_REPORT_H

#include "driver.h"

struct report_percentile {
	double percent;
	const char *label, *member; /* in text; in JSON */
};

#define REPORT_PERCENTILES 5
extern const struct report_percentile report_percentiles[REPORT_PERCENTILES];

struct report {
	const struct load_options *options;
	const struct target *target;
	const struct outcome *outcome;
};

void report_text(const struct report *report, FILE *file);
/* 0, or -ENOMEM */
int report_json(const struct report *report, FILE *file);

/* Measured length of a step in seconds; shorter than asked after an interruption. */
double report_step_s(const struct outcome *outcome, uint32_t step);

/* Answers a second during the measured window of a step. */
double report_achieved_rate(const struct outcome *outcome, uint32_t step);

#endif
