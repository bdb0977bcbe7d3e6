/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run time: what the BPF programs take, in whatever process they run, by the kernel's own statistics.
 *
 * Counting costs every BPF program of the machine two clock readings a run, so it is done once, for the first RUN_TIME_NS after attach; the
 * kernel counts for as long as a descriptor is open. That takes CAP_SYS_ADMIN, which a tracer without it does without.
 *
 * One thread at a time.
 */
#ifndef MEMLAB_SOURCE_RUN_TIME_H
#define MEMLAB_SOURCE_RUN_TIME_H

#include <stdint.h>

struct bpf_object;

#define RUN_TIME_NS 100000000u

struct runs {
	uint64_t count, ns; /* ns: with what counting takes in each (calibrate.h) */
};

/* Of one program, as far as was counted; of none that is loaded (program < 0) nothing. */
struct runs runs_of(int program);

struct run_time {
	int statistics;     /* the descriptor; < 0: not counting */
	uint64_t begin_ns;  /* counting since then */
	struct runs before, found; /* by then, for somebody may be counting all the time; and since */
	uint64_t over_ns; /* how long `found` took; 0: not known */
};

void run_time_begin(struct run_time *run_time, const struct bpf_object *object, uint64_t now_ns);

/* Ends the counting when its time has come; call it now and then. `requests` seen since the begin: of fewer than 20 it says nothing. */
void run_time_look(struct run_time *run_time, const struct bpf_object *object, uint64_t now_ns, uint64_t requests);

void run_time_close(struct run_time *run_time);

#endif
