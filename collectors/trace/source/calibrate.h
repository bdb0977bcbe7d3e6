/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a probe costs on this machine, and whether this kernel's filter by process covers all
 * of its threads (before 6.10 it may not): measured on the tracer itself, in some milliseconds.
 */
#ifndef MEMLAB_CALIBRATE_H
#define MEMLAB_CALIBRATE_H

#include <stdbool.h>

struct calibration {
	double trap_ns;       /* one hit of a probe with an empty program, the call included */
	double stack_ns;      /* how much more a hit costs that also takes the user's stack, from here */
	double clock_ns;      /* one reading of the clock, which every record takes */
	double counting_ns;   /* what the kernel's statistics add to the time of each run of a program; 0: nobody may count */
	bool threads_covered; /* a link for a process sees the hits of all its threads */
};

/* Needs the right to load programs. 0 or a negative errno. */
int calibrate(struct calibration *calibration);

#endif
