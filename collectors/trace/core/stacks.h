/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of distinct stacks, each with two values: how many, and how much.
 *
 * What "much" is belongs to the set's owner: bytes for allocations, nanoseconds for time. Equal stacks (same label,
 * same addresses) are one entry. The set is bounded: when it is full, further new stacks
 * are added to one entry without frames, flagged STACK_OVERFLOW, so that totals stay exact.
 * One thread at a time.
 */
#ifndef MEMLAB_TRACE_STACKS_H
#define MEMLAB_TRACE_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "../../../bpf/record.h"

enum stack_flag {
	STACK_CUT = 1,       /* deeper than was recorded: the outermost frames are missing */
	STACK_OVERFLOW = 2,  /* the entry for what did not fit */
	STACK_ALLOCATION = 4, /* begins inside the heap: views start at the site that asked for memory */
	STACK_KERNEL = 8     /* the thread was in the kernel, called from the innermost frame */
};

struct stack {
	uint64_t count, amount;
	uint32_t label; /* the owner's, 0: none; a cause, say */
	uint32_t flags;
	uint32_t depth;         /* 0: no stack was to be had */
	const uint64_t *frames; /* innermost first; [0] is where it happened, the others are return addresses */
};

struct stacks;

/* At most `limit` distinct stacks; 0: 65536. NULL on lack of memory. Free with stacks_free (NULL allowed). */
struct stacks *stacks_new(size_t limit);
void stacks_free(struct stacks *stacks);

/* 0 or -ENOMEM (then nothing was added). */
int stacks_add(struct stacks *stacks, uint32_t label, const uint64_t *frames, uint32_t depth, uint32_t flags,
	       uint64_t count, uint64_t amount);
void stacks_clear(struct stacks *stacks);

/* The same, and tells the entry's index, which stays; or -ENOMEM. */
long stacks_put(struct stacks *stacks, uint32_t label, const uint64_t *frames, uint32_t depth, uint32_t flags,
		uint64_t count, uint64_t amount);
void stacks_more(struct stacks *stacks, size_t index, uint64_t count, uint64_t amount);

/*
 * Adds an allocation's record (gc_alloc or alloc_sample with its stack): one object, its bytes. `sample_bytes` 0: every allocation is
 * recorded; else one in so many bytes on average, and each stands for as many as it represents. -EINVAL: not such a
 * record.
 */
int stacks_add_allocation(struct stacks *stacks, uint32_t label, const struct record_stack *record, uint64_t sample_bytes);

size_t stacks_size(const struct stacks *stacks);
/* Valid until the next add or clear; in order of first appearance. */
const struct stack *stacks_at(const struct stacks *stacks, size_t index);

/* A frame for people; strings are the namer's own and live as long as it does. Hostile: escape them. */
struct frame_name {
	const char *function; /* NULL: not known */
	const char *module;   /* file the code is in, without its path; NULL: not known */
	const char *file;     /* source file; NULL: not known */
	unsigned line;
};

/* How a view learns names: symbols_namer() in symbol/, or a table in a test. */
struct frame_namer {
	void *context;
	/* `address` is a code address; for a return address the caller has already stepped back into the call. */
	struct frame_name (*name)(void *context, uint64_t address);
	/*
	 * The functions whose code was inlined there, innermost first; what `name` tells is the function around them all, at the
	 * place of the outermost call. Returns how many. NULL: none is ever known.
	 */
	unsigned (*inlined)(void *context, uint64_t address, const struct frame_name **frames);
	const char *(*label)(void *context, uint32_t label); /* NULL: labels are not drawn */
};

/*
 * Where an allocation was made: of its stack the innermost frames up to the last one that bears a name of the heap or
 * of the service's sampler (gc_, memlab_probe_, heap_profile_take) are the allocator's own and left out, as all of them say the same. What is left is never empty. Of other
 * stacks nothing is left out.
 */
struct stack_site {
	uint32_t frame;   /* the first frame that stays */
	uint32_t inlined; /* of the functions inlined in it, so many innermost ones are the allocator's */
};
struct stack_site stack_site(const struct stack *stack, const struct frame_namer *namer);

/* The code address of frame i: of a return address, the call before it. */
uint64_t stack_address(const struct stack *stack, uint32_t i);

#endif
