/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of stacks as profile.proto.gz: `go tool pprof`, speedscope, Pyroscope, Grafana and Parca read it.
 *
 * Every sample has two values, count and amount, and the labels (`cause`, `path`, `thread`, ...) its owner
 * knows for it: `go tool pprof -tagfocus=cause=gc_cpu`. Functions and lines are in the profile: it needs no binary to be read.
 */
#ifndef MEMLAB_TRACE_EXPORT_PPROF_H
#define MEMLAB_TRACE_EXPORT_PPROF_H

#include <stdio.h>

#include "../core/stacks.h"
#include "../symbol/symbols.h"

struct pprof_label {
	const char *key, *text; /* the text is hostile */
};
#define PPROF_LABELS 6

struct pprof_options {
	const char *count_type;                              /* "alloc_objects" */
	const char *amount_type;                             /* "alloc_space" */
	const char *amount_unit;                             /* "bytes" */
	uint64_t period;                                     /* amount per sample; 0: every one was recorded */
	uint64_t wall_ns, duration_ns;                       /* when it began, how long it lasted */
	const char *comment;                                 /* NULL: none */
	/*
	 * Fills `labels` (at most PPROF_LABELS) for a stack and returns their number; < 0: the stack is not part of this
	 * profile. NULL: no labels, all stacks.
	 */
	int (*labels)(void *context, const struct stack *stack, struct pprof_label *labels);
	void *context;
};

/* 0, -ENOMEM or -EIO. */
int export_pprof(FILE *file, const struct stacks *stacks, struct symbols *symbols, const struct pprof_options *options);

#endif
