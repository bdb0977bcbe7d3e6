/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each request should start: the open model. Pure: no clock, no sockets.
 *
 * Invariant: intended starts depend on the options and the seed alone, never on answers, so a slow
 * target cannot slow the schedule down. They do not decrease. A request that is due while no connection
 * is free waits; because the sequence can be drawn one start at a time, the queue of waiting requests is
 * simply the part of the schedule that is due and not yet taken, and needs no memory however long it grows.
 *
 * A run is one or more steps, each with its own rate: a warm-up, then the measured window.
 */
#ifndef MEMLAB_LOAD_SCHEDULE_H
#define MEMLAB_LOAD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "random.h"

#define SCHEDULE_STEPS_MAX 64
#define SCHEDULE_OVER UINT64_MAX

enum arrivals {
	ARRIVALS_CONSTANT, /* start i at exactly i / rate */
	ARRIVALS_POISSON   /* independent exponential gaps of mean 1 / rate */
};

struct schedule_step {
	double rate;          /* requests per second */
	uint64_t begin_ns;    /* absolute */
	uint64_t measured_ns; /* starts from here on count */
	uint64_t end_ns;      /* no start at or after this */
};

struct schedule {
	enum arrivals arrivals;
	uint32_t step_count;
	uint32_t step;    /* the step of the next start */
	uint64_t index;   /* of the next start in its step */
	double offset_ns; /* of the next start from its step's begin */
	uint64_t next_ns; /* the next start; SCHEDULE_OVER after the last */
	struct random random;
	struct schedule_step steps[SCHEDULE_STEPS_MAX];
};

/* Rates > 0; every step lasts warmup_ns + measured_ns. The first begins at begin_ns. */
void schedule_init(struct schedule *schedule, enum arrivals arrivals, const double *rates, uint32_t rate_count,
		   uint64_t warmup_ns, uint64_t measured_ns, uint64_t seed, uint64_t begin_ns);

/* Takes the next start off the schedule. */
void schedule_advance(struct schedule *schedule);

/* Cuts the schedule short: no start at or after `now_ns`. */
void schedule_stop(struct schedule *schedule, uint64_t now_ns);

/* End of the last step. */
uint64_t schedule_end_ns(const struct schedule *schedule);

/* Whether a start belongs to its step's measured window. */
static inline bool schedule_measured(const struct schedule *schedule, uint32_t step, uint64_t intended_ns)
{
	return intended_ns >= schedule->steps[step].measured_ns;
}

const char *arrivals_name(enum arrivals arrivals);

#endif
