/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc.h: a collected heap for C programs: concurrent, non-moving, tri-colour mark-sweep,
 * precise, for any number of threads. This is the whole public interface; fast paths are
 * inline in gc_inline.h, which this header includes at its end.
 *
 * In one page:
 *
 *   struct gc_heap *heap;                          one per process is usual, more are allowed
 *   gc_heap_create(&config, &heap);
 *   struct gc_mutator *m = gc_attach(heap);        each thread that touches collected memory
 *   {
 *           GC_SCOPE(m);                           roots pushed below live until the scope ends
 *           struct node *n = gc_push(m, gc_alloc(m, &node_kind, 0));
 *           gc_store(m, &n->next, other);          references are written with the barrier
 *           other = gc_load(&n->next);
 *   }
 *   gc_park(m);  ... epoll_wait, a lock ...  gc_unpark(m);
 *   gc_detach(m);
 *
 * Rules for mutators
 *  1. An object is kept if a root reaches it: the root stack of a mutator (gc_push), a global root
 *     (gc_root_add) or a handle (gc_handle_new). Objects never move, so a pushed value stays valid.
 *  2. Every function marked [safepoint] may run a handshake: a reference that is in no root before
 *     the call may be gone after it.
 *  3. References inside objects are read with gc_load and written with gc_store (or gc_copy).
 *     A reference may point anywhere into its object.
 *  4. Between gc_park and gc_unpark the thread must not touch collected memory, and the
 *     collector never waits for it. Its root stack stays valid.
 *  5. Objects with references are zero when returned; objects without are not cleared unless asked.
 */
#ifndef MEMLAB_GC_H
#define MEMLAB_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct gc_heap;
struct gc_mutator;

/* ------------------------------------------------------------------ kinds */

enum gc_kind_flag {
	GC_KIND_NOREF = 1, /* holds no references: never scanned, memory never touched by the collector */
	GC_KIND_REFS = 2   /* every word is a reference or NULL (an array of references) */
};

/*
 * What a kind of object looks like. Set once, before its first allocation, and alive as long as the
 * heap; usually static const-like data declared with GC_KIND, GC_KIND_BYTES or GC_KIND_REF_ARRAY.
 */
struct gc_kind {
	const char *name;
	uint32_t size_bytes;       /* of one object or element */
	uint32_t flags;            /* enum gc_kind_flag */
	uint16_t ref_count;        /* 0 with GC_KIND_NOREF and GC_KIND_REFS */
	uint16_t _reserved;
	uint32_t _id;              /* the heap's; 0 until first used */
	const uint16_t *ref_words; /* offsets of the references, in words of 8 bytes, ascending */
};

/* A fixed-size kind with references at the given members: GC_KIND(node_kind, struct node, next, value). */


extern struct gc_kind gc_kind_bytes; /* raw bytes, any length, no references */
extern struct gc_kind gc_kind_refs;  /* an array of references, any length */

/* ------------------------------------------------------------------- heap */

#define GC_PERCENT_OFF (-1)      /* GOGC=off */
#define GC_LIMIT_OFF UINT64_MAX  /* GOMEMLIMIT=off */

enum gc_limit_policy { GC_LIMIT_DEGRADE, GC_LIMIT_SHED, GC_LIMIT_EXIT };

struct gc_config {
	int gc_percent;           /* GOGC: 100 is usual; GC_PERCENT_OFF */
	uint64_t memory_limit;    /* bytes; GC_LIMIT_OFF */
	enum gc_limit_policy limit_policy;
	bool limiter;             /* cap the collector at half the CPU time (off: shows the death spiral) */
	unsigned workers;         /* background mark workers; 0: chosen from the CPUs (25 %, at least 1) */
	unsigned sites;           /* allocation sites the embedder numbers 0 .. sites-1; 0: one */
	bool trace;               /* GODEBUG=gctrace=1: a line per cycle on stderr */
	bool lazy_return;         /* GODEBUG=madvdontneed=0: MADV_FREE, where no limit asks for the memory at once */
	bool pool_debug;          /* GODEBUG=pooldebug=1: all pools in debug mode */
	bool region_debug;        /* GODEBUG=regiondebug=1: all regions in debug mode */
	bool prefault;            /* a thread touches memory ahead of a heap that grows; GODEBUG=prefault=0 switches it off */
	bool sticky;              /* sticky mark bits: most cycles trace only what is new; GODEBUG=gcsticky=0 switches it off */
};

/* Defaults, then GOGC, GOMEMLIMIT (a size, off, or cgroup: 90 % of its limit) and GODEBUG from the environment. -EINVAL: `error` says which and why. */
int gc_config_init(struct gc_config *config, char *error, size_t error_bytes);

/* The memory limit of this process's control group, version 1 or 2, the smallest up to the root; GC_LIMIT_OFF: none. */
uint64_t gc_cgroup_limit(void);

/* Sizes as Go writes them: 512MiB, 2GiB, 1000B, 64KiB, plain bytes, "off". -EINVAL, -ERANGE. */
int gc_parse_bytes(const char *text, uint64_t *bytes);

/* -ENOMEM, -EINVAL. The heap starts no thread that takes signals. */
int gc_heap_create(const struct gc_config *config, struct gc_heap **heap);
/* All mutators must be detached. Frees everything, ends all threads. NULL allowed. */
void gc_heap_destroy(struct gc_heap *heap);

/* --------------------------------------------------------------- mutators */

/* Make the calling thread a mutator (unparked). NULL on lack of memory. A thread has at most one per heap. */
struct gc_mutator *gc_attach(struct gc_heap *heap);
/* The root stack must be empty. */
void gc_detach(struct gc_mutator *m);

/* The thread will not touch collected memory until gc_unpark; never waits. */
void gc_park(struct gc_mutator *m);
/* [safepoint] May wait while the collector scans this mutator's roots (microseconds). */
void gc_unpark(struct gc_mutator *m);

/* [safepoint] Answer a pending handshake; inline test, for loops that do not allocate. */
static inline void gc_poll(struct gc_mutator *m);

/*
 * For event loops about to sleep, parked or not: mark one slice (at most about 50 us) if a cycle is on.
 * True: something was done, poll again without sleeping. False: nothing to do.
 */
bool gc_idle(struct gc_mutator *m);

/* ------------------------------------------------------------- allocation */

/*
 * [safepoint] One object of a fixed-size kind. Never NULL: at the end of memory the process ends with a message
 * (see gc_try_alloc). `site` numbers the place in the program; it is counted and shown to the probe.
 */
static inline void *gc_alloc(struct gc_mutator *m, struct gc_kind *kind, uint32_t site);

/* [safepoint] `count` elements of a kind in a row (kinds with references too). Overflow ends the process. */
void *gc_alloc_array(struct gc_mutator *m, struct gc_kind *kind, size_t count, uint32_t site);

/* [safepoint] Bytes without references, not cleared. */
static inline void *gc_alloc_bytes(struct gc_mutator *m, size_t bytes, uint32_t site);

/* [safepoint] As gc_alloc_array, but NULL where memory or the limit's shed policy says no. */
void *gc_try_alloc(struct gc_mutator *m, struct gc_kind *kind, size_t count, uint32_t site);

/* Bytes usable in the object (its size class); p may point anywhere into it. */
size_t gc_usable_bytes(struct gc_heap *heap, const void *p);

/* ------------------------------------------------------------------ pools */

/*
 * Objects to be used again, kept per thread and dropped across cycles: one that nobody asks for is let go by the second full cycle after
 * its put. What is put comes back to the same thread only, with its content as it was.
 *
 *   static bool reply_is_reset(const void *reply) { ... }
 *   pool = gc_pool_new(heap, &(struct gc_pool_config){.name = "reply", .kind = &reply_kind, .is_reset = reply_is_reset});
 *   struct reply *r = gc_push(m, gc_pool_get(m, pool));  ...  gc_pool_put(m, pool, r);
 *
 * In debug mode a write to an object that was put, a second put and a missing reset end the process with a message that names the
 * place (file:line) of the put and of the call that noticed; a read finds 0xdb bytes. Debug mode costs an allocation per put.
 */
struct gc_pool;
struct gc_pool_config {
	const char *name;                       /* for messages; alive as long as the heap */
	struct gc_kind *kind;
	size_t count;                           /* elements of an object; 0: one */
	uint32_t site;                          /* of what a miss allocates */
	unsigned slots;                         /* kept per thread and generation, at most 256; 0: 16 */
	bool (*is_reset)(const void *object);   /* asked at each put in debug mode; NULL: nothing to reset */
	bool debug;
};
/* hits: found what was put since the last full cycle began; victim_hits: before that. dropped: put into full slots. */
struct gc_pool_stats { uint64_t hits, victim_hits, misses, puts, dropped; };

/* Lives as long as the heap; at most 64 per heap. NULL: too many, too many slots, or no memory. */
struct gc_pool *gc_pool_new(struct gc_heap *heap, const struct gc_pool_config *config);
/* [safepoint] An object of the pool, or a new one (cleared as gc_alloc_array does). */
#define gc_pool_get(m, pool) gc_pool_get_at((m), (pool), GC_PLACE_)
/* [safepoint] The caller keeps no reference. NULL allowed. */
#define gc_pool_put(m, pool, p) gc_pool_put_at((m), (pool), (p), GC_PLACE_)
void *gc_pool_get_at(struct gc_mutator *m, struct gc_pool *pool, const char *place);
void gc_pool_put_at(struct gc_mutator *m, struct gc_pool *pool, void *p, const char *place);
/* All threads, detached ones too. Stops nobody. */
void gc_pool_stats(struct gc_pool *pool, struct gc_pool_stats *stats);

/* ------------------------------------------------------- arenas and regions */

/*
 * An arena: memory from mmap that the collector never looks at. References to collected objects may not lie there: they keep nothing.
 * One thread at a time. It counts against the memory limit like everything resident.
 */
struct gc_arena;
/* Addresses for bytes_max; memory comes with use. NULL: none, or bytes_max is 0. */
struct gc_arena *gc_arena_new(size_t bytes_max);
/* At a multiple of 16, not cleared (zero until the first reset). NULL: full. */
void *gc_arena_alloc(struct gc_arena *arena, size_t bytes);
size_t gc_arena_used_bytes(const struct gc_arena *arena);
/* Everything in it ends. What was touched beyond the first keep_bytes goes back to the system. */
void gc_arena_reset(struct gc_arena *arena, size_t keep_bytes);
/* NULL allowed. */
void gc_arena_free(struct gc_arena *arena);

/*
 * A region: what one request needs, freed all at once. References into it may lie in collected objects and roots, but not longer
 * than until the reset: in debug mode a reset ends the process with a message that names who still refers into it
 * and the file and line of the reset; a later use of the old addresses by anybody is a segmentation fault.
 */
struct gc_region;
struct gc_region_config {
	const char *name;  /* for messages; alive as long as the region */
	size_t bytes_max;  /* 0: 64 MiB */
	size_t keep_bytes; /* memory kept over a reset; 0: all */
	bool debug;        /* a reset stops the world and walks the heap */
};
struct gc_region *gc_region_new(struct gc_heap *heap, const struct gc_region_config *config);
/* As gc_arena_alloc. */
void *gc_region_alloc(struct gc_region *region, size_t bytes);
size_t gc_region_used_bytes(const struct gc_region *region);
/* [safepoint in debug mode] Everything in it ends. */
#define gc_region_reset(m, region) gc_region_reset_at((m), (region), GC_PLACE_)
void gc_region_reset_at(struct gc_mutator *m, struct gc_region *region, const char *place);
/* NULL allowed. */
void gc_region_free(struct gc_region *region);

/* ------------------------------------------------------------------ roots */

/* GC_SCOPE(m): pushed roots are popped when the enclosing block ends (gc_inline.h). */
static inline void *gc_push(struct gc_mutator *m, void *p); /* returns p; p may be NULL */
static inline void gc_pop(struct gc_mutator *m, unsigned count);

/* A global variable that holds references (`count` words in a row). Write them with gc_store. */
int gc_root_add(struct gc_heap *heap, void *slots, size_t count);
void gc_root_remove(struct gc_heap *heap, void *slots);

/*
 * Handles: references held by foreign code (callbacks' contexts). A handle may be freed by any thread, parked or
 * not; gc_handle_get needs an unparked mutator. NULL on lack of memory.
 */
struct gc_handle;
struct gc_handle *gc_handle_new(struct gc_mutator *m, void *p);
void *gc_handle_get(struct gc_mutator *m, const struct gc_handle *handle);
void gc_handle_free(struct gc_heap *heap, struct gc_handle *handle);

/* ------------------------------------------------------------- references */

/* Load of a reference from an object or a global root (acquire: on x86-64 the same instruction as relaxed). */
#define gc_load(slot) ((__typeof__(*(slot)))__atomic_load_n((slot), __ATOMIC_ACQUIRE))
/* Write a reference with the hybrid barrier; publication is release. `slot` is the address of a reference member. */
#define gc_store(m, slot, value) gc_store_((m), (void **)(slot), (void *)(__typeof__(*(slot)))(value))
/* Copy `count` references from one array of references into another, with the barrier; the areas may overlap. */
void gc_copy(struct gc_mutator *m, void *to, const void *from, size_t count);

/* ---------------------------------------------------------- weak addresses */

/*
 * For embedders that keep addresses of objects without keeping the objects (samples of a profile): `call` is run by the
 * collector's coordinator once in each cycle, when marking is over and nothing has been freed. It must not touch collected memory
 * or wait for a mutator. Set once, before the first allocation.
 */
void gc_on_marked(struct gc_heap *heap, void (*call)(struct gc_heap *heap, void *context), void *context);
/* Within that call: will p, allocated before the cycle began, outlive it? */
bool gc_will_live(struct gc_heap *heap, const void *p);
/* Of the cycle that is on, or the last one. What was allocated when it was n is judged by cycles after n. */
uint64_t gc_cycle_number(const struct gc_heap *heap);

/* -------------------------------------------------------------- collector */

/* [safepoint] Run a whole cycle (a full one) now and wait for it (sweep included). */
void gc_collect(struct gc_mutator *m);
/* Stop the world for `ns` (an experiment's tool: shows what a global stop costs). m may be NULL. */
void gc_stop_world_for(struct gc_heap *heap, struct gc_mutator *m, uint64_t ns);
/* Change the knobs at run time; return the value before. */
int gc_set_percent(struct gc_heap *heap, int percent);
uint64_t gc_set_memory_limit(struct gc_heap *heap, uint64_t bytes);
/*
 * Walk the whole heap (stops the world) and check every invariant; complaints go to `out`, or nowhere if NULL.
 * Returns the number of violations. m: the calling mutator or NULL.
 */
unsigned gc_verify(struct gc_heap *heap, struct gc_mutator *m, FILE *out);

/* ------------------------------------------------------------- statistics */

struct gc_pause_quantiles { uint64_t count, p50_ns, p99_ns, p999_ns, max_ns, last_ns; };

/* A snapshot that stops nobody. Counters are since creation. */
struct gc_stats {
	uint64_t live_bytes;        /* traced by the last full cycle and the minor ones since */
	uint64_t heap_bytes;        /* allocated and not yet swept */
	uint64_t heap_objects;
	uint64_t total_alloc_bytes, total_allocs;
	uint64_t total_freed_bytes, total_frees;
	uint64_t goal_bytes, trigger_bytes, limit_bytes;
	uint64_t mapped_bytes, resident_bytes; /* heap; side tables included */
	uint64_t grown_bytes, grown_cold_bytes; /* used for the first time; of these, not touched ahead in time */
	uint64_t cycles, forced_cycles, minor_cycles;
	uint64_t limit_cycles;  /* because memory was refused at the limit */
	uint64_t limit_lifts;   /* cycles after which the limit gave, because they had not helped (degrade) */
	uint64_t limiter_bytes; /* how large the limiter lets the heap become now, beyond the limit; 0: the limit holds */
	uint64_t worker_cpu_ns, assist_cpu_ns, idle_cpu_ns; /* marking by whom */
	uint64_t sweep_cpu_ns, scavenge_cpu_ns;
	uint64_t handshake_cpu_ns;             /* the mutators' own parts, all together */
	uint64_t process_cpu_ns;               /* what is not in the parts above is the program's own */
	double gc_cpu_fraction;                /* of the process's CPU time since creation */
	struct gc_pause_quantiles handshake;   /* a mutator's own part */
	struct gc_pause_quantiles handshake_cpu; /* the same, CPU time: without what took the CPU from it meanwhile */
	struct gc_pause_quantiles acks;        /* request to last acknowledgement */
	struct gc_pause_quantiles stop;        /* stopped worlds */
	int gc_percent;
	unsigned mutators;
};
void gc_stats(struct gc_heap *heap, struct gc_stats *stats);

/*
 * The distribution behind gc_stats.handshake, for histograms: counts[i] handshakes took less than edges_ns[i] (ascending;
 * exact for edges of the form (16 + n) * 2^k, n < 16). Returns the sum of all in ns, to 6 %.
 */
uint64_t gc_handshake_histogram(struct gc_heap *heap, const uint64_t *edges_ns, uint64_t *counts, unsigned count);

/*
 * The heap by size of slot, ascending, large objects (slot_bytes 0) last; returns the number of entries, at most `count` (64 are
 * enough). Slots that threads hold ready for their next allocations count as objects. Stops nobody.
 */
struct gc_size_class { uint32_t slot_bytes; uint64_t spans, objects, object_bytes; };
unsigned gc_size_classes(struct gc_heap *heap, struct gc_size_class *table, unsigned count);

/* What this mutator allocated so far: exact, free to read (thread-local counters). Owner thread only. */
static inline uint64_t gc_mutator_allocs(const struct gc_mutator *m);
static inline uint64_t gc_mutator_alloc_bytes(const struct gc_mutator *m);

/* Allocations by site, all mutators: objects[i], bytes[i] for i < count. They sum to total_allocs, total_alloc_bytes. */
void gc_site_counts(struct gc_heap *heap, uint64_t *objects, uint64_t *bytes, unsigned count);

#include "gc_inline.h"

#endif
