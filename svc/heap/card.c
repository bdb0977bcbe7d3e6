/* SPDX-License-Identifier: Apache-2.0 */
/* card: see card.h. */
#include "card.h"

#include <string.h>

#include "mark.h"
#include "span.h"

#define CARDS_PER_PAGE (GC_PAGE_BYTES / GC_CARD_BYTES)

void gc_cards_init(struct gc_heap *heap)
{
	uint64_t count = heap->area_bytes >> GC_CARD_SHIFT;

	if (!heap->sticky)
		return;
	for (unsigned i = 0; i < 2; i++)
		heap->card_tables[i] = gc_os_reserve(count, true);
	heap->cards = heap->card_tables[0];
	heap->card_mask = count - 1;
	heap->sticky = heap->card_tables[0] && heap->card_tables[1];
}

void gc_cards_destroy(struct gc_heap *heap)
{
	for (unsigned i = 0; i < 2; i++)
		gc_os_release(heap->card_tables[i], heap->card_mask + 1);
}

void gc_cards_change(struct gc_heap *heap)
{
	if (heap->sticky)
		heap->cards = heap->card_tables[heap->cards == heap->card_tables[0]];
}

void gc_cards_dirty(struct gc_mutator *m, const void *p, size_t bytes)
{
	uintptr_t last = ((uintptr_t)p + bytes - 1) >> GC_CARD_SHIFT;

	for (uintptr_t card = (uintptr_t)p >> GC_CARD_SHIFT; card <= last; card++)
		gc_set_relaxed(&m->cards[card & m->card_mask], 1);
}

/* ------------------------------------------------------------------- walk */

/* The span that begins at `page`, NULL if none does; *next is where the next may. */
static const struct gc_span *span_at(const struct gc_heap *heap, uint32_t page, uint32_t *next)
{
	const struct gc_span *span = &heap->spans[page];

	*next = page + 1;
	if (gc_get(&span->state) == GC_SPAN_FREE)
		return NULL;
	*next = page + span->page_count;
	return span;
}

void gc_marks_clear(struct gc_heap *heap)
{
	uint32_t top = gc_get(&heap->pages_top), next;

	for (uint32_t page = 1; page < top; page = next) {
		const struct gc_span *span = span_at(heap, page, &next);

		if (span)
			memset(gc_page_bits(heap, heap->gen + 1, page), 0, gc_span_words(span) * 8);
	}
}

/* ------------------------------------------------------------------- scan */

struct scanner {
	struct gc_heap *heap;
	const struct gc_class *class;
	char *base;           /* of the span */
	const uint64_t *allocated, *marked; /* its bits */
	uint8_t *cards;       /* the table that was left */
	uint64_t slot_bytes;
	uint32_t slots;
	uint32_t mark_gen;
	unsigned count;
	void *found[GC_CHUNK_ENTRIES];
};

static void found_flush(struct scanner *s)
{
	if (s->count)
		gc_grey_push(s->heap, s->found, s->count);
	s->count = 0;
}

static void slot_look(struct scanner *s, void **slot)
{
	void *p = gc_get(slot);

	if (!gc_in_area(s->heap, p) || gc_marked(s->heap, p, s->mark_gen))
		return;
	if (s->count == GC_CHUNK_ENTRIES)
		found_flush(s);
	s->found[s->count++] = (void *)gc_grey_entry(p);
}

/* References of one structure that lie in [low, high). */
static void struct_look(struct scanner *s, void **object, char *low, char *high)
{
	for (unsigned i = 0; i < s->class->ref_count; i++) {
		void **slot = object + s->class->ref_words[i];

		if ((char *)slot >= low && (char *)slot < high)
			slot_look(s, slot);
	}
}

static void array_look(struct scanner *s, char *object, uint64_t bytes, char *low, char *high)
{
	uint64_t elem_bytes = (uint64_t)s->class->elem_words * 8, count = bytes / elem_bytes;
	uint64_t first = low > object ? (uint64_t)(low - object) / elem_bytes : 0;

	for (uint64_t i = first; i < count && object + i * elem_bytes < high; i++)
		struct_look(s, (void **)(object + i * elem_bytes), low, high);
}

static void object_look(struct scanner *s, char *object, uint64_t bytes, char *low, char *high)
{
	char *end = object + bytes < high ? object + bytes : high;

	switch ((enum gc_layout)s->class->layout) {
	case GC_LAYOUT_NONE:
		break;
	case GC_LAYOUT_REFS:
		for (char *slot = object > low ? object : low; slot < end; slot += sizeof(void *))
			slot_look(s, (void **)slot);
		break;
	case GC_LAYOUT_STRUCT:
		struct_look(s, (void **)object, low, high);
		break;
	case GC_LAYOUT_ARRAY:
		array_look(s, object, bytes, low, high);
		break;
	}
}

static void card_look(struct scanner *s, char *low)
{
	char *high = low + GC_CARD_BYTES;
	uint64_t first = (uint64_t)(low - s->base) / s->slot_bytes, last = (uint64_t)(high - 1 - s->base) / s->slot_bytes;

	for (uint64_t slot = first; slot <= last && slot < s->slots; slot++)
		if ((s->allocated[slot / 64] & gc_get_relaxed(&s->marked[slot / 64])) >> (slot % 64) & 1)
			object_look(s, s->base + slot * s->slot_bytes, s->slot_bytes, low, high);
}

/* Eight cards at a time: most are clean. */
static void page_look(struct scanner *s, char *page, bool look)
{
	uint64_t *cards = (uint64_t *)gc_card(s->heap, s->cards, page);

	for (unsigned word = 0; word < CARDS_PER_PAGE / 8; word++) {
		uint64_t dirty = cards[word];

		if (!dirty)
			continue;
		cards[word] = 0;
		for (; look && dirty; dirty &= dirty - 1)
			card_look(s, page + (word * 8 + (unsigned)__builtin_ctzll(dirty) / 8) * GC_CARD_BYTES);
	}
}

static void span_look(struct scanner *s, const struct gc_span *span, uint32_t page, bool minor)
{
	s->class = &gc_classes[span->class];
	s->base = gc_page_address(s->heap, page);
	s->allocated = gc_page_bits(s->heap, s->mark_gen - 1, page);
	s->marked = gc_page_bits(s->heap, s->mark_gen, page);
	s->slot_bytes = span->object_bytes ? span->object_bytes : s->class->slot_bytes;
	s->slots = span->object_bytes ? 1 : s->class->slots;
	for (uint32_t i = 0; i < span->page_count; i++)
		page_look(s, s->base + ((uint64_t)i << GC_PAGE_SHIFT), minor && span->old);
}

void gc_cards_scan(struct gc_heap *heap, bool minor)
{
	struct scanner s = {.heap = heap, .mark_gen = heap->gen + 1};
	uint32_t top = gc_get(&heap->pages_top), next;

	if (!heap->sticky)
		return;
	s.cards = heap->card_tables[heap->cards == heap->card_tables[0]];
	for (uint32_t page = 1; page < top; page = next) {
		const struct gc_span *span = span_at(heap, page, &next);

		if (span && gc_class_has_refs(&gc_classes[span->class]))
			span_look(&s, span, page, minor && !GC_BROKEN(GC_BREAK_CARDS));
	}
	found_flush(&s);
}
