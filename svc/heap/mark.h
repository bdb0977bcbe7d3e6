/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark: turning white into black. Grey work lies in chunks of references on a lock-free stack that all markers share;
 * a marker keeps at most one chunk and a few prefetched references for itself, and only during a slice.
 *
 * Note [grey]. An entry is a reference, not yet known to be marked, or (bit 0 set) a large marked object of which
 * parts are still to be scanned. `outstanding` counts full chunks plus markers that hold work, so that 0 means: no
 * grey work anywhere but in mutators' buffers. A marker takes over the count of the chunk it pops.
 * Between slices nothing is held: a marker frozen there holds up nobody.
 *
 * Note [room]. Threads of normal class that mark because somebody waits for the cycle (urgent) would take a third of the CPU
 * from a mutator beside them, for milliseconds at a time. So they count themselves in `urgent_markers`, and one marks only
 * while running mutators and urgent markers together leave a CPU for it. When there is none, the coordinator goes on in slices of GC_SLICE_NS
 * with rests three times as long: a quarter of a CPU, in pieces that delay nobody for long, and the cycle ends.
 *
 * Markers: workers (polite), the coordinator (when urgent), mutators that assist, idle or wait for a collection.
 */
#ifndef MEMLAB_HEAP_MARK_H
#define MEMLAB_HEAP_MARK_H

#include "heap.h"

#define GC_SLICE_NS 100000u
#define GC_URGENT_SLICE_NS 250000u
#define GC_ROOM_LOOK_NS 1000000u

int gc_mark_init(struct gc_heap *heap);
void gc_mark_destroy(struct gc_heap *heap);

/* References may point anywhere into an object; the low bits belong to the entry. */
static inline uint64_t gc_grey_entry(const void *p)
{
	return (uint64_t)p & ~7ull;
}

/* Shared grey work from outside marking (barrier, roots): counted in `injected`. */
void gc_grey_push(struct gc_heap *heap, void *const *references, unsigned count);

/* All mutators are out of marking: what they brought after marking was complete is of no use. Coordinator. */
void gc_grey_discard(struct gc_heap *heap);

/* Mark for at most budget_ns; the bytes traced, 0 if there was no work. */
uint64_t gc_mark_slice(struct gc_marker *marker, uint64_t budget_ns);
bool gc_mark_work(struct gc_heap *heap);
/* To sleep on work_seq: between begin (the value to wait with) and end others share their work with the sleeper. */
uint32_t gc_work_await_begin(struct gc_heap *heap);
void gc_work_await_end(struct gc_heap *heap);
/* Wake all who sleep on work_seq: a cycle begins, is urgent, is done. */
void gc_work_wake(struct gc_heap *heap);
/* The coordinator, if it waits for marking to drain, looks again. */
void gc_coordinator_look(struct gc_heap *heap);

/* No marker is inside a slice until resume. */
void gc_markers_pause(struct gc_heap *heap);
void gc_markers_resume(struct gc_heap *heap);
/* Around everything that must not run in a stopped world; false: paused, try later. */
bool gc_marker_enter(struct gc_heap *heap);
void gc_marker_leave(struct gc_heap *heap);

/* Is any mutator on its way (running)? Without a lock; may be out of date. */
bool gc_mutators_running(struct gc_heap *heap);
/* A CPU for one more urgent marker: true until leave. Note [room]. */
bool gc_room_enter(struct gc_heap *heap);
void gc_room_leave(struct gc_heap *heap);

static inline bool gc_marked(struct gc_heap *heap, const void *p, uint32_t mark_gen)
{
	struct gc_slot slot = gc_slot_of(heap, p);
	const uint64_t *bits = gc_page_bits(heap, mark_gen, slot.first);

	return gc_get_relaxed(&bits[slot.index / 64]) >> (slot.index % 64) & 1;
}

/* Coordinator: let the embedder look at the marks (gc_on_marked). */
void gc_weak_judge(struct gc_heap *heap);

#endif
