/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timeline: what one thread was doing, instant by instant.
 *
 * A sequence of pieces, each from its begin to the begin of the next, so that a thread is in exactly one state at any time
 * by construction; the last piece is open. Pieces lie in blocks that start with the totals of everything before
 * them, so the time spent in each state between any two instants is a difference of two sums: it costs the same for a
 * microsecond and for a backlog of a second. All arithmetic is on integers and exact.
 *
 * Beside the pieces stands a short list of *notes*: the pieces that name somebody (who held the CPU, which collection
 * cost the time), newest last.
 *
 * Memory is bounded: blocks are reused once no request can reach back to them (`reach_ns`), and at
 * TIMELINE_BLOCK_LIMIT in any case. Before the oldest piece everything is unattributed.
 * Pure, one thread at a time. When memory is short the oldest part is forgotten; nothing fails.
 */
#ifndef MEMLAB_ATTRIBUTION_TIMELINE_H
#define MEMLAB_ATTRIBUTION_TIMELINE_H

#include <stdint.h>

#include "result.h"

/* The causes, and what is told apart before it is known which span a request will look at. */
enum state {
	STATE_IDLE = CAUSE_COUNT, /* asleep and serving nobody */
	STATE_MARK,               /* on a CPU doing the collector's work, on a thread that is not the collector's */
	STATE_SWEEP,              /* sweeping inside an allocation */
	STATE_STEAL,              /* in the program's own code, and the hypervisor had taken the CPU */
	STATE_COUNT
};

/* Columns of sums: the states, and time on a CPU whatever the state. */
#define TIMELINE_ON_CPU STATE_COUNT
#define TIMELINE_COLUMNS (STATE_COUNT + 1)

struct piece {
	uint64_t begin_ns;
	uint32_t culprit; /* number of who is named; 0: nobody */
	uint16_t cpu;
	uint8_t state; /* enum cause or enum state */
	uint8_t on_cpu;
};

struct note {
	uint64_t begin_ns, end_ns;
	uint32_t culprit;
	uint32_t state;
	uint64_t cycle;
};

#define BLOCK_PIECES 32
struct timeline_block {
	uint64_t before[TIMELINE_COLUMNS]; /* sums from the timeline's origin to the first piece */
	uint32_t used;
	struct piece piece[BLOCK_PIECES];
};

#define TIMELINE_BLOCK_LIMIT (1u << 15)
#define TIMELINE_NOTES 1024

struct timeline {
	struct timeline_block *blocks;      /* a ring */
	uint32_t first, count, capacity;    /* in blocks; capacity is a power of two, or 0 */
	uint64_t total[TIMELINE_COLUMNS];   /* sums from the origin to the begin of the open piece */
	uint64_t reach_ns;                  /* how far back the requests of late have reached */
	uint64_t cycle;                     /* the collection that notes name */
	struct note *notes;                 /* a ring of TIMELINE_NOTES, or NULL */
	uint64_t note_count;                /* so far */
};

void timeline_free(struct timeline *timeline);

/* From next.begin_ns on the thread is in this state. Times never go back: an earlier one counts as the latest known. */
void timeline_set(struct timeline *timeline, struct piece next);

/* The open piece has been something else all along. */
void timeline_recast(struct timeline *timeline, enum state state, uint32_t culprit);

/* Records of `cpu` were lost between the two: whatever was not seen running on another CPU is unattributed. */
#define TIMELINE_EVERY_CPU UINT32_MAX
void timeline_void(struct timeline *timeline, uint64_t from_ns, uint64_t to_ns, uint32_t cpu);

/*
 * Somewhere between the two (from_ns < to_ns, not before the oldest piece, to_ns now) the hypervisor had the CPU for taken_ns. It lengthened the piece
 * it lies in, so it lies in the longest; if that is of the program's own and long enough, its begin becomes STATE_STEAL. Else nothing is told.
 */
void timeline_steal(struct timeline *timeline, uint64_t from_ns, uint64_t to_ns, uint64_t taken_ns);

/* The open piece; NULL when nothing is known yet. */
const struct piece *timeline_open(const struct timeline *timeline);

/* Time in each column between two instants; the states sum to to_ns - from_ns exactly (from_ns <= to_ns). */
void timeline_span(const struct timeline *timeline, uint64_t from_ns, uint64_t to_ns, uint64_t ns[TIMELINE_COLUMNS]);

/*
 * The pieces that touch [from, to), oldest first, at most `limit`; the first may have begun before. Returns their number.
 */
uint32_t timeline_pieces(const struct timeline *timeline, uint64_t from_ns, uint64_t to_ns, struct piece *pieces, uint32_t limit);

/* The note `back` places before the newest; NULL when there is none (any more). */
const struct note *timeline_note(const struct timeline *timeline, uint32_t back);

/* A request reached back this far from now. */
void timeline_reach(struct timeline *timeline, uint64_t ns);

#endif
