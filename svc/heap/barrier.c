/* SPDX-License-Identifier: Apache-2.0 */
/* barrier: see barrier.h. */
#include "barrier.h"

#include "card.h"
#include "mark.h"
#include "mutator.h"

void gc_barrier_flush(struct gc_mutator_full *m)
{
	if (m->barrier_count == 0)
		return;
	gc_grey_push(m->heap, m->barrier, m->barrier_count);
	m->barrier_count = 0;
}

void gc_barrier_record(struct gc_mutator_full *m, void *p)
{
	if (!gc_in_area(m->heap, p) || gc_marked(m->heap, p, m->alloc_gen + 1))
		return;
	if (m->barrier_count == GC_BARRIER_ENTRIES)
		gc_barrier_flush(m);
	m->barrier[m->barrier_count++] = (void *)gc_grey_entry(p);
}

void gc_store_slow(struct gc_mutator *pub, void **slot, void *value)
{
	struct gc_mutator_full *m = gc_full(pub);

	if (!GC_BROKEN(GC_BREAK_DELETION))
		gc_barrier_record(m, gc_get(slot));
	if (m->pub.marking == GC_MARKING_GREY && !GC_BROKEN(GC_BREAK_INSERTION))
		gc_barrier_record(m, value);
}

static void copy_record(struct gc_mutator_full *m, void **to, void *const *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		gc_barrier_record(m, gc_get(&to[i]));
		if (m->pub.marking == GC_MARKING_GREY)
			gc_barrier_record(m, gc_get(&from[i]));
	}
}

void gc_copy(struct gc_mutator *m, void *to, const void *from, size_t count)
{
	void **target = to;
	void *const *source = from;

	if (m->marking)
		copy_record(gc_full(m), target, source, count);
	if (count == 0)
		return;
	if (!GC_BROKEN(GC_BREAK_COPY))
		gc_cards_dirty(m, to, count * sizeof(void *));
	/* Word by word: the marker may read a slot at any time and must see a whole reference. */
	if (target <= source)
		for (size_t i = 0; i < count; i++)
			gc_set(&target[i], gc_get(&source[i]));
	else
		for (size_t i = count; i-- > 0;)
			gc_set(&target[i], gc_get(&source[i]));
}
