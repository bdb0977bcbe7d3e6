/* SPDX-License-Identifier: Apache-2.0 */
/* pool: see pool.h. */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "barrier.h"
#include "poison.h"

#define SLOTS_DEFAULT 16u
#define SLOTS_MAX 256u
#define KEPT_CYCLES 2u

/* ------------------------------------------------------------------- slots */

static struct gc_pool_slots *slots_new(const struct gc_pool *pool)
{
	struct gc_pool_slots *s = calloc(1, sizeof(*s) + 2 * pool->slots * sizeof(void *));

	if (!s)
		return NULL;
	s->items = (void **)(s + 1);
	s->victims = s->items + pool->slots;
	return s;
}

static struct gc_pool_slots *slots_of(struct gc_mutator_full *m, const struct gc_pool *pool)
{
	struct gc_pool_slots *s = m->pools[pool->id];

	if (s)
		return s;
	s = slots_new(pool);
	if (!s)
		gc_fatal("out of memory for the slots of pool \"%s\"", pool->config.name);
	gc_set(&m->pools[pool->id], s);
	return s;
}

void gc_pools_age(struct gc_mutator_full *m)
{
	for (unsigned i = 0, n = gc_get(&m->heap->pool_count); i < n; i++) {
		struct gc_pool_slots *s = m->pools[i];
		void **victims;

		if (!s)
			continue;
		victims = s->victims;
		s->victims = s->items;
		s->victim_count = s->count;
		s->items = victims;
		s->count = 0;
	}
}

void gc_pools_visit(struct gc_mutator_full *m, void (*visitor)(void *argument, void *reference), void *argument)
{
	for (unsigned i = 0, n = gc_get(&m->heap->pool_count); i < n; i++) {
		const struct gc_pool_slots *s = m->pools[i];

		for (unsigned k = 0; s && k < s->count; k++)
			visitor(argument, s->items[k]);
		for (unsigned k = 0; s && k < s->victim_count; k++)
			visitor(argument, s->victims[k]);
	}
}

static void stats_add(struct gc_pool_stats *sum, const struct gc_pool_stats *one)
{
	sum->hits += gc_get_relaxed(&one->hits);
	sum->victim_hits += gc_get_relaxed(&one->victim_hits);
	sum->misses += gc_get_relaxed(&one->misses);
	sum->puts += gc_get_relaxed(&one->puts);
	sum->dropped += gc_get_relaxed(&one->dropped);
}

void gc_pools_drop(struct gc_mutator_full *m)
{
	for (unsigned i = 0; i < m->heap->pool_count; i++) {
		struct gc_pool_slots *s = m->pools[i];
		uint64_t *counts = s ? (uint64_t *)&s->stats : NULL;

		if (!s)
			continue;
		s->count = s->victim_count = 0;
		stats_add(&m->heap->pools[i]->detached, &s->stats);
		for (unsigned k = 0; k < sizeof(s->stats) / sizeof(*counts); k++)
			gc_set_relaxed(&counts[k], 0);
	}
}

void gc_pools_release(struct gc_mutator_full *m)
{
	for (unsigned i = 0; i < GC_POOLS_MAX; i++)
		free(m->pools[i]);
}

/* ------------------------------------------------------------- debug: the ring */

static void word_move(void *argument, void **slot)
{
	struct gc_mutator *m = argument;

	gc_store(m, slot, *slot);
}

static void word_clear(void *argument, void **slot)
{
	struct gc_mutator *m = argument;

	gc_store(m, slot, NULL);
}

static void broken(const struct gc_pool *pool, const char *what, const void *p, const char *put, const char *now)
{
	gc_fatal("pool \"%s\": object %p, put back at %s, %s; noticed at %s", pool->config.name, p, put, what, now);
}

/* The pattern is whole? */
static void entry_check(const struct gc_pool *pool, unsigned i, const char *place)
{
	const uint64_t *words = pool->ring->objects[i];
	size_t count = words ? gc_usable_bytes(pool->heap, words) / 8 : 0;

	for (size_t w = 0; w < count; w++)
		if (gc_get_relaxed(&words[w]) != GC_POISON_WORD)
			broken(pool, "was written to after that", words, pool->ring->places[i], place);
}

static void entry_drop(struct gc_pool *pool, struct gc_mutator *m, unsigned i, const char *place)
{
	entry_check(pool, i, place);
	gc_store(m, &pool->ring->objects[i], NULL);
}

/* Under the ring's lock. */
static void ring_check(struct gc_pool *pool, struct gc_mutator *m, const char *place)
{
	uint64_t cycle = gc_get(&pool->heap->cycle);

	for (unsigned i = 0; i < GC_POOL_RING; i++) {
		entry_check(pool, i, place);
		if (pool->ring->objects[i] && pool->ring->cycles[i] + KEPT_CYCLES < cycle)
			entry_drop(pool, m, i, place);
	}
}

static void put_check(struct gc_pool *pool, const void *p, const char *place)
{
	struct gc_slot slot = gc_slot_of(pool->heap, p);

	for (unsigned i = 0; i < GC_POOL_RING; i++)
		if (pool->ring->objects[i] == p)
			broken(pool, "is put a second time", p, pool->ring->places[i], place);
	if (slot.page->class != pool->class || gc_slot_address(pool->heap, slot) != p)
		gc_fatal("pool \"%s\": %p, put at %s, is no object of this pool's kind", pool->config.name, p, place);
	if (pool->config.is_reset && !pool->config.is_reset(p))
		gc_fatal("pool \"%s\": object %p, put back at %s, was not reset before", pool->config.name, p, place);
}

/* The original goes into the ring, filled with the pattern; its content goes on in a twin. */
static void *twin_make(struct gc_pool *pool, struct gc_mutator *m, void *p, const char *place)
{
	size_t bytes = gc_usable_bytes(pool->heap, p);
	void *twin = gc_alloc_array(m, pool->config.kind, pool->config.count, pool->config.site);
	const struct gc_class *class = &gc_classes[pool->class];
	unsigned i;

	memcpy(twin, p, bytes);
	gc_class_refs_visit(class, twin, bytes, word_move, m);
	gc_class_refs_visit(class, p, bytes, word_clear, m);
	gc_lock(&pool->lock);
	for (size_t w = 0; w < bytes / 8; w++)
		gc_set_relaxed(&((uint64_t *)p)[w], GC_POISON_WORD);
	i = pool->ring->next++ % GC_POOL_RING;
	entry_drop(pool, m, i, place);
	pool->ring->places[i] = place;
	pool->ring->cycles[i] = gc_get(&pool->heap->cycle);
	gc_store(m, &pool->ring->objects[i], p);
	gc_unlock(&pool->lock);
	return twin;
}

static void *put_debug(struct gc_pool *pool, struct gc_mutator *m, void *p, const char *place)
{
	GC_SCOPE(m);

	gc_push(m, p);
	gc_lock(&pool->lock);
	ring_check(pool, m, place);
	put_check(pool, p, place);
	gc_unlock(&pool->lock);
	return twin_make(pool, m, p, place);
}

static void get_debug(struct gc_pool *pool, struct gc_mutator *m, const char *place)
{
	gc_lock(&pool->lock);
	ring_check(pool, m, place);
	gc_unlock(&pool->lock);
}

/* --------------------------------------------------------------- get and put */

void *gc_pool_get_at(struct gc_mutator *pub, struct gc_pool *pool, const char *place)
{
	struct gc_pool_slots *s = slots_of(gc_full(pub), pool);

	if (__builtin_expect(pool->ring != NULL, 0))
		get_debug(pool, pub, place);
	if (s->count) {
		gc_count_(&s->stats.hits, 1);
		return s->items[--s->count];
	}
	if (s->victim_count) {
		gc_count_(&s->stats.victim_hits, 1);
		return s->victims[--s->victim_count];
	}
	gc_count_(&s->stats.misses, 1);
	PROBE_FIRE(gc_pool_miss, pool->id);
	return gc_alloc_array(pub, pool->config.kind, pool->config.count, pool->config.site);
}

void gc_pool_put_at(struct gc_mutator *pub, struct gc_pool *pool, void *p, const char *place)
{
	struct gc_pool_slots *s = slots_of(gc_full(pub), pool);

	if (!p)
		return;
	if (__builtin_expect(pool->ring != NULL, 0))
		p = put_debug(pool, pub, p, place);
	gc_count_(&s->stats.puts, 1);
	if (s->count == pool->slots)
		gc_count_(&s->stats.dropped, 1);
	else
		s->items[s->count++] = p;
}

/* -------------------------------------------------------------------- pools */

static bool ring_make(struct gc_pool *pool)
{
	pool->ring = calloc(1, sizeof(*pool->ring));
	return pool->ring && gc_root_add(pool->heap, pool->ring->objects, GC_POOL_RING) == 0;
}

static void pool_free(struct gc_pool *pool)
{
	if (pool)
		free(pool->ring);
	free(pool);
}

/* The next number; false: all are taken. */
static bool pool_publish(struct gc_heap *heap, struct gc_pool *pool)
{
	bool room;

	gc_lock(&heap->mutators_lock);
	room = heap->pool_count < GC_POOLS_MAX;
	if (room) {
		pool->id = heap->pool_count;
		heap->pools[pool->id] = pool;
		gc_set(&heap->pool_count, pool->id + 1);
	}
	gc_unlock(&heap->mutators_lock);
	return room;
}

struct gc_pool *gc_pool_new(struct gc_heap *heap, const struct gc_pool_config *config)
{
	struct gc_pool *pool = calloc(1, sizeof(*pool));
	size_t bytes;

	if (!pool)
		return NULL;
	pool->heap = heap;
	pool->config = *config;
	pool->config.count = config->count ? config->count : 1;
	pool->slots = config->slots ? config->slots : SLOTS_DEFAULT;
	gc_lock_init(&pool->lock, GC_RANK_POOL);
	if (pool->slots > SLOTS_MAX || __builtin_mul_overflow(pool->config.count, config->kind->size_bytes, &bytes)) {
		pool_free(pool);
		return NULL;
	}
	pool->class = gc_class_of_array(config->kind, pool->config.count, bytes);
	if (((config->debug || heap->pool_debug) && !ring_make(pool)) || !pool_publish(heap, pool)) {
		gc_root_remove(heap, pool->ring ? pool->ring->objects : NULL);
		pool_free(pool);
		return NULL;
	}
	return pool;
}

void gc_pools_destroy(struct gc_heap *heap)
{
	for (unsigned i = 0; i < heap->pool_count; i++)
		pool_free(heap->pools[i]);
}

void gc_pool_stats(struct gc_pool *pool, struct gc_pool_stats *stats)
{
	struct gc_heap *heap = pool->heap;

	gc_lock(&heap->mutators_lock);
	*stats = pool->detached;
	for (uint32_t i = 0; i < heap->mutators_top; i++) {
		const struct gc_pool_slots *s = gc_get(&heap->mutators[i]->pools[pool->id]);

		if (s)
			stats_add(stats, &s->stats);
	}
	gc_unlock(&heap->mutators_lock);
}
