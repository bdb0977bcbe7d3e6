/* SPDX-License-Identifier: Apache-2.0 */
/* assist: see assist.h. */
#include "assist.h"

#include "cycle.h"
#include "mark.h"
#include "mutator.h"

#define ASSIST_LOOK_BYTES (32u << 10)
#define ASSIST_DEBT_BYTES (64 << 10)

static void assist_pay(struct gc_mutator_full *m)
{
	uint64_t cycle = gc_get_relaxed(&m->heap->cycle), done;
	uint64_t cpu = gc_os_thread_cpu_ns();

	PROBE_FIRE(gc_assist_begin, cycle, (uint64_t)m->debt_bytes);
	done = gc_mark_slice(&m->marker, GC_ASSIST_SLICE_NS);
	PROBE_FIRE(gc_assist_end, cycle, done);
	cpu = gc_os_thread_cpu_ns() - cpu;
	gc_add(&m->heap->counters.assist_cpu_ns, cpu);
	gc_add(&m->heap->mark_cpu_ns, cpu);
	/* Nothing to mark: others hold the work, nothing is owed. */
	m->debt_bytes = done ? m->debt_bytes - (int64_t)done : 0;
	(void)cycle;
}

/* Debt beyond the bound of one slice is carried to the next slow path. */
static void assist_bounded(struct gc_mutator_full *m)
{
	struct gc_pacer_state state;

	gc_pacer_state_read(m->heap, &state);
	m->debt_bytes += (int64_t)gc_pacer_assist_bytes(&state, m->unassisted_bytes);
	m->unassisted_bytes = 0;
	if (m->debt_bytes > ASSIST_DEBT_BYTES)
		assist_pay(m);
}

/*
 * The heap is over its ceiling: the collector does not get the CPU it needs. The mutator marks, or sleeps and so leaves
 * the CPU to the others, until the cycle is over. Handshakes are answered for it, since it is parked.
 */
static void assist_unbounded(struct gc_mutator_full *m)
{
	struct gc_heap *heap = m->heap;
	uint64_t cycle = gc_get_relaxed(&heap->cycle);

	PROBE_FIRE(gc_assist_begin, cycle, (uint64_t)m->debt_bytes);
	gc_park(&m->pub);
	gc_ceiling_await(heap, &m->pub);
	gc_unpark(&m->pub);
	PROBE_FIRE(gc_assist_end, cycle, 0);
	m->debt_bytes = 0;
	gc_add(&heap->counters.ceiling_waits, 1);
	(void)cycle;
}

void gc_assist(struct gc_mutator_full *m)
{
	struct gc_heap *heap = m->heap;

	if (m->unassisted_bytes < ASSIST_LOOK_BYTES)
		return;
	if (gc_get_relaxed(&heap->live_bytes) > gc_get_relaxed(&heap->ceiling_bytes))
		assist_unbounded(m);
	else if (m->pub.marking && gc_marking(heap))
		assist_bounded(m);
	m->unassisted_bytes = 0;
}

/* ---------------------------------------------------------- idle and waiting */

static bool idle_slice(struct gc_mutator_full *m, uint64_t budget_ns)
{
	struct gc_heap *heap = m->heap;
	uint64_t cycle, cpu, done;

	if (!gc_marking(heap) || !gc_mark_work(heap))
		return false;
	cycle = gc_get_relaxed(&heap->cycle);
	cpu = gc_os_thread_cpu_ns();
	PROBE_FIRE(gc_mark_begin, cycle, 4);
	done = gc_mark_slice(&m->marker, budget_ns);
	PROBE_FIRE(gc_mark_end, cycle, done);
	cpu = gc_os_thread_cpu_ns() - cpu;
	gc_add(&heap->counters.idle_cpu_ns, cpu);
	gc_add(&heap->mark_cpu_ns, cpu);
	(void)cycle;
	return done != 0;
}

bool gc_idle(struct gc_mutator *m)
{
	return idle_slice(gc_full(m), GC_IDLE_SLICE_NS);
}

bool gc_mark_waiting(struct gc_mutator *m)
{
	struct gc_heap *heap = gc_full(m)->heap;
	bool done;

	if (!gc_marking(heap) || !gc_mark_work(heap) || !gc_room_enter(heap))
		return false;
	done = idle_slice(gc_full(m), GC_URGENT_SLICE_NS);
	gc_room_leave(heap);
	return done;
}
