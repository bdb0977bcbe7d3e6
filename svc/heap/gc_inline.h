/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc_inline.h: the fast paths of gc.h, and the few fields they touch. Included by gc.h only.
 *
 * A mutator allocates from a cache per span class: a word of free bits, each a slot at
 * base + bit * slot_bytes. Taking one needs no lock and no atomic operation. An empty word is the only
 * thing the fast path tests; everything else (handshakes, probes, refill, large objects) happens in
 * gc_alloc_slow, which an empty word leads to. Index 0 of the caches is always empty: a kind the heap
 * has not seen has _id 0 and so takes the slow path, which numbers it.
 *
 * Every field here is written by the owner thread alone, or by the collector while it holds the
 * claim on a parked mutator; `request` is atomic, the counters are read by others (relaxed).
 */
#ifndef MEMLAB_GC_H
#error "include gc.h"
#endif
#ifndef MEMLAB_GC_INLINE_H
#define MEMLAB_GC_INLINE_H

#define GC_SPAN_CLASSES_MAX 2048
#define GC_CARD_SHIFT 9

/* 32 bytes. Slots in `pending` belong to the same word as `free` and are handed out after it. */
struct gc_cache {
	uint64_t free;
	char *base;
	uint64_t pending;
	uint32_t slot_bytes;
	uint32_t page; /* of the cached span; 0 none */
};

struct gc_site_count {
	uint64_t objects, bytes;
};

enum gc_marking_state {
	GC_MARKING_OFF,
	GC_MARKING_BLACK, /* this mutator's root stack has been scanned */
	GC_MARKING_GREY   /* not yet */
};

struct gc_mutator {
	uint32_t request; /* atomic: the handshake asked for, 0 none */
	uint32_t marking; /* enum gc_marking_state: not 0: the barrier is on, new objects are black */
	void **root_top, **root_limit;
	uint64_t allocs, alloc_bytes;
	struct gc_site_count *sites;
	uint8_t *cards;     /* set once; without sticky marks: one byte of the mutator's own */
	uint64_t card_mask; /* set once */
	struct gc_cache cache[GC_SPAN_CLASSES_MAX];
};

/* Size class (and span class of raw bytes) of (bytes + 7) / 8 for up to 1024 bytes. */
extern const uint8_t gc_small_class[129];

void *gc_alloc_slow(struct gc_mutator *m, struct gc_kind *kind, uint32_t site);
void *gc_alloc_bytes_slow(struct gc_mutator *m, size_t bytes, uint32_t site);
void gc_poll_slow(struct gc_mutator *m);
void gc_push_slow(struct gc_mutator *m);
void gc_store_slow(struct gc_mutator *m, void **slot, void *value);

/* ------------------------------------------------------------------ kinds */

#define GC_REF_1_(t, a) (uint16_t)(offsetof(t, a) / 8)
#define GC_REF_2_(t, a, ...) GC_REF_1_(t, a), GC_REF_1_(t, __VA_ARGS__)
#define GC_REF_3_(t, a, ...) GC_REF_1_(t, a), GC_REF_2_(t, __VA_ARGS__)
#define GC_REF_4_(t, a, ...) GC_REF_1_(t, a), GC_REF_3_(t, __VA_ARGS__)
#define GC_REF_5_(t, a, ...) GC_REF_1_(t, a), GC_REF_4_(t, __VA_ARGS__)
#define GC_REF_6_(t, a, ...) GC_REF_1_(t, a), GC_REF_5_(t, __VA_ARGS__)
#define GC_REF_7_(t, a, ...) GC_REF_1_(t, a), GC_REF_6_(t, __VA_ARGS__)
#define GC_REF_8_(t, a, ...) GC_REF_1_(t, a), GC_REF_7_(t, __VA_ARGS__)
#define GC_REF_PICK_(_1, _2, _3, _4, _5, _6, _7, _8, name, ...) name
#define GC_REFS_(t, ...)                                                                                               \
	GC_REF_PICK_(__VA_ARGS__, GC_REF_8_, GC_REF_7_, GC_REF_6_, GC_REF_5_, GC_REF_4_, GC_REF_3_, GC_REF_2_,             \
		     GC_REF_1_)(t, __VA_ARGS__)

/*
 * GC_KIND(node_kind, struct node, next, value): a static kind whose references are the named members
 * (one to eight; an array member a[3] is named element by element: a[0], a[1], a[2]). With more, fill a struct gc_kind.
 */
#define GC_KIND(id, type, ...)                                                                                         \
	static const uint16_t id##_ref_words_[] = {GC_REFS_(type, __VA_ARGS__)};                                       \
	static struct gc_kind id = {.name = #type,                                                                     \
				    .size_bytes = sizeof(type),                                                        \
				    .ref_count = sizeof(id##_ref_words_) / sizeof(uint16_t),                           \
				    .ref_words = id##_ref_words_}
/* A fixed-size kind without references. */
#define GC_KIND_PLAIN(id, type)                                                                                        \
	static struct gc_kind id = {.name = #type, .size_bytes = sizeof(type), .flags = GC_KIND_NOREF}

/* ------------------------------------------------------------- allocation */

/* An owner-written counter that others read. */
static inline void gc_count_(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void *gc_take_(struct gc_mutator *m, struct gc_cache *cache, uint64_t free, uint32_t site)
{
	uint32_t bytes = cache->slot_bytes;
	char *p = cache->base + (size_t)__builtin_ctzll(free) * bytes;

	cache->free = free & (free - 1);
	gc_count_(&m->allocs, 1);
	gc_count_(&m->alloc_bytes, bytes);
	gc_count_(&m->sites[site].objects, 1);
	gc_count_(&m->sites[site].bytes, bytes);
	return p;
}

static inline void *gc_alloc(struct gc_mutator *m, struct gc_kind *kind, uint32_t site)
{
	struct gc_cache *cache = &m->cache[__atomic_load_n(&kind->_id, __ATOMIC_RELAXED)];
	uint64_t free = cache->free;

	if (__builtin_expect(free == 0, 0))
		return gc_alloc_slow(m, kind, site);
	return gc_take_(m, cache, free, site);
}

static inline void *gc_alloc_bytes(struct gc_mutator *m, size_t bytes, uint32_t site)
{
	struct gc_cache *cache;

	if (__builtin_expect(bytes > 1024, 0))
		return gc_alloc_bytes_slow(m, bytes, site);
	cache = &m->cache[gc_small_class[(bytes + 7) / 8]];
	if (__builtin_expect(cache->free == 0, 0))
		return gc_alloc_bytes_slow(m, bytes, site);
	return gc_take_(m, cache, cache->free, site);
}

static inline void gc_poll(struct gc_mutator *m)
{
	if (__builtin_expect(__atomic_load_n(&m->request, __ATOMIC_RELAXED) != 0, 0))
		gc_poll_slow(m);
}

static inline uint64_t gc_mutator_allocs(const struct gc_mutator *m)
{
	return m->allocs;
}

static inline uint64_t gc_mutator_alloc_bytes(const struct gc_mutator *m)
{
	return m->alloc_bytes;
}

/* ------------------------------------------------------------------ roots */

static inline void *gc_push(struct gc_mutator *m, void *p)
{
	if (__builtin_expect(m->root_top == m->root_limit, 0))
		gc_push_slow(m);
	*m->root_top++ = p;
	return p;
}

static inline void gc_pop(struct gc_mutator *m, unsigned count)
{
	m->root_top -= count;
}

struct gc_scope_ {
	struct gc_mutator *m;
	void **top;
};

static inline void gc_scope_end_(struct gc_scope_ *scope)
{
	scope->m->root_top = scope->top;
}

#define GC_TEXT2_(a) #a
#define GC_TEXT_(a) GC_TEXT2_(a)
#define GC_PLACE_ __FILE__ ":" GC_TEXT_(__LINE__)

#define GC_PASTE2_(a, b) a##b
#define GC_PASTE_(a, b) GC_PASTE2_(a, b)
/* Roots pushed after this line are popped where the enclosing block ends, however it is left. */
#define GC_SCOPE(m)                                                                                                    \
	struct gc_scope_ GC_PASTE_(gc_scope_, __LINE__) __attribute__((cleanup(gc_scope_end_), unused)) = {            \
		(m), (m)->root_top}

/* ------------------------------------------------------------- references */

static inline void gc_store_(struct gc_mutator *m, void **slot, void *value)
{
	if (__builtin_expect(m->marking, 0) && (m->marking == GC_MARKING_GREY || __atomic_load_n(slot, __ATOMIC_RELAXED)))
		gc_store_slow(m, slot, value);
	__atomic_store_n(slot, value, __ATOMIC_RELEASE);
	__atomic_store_n(&m->cards[((uintptr_t)slot >> GC_CARD_SHIFT) & m->card_mask], 1, __ATOMIC_RELAXED);
}

#endif
