/* SPDX-License-Identifier: Apache-2.0 */
/* Merge: see merge.h. */
#include "merge.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Lanes are drained when the newest time has moved by this much, not at each record. */
#define MERGE_STEP_NS 1000000u

void merge_init(struct merge *merge, uint64_t watermark_ns, const struct merge_sink *sink)
{
	*merge = (struct merge){.sink = *sink, .watermark_ns = watermark_ns};
}

void merge_free(struct merge *merge)
{
	for (uint32_t i = 0; i < merge->active_count; i++) {
		free(merge->active[i]->slots);
		free(merge->active[i]);
	}
	free(merge->active);
	free(merge->lanes);
	*merge = (struct merge){0};
}

static union merge_slot *lane_at(const struct merge_lane *lane, uint32_t index)
{
	return &lane->slots[(lane->head + index) & (lane->capacity - 1)];
}

static int lane_grow(struct merge_lane *lane)
{
	uint32_t capacity = lane->capacity ? 2 * lane->capacity : 256;
	union merge_slot *slots = malloc(capacity * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < lane->count; i++)
		slots[i] = *lane_at(lane, i);
	free(lane->slots);
	lane->slots = slots;
	lane->capacity = capacity;
	lane->head = 0;
	return 0;
}

/* Every lane has room in both tables before it exists, so nothing is half done on lack of memory. */
static int merge_tables_grow(struct merge *merge, uint32_t limit)
{
	struct merge_lane **lanes = realloc(merge->lanes, limit * sizeof(*lanes));

	if (!lanes)
		return -ENOMEM;
	merge->lanes = lanes;
	struct merge_lane **active = realloc(merge->active, limit * sizeof(*active));
	if (!active)
		return -ENOMEM;
	merge->active = active;
	memset(lanes + merge->lane_limit, 0, (limit - merge->lane_limit) * sizeof(*lanes));
	merge->lane_limit = limit;
	return 0;
}

static void merge_activate(struct merge *merge, struct merge_lane *lane)
{
	uint32_t at = merge->active_count++;

	for (; at > 0 && merge->active[at - 1]->cpu > lane->cpu; at--)
		merge->active[at] = merge->active[at - 1];
	merge->active[at] = lane;
	merge->lanes[lane->cpu] = lane;
}

static struct merge_lane *merge_lane(struct merge *merge, uint16_t cpu)
{
	if (cpu < merge->lane_limit && merge->lanes[cpu])
		return merge->lanes[cpu];
	if (cpu >= merge->lane_limit && merge_tables_grow(merge, cpu + 8u) < 0)
		return NULL;
	struct merge_lane *lane = calloc(1, sizeof(*lane));
	if (!lane)
		return NULL;
	lane->cpu = cpu;
	merge_activate(merge, lane);
	return lane;
}

static int32_t seq_distance(uint32_t to, uint32_t from)
{
	return (int32_t)(to - from);
}

/* How many of the numbers between the last that left and `seq` wait in the lane with a later time. */
static uint32_t lane_present(const struct merge_lane *lane, uint32_t seq)
{
	uint32_t present = 0;

	for (uint32_t i = 0; i < lane->count; i++) {
		uint32_t other = lane_at(lane, i)->h.seq;
		present += seq_distance(other, lane->top_seq) > 0 && seq_distance(seq, other) > 0;
	}
	return present;
}

/* Records before the first that we see: nothing is known of them but how many were lost. */
static void merge_start_lane(struct merge *merge, struct merge_lane *lane, const struct record *record)
{
	lane->started = 1;
	lane->top_seq = record->seq;
	lane->top_ns = record->time_ns;
	if (record->lost == 0)
		return;
	merge->lost += record->lost;
	merge->sink.gap(merge->sink.context, lane->cpu, 0, record->time_ns);
}

static void merge_check_gap(struct merge *merge, struct merge_lane *lane, const struct record *record)
{
	int32_t step = seq_distance(record->seq, lane->top_seq);

	if (step > 1) {
		uint32_t missing = (uint32_t)step - 1 - lane_present(lane, record->seq);
		uint32_t late = lane->late < missing ? lane->late : missing;
		merge->lost += missing - late;
		lane->late -= late;
		if (missing)
			merge->sink.gap(merge->sink.context, lane->cpu, lane->top_ns, record->time_ns);
	}
	if (step > 0)
		lane->top_seq = record->seq;
	lane->top_ns = record->time_ns;
}

static void merge_emit(struct merge *merge, struct merge_lane *lane)
{
	const union merge_slot *slot = lane_at(lane, 0);

	lane->head = (lane->head + 1) & (lane->capacity - 1);
	lane->count--;
	merge->waiting--;
	if (lane->started)
		merge_check_gap(merge, lane, &slot->h);
	else
		merge_start_lane(merge, lane, &slot->h);
	merge->sink.record(merge->sink.context, &slot->h);
}

/* The lane whose head is oldest, the lowest CPU of equals; *bound: how far it may go before another's turn. */
static struct merge_lane *merge_oldest(const struct merge *merge, uint64_t *bound)
{
	struct merge_lane *best = NULL;
	uint64_t best_ns = UINT64_MAX;

	*bound = UINT64_MAX;
	for (uint32_t i = 0; i < merge->active_count; i++) {
		struct merge_lane *lane = merge->active[i];
		if (lane->count == 0)
			continue;
		uint64_t time_ns = lane_at(lane, 0)->h.time_ns;
		if (!best || time_ns < best_ns) {
			*bound = best_ns;
			best = lane;
			best_ns = time_ns;
		} else if (time_ns < *bound) {
			*bound = time_ns;
		}
	}
	return best;
}

static void merge_drain(struct merge *merge, uint64_t horizon_ns)
{
	uint64_t bound;

	for (;;) {
		struct merge_lane *lane = merge_oldest(merge, &bound);
		if (!lane || lane_at(lane, 0)->h.time_ns >= horizon_ns)
			break;
		do
			merge_emit(merge, lane);
		while (lane->count && lane_at(lane, 0)->h.time_ns < bound && lane_at(lane, 0)->h.time_ns < horizon_ns);
	}
	if (horizon_ns > merge->horizon_ns)
		merge->horizon_ns = horizon_ns;
}

static void merge_drain_due(struct merge *merge)
{
	uint64_t horizon_ns = merge->newest_ns > merge->watermark_ns ? merge->newest_ns - merge->watermark_ns : 0;

	if (merge->complete_ns && horizon_ns > merge->complete_ns)
		horizon_ns = merge->complete_ns;
	if (horizon_ns)
		merge_drain(merge, horizon_ns);
	merge->drained_ns = merge->newest_ns;
}

/* Too much waits: let half of the span go. */
static void merge_relieve(struct merge *merge)
{
	uint64_t bound;

	while (merge->waiting > MERGE_LIMIT / 2) {
		struct merge_lane *lane = merge_oldest(merge, &bound);
		merge_drain(merge, lane_at(lane, 0)->h.time_ns + 1);
	}
}

static size_t record_bytes(uint8_t kind)
{
	static const uint16_t bytes[RECORD_KIND_LIMIT] = {
		[RECORD_SWITCH] = sizeof(struct record_switch), [RECORD_WAKING] = sizeof(struct record_wake),
		[RECORD_WAKEUP] = sizeof(struct record_wake),   [RECORD_RECV] = sizeof(struct record_recv),
		[RECORD_SEND] = sizeof(struct record_send),     [RECORD_CLOSE] = sizeof(struct record_close),
		[RECORD_EVENT] = sizeof(struct record_event),   [RECORD_STACK] = offsetof(struct record_stack, frames),
		[RECORD_FAULT] = sizeof(struct record_fault),   [RECORD_TASK] = sizeof(struct record_task),
		[RECORD_EXIT] = sizeof(struct record_exit),     [RECORD_REQUEST] = sizeof(struct record_request),
		[RECORD_MODE] = sizeof(struct record_mode),
	};

	return kind < RECORD_KIND_LIMIT ? bytes[kind] : 0;
}

static int record_sound(const struct record *record)
{
	size_t bytes = record_bytes(record->kind), given = 8u * record->words;

	if (record->kind == RECORD_STACK)
		return given >= bytes && given <= sizeof(struct record_stack);
	return bytes && given == bytes;
}

/* In its place by time and number: nearly always the end. */
static void lane_insert(struct merge_lane *lane, const struct record *record)
{
	uint32_t at = lane->count++;

	for (; at > 0; at--) {
		const struct record *before = &lane_at(lane, at - 1)->h;
		if (before->time_ns < record->time_ns ||
		    (before->time_ns == record->time_ns && seq_distance(before->seq, record->seq) <= 0))
			break;
		*lane_at(lane, at) = *lane_at(lane, at - 1);
	}
	memcpy(lane_at(lane, at), record, record_bytes(record->kind));
}

/* Whether the record comes too late. It leaves a hole, which was counted as a loss if it was seen already. */
static int merge_late(struct merge *merge, struct merge_lane *lane, const struct record *record)
{
	int late = record->time_ns < merge->horizon_ns;
	int passed = lane->started && seq_distance(record->seq, lane->top_seq) < 0;

	if (passed && merge->lost)
		merge->lost--;
	merge->late += (uint32_t)late;
	if (late && lane->started && !passed)
		lane->late++;
	return late;
}

int merge_feed(struct merge *merge, const struct record *record)
{
	if (!record_sound(record)) {
		merge->unknown++;
		return -EINVAL;
	}
	struct merge_lane *lane = merge_lane(merge, record->cpu);
	if (!lane || (lane->count == lane->capacity && lane_grow(lane) < 0))
		return -ENOMEM;
	if (merge_late(merge, lane, record))
		return 0;
	lane_insert(lane, record);
	if (++merge->waiting > MERGE_LIMIT)
		merge_relieve(merge);
	if (record->time_ns > merge->newest_ns)
		merge->newest_ns = record->time_ns;
	if (merge->newest_ns - merge->drained_ns >= MERGE_STEP_NS)
		merge_drain_due(merge);
	return 0;
}

void merge_advance(struct merge *merge, uint64_t now_ns)
{
	if (now_ns > merge->newest_ns)
		merge->newest_ns = now_ns;
	if (now_ns > merge->complete_ns)
		merge->complete_ns = now_ns;
	merge_drain_due(merge);
}

void merge_finish(struct merge *merge)
{
	merge_drain(merge, UINT64_MAX);
}
