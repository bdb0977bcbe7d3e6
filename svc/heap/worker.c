/* SPDX-License-Identifier: Apache-2.0 */
/* worker: see worker.h. */
#include "worker.h"

#include "cycle.h"
#include "mark.h"

#define WORKER_REST_NS 1000000u
#define PREEMPTED_NS 1000000u
#define SKIP_CYCLES_MAX 15u
#define SKIP_LOOK_NS 10000000u

/*
 * How long a polite worker rests after a slice. Not at all when marking is behind its line over the runway. Otherwise
 * whoever is idle marks first: the worker stays out of the way of running mutators and of loops that mark while idle.
 */
static uint64_t rest_ns(struct gc_worker *w)
{
	struct gc_heap *heap = w->heap;
	uint64_t idle_cpu_ns = gc_get_relaxed(&heap->counters.idle_cpu_ns);
	bool loops_mark = idle_cpu_ns != w->idle_cpu_ns;
	struct gc_pacer_state state;

	w->idle_cpu_ns = idle_cpu_ns;
	if (w->urgent || (!loops_mark && !gc_mutators_running(heap)))
		return 0;
	gc_pacer_state_read(heap, &state);
	return gc_pacer_behind_bytes(&state) ? 0 : WORKER_REST_NS;
}

/*
 * A polite thread may be kept from running for long, with work in its hands that ends the cycle late. So polite workers mark
 * when nobody waits for the cycle, urgent ones (and the coordinator, and the waiting threads themselves) when
 * somebody does; and a polite worker that was kept from running stays out of the next cycles: the CPUs are
 * busy, and whoever allocates assists.
 */
static bool worker_eligible(const struct gc_worker *w)
{
	struct gc_heap *heap = w->heap;

	if (!gc_marking(heap) || gc_get(&heap->urgent) != w->urgent)
		return false;
	return gc_get_relaxed(&heap->cycle) >= w->resume_cycle || !gc_mutators_running(heap);
}

static void preempted_learn(struct gc_worker *w, uint64_t away_ns)
{
	if (away_ns > PREEMPTED_NS) {
		w->skip_cycles = w->skip_cycles < SKIP_CYCLES_MAX ? 2 * w->skip_cycles + 1 : SKIP_CYCLES_MAX;
		w->resume_cycle = gc_get_relaxed(&w->heap->cycle) + 1 + w->skip_cycles;
	} else if (w->skip_cycles) {
		w->skip_cycles--;
	}
}

/* Only who could mark at once counts as a waiter: others need not share with the rest. */
static void work_wait(struct gc_worker *w)
{
	struct gc_heap *heap = w->heap;
	uint32_t seq = gc_get(&heap->work_seq);
	bool eligible = worker_eligible(w);

	/* Who found no room looks again, and is nobody that the others share with. */
	if (eligible && w->urgent && gc_mark_work(heap)) {
		gc_os_wait(&heap->work_seq, seq, GC_ROOM_LOOK_NS);
		return;
	}
	if (eligible)
		seq = gc_work_await_begin(heap);
	/* Who stays out of a cycle is needed once no mutator runs any more; nobody tells. */
	if (!gc_get(&heap->ending) && !(worker_eligible(w) && gc_mark_work(heap)))
		gc_os_wait(&heap->work_seq, seq, !eligible && gc_marking(heap) ? SKIP_LOOK_NS : 0);
	if (eligible)
		gc_work_await_end(heap);
	while (gc_get(&heap->marker_pause))
		gc_os_wait(&heap->marker_pause, 1, 0);
}

static uint64_t worker_slice(struct gc_worker *w)
{
	struct gc_heap *heap = w->heap;
	uint64_t cycle = gc_get_relaxed(&heap->cycle), wall = gc_os_now_ns(), cpu = gc_os_thread_cpu_ns(), done;

	if (w->cycle != cycle) {
		PROBE_FIRE(gc_worker, cycle, 1);
		w->cycle = cycle;
	}
	PROBE_FIRE(gc_mark_begin, cycle, 1);
	done = gc_mark_slice(&w->marker, w->urgent ? GC_URGENT_SLICE_NS : GC_SLICE_NS);
	PROBE_FIRE(gc_mark_end, cycle, done);
	cpu = gc_os_thread_cpu_ns() - cpu;
	wall = gc_os_now_ns() - wall;
	preempted_learn(w, wall > cpu ? wall - cpu : 0);
	gc_add(&heap->counters.worker_cpu_ns, cpu);
	gc_add(&heap->mark_cpu_ns, cpu);
	return done;
}

/* A slice, if there is one to do now. */
static bool worker_mark(struct gc_worker *w)
{
	bool done;

	if (!worker_eligible(w) || !gc_mark_work(w->heap))
		return false;
	if (!w->urgent)
		return worker_slice(w) != 0;
	if (!gc_room_enter(w->heap))
		return false;
	done = worker_slice(w) != 0;
	gc_room_leave(w->heap);
	return done;
}

void *gc_worker_main(void *argument)
{
	struct gc_worker *w = argument;
	uint64_t rest;

	if (!w->urgent)
		gc_os_thread_polite();
	while (!gc_get(&w->heap->ending)) {
		if (!worker_mark(w)) {
			work_wait(w);
			continue;
		}
		rest = rest_ns(w);
		if (rest)
			gc_os_sleep_ns(rest);
	}
	/* Its last slice may have left work that only the coordinator can do now. */
	gc_coordinator_look(w->heap);
	return NULL;
}
