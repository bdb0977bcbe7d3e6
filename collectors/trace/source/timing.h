/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the BPF programs cost, timed by the kernel on the real load. Timing costs every BPF program on the machine two
 * readings of the clock per run, so it lasts a moment: long enough to know each program's price. One thread.
 */
#ifndef MEMLAB_TIMING_H
#define MEMLAB_TIMING_H

#include <stdint.h>

struct bpf_object;

struct timing {
	int fd; /* has the kernel time programs; -1: not now */
	uint64_t since_ns, timed_ns;
};

struct timing_sum {
	uint64_t run_ns, runs; /* while timed; without the trap of a probe */
	uint64_t timed_ns;
};

int timing_start(struct timing *timing); /* 0 or a negative errno; needs CAP_SYS_ADMIN */
void timing_end(struct timing *timing);  /* idempotent */
void timing_sum(const struct timing *timing, const struct bpf_object *object, struct timing_sum *sum);

#endif
