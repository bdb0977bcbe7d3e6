/* SPDX-License-Identifier: Apache-2.0 */
#include "heap_profile.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "probes/probes.h"

#define LOOK_AGAIN_BYTES (UINT64_C(64) << 20) /* with sampling off */
#define SITES_MAX 64

struct sample {
	struct sample *next;
	const void *object;
	uint64_t cycle;        /* the heap's when it was allocated */
	double objects, bytes; /* that it stands for */
	uint32_t site;
};

struct total {
	double objects, bytes;
};

static struct gc_heap *profiled;
static uint64_t profile_rate;       /* atomic */
static struct sample *fresh, *dead; /* atomic stacks: pushed one by one, taken as a whole */
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sample *kept;            /* kept_lock */
static struct total judged[SITES_MAX]; /* kept_lock: all samples that left `fresh` */
static bool any_cycle;                 /* kept_lock */

__thread uint64_t heap_profile_next;
static __thread struct sample *spare;
static __thread uint64_t random_state;

static void push(struct sample **stack, struct sample *sample)
{
	sample->next = __atomic_load_n(stack, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(stack, &sample->next, sample, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static struct sample *take_all(struct sample **stack)
{
	return __atomic_exchange_n(stack, NULL, __ATOMIC_ACQUIRE);
}

/* ------------------------------------------------------------------ taking */

/* (0, 1]; xorshift, seeded by where this thread's variable lies. */
static double random_unit(void)
{
	uint64_t x = random_state ? random_state : (uint64_t)(uintptr_t)&random_state * 0x9e3779b97f4a7c15u;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	random_state = x;
	return ((double)(x >> 11) + 1) / 9007199254740992.0;
}

static uint64_t distance(uint64_t rate)
{
	if (rate == 0)
		return LOOK_AGAIN_BYTES;
	return rate == 1 ? 1 : (uint64_t)(-log(random_unit()) * (double)rate) + 1;
}

static struct sample *sample_new(void)
{
	if (!spare)
		spare = take_all(&dead);
	struct sample *sample = spare;
	if (!sample)
		return malloc(sizeof(*sample));
	spare = sample->next;
	return sample;
}

/* Objects that one sampled object of this size stands for: the inverse of its chance to be sampled. */
static double weight(uint64_t bytes, uint64_t rate)
{
	return rate == 1 ? 1 : 1 / -expm1(-(double)bytes / (double)rate);
}

void heap_profile_take(struct gc_mutator *m, const void *p, uint32_t site)
{
	uint64_t rate = heap_profile_rate(), allocated = gc_mutator_alloc_bytes(m);
	uint64_t bytes = rate && profiled ? gc_usable_bytes(profiled, p) : 0;
	/* Of a thread's first allocation the distance starts before it: it may be the index's whole table. */
	bool passed = rate == 1 || heap_profile_next || distance(rate) <= bytes;
	heap_profile_next = allocated + distance(rate);
	if (!bytes || !passed)
		return;
	PROBE_FIRE(alloc_sample, bytes, site, rate);
	struct sample *sample = sample_new();
	if (!sample)
		return;
	double objects = weight(bytes, rate);
	*sample = (struct sample){.object = p,
				  .cycle = gc_cycle_number(profiled),
				  .objects = objects,
				  .bytes = objects * (double)bytes,
				  .site = site < SITES_MAX ? site : 0};
	push(&fresh, sample);
}

/* ----------------------------------------------------------------- judging */

static void keep_fresh(void)
{
	for (struct sample *sample = take_all(&fresh), *next; sample; sample = next) {
		next = sample->next;
		judged[sample->site].objects += sample->objects;
		judged[sample->site].bytes += sample->bytes;
		sample->next = kept;
		kept = sample;
	}
}

/*
 * Marking is over, nothing is freed yet. What was allocated before the cycle began and is not marked is dead; what was
 * allocated since is judged by the next cycle.
 */
static void on_marked(struct gc_heap *heap, void *context)
{
	uint64_t cycle = gc_cycle_number(heap);
	(void)context;
	pthread_mutex_lock(&kept_lock);
	any_cycle = true;
	keep_fresh();
	for (struct sample **place = &kept; *place;) {
		struct sample *sample = *place;
		if (sample->cycle >= cycle || gc_will_live(heap, sample->object)) {
			place = &sample->next;
			continue;
		}
		*place = sample->next;
		push(&dead, sample);
	}
	pthread_mutex_unlock(&kept_lock);
}

/* ----------------------------------------------------------------- outside */

void heap_profile_init(struct gc_heap *heap, uint64_t rate)
{
	profiled = heap;
	heap_profile_set_rate(rate);
	gc_on_marked(heap, on_marked, NULL);
}

void heap_profile_set_rate(uint64_t rate)
{
	__atomic_store_n(&profile_rate, rate, __ATOMIC_RELAXED);
}

uint64_t heap_profile_rate(void)
{
	return __atomic_load_n(&profile_rate, __ATOMIC_RELAXED);
}

void heap_profile_read(struct heap_profile_count *counts, unsigned count)
{
	struct total inuse[SITES_MAX] = {{0}};
	uint64_t cycle = profiled ? gc_cycle_number(profiled) : 0;
	pthread_mutex_lock(&kept_lock);
	keep_fresh();
	for (const struct sample *sample = kept; sample; sample = sample->next)
		if (!any_cycle || sample->cycle < cycle) {
			inuse[sample->site].objects += sample->objects;
			inuse[sample->site].bytes += sample->bytes;
		}
	for (unsigned i = 0; i < count && i < SITES_MAX; i++)
		counts[i] = (struct heap_profile_count){
			(uint64_t)llround(judged[i].objects), (uint64_t)llround(judged[i].bytes),
			(uint64_t)llround(inuse[i].objects), (uint64_t)llround(inuse[i].bytes)};
	pthread_mutex_unlock(&kept_lock);
}

static void free_all(struct sample *sample)
{
	while (sample) {
		struct sample *next = sample->next;
		free(sample);
		sample = next;
	}
}

void heap_profile_thread_end(void)
{
	while (spare) {
		struct sample *sample = spare;
		spare = sample->next;
		push(&dead, sample);
	}
}

void heap_profile_end(void)
{
	heap_profile_thread_end();
	free_all(take_all(&fresh));
	free_all(take_all(&dead));
	free_all(kept);
	kept = NULL;
	profiled = NULL;
	memset(judged, 0, sizeof(judged));
	any_cycle = false;
}
