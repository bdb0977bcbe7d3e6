/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop that sends on schedule and takes answers: one thread, one epoll, no locks.
 *
 * Each turn: (1) send what is due, while a connection is ready; (2) sleep (or, with --spin, poll) until a socket
 * has something or the next start is due; (3) for each socket, take its answers and send what became due in the
 * meantime. The schedule never waits for answers (schedule.h), and bursts are cut short so that neither sending nor
 * receiving starves the other.
 *
 * After the last start it drains: requests still due are sent and outstanding answers awaited, at most --timeout.
 */
#ifndef MEMLAB_LOAD_DRIVER_H
#define MEMLAB_LOAD_DRIVER_H

#include <signal.h>
#include <stdio.h>

#include "options.h"
#include "tally.h"
#include "target.h"
#include "usage.h"

/* What a run came to. */
struct outcome {
	uint64_t begin_ns, end_ns; /* first start; everything drained */
	uint64_t sent_total;       /* requests handed to a socket */
	uint64_t answered_total;   /* answers of any status: warm-up, window and drain */
	uint64_t reconnects;
	bool interrupted;   /* stopped before its time */
	bool target_gone;   /* nothing listens any more */
	struct usage usage; /* of the run alone */
	uint64_t polled_ns; /* CPU time in which there was nothing to do but too little time to sleep; 0 with --spin */
	uint32_t step_count;
	struct schedule_step steps[SCHEDULE_STEPS_MAX];
	struct tally *tallies; /* one per step */
};

struct driver;

/* `keys` and `seed` of the options must be final. `edges` may be NULL. 0 or negative errno. */
int driver_create(const struct load_options *options, const struct target *target, FILE *edges, struct driver **out);

/* Opens all connections. 0, or the negative errno of the first that could not be opened. */
int driver_connect(struct driver *driver);

/* Runs until the schedule is over and drained, or *stop is set (by a signal handler). 0 or negative errno. */
int driver_run(struct driver *driver, const volatile sig_atomic_t *stop);

const struct outcome *driver_outcome(const struct driver *driver);
void driver_destroy(struct driver *driver);

#endif
