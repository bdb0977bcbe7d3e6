/* SPDX-License-Identifier: Apache-2.0 */
/* Out of the kernel's ring and the target's flight rings, on a timer. */
#include <string.h>

#include "decode.h"
#include "live_internal.h"

#define SEED_EVERY_NS 1000000000u
#define FLIGHT_STEP_NS 200000000u
#define FLIGHT_BEHIND_NS 20000000u /* the ring's records are in order to within this, so their arrivals have been read */

/*
 * A probe before the function's own frame is made: the walk along frame pointers goes from the function straight
 * to its caller's caller, and the caller is put in from the return address.
 */
static const struct record *with_caller(const struct record_stack *record, struct record_stack *copy)
{
	uint64_t caller = record->args[1];
	if (record->event != EVENT_malloc || record->depth == 0 || record->frames[1] == caller)
		return &record->h;
	*copy = *record;
	copy->depth = record->depth < RECORD_STACK_DEPTH ? record->depth + 1 : RECORD_STACK_DEPTH;
	memmove(&copy->frames[2], &record->frames[1], (copy->depth - 2) * sizeof(copy->frames[0]));
	copy->frames[1] = caller;
	return &copy->h;
}

/*
 * A tracer that was kept from the CPU finds a long stretch of time in the kernel's ring, and as much in the flight rings. They are handed
 * over step by step, so that nothing is older than what came before by more than a step and a little.
 */
static void hand_over_flights(struct live *live, uint64_t now_ns)
{
	if (!live->flight || now_ns < live->flight_due_ns)
		return;
	int result = live->flight_due_ns ? flight_drain(live->flight, now_ns - FLIGHT_BEHIND_NS, live->take, live->context) : 0;
	live->drained += result > 0 ? result : 0;
	live->flight_due_ns = now_ns + FLIGHT_STEP_NS;
}

static int ring_take(void *context, void *data, size_t size)
{
	struct live *live = context;
	const struct record *record = data;
	if (!record_valid(record, size))
		return 0;
	live->received_of[record->kind]++;
	live->drained++;
	struct record_stack copy;
	if (record->kind == RECORD_ARRIVAL) {
		if (live->arrivals)
			arrivals_add(live->arrivals, (const struct record_arrival *)record);
		return 0;
	}
	if (record->kind == RECORD_STACK)
		record = with_caller((const struct record_stack *)record, &copy);
	if (record->kind == RECORD_TASK && live->flight)
		flight_learn_thread(live->flight, ((const struct record_task *)record)->ns_tid, record->tid);
	hand_over_flights(live, record->time_ns);
	live->take(live->context, record);
	return 0;
}

int live_open_ring(struct live *live, struct source_error *error)
{
	int result = ring_open(&live->ring, bpf_map__fd(live->bpf->maps.ring), ring_take, live);
	if (!result)
		return 0;
	return source_error_set(error, SOURCE_FAILED, result,
				"cannot map the ring of %zu bytes: %s; ask for a smaller one",
				live_ring_bytes(&live->options), strerror(-result));
}

/* Arrivals that found no room: nobody knows whose they were. */
static void look_for_lost_arrivals(struct live *live)
{
	uint64_t lost = 0;
	for (uint32_t c = 0; c < live->cpus; c++)
		lost += live->bpf->bss->cpus[c].arrivals_lost;
	if (lost != live->arrivals_lost)
		arrivals_lost(live->arrivals);
	live->arrivals_lost = lost;
}

/*
 * Requests out of the rings. The arrivals of those that ended before the look were reserved in the
 * ring before: if all up to there has been read, they can be joined; if not, they wait for the next turn.
 */
static int drain_rings(struct live *live, uint64_t now_ns)
{
	int looked = live->flight ? flight_look(live->flight) : 0;
	unsigned long place = ring_place(&live->ring);
	int result = ring_consume(&live->ring);
	if (result < 0 || !ring_passed(&live->ring, place))
		return result;
	live->source.complete_ns = now_ns;
	if (!live->flight || looked < 0)
		return result;
	if (live->arrivals)
		look_for_lost_arrivals(live);
	result = flight_drain(live->flight, UINT64_MAX, live->take, live->context);
	return result > 0 ? result : 0; /* a target that has ended gives nothing more */
}

/* See RECORD_COMPLETE. */
static void tell_complete(const struct live *live, uint64_t time_ns)
{
	live->take(live->context, &(struct record){.time_ns = time_ns, .kind = RECORD_COMPLETE, .words = sizeof(struct record) / 8});
}

int live_drain(struct source *source, void (*take)(void *context, const struct record *record), void *context)
{
	struct live *live = (struct live *)source;
	uint64_t now_ns = source_now_ns();
	if (now_ns - live->seeded_ns >= SEED_EVERY_NS) {
		live->seeded_ns = now_ns;
		live_renew(live);
	}
	live->take = take;
	live->context = context;
	live->drained = 0;
	live->flight_due_ns = 0;
	if (live->source.complete_ns == 0) /* of the first drain nothing may be final before its end */
		tell_complete(live, live->attached_at_ns - live->attach_ns);
	if (live->tail_ns && !live->tail && now_ns >= live->tail_ns)
		live_tail_begin(live);
	run_time_look(&live->run_time, live->bpf->obj, now_ns, live->received_of[RECORD_RECV] + live->received_of[RECORD_ARRIVAL]);
	/* now_ns was taken before the look: whatever keeps us from the CPU in between, all records up to here are read. */
	int result = drain_rings(live, now_ns);
	if (live->source.complete_ns == now_ns)
		tell_complete(live, now_ns);
	return result < 0 ? result : live->drained + result;
}
