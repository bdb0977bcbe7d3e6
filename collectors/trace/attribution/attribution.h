/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attribution: a pure function from records (bpf/record.h) to blame (result.h).
 *
 * Feed it records in any order within the watermark; it merges them by (time, CPU,
 * sequence), keeps a timeline of states per thread, assembles requests from socket edges and end
 * events, and hands each finished request, decomposed, to `on_request`. It knows no
 * libbpf, no file, no clock: the same records give the same result, live or replayed.
 *
 * One thread at a time. Functions return 0 or a negative errno.
 */
#ifndef MEMLAB_ATTRIBUTION_H
#define MEMLAB_ATTRIBUTION_H

#include "../../../bpf/record.h"
#include "result.h"

struct attribution;

struct attribution_config {
	uint32_t tgid;         /* of the target, initial namespace */
	uint64_t watermark_ns; /* records older than the newest by more are final; 0: 100 ms */
	int has_end_events;    /* the target fires request_end: requests are framed by it, else they are exchanges */
	int no_sched;          /* scheduler records are withheld on purpose: time asleep or off CPU is unattributed */
	void (*on_request)(void *context, const struct request *request); /* may be NULL */
	void *context;
	uint64_t fault_minor_ns; /* what a minor fault costs here, by calibration, for faults that no record ends; 0: they stay in own */
};

/* NULL on lack of memory. Free with attribution_free (NULL allowed). */
struct attribution *attribution_new(const struct attribution_config *config);
void attribution_free(struct attribution *attribution);

/* Take one record (copied). -EINVAL: kind or size unknown (counted, nothing taken). -ENOMEM. RECORD_COMPLETE is attribution_advance. */
int attribution_feed(struct attribution *attribution, const struct record *record);

/*
 * All records of before `now_ns` have been fed: those older than that by the watermark become final, and from now on none
 * that is younger than the last such word.
 */
void attribution_advance(struct attribution *attribution, uint64_t now_ns);

/* No more records: everything becomes final; open requests count as cut. */
void attribution_finish(struct attribution *attribution);

/*
 * What a thread was in during [from, to), oldest first, at most `limit` stretches: what a request's blame is cut from.
 * `queue`: seen from a request that waits (asleep is waking), else from one that is served (asleep is blocked).
 * Known for as far back as requests reach: ask inside on_request. Returns their number; 0: nothing is known.
 */
unsigned attribution_stretches(const struct attribution *attribution, uint32_t tid, uint64_t from_ns, uint64_t to_ns, int queue,
			     struct stretch *stretches, unsigned limit);

/* The story so far, of everything final. Cheap enough for once a second. */
void attribution_summary(const struct attribution *attribution, struct summary *summary);

#endif
