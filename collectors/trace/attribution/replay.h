/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replay: when would requests have ended without the collector?
 *
 * Subtracting a request's own collector time is wrong: requests that arrive while the backlog of a stop drains contain no
 * collector time of their own. So the serving thread's work is replayed, in order of service, with the collector's
 * time left out:
 *
 *   end' = max(arrival, end' of the request before) + (gap - collector time in it) + (service - collector time in it)
 *
 * where gap is the time from max(arrival, end of the request before) to begin: waking up, waiting for the CPU behind
 * strangers, the event loop's own work. It belongs to the request with or without a collector; in an ideal queue it is 0.
 * The request before is the last that had ended on the thread when this one began, so requests that
 * overlap on a thread do not count each other twice. end' is never after end. O(1) per request, pure.
 */
#ifndef MEMLAB_ATTRIBUTION_REPLAY_H
#define MEMLAB_ATTRIBUTION_REPLAY_H

#include <stdint.h>

/* Where a serving thread stands: its last end, in truth and in the replay. */
struct replay_point {
	uint64_t end_ns, replayed_ns;
};

/* The instant from which the request had only itself to wait for. */
static inline uint64_t replay_gap_begin(const struct replay_point *before, uint64_t arrival_ns, uint64_t begin_ns)
{
	uint64_t free_ns = before->end_ns > arrival_ns ? before->end_ns : arrival_ns;

	return free_ns < begin_ns ? free_ns : begin_ns;
}

/* The point after a request; gap_ns and service_ns are without the collector's time in them. */
static inline struct replay_point replay_serve(const struct replay_point *before, uint64_t arrival_ns, uint64_t end_ns,
					       uint64_t gap_ns, uint64_t service_ns)
{
	uint64_t from_ns = before->replayed_ns > arrival_ns ? before->replayed_ns : arrival_ns;

	return (struct replay_point){.end_ns = end_ns, .replayed_ns = from_ns + gap_ns + service_ns};
}

#endif
