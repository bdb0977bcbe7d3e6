/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scavenge: giving free memory back to the system, by the coordinator. Whole aligned chunks of 2 MiB only (a huge page stays
 * one). A chunk being returned counts as taken, so nobody waits for the system call. `released` marks chunks without memory.
 *
 * What is returned is touched again page by page, at 1.5 to 13 us each, by whoever allocates. So memory that the last cycles
 * used stays (a peak that decays), and the rest goes between cycles, slowly: 1 % of a CPU. Only above the memory limit
 * it goes at once.
 */
#ifndef MEMLAB_HEAP_SCAVENGE_H
#define MEMLAB_HEAP_SCAVENGE_H

#include "heap.h"

/* A cycle is over that ended with used_bytes in the heap. */
void gc_scavenge_after_cycle(struct gc_heap *heap, uint64_t used_bytes);
/* Between cycles: one step if it is time; ns until the next, 0: nothing to return. */
uint64_t gc_scavenge_background(struct gc_heap *heap);
/* Bytes with memory behind them: pages ever used, less what was returned. Side tables included, estimated. */
uint64_t gc_resident_bytes(struct gc_heap *heap);

#endif
