/* SPDX-License-Identifier: Apache-2.0 */
/* Timeline: see timeline.h. */
#include "timeline.h"

#include <stdlib.h>
#include <string.h>

/* Blocks younger than twice the reach and this much are kept: exchanges become final more than a second late. */
#define TIMELINE_KEEP_NS 1500000000ull

void timeline_free(struct timeline *timeline)
{
	free(timeline->blocks);
	free(timeline->notes);
	*timeline = (struct timeline){0};
}

static struct timeline_block *block_at(const struct timeline *timeline, uint32_t index)
{
	return &timeline->blocks[(timeline->first + index) & (timeline->capacity - 1)];
}

static struct piece *timeline_last(const struct timeline *timeline)
{
	if (timeline->count == 0)
		return NULL;
	struct timeline_block *block = block_at(timeline, timeline->count - 1);
	return &block->piece[block->used - 1];
}

const struct piece *timeline_open(const struct timeline *timeline)
{
	return timeline_last(timeline);
}

static void sum_add(uint64_t sum[TIMELINE_COLUMNS], const struct piece *piece, uint64_t ns)
{
	sum[piece->state] += ns;
	if (piece->on_cpu)
		sum[TIMELINE_ON_CPU] += ns;
}

/* Whether nobody will ask for the oldest block any more. */
static int timeline_oldest_spent(const struct timeline *timeline, uint64_t now_ns)
{
	uint64_t end_ns = block_at(timeline, 1)->piece[0].begin_ns;

	return end_ns + 2 * timeline->reach_ns + TIMELINE_KEEP_NS < now_ns;
}

static int timeline_grow(struct timeline *timeline)
{
	uint32_t capacity = timeline->capacity ? 2 * timeline->capacity : 4;
	struct timeline_block *blocks = NULL;

	if (capacity <= TIMELINE_BLOCK_LIMIT)
		blocks = malloc(capacity * sizeof(*blocks));
	if (!blocks)
		return 0;
	for (uint32_t i = 0; i < timeline->count; i++)
		blocks[i] = *block_at(timeline, i);
	free(timeline->blocks);
	timeline->blocks = blocks;
	timeline->capacity = capacity;
	timeline->first = 0;
	return 1;
}

static void timeline_forget_oldest(struct timeline *timeline)
{
	timeline->first = (timeline->first + 1) & (timeline->capacity - 1);
	timeline->count--;
}

/* A fresh block at the end, its sums those up to now; NULL only before the first memory was had. */
static struct timeline_block *timeline_block(struct timeline *timeline, uint64_t now_ns)
{
	if (timeline->count == timeline->capacity) {
		int spent = timeline->count > 1 && timeline_oldest_spent(timeline, now_ns);
		if (spent || !timeline_grow(timeline)) {
			if (timeline->capacity == 0)
				return NULL;
			timeline_forget_oldest(timeline);
		}
	}
	struct timeline_block *block = block_at(timeline, timeline->count++);
	memcpy(block->before, timeline->total, sizeof(block->before));
	block->used = 0;
	return block;
}

static int state_noted(uint32_t state)
{
	switch (state) {
	case CAUSE_STOP:
	case CAUSE_ASSIST:
	case CAUSE_GC_CPU:
	case CAUSE_RUNQ:
	case STATE_MARK:
	case STATE_SWEEP:
		return 1;
	}
	return 0;
}

static void timeline_take_note(struct timeline *timeline, const struct piece *piece, uint64_t end_ns)
{
	if (!timeline->notes)
		timeline->notes = malloc(TIMELINE_NOTES * sizeof(*timeline->notes));
	if (!timeline->notes)
		return;
	timeline->notes[timeline->note_count++ % TIMELINE_NOTES] =
		(struct note){piece->begin_ns, end_ns, piece->culprit, piece->state, timeline->cycle};
}

const struct note *timeline_note(const struct timeline *timeline, uint32_t back)
{
	if (back >= TIMELINE_NOTES || back >= timeline->note_count)
		return NULL;
	return &timeline->notes[(timeline->note_count - 1 - back) % TIMELINE_NOTES];
}

static void timeline_close(struct timeline *timeline, const struct piece *open, uint64_t end_ns)
{
	sum_add(timeline->total, open, end_ns - open->begin_ns);
	if (state_noted(open->state))
		timeline_take_note(timeline, open, end_ns);
}

static int piece_same(const struct piece *a, const struct piece *b)
{
	return a->state == b->state && a->on_cpu == b->on_cpu && a->cpu == b->cpu && a->culprit == b->culprit;
}

void timeline_set(struct timeline *timeline, struct piece next)
{
	struct piece *open = timeline_last(timeline);

	if (open) {
		if (piece_same(open, &next))
			return;
		if (next.begin_ns <= open->begin_ns) {
			next.begin_ns = open->begin_ns;
			*open = next;
			return;
		}
		timeline_close(timeline, open, next.begin_ns);
	}
	struct timeline_block *block = timeline->count ? block_at(timeline, timeline->count - 1) : NULL;
	if (!block || block->used == BLOCK_PIECES)
		block = timeline_block(timeline, next.begin_ns);
	if (block)
		block->piece[block->used++] = next;
}

void timeline_recast(struct timeline *timeline, enum state state, uint32_t culprit)
{
	struct piece *open = timeline_last(timeline);

	if (!open)
		return;
	open->state = (uint8_t)state;
	open->culprit = culprit;
	if (state == (enum state)CAUSE_UNATTRIBUTED)
		open->on_cpu = 0;
}

/* ---- Sums. */

static uint64_t timeline_origin_ns(const struct timeline *timeline)
{
	return block_at(timeline, 0)->piece[0].begin_ns;
}

/* The block that `time_ns` lies in: found by steps that double, from the newest. */
static uint32_t timeline_block_of(const struct timeline *timeline, uint64_t time_ns)
{
	uint32_t high = timeline->count, low = high - 1;

	for (uint32_t step = 1; low > 0 && block_at(timeline, low)->piece[0].begin_ns > time_ns; step *= 2) {
		high = low;
		low = low > step ? low - step : 0;
	}
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (block_at(timeline, middle)->piece[0].begin_ns > time_ns)
			high = middle;
		else
			low = middle;
	}
	return low;
}

/* sum += sign * (time in each column from the origin to time_ns); time_ns is not before the oldest piece. */
static void timeline_sum(const struct timeline *timeline, uint64_t time_ns, uint64_t sum[TIMELINE_COLUMNS], int sign)
{
	const struct timeline_block *block = block_at(timeline, timeline_block_of(timeline, time_ns));

	for (uint32_t c = 0; c < TIMELINE_COLUMNS; c++)
		sum[c] += (uint64_t)sign * block->before[c];
	for (uint32_t i = 0; i < block->used && block->piece[i].begin_ns < time_ns; i++) {
		int closed = i + 1 < block->used && block->piece[i + 1].begin_ns < time_ns;
		uint64_t end_ns = closed ? block->piece[i + 1].begin_ns : time_ns;
		sum_add(sum, &block->piece[i], (uint64_t)sign * (end_ns - block->piece[i].begin_ns));
	}
}

/* What most requests need: they lie in the last few pieces. Returns 0 if they begin before the last block. */
static int timeline_span_recent(const struct timeline *timeline, uint64_t from_ns, uint64_t to_ns,
				uint64_t ns[TIMELINE_COLUMNS])
{
	const struct timeline_block *block = timeline->count ? block_at(timeline, timeline->count - 1) : NULL;

	if (!block || block->piece[0].begin_ns > from_ns)
		return 0;
	for (uint32_t i = block->used; i > 0 && to_ns > from_ns; i--) {
		const struct piece *piece = &block->piece[i - 1];
		uint64_t begin_ns = piece->begin_ns > from_ns ? piece->begin_ns : from_ns;
		if (begin_ns >= to_ns)
			continue;
		sum_add(ns, piece, to_ns - begin_ns);
		to_ns = begin_ns;
	}
	return 1;
}

void timeline_span(const struct timeline *timeline, uint64_t from_ns, uint64_t to_ns, uint64_t ns[TIMELINE_COLUMNS])
{
	memset(ns, 0, TIMELINE_COLUMNS * sizeof(*ns));
	if (timeline_span_recent(timeline, from_ns, to_ns, ns))
		return;
	uint64_t origin_ns = timeline->count ? timeline_origin_ns(timeline) : UINT64_MAX;
	uint64_t known_ns = from_ns > origin_ns ? from_ns : origin_ns;
	if (known_ns >= to_ns) {
		ns[CAUSE_UNATTRIBUTED] = to_ns - from_ns;
		return;
	}
	timeline_sum(timeline, to_ns, ns, 1);
	timeline_sum(timeline, known_ns, ns, -1);
	ns[CAUSE_UNATTRIBUTED] += known_ns - from_ns;
}

uint32_t timeline_pieces(const struct timeline *timeline, uint64_t from_ns, uint64_t to_ns, struct piece *pieces, uint32_t limit)
{
	uint32_t used = 0;

	for (uint32_t b = timeline->count ? timeline_block_of(timeline, from_ns) : 0; b < timeline->count; b++) {
		const struct timeline_block *block = block_at(timeline, b);
		for (uint32_t i = 0; i < block->used; i++) {
			if (block->piece[i].begin_ns >= to_ns)
				return used;
			if (used && block->piece[i].begin_ns <= from_ns)
				used = 0; /* the one before ended before `from_ns` */
			if (used == limit)
				return used;
			pieces[used++] = block->piece[i];
		}
	}
	return used;
}

void timeline_reach(struct timeline *timeline, uint64_t ns)
{
	uint64_t faded = timeline->reach_ns - timeline->reach_ns / 4096;

	timeline->reach_ns = ns > faded ? ns : faded;
}

/* ---- Losses and steal: the end is taken off and put back otherwise. */

static uint32_t timeline_pieces_from(const struct timeline *timeline, uint64_t from_ns, struct piece **pieces)
{
	uint32_t first = timeline_block_of(timeline, from_ns), used = 0;

	*pieces = malloc((size_t)(timeline->count - first) * BLOCK_PIECES * sizeof(**pieces));
	for (uint32_t b = first; *pieces && b < timeline->count; b++) {
		const struct timeline_block *block = block_at(timeline, b);
		memcpy(*pieces + used, block->piece, block->used * sizeof(**pieces));
		used += block->used;
	}
	return used;
}

/* Everything from `from_ns` on is forgotten; the piece it lies in, or the very first, is open again. */
static void timeline_cut(struct timeline *timeline, uint64_t from_ns)
{
	timeline->count = timeline_block_of(timeline, from_ns) + 1;
	struct timeline_block *block = block_at(timeline, timeline->count - 1);
	while (block->used > 1 && block->piece[block->used - 1].begin_ns >= from_ns)
		block->used--;
	memcpy(timeline->total, block->before, sizeof(block->before));
	for (uint32_t i = 0; i + 1 < block->used; i++)
		sum_add(timeline->total, &block->piece[i], block->piece[i + 1].begin_ns - block->piece[i].begin_ns);
	for (const struct note *note; (note = timeline_note(timeline, 0)) && note->end_ns > from_ns;)
		timeline->note_count--;
}

/* The longest of the pieces, each as far as it lies between the two; *begin_ns: where. */
static uint32_t longest_piece(const struct piece *pieces, uint32_t count, uint64_t from_ns, uint64_t to_ns, uint64_t *begin_ns, uint64_t *longest_ns)
{
	uint32_t longest = 0;

	*longest_ns = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t from = pieces[i].begin_ns > from_ns ? pieces[i].begin_ns : from_ns;
		uint64_t to = i + 1 < count ? pieces[i + 1].begin_ns : to_ns;
		if (to <= from || to - from <= *longest_ns)
			continue;
		longest = i;
		*begin_ns = from;
		*longest_ns = to - from;
	}
	return longest;
}

void timeline_steal(struct timeline *timeline, uint64_t from_ns, uint64_t to_ns, uint64_t taken_ns)
{
	struct piece *pieces;
	uint64_t begin_ns = 0, longest_ns;

	if (timeline->count == 0 || from_ns < timeline_origin_ns(timeline) || from_ns >= to_ns)
		return;
	uint32_t count = timeline_pieces_from(timeline, from_ns, &pieces);
	uint32_t at = pieces ? longest_piece(pieces, count, from_ns, to_ns, &begin_ns, &longest_ns) : 0;
	if (pieces && longest_ns >= taken_ns && pieces[at].state == CAUSE_OWN) {
		struct piece own = pieces[at], steal = own;
		timeline_cut(timeline, begin_ns);
		steal.begin_ns = begin_ns;
		steal.state = STATE_STEAL;
		timeline_set(timeline, steal);
		own.begin_ns = begin_ns + taken_ns;
		timeline_set(timeline, own);
		for (uint32_t i = at + 1; i < count; i++)
			timeline_set(timeline, pieces[i]);
	}
	free(pieces);
}

static void timeline_set_hole(struct timeline *timeline, uint64_t begin_ns)
{
	timeline_set(timeline, (struct piece){.begin_ns = begin_ns, .state = CAUSE_UNATTRIBUTED});
}

void timeline_void(struct timeline *timeline, uint64_t from_ns, uint64_t to_ns, uint32_t cpu)
{
	struct piece *pieces;

	if (timeline->count == 0 || from_ns >= to_ns)
		return;
	if (from_ns < timeline_origin_ns(timeline))
		from_ns = timeline_origin_ns(timeline);
	uint32_t count = timeline_pieces_from(timeline, from_ns, &pieces);
	timeline_cut(timeline, from_ns);
	if (!pieces) {
		timeline_set_hole(timeline, from_ns);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct piece piece = pieces[i];
		uint64_t end_ns = i + 1 < count ? pieces[i + 1].begin_ns : UINT64_MAX;
		if (end_ns <= from_ns)
			continue;
		if (piece.begin_ns < from_ns)
			piece.begin_ns = from_ns;
		if (piece.begin_ns < to_ns && !(piece.on_cpu && cpu != TIMELINE_EVERY_CPU && piece.cpu != cpu))
			timeline_set_hole(timeline, piece.begin_ns);
		else
			timeline_set(timeline, piece);
		/* What goes on behind the hole goes on there. */
		if (piece.begin_ns < to_ns && end_ns > to_ns) {
			piece.begin_ns = to_ns;
			timeline_set(timeline, piece);
		}
	}
	free(pieces);
}
