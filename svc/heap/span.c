/* SPDX-License-Identifier: Apache-2.0 */
/* span: see span.h. */
#include "span.h"

#include <string.h>

#include "page.h"
#include "poison.h"

static void pages_set(struct gc_heap *heap, uint32_t first, uint32_t count, unsigned class)
{
	const struct gc_class *c = &gc_classes[class];
	struct gc_page entry = {.magic = c->magic, .first = first, .slot_bytes = c->slot_bytes, .class = class};

	for (uint32_t page = first; page < first + count; page++)
		heap->pages[page] = entry;
}

static void bits_clear(struct gc_heap *heap, uint32_t page, unsigned words)
{
	memset(gc_page_bits(heap, 0, page), 0, words * 8);
	memset(gc_page_bits(heap, 1, page), 0, words * 8);
}

static void span_birth(struct gc_heap *heap, uint32_t page, uint32_t count, unsigned class, uint64_t object_bytes)
{
	struct gc_span *span = &heap->spans[page];

	gc_set_relaxed(&span->class, class);
	span->page_count = count;
	span->cursor = 0;
	gc_set_relaxed(&span->used, 0);
	span->old = 0;
	span->born_word = GC_BORN_NONE;
	gc_set_relaxed(&span->object_bytes, object_bytes);
	gc_set_relaxed(&span->scan_next, 0);
	bits_clear(heap, page, object_bytes ? 1 : gc_classes[class].words);
	pages_set(heap, page, count, class);
}

uint32_t gc_span_new(struct gc_heap *heap, unsigned class, uint32_t gen)
{
	bool zero;
	uint32_t page = gc_pages_take(heap, 1, &zero);

	if (!page)
		return 0;
	span_birth(heap, page, 1, class, 0);
	gc_poison_span(heap, page);
	gc_set(&heap->spans[page].state, gc_span_state(gen, GC_SPAN_CACHED));
	return page;
}

uint32_t gc_span_new_large(struct gc_heap *heap, unsigned class, size_t bytes, uint32_t gen, bool *zero)
{
	uint64_t usable = (bytes + GC_OS_PAGE_BYTES - 1) & ~(uint64_t)(GC_OS_PAGE_BYTES - 1);
	uint64_t count = (usable + GC_PAGE_BYTES - 1) >> GC_PAGE_SHIFT;
	uint32_t page = count < heap->pages_max ? gc_pages_take(heap, (uint32_t)count, zero) : 0;

	if (!page)
		return 0;
	span_birth(heap, page, (uint32_t)count, class, usable);
	gc_unpoison(gc_page_address(heap, page), usable);
	gc_set(&heap->spans[page].state, gc_span_state(gen, GC_SPAN_CACHED));
	return page;
}

void gc_span_free(struct gc_heap *heap, uint32_t page)
{
	struct gc_span *span = &heap->spans[page];
	uint32_t count = span->page_count;

	gc_poison_pages(heap, page, count);
	for (uint32_t i = page; i < page + count; i++)
		heap->pages[i] = (struct gc_page){0};
	gc_set(&span->state, GC_SPAN_FREE);
	gc_pages_give(heap, page, count);
}

bool gc_span_claim(struct gc_heap *heap, uint32_t page, uint32_t gen)
{
	return gc_cas(&heap->spans[page].state, gc_span_state(gen - 1, GC_SPAN_IDLE),
		      gc_span_state(gen, GC_SPAN_SWEEPING));
}

static uint32_t bits_count(const uint64_t *bits, unsigned words)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < words; i++)
		count += (uint32_t)__builtin_popcountll(gc_get_relaxed(&bits[i]));
	return count;
}

/* What a marking found in a word, without what was born meanwhile. `before`: allocated when it began. */
static uint64_t old_of(const struct gc_span *span, uint32_t word, uint64_t marked, uint64_t before)
{
	if (word < span->born_word)
		return marked;
	return word == span->born_word ? marked & ~span->born_mask : marked & before;
}

/* The next marking's bits: Note [sticky] in card.h. They lie where the allocation bits of the marking before were. */
static void marks_prepare(struct gc_heap *heap, uint32_t page, uint32_t gen)
{
	struct gc_span *span = &heap->spans[page];
	const uint64_t *marked = gc_page_bits(heap, gen, page);
	uint64_t *next = gc_page_bits(heap, gen + 1, page);
	unsigned words = gc_span_words(span);

	if (!heap->sticky) {
		memset(next, 0, words * 8);
		return;
	}
	for (unsigned i = 0; i < words; i++)
		next[i] = old_of(span, i, marked[i], next[i]);
	span->old = bits_count(next, words);
	span->born_word = GC_BORN_NONE;
}

uint64_t gc_span_sweep(struct gc_heap *heap, uint32_t page, uint32_t gen)
{
	struct gc_span *span = &heap->spans[page];
	const struct gc_class *class = &gc_classes[span->class];
	unsigned words = gc_span_words(span);
	uint32_t live = bits_count(gc_page_bits(heap, gen, page), words);
	uint32_t dead = span->used - live;
	uint64_t bytes = span->object_bytes ? span->object_bytes : class->slot_bytes;

	GC_ASSERT(live <= span->used);
	marks_prepare(heap, page, gen);
	if (dead)
		gc_poison_dead(heap, page, gen);
	gc_set_relaxed(&span->used, live);
	span->cursor = 0;
	gc_set_relaxed(&span->scan_next, 0);
	gc_add(&heap->counters.freed_objects, dead);
	gc_add(&heap->counters.freed_bytes, dead * bytes);
	return dead * bytes;
}

void gc_span_check(struct gc_heap *heap, uint32_t page)
{
	const struct gc_span *span = &heap->spans[page];
	const struct gc_page *entry = &heap->pages[page];

	if (span->class == GC_CLASS_NONE || span->class >= gc_class_count())
		gc_fatal("span %u: class %u", page, span->class);
	if (entry->class != span->class || entry->first != page)
		gc_fatal("span %u: its page says class %u, first page %u", page, entry->class, entry->first);
	if (!span->object_bytes && span->cursor > gc_classes[span->class].words)
		gc_fatal("span %u: cursor %u beyond %u words", page, span->cursor, gc_classes[span->class].words);
}

#ifdef GC_DEBUG
void gc_span_check_sticky(struct gc_heap *heap, uint32_t page)
{
	const struct gc_span *span = &heap->spans[page];
	unsigned words = gc_span_words(span);

	if (memcmp(gc_page_bits(heap, 0, page), gc_page_bits(heap, 1, page), words * 8) != 0)
		gc_fatal("span %u: a minor cycle marked in it, and it holds nothing young", page);
	if (bits_count(gc_page_bits(heap, 0, page), words) != span->used)
		gc_fatal("span %u: %u objects, but its bits say otherwise", page, span->used);
}
#endif
