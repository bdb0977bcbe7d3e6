/* SPDX-License-Identifier: Apache-2.0 */
/* verify: see verify.h. */
#include "verify.h"

#include <stdarg.h>
#include <stdlib.h>

#include "card.h"
#include "handshake.h"
#include "mark.h"
#include "pool.h"
#include "roots.h"
#include "span.h"

struct verifier {
	struct gc_heap *heap;
	FILE *out;
	unsigned violations;
	uint32_t pages_top; /* when it began: the heap may grow meanwhile (prefault), but nothing is allocated */
	bool marked;      /* everything reached must be marked */
	bool cards;       /* the cards' invariant holds now: no cycle is on */
	bool old;         /* the object being looked into is */
	uint64_t *seen;   /* a bit per smallest slot of the area; own mapping */
	uint64_t *stack;  /* objects to look into; own mapping */
	uint64_t depth;
	const char *from; /* where the reference being checked was found */
	uintptr_t ends;    /* what no reference may lead to; ends_bytes 0: nothing */
	size_t ends_bytes;
};

static void complain(struct verifier *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct verifier *v, const char *format, ...)
{
	va_list arguments;

	v->violations++;
	if (!v->out)
		return;
	va_start(arguments, format);
	fputs("gc_verify: ", v->out);
	vfprintf(v->out, format, arguments);
	fputc('\n', v->out);
	va_end(arguments);
}

/* ------------------------------------------------------------------ spans */

static void check_span(struct verifier *v, uint32_t page)
{
	const struct gc_span *span = &v->heap->spans[page];
	uint32_t state = span->state, behind = v->heap->gen - (state >> 2);

	if (span->class == GC_CLASS_NONE || span->class >= gc_class_count())
		complain(v, "span %u: no such class: %u", page, span->class);
	else if (!span->object_bytes && span->cursor > gc_classes[span->class].words)
		complain(v, "span %u: cursor %u beyond its %u words", page, span->cursor, gc_classes[span->class].words);
	else if (!span->object_bytes && span->used > gc_classes[span->class].slots)
		complain(v, "span %u: %u objects in %u slots", page, span->used, gc_classes[span->class].slots);
	/* One ahead: born between a mutator's mark-off and the flip. One behind: to be swept. */
	if (behind != 0 && behind != 1 && behind != UINT32_MAX)
		complain(v, "span %u: gen %u while the heap is at %u", page, state >> 2, v->heap->gen);
	for (uint32_t i = page; i < page + span->page_count; i++)
		if (v->heap->pages[i].first != page || v->heap->pages[i].class != span->class)
			complain(v, "page %u: says span %u, class %u; it lies in span %u, class %u", i,
				 v->heap->pages[i].first, v->heap->pages[i].class, page, span->class);
}

static void check_spans(struct verifier *v)
{
	for (uint32_t page = 1; page < v->pages_top; page++) {
		uint32_t state = gc_get(&v->heap->spans[page].state);

		if (state == GC_SPAN_FREE)
			continue;
		check_span(v, page);
		if (v->heap->spans[page].page_count)
			page += v->heap->spans[page].page_count - 1;
	}
}

/* ------------------------------------------------------------- references */

/* Note [free]: is the slot allocated? */
static bool slot_allocated(struct verifier *v, struct gc_slot slot)
{
	const struct gc_span *span = &v->heap->spans[slot.first];
	uint32_t gen = span->state >> 2;
	uint32_t word = slot.index / 64;

	/* An unswept span of a finished marking: what is not marked is dead. */
	if (gen + 1 == v->heap->gen)
		gen = v->heap->gen;
	else if (word < span->cursor)
		return true;
	return gc_page_bits(v->heap, gen, slot.first)[word] >> (slot.index % 64) & 1;
}

static bool seen_before(struct verifier *v, const char *object)
{
	uint64_t number = ((uintptr_t)object - v->heap->base) / 8;
	uint64_t bit = 1ull << (number % 64);
	bool before = v->seen[number / 64] & bit;

	v->seen[number / 64] |= bit;
	return before;
}

static void check_reference(void *argument, void *p)
{
	struct verifier *v = argument;
	struct gc_heap *heap = v->heap;
	struct gc_slot slot;
	char *object;

	if ((uintptr_t)p - v->ends < v->ends_bytes)
		complain(v, "%s refers to %p, outside the heap, which ends now", v->from, p);
	if (!gc_in_area(heap, p))
		return;
	slot = gc_slot_of(heap, p);
	if (gc_page_of(heap, p) >= v->pages_top || slot.page->class == GC_CLASS_NONE) {
		complain(v, "%s refers to %p, where no span is", v->from, p);
		return;
	}
	object = gc_slot_address(heap, slot);
	if (!slot_allocated(v, slot)) {
		complain(v, "%s refers to %p, a free slot (class %u)", v->from, p, slot.page->class);
		return;
	}
	if (v->marked && !gc_marked(heap, p, heap->gen + 1))
		complain(v, "%s refers to %p (class %u, %s), reachable but white", v->from, p, slot.page->class,
			 gc_classes[slot.page->class].kind->name);
	if (!seen_before(v, object) && gc_class_has_refs(&gc_classes[slot.page->class]))
		v->stack[v->depth++] = (uint64_t)object;
}

/* Note [sticky]: a reference from an old object to a young one lies in a dirty card. */
static void check_card(struct verifier *v, void **slot)
{
	if (!v->old || !gc_in_area(v->heap, *slot) || gc_marked(v->heap, *slot, v->heap->gen + 1) ||
	    *gc_card(v->heap, v->heap->cards, slot))
		return;
	complain(v, "%s, old, refers at %p to %p, young, and its card is clean", v->from, (void *)slot, *slot);
}

static void check_slot(void *argument, void **slot)
{
	check_card(argument, slot);
	check_reference(argument, *slot);
}

static void check_object(struct verifier *v, void *object)
{
	struct gc_slot slot = gc_slot_of(v->heap, object);
	const struct gc_class *class = &gc_classes[slot.page->class];

	v->from = class->kind->name;
	v->old = v->cards && gc_marked(v->heap, object, v->heap->gen + 1);
	gc_class_refs_visit(class, object, gc_usable_bytes(v->heap, object), check_slot, v);
}

static void check_reachable(struct verifier *v)
{
	struct gc_heap *heap = v->heap;

	v->from = "a global root or handle";
	gc_roots_visit(heap, check_reference, v);
	v->from = "a root stack";
	for (uint32_t i = 0; i < heap->mutators_top; i++)
		for (void **slot = heap->mutators[i]->roots; slot < heap->mutators[i]->pub.root_top; slot++)
			check_reference(v, *slot);
	v->from = "a pool";
	for (uint32_t i = 0; i < heap->mutators_top; i++)
		gc_pools_visit(heap->mutators[i], check_reference, v);
	while (v->depth)
		check_object(v, (void *)v->stack[--v->depth]);
}

/* World stopped. */
static unsigned verify(struct verifier *v)
{
	struct gc_heap *heap = v->heap;
	uint64_t area;

	v->pages_top = gc_get(&heap->pages_top);
	area = (uint64_t)v->pages_top << GC_PAGE_SHIFT;
	v->cards = heap->sticky && gc_phase_now(heap) == GC_PHASE_OFF;
	v->seen = gc_os_reserve(area / 64 + 64, true);
	v->stack = gc_os_reserve(area / GC_SLOT_MIN_BYTES * sizeof(uint64_t), true);
	if (v->seen && v->stack) {
		check_spans(v);
		check_reachable(v);
	} else {
		complain(v, "no memory for the check");
	}
	gc_os_release(v->seen, area / 64 + 64);
	gc_os_release(v->stack, area / GC_SLOT_MIN_BYTES * sizeof(uint64_t));
	return v->violations;
}

static unsigned verify_stopped(struct verifier *v, struct gc_mutator_full *self)
{
	unsigned violations;

	gc_world_lock(v->heap, self);
	gc_world_stop(v->heap, self);
	violations = verify(v);
	gc_world_start(v->heap, self);
	gc_world_unlock(v->heap, self);
	return violations;
}

unsigned gc_verify(struct gc_heap *heap, struct gc_mutator *m, FILE *out)
{
	struct verifier v = {.heap = heap, .out = out};

	return verify_stopped(&v, m ? gc_full(m) : NULL);
}

unsigned gc_references_into(struct gc_heap *heap, struct gc_mutator *m, const void *p, size_t bytes, FILE *out)
{
	struct verifier v = {.heap = heap, .out = out, .ends = (uintptr_t)p, .ends_bytes = bytes};

	return verify_stopped(&v, m ? gc_full(m) : NULL);
}

#ifdef GC_DEBUG
void gc_verify_marked(struct gc_heap *heap)
{
	struct verifier v = {.heap = heap, .out = stderr, .marked = true};

	if (gc_get(&heap->verify_every) == 0 || heap->cycle % heap->verify_every)
		return;
	if (verify_stopped(&v, NULL))
		gc_fatal("cycle %llu ended its marking too early", (unsigned long long)heap->cycle);
}
#endif
