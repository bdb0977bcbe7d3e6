/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap: the state everything shares. Private to svc/heap.
 *
 * The heap is one reserved *area* of address space cut into pages of 64 KiB; everything the collector needs to know
 * about a page lies in tables beside the area, at a place computed from the page's number:
 *
 *   pages[n]    16 bytes, read by every step of marking: which span, which class
 *   spans[n]    the span that starts at page n: state, owner's cursor, links
 *   bits[t][n]  one bit per slot, in two tables t that change roles each cycle
 *
 * Note [gen]. `gen` counts finished markings. Table gen & 1 holds the *allocation bits*: what the last marking
 * found. The other table receives the *mark bits* of the next marking. A span's state carries the gen it
 * was swept for; one whose gen is behind is *unswept*. Sweeping a span counts its bits (they are what the marking
 * left), and prepares its words in the other table, which is the next marking's: cleared, or with sticky bits a copy
 * (Note [sticky] in card.h). So sweeping touches no object.
 *
 * Note [free]. In a span that is swept, slot s of word w is free if its allocation bit is 0 and w >= span.cursor.
 * In the word before the cursor of a *cached* span the mutator's cache says which slots are still free
 * (cache.free | cache.pending). From the request BLACK on, these slots are marked in advance, so that an object is black from its birth;
 * when the cache is given back at mark-off the marks of slots that were not used are taken away again.
 *
 * Note [phase]. off -> mark -> mark_termination -> sweep (-> off). Only the coordinator changes it.
 */
#ifndef MEMLAB_HEAP_HEAP_H
#define MEMLAB_HEAP_HEAP_H

#include "../probes/probes.h"
#include "gc.h"
#include "kind.h"
#include "lock.h"
#include "os.h"
#include "pacer.h"
#include "stats.h"

#define GC_PAGE_BIT_WORDS (GC_PAGE_BYTES / GC_SLOT_MIN_BYTES / 64)
#define GC_MUTATORS_MAX 16384
#define GC_WORKERS_MAX 32
#define GC_POOLS_MAX 64

enum gc_phase { GC_PHASE_OFF, GC_PHASE_MARK, GC_PHASE_TERMINATION, GC_PHASE_SWEEP };

/* Hot: 16 bytes per page. Set before the first object of the span is handed out, cleared when it is freed. */
struct gc_page {
	uint32_t magic;      /* 0 for large */
	uint32_t first;      /* the span's first page */
	uint32_t slot_bytes; /* 0 for large */
	uint32_t class;      /* GC_CLASS_NONE: free */
};

/* A span's state word: gen << 2 | status. Changed by CAS where two may want it. */
enum gc_span_status { GC_SPAN_FREE, GC_SPAN_IDLE, GC_SPAN_CACHED, GC_SPAN_SWEEPING };

struct gc_span {
	uint32_t state;        /* atomic */
	uint32_t class;        /* atomic; set at birth */
	uint32_t page_count;   /* set at birth */
	uint32_t cursor;       /* next word to hand out; owner of the span only */
	uint32_t used;         /* atomic: slots handed out or found live; the owner writes */
	uint32_t partial_next; /* atomic: link in the class's list of swept spans with room */
	uint32_t unswept_next; /* atomic: link in the class's list of spans to sweep */
	uint32_t old;          /* slots that were old after the last sweep: Note [sticky] */
	uint64_t object_bytes; /* atomic; large: usable bytes; set at birth */
	uint64_t scan_next;    /* atomic; large: next byte to scan in this cycle */
	uint64_t born_mask;    /* births of this marking in born_word; in later words every slot that was free; owner only */
	uint32_t born_word;    /* GC_BORN_NONE: no births */
	uint32_t _pad;
};
_Static_assert(sizeof(struct gc_span) == 64, "one line per span");

#define GC_BORN_NONE UINT32_MAX

/* A lock-free stack of page or chunk numbers: number in the low half, a tag against ABA in the high half. */
struct gc_stack {
	uint64_t head; /* atomic */
};

/* What the class lists hold; numbers may be stale, the CAS on the span's state decides. */
struct gc_class_lists {
	struct gc_stack partial;
	struct gc_stack unswept;
};

/* A batch of grey references. */
#define GC_CHUNK_ENTRIES 510
struct gc_chunk {
	uint32_t next; /* atomic */
	uint32_t count;
	uint64_t _pad;
	uint64_t entries[GC_CHUNK_ENTRIES];
};
_Static_assert(sizeof(struct gc_chunk) == 4096, "one OS page");

/* One who marks: a worker, the coordinator, a mutator that assists or idles. */
struct gc_marker {
	struct gc_heap *heap;
	struct gc_chunk *local;
	uint32_t mark_gen;
	uint64_t marked_bytes; /* since the last fold */
	bool counted; /* holds a token of heap->outstanding */
};

struct gc_worker {
	struct gc_heap *heap;
	pthread_t thread;
	unsigned index;
	bool urgent;    /* set once: marks only when somebody waits for the cycle */
	uint64_t cycle; /* announced to the probe */
	uint32_t skip_cycles;  /* grows while it is kept from running */
	uint64_t resume_cycle; /* stays out of cycles before this one */
	uint64_t idle_cpu_ns; /* what loops had marked when this worker last looked */
	struct gc_marker marker;
};

#define GC_BARRIER_ENTRIES 256

enum gc_mutator_status { GC_DETACHED, GC_RUNNING, GC_PARKED, GC_SCANNING, GC_SCANNING_WAITED };

/* The whole mutator; the public part first. Owner thread only, or the holder of the claim, where not said otherwise. */
struct gc_mutator_full {
	struct gc_mutator pub;
	struct gc_heap *heap;
	uint32_t status; /* atomic; enum gc_mutator_status; futex of unpark */
	uint32_t index;
	uint32_t alloc_gen; /* spans of this gen may be allocated from: Note [gen] */
	bool births_black;  /* slots taken into a cache are marked: Note [on] in barrier.h */
	bool listed;        /* under the mutators lock */
	bool held;          /* a stopped world keeps the claim */
	struct gc_mutator_full *free_next; /* under the mutators lock */
	void **roots;
	uint64_t black_bytes; /* allocated black in this cycle */
	bool births;          /* what is black is a birth: Note [sticky] */
	uint64_t unassisted_bytes; /* taken for allocation since the last look at the debt */
	int64_t debt_bytes;   /* mark work owed */
	struct gc_marker marker;
	struct gc_pool_slots *pools[GC_POOLS_MAX]; /* pointers atomic; Note [pool] in pool.h */
	uint8_t no_card;      /* where stores of a heap without sticky marks go */
	unsigned barrier_count;
	void *barrier[GC_BARRIER_ENTRIES];
	unsigned active_count;
	uint16_t active[GC_SPAN_CLASSES_MAX]; /* caches that hold a span */
};

struct gc_handle {
	void *value; /* atomic */
	struct gc_handle *next_free;
};

struct gc_root {
	void **slots;
	size_t count;
};

struct gc_heap {
	/* Set once. */
	uintptr_t base;
	uint64_t area_bytes;
	void *area_mapping;
	size_t area_mapping_bytes;
	uint32_t pages_max;
	struct gc_page *pages;
	struct gc_span *spans;
	uint64_t *bits[2];
	unsigned site_count;
	unsigned cpus;
	unsigned polite_count, worker_count; /* the polite ones come first */
	bool limiter, trace, pool_debug, region_debug, lazy_return;
	bool sticky;        /* cycles may be minor: Note [sticky] */
	uint8_t *card_tables[2]; /* with sticky: a byte per GC_CARD_BYTES of the area */
	uint64_t card_mask;
	uint64_t nursery_bytes; /* between minor cycles; 0: chosen from the live heap */
	enum gc_limit_policy limit_policy;
	uint64_t start_ns;

	/* Of the embedder; atomic, set once. */
	void (*on_marked)(struct gc_heap *heap, void *context);
	void *on_marked_context;

	/* Knobs; atomic. */
	int percent;
	uint64_t memory_limit;

	uint64_t other_bytes; /* atomic: resident memory that is not the heap's, as of the last cycle */
	uint64_t limiter_bytes; /* atomic: the limiter lets the heap grow so far, beyond the limit; 0: it does not */
	uint32_t limit_lifted; /* atomic: growth beyond the limit is allowed until the next cycle */

	/* Pages. Page 0 is never used, so number 0 means none. */
	struct gc_lock pages_lock;
	uint32_t pages_top;       /* atomic: pages below are committed; grows under pages_lock */
	uint64_t *free_map;       /* under pages_lock: 1 = free */
	uint32_t free_hint;       /* under pages_lock: no free page below */
	uint32_t free_pages;      /* under pages_lock */
	uint32_t pages_touched;   /* under pages_lock: pages from here on were never used */
	uint32_t pages_ready;     /* atomic, written by the prefault thread: pages below have memory, as far as they are not released */
	uint32_t prefault_seq;    /* atomic futex of the prefault thread */
	uint32_t prefault_waits;  /* atomic: it sleeps */
	bool prefault;            /* set once: there is such a thread */
	uint64_t *released;       /* under pages_lock: a bit per free chunk without memory */
	uint32_t released_chunks; /* under pages_lock */
	struct gc_stack returned; /* single pages given back; anyone pushes */
	struct gc_stack returned_runs; /* first pages of longer runs given back */

	struct gc_class_lists lists[GC_SPAN_CLASSES_MAX];

	/* Cycle. Written by the coordinator, read by all (atomic). */
	uint32_t phase;
	bool mark_open; /* within phase mark, from when all barriers are on */
	uint32_t gen;
	uint64_t cycle;
	enum gc_marking_state mark_mode; /* what a new mutator starts with; under mutators_lock */
	bool births_black; /* the same */
	bool mode_births;   /* a new mutator's; under mutators_lock */
	uint32_t mode_gen;  /* alloc_gen of a new mutator; under mutators_lock */
	uint8_t *cards;     /* the card table in use, of a new mutator; changed under mutators_lock */

	/* Grey work. */
	struct gc_chunk *chunks;
	uint32_t chunk_top; /* atomic */
	uint32_t chunks_max;
	struct gc_stack chunks_free;
	struct gc_stack chunks_full;
	uint64_t outstanding; /* atomic: full chunks + markers that hold work */
	uint32_t injected;    /* atomic: a mutator brought new grey work */
	uint32_t work_seq;    /* atomic futex: work may be there, or a cycle is done */
	uint32_t work_waiters;
	uint32_t drained_seq; /* atomic futex: what the coordinator waits for has changed (gc_coordinator_look) */
	uint32_t marker_pause; /* atomic: no marker may start a slice */
	uint32_t markers;      /* atomic: slices being marked */
	uint32_t urgent_markers; /* atomic: Note [room] in mark.h */

	/* Sweep. */
	uint32_t unswept;    /* atomic: spans of this gen still to sweep */
	uint32_t sweep_page; /* atomic: where the background sweep is */

	/* Handshakes. */
	struct gc_lock handshake_lock;
	struct gc_lock mutators_lock;
	struct gc_mutator_full *mutators[GC_MUTATORS_MAX];
	uint32_t mutators_top;   /* atomic: indices below have been used */
	uint32_t mutator_count;
	struct gc_mutator_full *mutators_free; /* under mutators_lock: detached */
	struct gc_site_count detached;         /* under mutators_lock: what detached mutators allocated */
	struct gc_site_count *detached_sites;
	uint32_t torture_period;
	uint32_t acks_pending;   /* atomic */
	uint32_t ack_seq;        /* atomic futex of the one who asked */
	uint32_t stopped;        /* atomic futex: odd while the world is stopped */

	/* Pools; both grow under mutators_lock, pool_count atomic. */
	struct gc_pool *pools[GC_POOLS_MAX];
	unsigned pool_count;

	/* Roots. */
	struct gc_lock roots_lock;
	struct gc_root *roots;
	unsigned root_count, root_room;
	uint32_t roots_version; /* under roots_lock: grows when something has to be scanned (again) */
	void **orphans;         /* values of removed roots */
	unsigned orphan_count, orphan_room;
	struct gc_handle_block *handle_blocks;
	struct gc_handle *handles_free;

	/* Pacing. Atomic. */
	uint64_t live_bytes;    /* marked by the last cycle plus allocated since */
	uint64_t trigger_bytes, goal_bytes, ceiling_bytes;
	uint64_t marked_bytes;  /* in this cycle, black allocation included */
	uint64_t traced_bytes;  /* in this cycle, without it */
	uint64_t traced_last;   /* by the last full cycle */
	uint64_t found_bytes;   /* by it and the minor cycles since: what tracing knows to be live */
	uint64_t old_bytes;     /* found, and born black before ROOTS */
	uint64_t kept_bytes;    /* born so in this cycle */
	uint64_t pace_bytes;    /* where marking should be done: the goal, nearer in a minor cycle */
	uint64_t expect_bytes, expect_most_bytes; /* to trace in this cycle */
	bool minor_next;        /* the trigger is a minor cycle's */
	uint64_t floor_bytes;   /* left in the heap by the last cycle: traced and born black */
	uint64_t mark_cpu_ns;   /* in this cycle */
	uint64_t begin_bytes;   /* live_bytes when the cycle began */

	/* Requests to the coordinator. */
	uint32_t wake_seq;        /* atomic futex of the coordinator */
	uint64_t cycles_wanted;   /* atomic: forced cycles up to this number */
	uint64_t room_wanted;     /* atomic: cycles up to this number for who was refused memory */
	uint64_t full_wanted;     /* atomic: cycles up to this number are full */
	uint64_t cycles_done;     /* atomic: cycles whose sweep is done */
	uint64_t cycles_marked;   /* atomic: cycles whose marking is done */
	bool ending;              /* atomic */
	bool urgent;              /* atomic: somebody waits for this cycle */

	/* Coordinator only. */
	uint32_t roots_scanned;
	bool forced, for_room, minor;
	uint64_t alloc_bytes_before, cycle_end_ns;
	uint64_t peak_bytes;   /* in the heap at the end of recent cycles: what the scavenger leaves */
	uint64_t scavenge_ns;  /* its next step */
	uint32_t verify_every;  /* debug builds; set once */
	uint64_t mark_delay_ns; /* debug builds; set once */

	struct gc_counters counters;
	struct gc_pacer pacer;

	pthread_t coordinator, prefaulter;
	struct gc_marker coordinator_marker;
	struct gc_worker workers[GC_WORKERS_MAX];
};

/* ------------------------------------------------- small, used everywhere */

#define gc_get(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define gc_get_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define gc_set(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define gc_set_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define gc_add(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define gc_sub(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)

static inline bool gc_cas(uint32_t *p, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(p, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}

static inline struct gc_mutator_full *gc_full(struct gc_mutator *m)
{
	return (struct gc_mutator_full *)m;
}

static inline enum gc_phase gc_phase_now(struct gc_heap *heap)
{
	return (enum gc_phase)gc_get(&heap->phase);
}

/* Markers may mark: Note [on] in barrier.h. */
static inline bool gc_marking(struct gc_heap *heap)
{
	return __atomic_load_n(&heap->mark_open, __ATOMIC_SEQ_CST);
}

/* One compare: does the address lie in the area? NULL and foreign pointers do not. */
static inline bool gc_in_area(const struct gc_heap *heap, const void *p)
{
	return (uintptr_t)p - heap->base < heap->area_bytes;
}

static inline uint32_t gc_page_of(const struct gc_heap *heap, const void *p)
{
	return (uint32_t)(((uintptr_t)p - heap->base) >> GC_PAGE_SHIFT);
}

static inline char *gc_page_address(const struct gc_heap *heap, uint32_t page)
{
	return (char *)heap->base + ((uint64_t)page << GC_PAGE_SHIFT);
}

static inline uint64_t *gc_page_bits(const struct gc_heap *heap, uint32_t gen, uint32_t page)
{
	return heap->bits[gen & 1] + (uint64_t)page * GC_PAGE_BIT_WORDS;
}

/* The slot an address lies in. */
struct gc_slot {
	uint32_t first; /* page of the span */
	uint32_t index;
	const struct gc_page *page;
};

static inline struct gc_slot gc_slot_of(const struct gc_heap *heap, const void *p)
{
	const struct gc_page *page = &heap->pages[gc_page_of(heap, p)];
	uint64_t offset = (uintptr_t)p - heap->base - ((uint64_t)page->first << GC_PAGE_SHIFT);

	return (struct gc_slot){page->first, (uint32_t)(offset * page->magic >> 32), page};
}

static inline char *gc_slot_address(const struct gc_heap *heap, struct gc_slot slot)
{
	return gc_page_address(heap, slot.first) + (uint64_t)slot.index * slot.page->slot_bytes;
}

void gc_stack_push(struct gc_stack *stack, uint32_t number, uint32_t *next);
/* next_of(argument, number) is the link of a number. Returns 0 if empty. */
uint32_t gc_stack_pop(struct gc_stack *stack, uint32_t *(*next_of)(struct gc_heap *, uint32_t), struct gc_heap *heap);

#endif
