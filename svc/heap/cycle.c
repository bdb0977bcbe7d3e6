/* SPDX-License-Identifier: Apache-2.0 */
/* cycle: see cycle.h. */
#include "cycle.h"

#include "assist.h"
#include "card.h"
#include "handshake.h"
#include "limit.h"
#include "mark.h"
#include "mutator.h"
#include "roots.h"
#include "scavenge.h"
#include "span.h"
#include "sweep.h"
#include "trace.h"
#include "verify.h"

enum reason { REASON_TRIGGER, REASON_FORCED, REASON_LIMIT };

#define SWEEP_SLICE_NS 50000u
#define SWEEP_REST_NS 500000u
#define CEILING_LOOK_NS 1000000u
#define THIN_REST_NS (3 * GC_SLICE_NS) /* Note [room] in mark.h */

void gc_coordinator_wake(struct gc_heap *heap)
{
	gc_add(&heap->wake_seq, 1);
	gc_os_wake(&heap->wake_seq, 1);
}

static void phase_set(struct gc_heap *heap, enum gc_phase phase)
{
	__atomic_store_n(&heap->phase, phase, __ATOMIC_SEQ_CST);
	PROBE_FIRE(gc_phase, heap->cycle, phase);
}

/* ------------------------------------------------------------------- plan */

void gc_plan(struct gc_heap *heap)
{
	struct gc_pacer_room room = {.live_bytes = gc_get_relaxed(&heap->traced_last),
				     .floor_bytes = gc_get_relaxed(&heap->floor_bytes),
				     .old_bytes = gc_get_relaxed(&heap->old_bytes),
				     .nursery_bytes = gc_get_relaxed(&heap->nursery_bytes),
				     .sticky = heap->sticky,
				     .cpus = heap->cpus,
				     .percent = gc_get_relaxed(&heap->percent),
				     .limit_bytes = gc_limit_heap_bytes(heap),
				     .limiter = heap->limiter && heap->limit_policy == GC_LIMIT_DEGRADE};
	struct gc_pacer_plan plan = gc_pacer_plan(&heap->pacer, &room);

	gc_set_relaxed(&heap->limiter_bytes, room.limiter && plan.goal_bytes > room.limit_bytes ? plan.goal_bytes : 0);
	gc_set_relaxed(&heap->goal_bytes, plan.goal_bytes);
	gc_set_relaxed(&heap->pace_bytes, plan.pace_bytes);
	gc_set_relaxed(&heap->minor_next, plan.minor);
	gc_set_relaxed(&heap->trigger_bytes, plan.trigger_bytes);
	gc_set_relaxed(&heap->ceiling_bytes, gc_pacer_ceiling_bytes(plan.goal_bytes));
}

static uint64_t allocated(struct gc_heap *heap)
{
	struct gc_stats stats;

	gc_stats(heap, &stats);
	return stats.total_alloc_bytes;
}

static void learn(struct gc_heap *heap)
{
	uint64_t now = gc_os_now_ns(), bytes = allocated(heap);
	struct gc_pacer_cycle cycle = {.traced_bytes = gc_get_relaxed(&heap->traced_bytes),
				       .young_bytes = heap->minor ? gc_get_relaxed(&heap->expect_most_bytes) : 0,
				       .minor = heap->minor,
				       .mark_cpu_ns = gc_get_relaxed(&heap->mark_cpu_ns),
				       .cpus = heap->cpus,
				       .alloc_bytes = bytes - heap->alloc_bytes_before,
				       .wall_ns = now - heap->cycle_end_ns};

	gc_pacer_learn(&heap->pacer, &cycle);
	heap->alloc_bytes_before = bytes;
	heap->cycle_end_ns = now;
}

/* ------------------------------------------------------------------ sweep */

static void sweep_all(struct gc_heap *heap)
{
	uint64_t cpu = gc_os_thread_cpu_ns();

	while (gc_sweep_background(heap, SWEEP_SLICE_NS))
		if (!gc_get(&heap->urgent) && gc_mutators_running(heap))
			gc_os_sleep_ns(SWEEP_REST_NS);
	/* What is left is in the hands of mutators that sweep on demand. */
	while (!gc_swept(heap))
		gc_os_sleep_ns(SWEEP_SLICE_NS);
	gc_add(&heap->counters.sweep_cpu_ns, gc_os_thread_cpu_ns() - cpu);
}

/* ------------------------------------------------------------------- mark */

static bool work_left(struct gc_heap *heap)
{
	return __atomic_load_n(&heap->outstanding, __ATOMIC_SEQ_CST) != 0;
}

static void coordinator_slice(struct gc_heap *heap, uint64_t budget_ns)
{
	uint64_t cpu = gc_os_thread_cpu_ns(), done;

	PROBE_FIRE(gc_mark_begin, heap->cycle, 1);
	done = gc_mark_slice(&heap->coordinator_marker, budget_ns);
	PROBE_FIRE(gc_mark_end, heap->cycle, done);
	(void)done;
	cpu = gc_os_thread_cpu_ns() - cpu;
	gc_add(&heap->counters.worker_cpu_ns, cpu);
	gc_add(&heap->mark_cpu_ns, cpu);
}

/*
 * Note [room]. Somebody waits for the cycle. Without a CPU left the coordinator leaves marking to the others while they get on; if
 * *traced stands still, they do not: it marks thinly.
 */
static void coordinator_mark(struct gc_heap *heap, uint32_t seq, uint64_t *traced)
{
	uint64_t before = *traced;

	*traced = gc_get_relaxed(&heap->traced_bytes);
	if (gc_room_enter(heap)) {
		coordinator_slice(heap, GC_URGENT_SLICE_NS);
		gc_room_leave(heap);
	} else if (*traced != before) {
		gc_os_wait(&heap->drained_seq, seq, GC_ROOM_LOOK_NS);
	} else {
		coordinator_slice(heap, GC_SLICE_NS);
		*traced = gc_get_relaxed(&heap->traced_bytes);
		gc_os_wait(&heap->drained_seq, seq, THIN_REST_NS);
	}
}

/* Wait until there is no grey work outside the mutators' buffers; take part if somebody waits for the cycle. */
static void drained_wait(struct gc_heap *heap)
{
	uint64_t traced = UINT64_MAX;

	for (;;) {
		uint32_t seq = gc_get(&heap->drained_seq);
		bool urgent = gc_get(&heap->urgent) || gc_get(&heap->ending);

		if (!work_left(heap))
			return;
		/* Who has all the work in his hands may leave some of it behind and go: nobody tells. */
		if (urgent && gc_mark_work(heap))
			coordinator_mark(heap, seq, &traced);
		else
			gc_os_wait(&heap->drained_seq, seq, urgent ? GC_ROOM_LOOK_NS : 0);
	}
}

/* Note [rounds]. */
static void mark_complete(struct gc_heap *heap)
{
	uint32_t version = gc_roots_scan(heap);

	gc_cards_scan(heap, heap->minor);
	/* Most minor cycles have so little to trace that calling somebody else would take longer. */
	if (heap->minor && gc_mark_work(heap))
		coordinator_slice(heap, GC_SLICE_NS);
	for (;;) {
		drained_wait(heap);
		if (GC_BROKEN(GC_BREAK_ROUNDS))
			break;
		__atomic_store_n(&heap->injected, 0, __ATOMIC_SEQ_CST);
		if (work_left(heap) && !GC_BROKEN(GC_BREAK_INJECTED))
			continue;
		gc_handshake(heap, GC_REQUEST_FLUSH);
		if (gc_roots_version(heap) != version)
			version = gc_roots_scan(heap);
		if (GC_BROKEN(GC_BREAK_AGAIN) && !work_left(heap))
			break;
		if (!__atomic_load_n(&heap->injected, __ATOMIC_SEQ_CST) && !work_left(heap))
			break;
	}
	heap->roots_scanned = version;
}

/* ------------------------------------------------------------------ cycle */

/* What there is to trace: everything, or what is young. */
static void expect(struct gc_heap *heap)
{
	uint64_t begin = gc_get_relaxed(&heap->begin_bytes), old = heap->minor ? heap->old_bytes : 0;
	uint64_t most = begin > old ? begin - old : 0;

	gc_set_relaxed(&heap->expect_most_bytes, most);
	gc_set_relaxed(&heap->expect_bytes, heap->minor ? gc_pacer_survivors(&heap->pacer, most) : heap->traced_last);
}

static bool is_minor(struct gc_heap *heap, enum reason reason)
{
	if (!heap->sticky || heap->cycle <= gc_get(&heap->full_wanted))
		return false;
	return reason != REASON_TRIGGER || gc_get_relaxed(&heap->minor_next);
}

static void cycle_begin(struct gc_heap *heap, enum reason reason)
{
	gc_set(&heap->cycle, heap->cycle + 1);
	heap->minor = is_minor(heap, reason);
	PROBE_FIRE(gc_worker, heap->cycle, 0);
	PROBE_FIRE(gc_cycle_begin, heap->cycle, reason, gc_get_relaxed(&heap->live_bytes),
		   gc_get_relaxed(&heap->goal_bytes));
	gc_set(&heap->urgent, reason != REASON_TRIGGER);
	heap->forced = reason == REASON_FORCED;
	heap->for_room = reason == REASON_LIMIT;
	if (heap->forced)
		gc_add(&heap->counters.forced_cycles, 1);
	if (heap->for_room)
		gc_add(&heap->counters.limit_cycles, 1);
	gc_set_relaxed(&heap->traced_bytes, 0);
	gc_set_relaxed(&heap->marked_bytes, 0);
	gc_set_relaxed(&heap->kept_bytes, 0);
	gc_set_relaxed(&heap->mark_cpu_ns, 0);
	gc_set_relaxed(&heap->begin_bytes, gc_get_relaxed(&heap->live_bytes));
	expect(heap);
	if (heap->minor)
		gc_add(&heap->counters.minor_cycles, 1);
	/* Who verifies the heap while no cycle is on finds all marks in place. */
	gc_lock(&heap->handshake_lock);
	if (heap->sticky && !heap->minor && !GC_BROKEN(GC_BREAK_CLEAR))
		gc_marks_clear(heap);
	phase_set(heap, GC_PHASE_MARK);
	gc_unlock(&heap->handshake_lock);
}

/* Who switched on early may have brought grey work already; nobody has touched it. Note [on] in barrier.h. */
static void mark_open(struct gc_heap *heap)
{
	__atomic_store_n(&heap->mark_open, true, __ATOMIC_SEQ_CST);
	gc_work_wake(heap);
}

/* From here on what was marked is what is allocated. */
static void flip(struct gc_heap *heap)
{
	gc_lock(&heap->handshake_lock);
	gc_sweep_lists_reset(heap);
	__atomic_store_n(&heap->gen, heap->gen + 1, __ATOMIC_SEQ_CST);
	gc_sweep_setup(heap);
	phase_set(heap, GC_PHASE_SWEEP);
	gc_unlock(&heap->handshake_lock);
}

static void cycle_end(struct gc_heap *heap)
{
	uint64_t marked = gc_get_relaxed(&heap->marked_bytes), before = gc_get_relaxed(&heap->begin_bytes);
	uint64_t traced = gc_get_relaxed(&heap->traced_bytes);
	uint64_t old = heap->minor ? heap->old_bytes : 0;

	learn(heap);
	if (!heap->minor)
		gc_set_relaxed(&heap->traced_last, traced);
	gc_set_relaxed(&heap->found_bytes, heap->minor ? heap->found_bytes + traced : traced);
	gc_set_relaxed(&heap->old_bytes, old + traced + gc_get_relaxed(&heap->kept_bytes));
	/* What was allocated before the cycle began was old, or is what tracing found; the rest stays counted. */
	gc_sub(&heap->live_bytes, before > old + traced ? before - old - traced : 0);
	gc_set_relaxed(&heap->floor_bytes, gc_get_relaxed(&heap->live_bytes));
	gc_set_relaxed(&heap->limit_lifted, 0);
	gc_limit_measure(heap);
	gc_plan(heap);
	PROBE_FIRE(gc_cycle_end, heap->cycle, marked, gc_get_relaxed(&heap->mark_cpu_ns),
		   gc_get_relaxed(&heap->goal_bytes));
}

/*
 * A mutator that has not switched off yet can still flush, and what it flushes may be an object that another one, switched off
 * already, has made white: no marker may touch it. So marking is closed first, and then nobody is inside a slice.
 */
static void mark_stop(struct gc_heap *heap)
{
	__atomic_store_n(&heap->mark_open, false, __ATOMIC_SEQ_CST);
	phase_set(heap, GC_PHASE_TERMINATION);
	gc_lock(&heap->handshake_lock);
	gc_markers_pause(heap);
	gc_markers_resume(heap);
	gc_unlock(&heap->handshake_lock);
}

static void cycle_run(struct gc_heap *heap, enum reason reason)
{
	struct gc_cycle_times times;

	gc_trace_begin(heap, &times);
	cycle_begin(heap, reason);
	if (GC_BROKEN(GC_BREAK_OPEN))
		mark_open(heap);
	gc_handshake(heap, GC_REQUEST_MARK_ON);
	if (!GC_BROKEN(GC_BREAK_ALL_ON))
		gc_handshake(heap, GC_REQUEST_BLACK);
	mark_open(heap);
	gc_handshake(heap, GC_REQUEST_ROOTS);
	gc_trace_marking(heap, &times);
	mark_complete(heap);
	gc_trace_marked(heap, &times);
	gc_verify_marked(heap);
	mark_stop(heap);
	gc_handshake(heap, GC_REQUEST_MARK_OFF);
	gc_grey_discard(heap);
	times.end_ns = gc_os_now_ns();
	times.heap_end_bytes = gc_get_relaxed(&heap->live_bytes);
	gc_orphans_drop(heap, heap->roots_scanned);
	gc_weak_judge(heap);
	flip(heap);
	cycle_end(heap);
	gc_set(&heap->cycles_marked, heap->cycle);
	gc_work_wake(heap);
	gc_trace_end(heap, &times);
	sweep_all(heap);
	gc_scavenge_after_cycle(heap, times.heap_end_bytes);
	gc_lock(&heap->handshake_lock);
	phase_set(heap, GC_PHASE_OFF);
	gc_unlock(&heap->handshake_lock);
	gc_set(&heap->cycles_done, heap->cycle);
	gc_work_wake(heap);
}

static bool over_ceiling(struct gc_heap *heap)
{
	return gc_get(&heap->live_bytes) > gc_get(&heap->ceiling_bytes);
}

/* True if a cycle is due. */
static bool cycle_due(struct gc_heap *heap, enum reason *reason)
{
	if (gc_get(&heap->cycles_wanted) > heap->cycle) {
		*reason = REASON_FORCED;
		return true;
	}
	if (gc_get(&heap->room_wanted) > heap->cycle) {
		*reason = REASON_LIMIT;
		return true;
	}
	*reason = REASON_TRIGGER;
	return gc_get_relaxed(&heap->live_bytes) >= gc_get_relaxed(&heap->trigger_bytes) || over_ceiling(heap);
}

void *gc_coordinator_main(void *argument)
{
	struct gc_heap *heap = argument;

	heap->cycle_end_ns = gc_os_now_ns();
	while (!gc_get(&heap->ending)) {
		uint32_t seq = gc_get(&heap->wake_seq);
		enum reason reason;

		if (cycle_due(heap, &reason))
			cycle_run(heap, reason);
		else if (!gc_get(&heap->ending))
			gc_os_wait(&heap->wake_seq, seq, gc_scavenge_background(heap));
	}
	return NULL;
}

/* ------------------------------------------------------ asked by mutators */

void gc_cycle_urge(struct gc_heap *heap)
{
	if (gc_get(&heap->urgent) || __atomic_exchange_n(&heap->urgent, true, __ATOMIC_SEQ_CST))
		return;
	gc_coordinator_look(heap);
	gc_work_wake(heap);
}

void gc_pacer_state_read(struct gc_heap *heap, struct gc_pacer_state *state)
{
	uint64_t traced = gc_get_relaxed(&heap->traced_bytes);

	state->begin_bytes = gc_get_relaxed(&heap->begin_bytes);
	state->heap_bytes = gc_get_relaxed(&heap->live_bytes);
	state->goal_bytes = gc_get_relaxed(&heap->pace_bytes);
	state->traced_bytes = traced;
	state->expected_bytes = gc_pacer_expected(gc_get_relaxed(&heap->expect_bytes), traced,
						  gc_get_relaxed(&heap->expect_most_bytes));
}

void gc_heap_account(struct gc_mutator_full *m, uint64_t bytes)
{
	struct gc_heap *heap = m->heap;
	uint64_t live = gc_add(&heap->live_bytes, bytes) + bytes;

	m->unassisted_bytes += bytes;
	if (live >= gc_get_relaxed(&heap->trigger_bytes) && live - bytes < gc_get_relaxed(&heap->trigger_bytes))
		gc_coordinator_wake(heap);
}

/*
 * One round of waiting for *done >= number: mark, or sleep (at most timeout_ns; 0: for ever). The caller is parked. True: over.
 * Whatever cycle is on, somebody waits for it now, if only because the next one begins after it.
 */
static bool await_step(struct gc_mutator *m, struct gc_heap *heap, const uint64_t *done, uint64_t number,
		       uint64_t timeout_ns)
{
	uint32_t seq = gc_work_await_begin(heap);
	bool over = gc_get(done) >= number;

	if (!over && gc_marking(heap))
		gc_cycle_urge(heap);
	if (!over && !(gc_marking(heap) && gc_mark_work(heap)))
		gc_os_wait(&heap->work_seq, seq, timeout_ns);
	gc_work_await_end(heap);
	/* Work, but no room for one more: look again. */
	if (!over && !gc_mark_waiting(m) && gc_marking(heap) && gc_mark_work(heap))
		gc_os_wait(&heap->work_seq, seq, GC_ROOM_LOOK_NS);
	return over;
}

void gc_ceiling_await(struct gc_heap *heap, struct gc_mutator *m)
{
	/* Read before the heap's size: a cycle that ends in between lowers the size first. */
	uint64_t number = gc_get(&heap->cycles_marked) + 1;

	while (over_ceiling(heap)) {
		gc_coordinator_wake(heap);
		/* The heap may come under its ceiling without a cycle (caches given back): nobody is woken then. */
		if (await_step(m, heap, &heap->cycles_marked, number, CEILING_LOOK_NS))
			return;
	}
}

static void number_raise(uint64_t *number, uint64_t to)
{
	uint64_t old = gc_get(number);

	while (old < to && !__atomic_compare_exchange_n(number, &old, to, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static void cycle_await(struct gc_mutator *m, const uint64_t *done, uint64_t number)
{
	gc_park(m);
	while (!await_step(m, gc_full(m)->heap, done, number, 0))
		;
	gc_unpark(m);
}

/* Ask for a whole cycle. One that is on already may have passed what just became garbage. */
static uint64_t cycle_want(struct gc_heap *heap, uint64_t *wanted, bool minor)
{
	uint64_t number = gc_get(&heap->cycle) + 1;

	if (!minor)
		number_raise(&heap->full_wanted, number);
	number_raise(wanted, number);
	gc_coordinator_wake(heap);
	return number;
}

bool gc_room_await(struct gc_mutator *m, struct gc_room_wait *wait)
{
	struct gc_heap *heap = gc_full(m)->heap;

	if (wait->step == 0) {
		wait->number = gc_get(&heap->cycle);
		if (gc_get(&heap->cycles_done) >= wait->number)
			wait->step = 2;
	}
	if (wait->step == 2)
		wait->number = cycle_want(heap, &heap->room_wanted, false);
	if (wait->step == 4)
		return false;
	cycle_await(m, wait->step++ % 2 ? &heap->cycles_done : &heap->cycles_marked, wait->number);
	return true;
}

static void collect(struct gc_mutator *m, bool minor)
{
	struct gc_heap *heap = gc_full(m)->heap;

	cycle_await(m, &heap->cycles_done, cycle_want(heap, &heap->cycles_wanted, minor));
}

void gc_collect(struct gc_mutator *m)
{
	collect(m, false);
}

void gc_collect_young(struct gc_mutator *m)
{
	collect(m, true);
}
