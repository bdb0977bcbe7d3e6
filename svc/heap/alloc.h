/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alloc: the allocation slow path: answer the collector, pay assist debt, refill a cache, make large objects.
 *
 * A refill moves free slots from the cache's pending word (or the span's next word, or the next span) into cache.free:
 * as many as are cleared in one go (REFILL_BYTES), all of them if they hold no references, one if the allocation
 * probe is watched. Order of spans: swept ones with room, unswept ones (a bounded number), fresh pages.
 */
#ifndef MEMLAB_HEAP_ALLOC_H
#define MEMLAB_HEAP_ALLOC_H

#include "heap.h"

/* Mark-on: the free slots in all caches become black in advance. */
void gc_caches_blacken(struct gc_mutator_full *m);
/* Roots: what is handed out from the caches' words from now on is born in this marking. The bytes of slots still to hand out. */
uint64_t gc_caches_born(struct gc_mutator_full *m);
/* Mark-off, detach: give all cached spans back and take the marks of unused slots away. */
void gc_caches_release(struct gc_mutator_full *m);

#endif
