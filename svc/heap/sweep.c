/* SPDX-License-Identifier: Apache-2.0 */
/* sweep: see sweep.h. */
#include "sweep.h"

#include "mark.h"
#include "span.h"

#define CLOCK_EVERY 32u

static void unswept_drop(struct gc_heap *heap)
{
	__atomic_fetch_sub(&heap->unswept, 1, __ATOMIC_ACQ_REL);
}

/* Empty, but with a new tag: a pop that began before must fail. */
static void stack_reset(struct gc_stack *stack)
{
	gc_set(&stack->head, ((gc_get(&stack->head) >> 32) + 1) << 32);
}

void gc_sweep_lists_reset(struct gc_heap *heap)
{
	for (unsigned class = 0; class < gc_class_count(); class++) {
		stack_reset(&heap->lists[class].partial);
		stack_reset(&heap->lists[class].unswept);
	}
}

/*
 * A minor cycle frees nothing in a span that holds only old objects, and has marked nothing in it: its two bit tables
 * are equal. It is swept as it stands.
 */
static bool untouched_pass(struct gc_heap *heap, uint32_t page, uint32_t gen)
{
	struct gc_span *span = &heap->spans[page];

	if (!heap->minor || span->cursor || span->used == 0 || span->old != span->used)
		return false;
	gc_span_check_sticky(heap, page);
	gc_set(&span->state, gc_span_state(gen, GC_SPAN_IDLE));
	if (!span->object_bytes && span->used < gc_classes[span->class].slots)
		gc_stack_push(&heap->lists[span->class].partial, page, &span->partial_next);
	return true;
}

void gc_sweep_setup(struct gc_heap *heap)
{
	uint32_t gen = gc_get(&heap->gen), top = gc_get(&heap->pages_top);

	gc_set(&heap->sweep_page, 1);
	/* One more than there are, so that nobody sees 0 before the lists are complete. */
	gc_set(&heap->unswept, 1);
	for (uint32_t page = 1; page < top; page++) {
		struct gc_span *span = &heap->spans[page];

		if (gc_get(&span->state) != gc_span_state(gen - 1, GC_SPAN_IDLE) || untouched_pass(heap, page, gen))
			continue;
		gc_add(&heap->unswept, 1);
		if (!span->object_bytes)
			gc_stack_push(&heap->lists[span->class].unswept, page, &span->unswept_next);
	}
	unswept_drop(heap);
}

bool gc_swept(struct gc_heap *heap)
{
	return gc_get(&heap->unswept) == 0;
}

/* ---------------------------------------------------------------- on demand */

static uint32_t *unswept_next(struct gc_heap *heap, uint32_t page)
{
	return &heap->spans[page].unswept_next;
}

/* True if the span has room; it is then cached by the caller. */
static bool sweep_one(struct gc_heap *heap, uint32_t page, uint32_t gen, uint64_t *freed)
{
	struct gc_span *span = &heap->spans[page];
	bool room;

	*freed += gc_span_sweep(heap, page, gen);
	room = span->used < gc_classes[span->class].slots;
	gc_set(&span->state, gc_span_state(gen, room ? GC_SPAN_CACHED : GC_SPAN_IDLE));
	unswept_drop(heap);
	gc_add(&heap->counters.swept_on_demand, 1);
	return room;
}

uint32_t gc_sweep_on_demand(struct gc_heap *heap, unsigned class, uint32_t gen, unsigned most)
{
	uint64_t freed = 0;
	uint32_t page, found = 0;
	bool begun = false;

	while (!found && most && (page = gc_stack_pop(&heap->lists[class].unswept, unswept_next, heap))) {
		if (!gc_span_claim(heap, page, gen))
			continue;
		if (!begun)
			PROBE_FIRE(gc_sweep_begin, gc_get_relaxed(&heap->cycle), 1);
		begun = true;
		most--;
		if (sweep_one(heap, page, gen, &freed))
			found = page;
	}
	if (begun)
		PROBE_FIRE(gc_sweep_end, gc_get_relaxed(&heap->cycle), freed);
	return found;
}

/* --------------------------------------------------------------- background */

static void give_back(struct gc_heap *heap, uint32_t page, uint32_t gen)
{
	struct gc_span *span = &heap->spans[page];
	unsigned class = span->class;
	bool room = !span->object_bytes && span->used < gc_classes[class].slots;

	if (span->used == 0) {
		gc_span_free(heap, page);
		return;
	}
	gc_set(&span->state, gc_span_state(gen, GC_SPAN_IDLE));
	if (room)
		gc_stack_push(&heap->lists[class].partial, page, &span->partial_next);
}

static uint64_t sweep_page(struct gc_heap *heap, uint32_t page, uint32_t gen)
{
	uint64_t freed;

	if (!gc_span_claim(heap, page, gen))
		return 0;
	freed = gc_span_sweep(heap, page, gen);
	give_back(heap, page, gen);
	unswept_drop(heap);
	gc_add(&heap->counters.swept_background, 1);
	return freed;
}

bool gc_sweep_background(struct gc_heap *heap, uint64_t budget_ns)
{
	uint32_t page = heap->sweep_page, top = gc_get(&heap->pages_top), gen = gc_get(&heap->gen);
	uint64_t deadline = gc_os_now_ns() + budget_ns, freed = 0;

	if (page >= top || !gc_marker_enter(heap))
		return page < top;
	PROBE_FIRE(gc_sweep_begin, gc_get_relaxed(&heap->cycle), 0);
	for (; page < top; page++) {
		freed += sweep_page(heap, page, gen);
		if (page % CLOCK_EVERY == 0 && gc_os_now_ns() >= deadline)
			break;
	}
	heap->sweep_page = page < top ? page + 1 : top;
	PROBE_FIRE(gc_sweep_end, gc_get_relaxed(&heap->cycle), freed);
	gc_marker_leave(heap);
	return page < top;
}
