/* SPDX-License-Identifier: Apache-2.0 */
/*
 * card: which parts of old objects may refer to young ones.
 *
 * Note [sticky]. Most of what a cycle would mark was marked by the cycle before. With sticky mark bits a sweep does not clear the
 * marks for the next cycle, it copies them: an object that was marked once stays marked (*old*), what has been allocated since
 * is *young*. A *minor* cycle starts from there: it traces young objects only, and frees young objects only. A *full* cycle
 * clears all marks first and is what a heap without sticky bits does. Objects do not move.
 *
 * What was born while a marking was on (after the mutator's ROOTS) is young in the next cycle, although it was black: a long
 * cycle on a busy CPU sees many births, and most of them are garbage soon. Only what tracing found becomes old. Slots of the
 * words that a span handed out since then are told apart by `born_word` and `born_mask` (gc_span_born).
 *
 * What a minor cycle needs besides the roots is every reference from an old object to a young one. gc_store and gc_copy
 * therefore note the 512 bytes they write to: one byte store into a card table, whatever is written where. There are two
 * tables. A mutator changes over to the other one when it answers MARK_ON; when all have, the coordinator looks at the one
 * that nobody writes to any more, and clears it.
 *
 *   Invariant: a reference to a young object lies in a card that is dirty in the table now in use. For the young object was
 *   allocated after every mutator had changed over to this table (ROOTS is asked for only then), so every store of a
 *   reference to it came later still.
 *
 *  - Let all mutators have answered MARK_ON, and let an old object refer to a young one. The store was made before its mutator's
 *    answer, and is found in the table it left; or after, by a mutator whose stack was grey until ROOTS, and the insertion
 *    barrier has recorded the young object (Note [attach] in mutator.h holds here too).
 *  - A slot may be overwritten while the coordinator reads it: the deletion barrier has recorded what it held.
 *  - Only objects whose allocation *and* mark bit is set are looked at: they are old, or being traced anyway. Slots that are
 *    black in advance have no allocation bit, and allocation bits do not change while a cycle is on.
 *  - A span's state is FREE until its entries are complete, and none is freed while a marking is on: walking them needs no lock.
 *
 * A card is found by address modulo the table's size, so that no store has to ask whether it writes into the area: a global root
 * or a stack makes a wrong card dirty, which costs a look at it.
 */
#ifndef MEMLAB_HEAP_CARD_H
#define MEMLAB_HEAP_CARD_H

#include "heap.h"

#define GC_CARD_BYTES (1u << GC_CARD_SHIFT)

/* After the area is known. Without memory for the table the heap has no sticky bits. */
void gc_cards_init(struct gc_heap *heap);
void gc_cards_destroy(struct gc_heap *heap);

/* An address's card in a table. */
static inline uint8_t *gc_card(const struct gc_heap *heap, uint8_t *cards, const void *p)
{
	return &cards[((uintptr_t)p >> GC_CARD_SHIFT) & heap->card_mask];
}

/* Note a write of `bytes` (at least 1) from p on. */
void gc_cards_dirty(struct gc_mutator *m, const void *p, size_t bytes);

/* Before a full cycle's marking: nothing is marked. Coordinator, everything swept, no marking on. */
void gc_marks_clear(struct gc_heap *heap);

/* Before MARK_ON: mutators change over to the other table. Under mutators_lock. */
void gc_cards_change(struct gc_heap *heap);

/*
 * After MARK_ON, coordinator: clear the table that was left. In a minor cycle, what old objects in its dirty cards refer to
 * becomes grey.
 */
void gc_cards_scan(struct gc_heap *heap, bool minor);

#endif
