/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merge: one stream in order of (time, CPU, sequence) from records that arrive per CPU in order but mixed between CPUs.
 *
 * Each CPU has a lane, a queue in order of time. A record leaves when it is older than
 * the newest by the watermark; what arrives later than that is counted `late` and dropped. Who has several sources says how far
 * all of them were read, and no record behind that leaves: so a reader that was kept from its CPU for longer than the
 * watermark may read one source after the other.
 * A CPU's sequence numbers are consecutive, so a hole is a loss: the sink hears of it as a *gap*, the span
 * between the two neighbouring records, before it gets the record behind it. A program that was preempted
 * between the reserve and the clock leaves a record whose number is smaller and time larger than its
 * neighbour's: no hole, because it is looked for in the lane first.
 *
 * One thread at a time. Memory: what arrives within the watermark, at most MERGE_LIMIT records.
 */
#ifndef MEMLAB_ATTRIBUTION_MERGE_H
#define MEMLAB_ATTRIBUTION_MERGE_H

#include <stdint.h>

#include "../../../bpf/record.h"

/* More waiting records than this: the oldest become final early. */
#define MERGE_LIMIT (1u << 19)

/* Every record fits without its stack: the frames are not attribution's business. */
union merge_slot {
	struct record h;
	struct record_switch as_switch;
	struct record_wake as_wake;
	struct record_recv as_recv;
	struct record_send as_send;
	struct record_close as_close;
	struct record_event as_event;
	struct record_fault as_fault;
	struct record_task as_task;
	struct record_exit as_exit;
	struct record_request as_request;
	struct record_mode as_mode;
};

struct merge_sink {
	void (*record)(void *context, const struct record *record);
	void (*gap)(void *context, uint16_t cpu, uint64_t from_ns, uint64_t to_ns);
	void *context;
};

struct merge_lane {
	union merge_slot *slots; /* a ring */
	uint32_t head, count, capacity;
	uint32_t top_seq; /* greatest that left or is known missing */
	uint64_t top_ns;  /* of the last that left */
	uint32_t late;    /* dropped, and their hole not yet seen: it is no loss */
	uint16_t cpu;
	uint8_t started;
};

struct merge {
	struct merge_sink sink;
	uint64_t watermark_ns;
	uint64_t newest_ns, horizon_ns; /* everything before the horizon has left */
	uint64_t drained_ns;            /* newest_ns at the last drain */
	uint64_t complete_ns;           /* all sources were read up to there (merge_advance); 0: nobody says */
	uint64_t lost, late, unknown;
	uint32_t waiting;
	struct merge_lane **lanes; /* by CPU; NULL: silent so far */
	uint32_t lane_limit;
	struct merge_lane **active; /* in order of CPU */
	uint32_t active_count;
};

void merge_init(struct merge *merge, uint64_t watermark_ns, const struct merge_sink *sink);
void merge_free(struct merge *merge);

/* 0; -EINVAL: not a record of a known kind and size; -ENOMEM. */
int merge_feed(struct merge *merge, const struct record *record);
void merge_advance(struct merge *merge, uint64_t now_ns);
void merge_finish(struct merge *merge);

#endif
