/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit: GOMEMLIMIT. What counts against the limit is the process's resident memory: the heap's pages, its side
 * tables, and everything else (malloc, stacks). The coordinator reads the else after each cycle; in between the heap
 * counts its own pages, so that growth is checked without a system call.
 *
 * Who is refused memory at the limit waits for the cycle that is on, or for one of his own, and marks meanwhile. Where that alone would give
 * the collector more than half of the CPU time, the limiter (degrade only) lets the heap grow over the limit: gc_stats says so.
 * After a collection that has not helped the policy decides: degrade (grow on), shed (gc_try_alloc returns NULL, gc_alloc
 * grows on), exit (one line, status 1).
 */
#ifndef MEMLAB_HEAP_LIMIT_H
#define MEMLAB_HEAP_LIMIT_H

#include "heap.h"

/* After a cycle: measure what is not heap. */
void gc_limit_measure(struct gc_heap *heap);
/* Bytes the heap may occupy; GC_LIMIT_OFF without a limit. */
uint64_t gc_limit_heap_bytes(struct gc_heap *heap);
/* May the heap grow by so many pages? Under pages_lock. */
bool gc_limit_allows(struct gc_heap *heap, uint32_t pages);
/* Resident memory of the process; 0 if unknown. */
uint64_t gc_limit_rss_bytes(void);

#endif
