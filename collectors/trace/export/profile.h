/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile: where the target's time goes, by stack, and which of it requests paid for.
 *
 * Two kinds of samples come in as records: ticks that found a thread on a CPU (each stands for the period), and the stack of
 * a thread that left its CPU (it lasts until the thread is switched in). Each finished request picks the samples
 * of its thread that lie in its time, and each is filed under the cause that attribution has for that instant.
 *
 * How long requests were in each cause is known exactly, from attribution; samples only tell how that time divides
 * among stacks. So views by request scale: the stacks of a cause share that cause's exact time in proportion to
 * their samples, and a cause that no sample hit is shown as "[no sample]".
 *
 * Requests are kept by their server time to within 3 %. *Slow* are the slowest 1 %, *ordinary* the fastest 90 %, both to such a step.
 * Memory is bounded. One thread at a time.
 */
#ifndef MEMLAB_TRACE_EXPORT_PROFILE_H
#define MEMLAB_TRACE_EXPORT_PROFILE_H

#include <stdbool.h>

#include "../attribution/result.h"
#include "../core/roster.h"
#include "../core/stacks.h"
#include "pprof.h"
#include "tree.h"

enum profile_view {
	PROFILE_CPU,    /* time on a CPU: thread, then stack */
	PROFILE_OFFCPU, /* time off the CPU: thread, how it left, then stack */
	PROFILE_TAIL,   /* one mean slow request: cause, span, then stack; base: one ordinary request */
	PROFILE_DIFF,   /* the same the other way round: stack, then cause */
	PROFILE_REQUESTS /* pprof only: every sample inside a request */
};

struct profile;

/* `roster` stays the owner's. NULL on lack of memory; free with profile_free (NULL allowed). */
struct profile *profile_new(struct roster *roster, uint64_t period_ns);
void profile_free(struct profile *profile);

/* Any record; in the order the source hands them over. */
void profile_record(struct profile *profile, const struct record *record);

/* True when samples of the request's thread lie in its time: profile_request wants its stretches. */
bool profile_wants(const struct profile *profile, const struct request *request);

/*
 * A finished request with what its thread was in, from arrival to end, in order (count 0: not wanted).
 */
void profile_request(struct profile *profile, const struct request *request, const struct stretch *stretches, unsigned count);

uint64_t profile_samples(const struct profile *profile); /* taken so far, of both kinds */
/* All stacks that were sampled, whoever paid for them. */
const struct stacks *profile_stacks(const struct profile *profile);

/* Fills an empty tree, in nanoseconds; not for PROFILE_REQUESTS. 0 or -ENOMEM. */
int profile_tree(struct profile *profile, enum profile_view view, const struct frame_namer *namer, struct tree *tree);

/*
 * The samples of a view as a pprof profile with the labels cause, span, path, thread and speed (as far as known).
 * PROFILE_CPU, PROFILE_OFFCPU or PROFILE_REQUESTS. 0, -ENOMEM or -EIO.
 */
int profile_pprof(struct profile *profile, enum profile_view view, FILE *file, struct symbols *symbols,
		  uint64_t wall_ns, uint64_t duration_ns);

#endif
