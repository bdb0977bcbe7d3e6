/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scavenge: giving free memory back to the system. Whole aligned chunks of 2 MiB only (a huge page stays one), by the
 * coordinator, after a cycle, at most one chunk per step; what the next cycle is expected to use stays. A chunk being
 * returned counts as taken, so nobody waits for the system call. `released` marks chunks without memory.
 */
#ifndef MEMLAB_HEAP_SCAVENGE_H
#define MEMLAB_HEAP_SCAVENGE_H

#include "heap.h"

/* Return one chunk if more than keep_bytes are free; false if there is nothing to return. */
bool gc_scavenge_step(struct gc_heap *heap, uint64_t keep_bytes);
/* Bytes with memory behind them: pages ever used, less what was returned. Side tables included, estimated. */
uint64_t gc_resident_bytes(struct gc_heap *heap);

#endif
