/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live source, shared by its files: live.c (its life), load.c (checks, programs), attach.c (iterators, links, probes), drain.c (out of
 * the rings), tail.c (over to tail mode), known.c (what can be asked). Nobody else includes this.
 */
#ifndef MEMLAB_LIVE_INTERNAL_H
#define MEMLAB_LIVE_INTERNAL_H

#include "../../../bpf/trace.h"
#include "../targets/event.h"
#include "arrivals.h"
#include "flight_reader.h"
#include "operations.h"
#include "probes.h"
#include "process.h"
#include "ring.h"
#include "run_time.h"
#include "sampling.h"
#include "trace.skel.h"

#define LINK_LIMIT 24

/* The allocator's slow path is a matter of half a microsecond, every few requests: tail mode does not tell it. */
#define SLOW_EVENTS (1ull << EVENT_gc_alloc_slow_begin | 1ull << EVENT_gc_alloc_slow_end)

struct live {
	struct source source;
	struct source_options options;
	struct process process;
	struct probes probes;
	struct probes twins; /* of the probes, for readers of flight rings */
	struct probes allocators;
	const struct target_kind *kind;
	struct flight_reader *flight; /* NULL: requests come by their probe */
	struct arrivals *arrivals;    /* NULL: not in tail mode and not on the way there */
	uint64_t tail_ns;             /* tail mode begins; 0: it was not asked for */
	bool tail;
	uint64_t arrivals_lost;
	uint32_t cpus; /* that can be */
	struct probes_mark slow_mark; /* links from here on are those of SLOW_EVENTS */
	struct trace_bpf *bpf;
	struct bpf_link *links[LINK_LIMIT];
	const struct bpf_program *programs[LINK_LIMIT];
	size_t link_count;
	struct sampling sampling;
	struct bpf_link *seed; /* the task iterator, read once a second */
	uint64_t seeded_ns;
	struct ring ring;
	bool perf_links;
	uint64_t load_ns, attach_ns, attached_at_ns;
	struct run_time run_time;
	uint64_t fault_ns;
	uint64_t received_of[RECORD_KIND_LIMIT];
	void (*take)(void *context, const struct record *record); /* during a drain */
	void *context;
	int drained;
	uint64_t flight_due_ns; /* the flight rings are handed over up to here before a record of the kernel's this late; 0: at the next */
	struct run_info_place run_info;
	char run_json[1024];
};

/* Functions return 0 or a negative errno, and those with *error explain it there. In the order in which they are used: */

void live_messages(bool verbose); /* libbpf's own, on stderr */
int live_check(struct live *live, struct source_error *error); /* rights, kernel, CPUs */
int live_load(struct live *live, struct source_error *error);
size_t live_ring_bytes(const struct source_options *options);
int live_open_ring(struct live *live, struct source_error *error);
int live_find_target(struct live *live, struct source_error *error); /* its number in the initial PID namespace */
int live_attach_tracepoints(struct live *live, struct source_error *error);
int live_seed(struct live *live, struct source_error *error); /* threads' states, ports, open connections */
int live_attach_probes(struct live *live, struct source_error *error);
int live_start_sampling(struct live *live, struct source_error *error);

void live_renew(struct live *live); /* the threads' states, once a second */
void live_tail_begin(struct live *live);

/* The source's operations (operations.h). */
int live_drain(struct source *source, void (*take)(void *context, const struct record *record), void *context);
int live_tail(struct source *source);
bool live_alive(const struct source *source);
void live_info(const struct source *source, struct target_info *info);
void live_counts(const struct source *source, struct source_counts *counts);

#endif
