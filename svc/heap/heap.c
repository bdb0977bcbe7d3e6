/* SPDX-License-Identifier: Apache-2.0 */
/* heap: making and ending a heap, and its knobs. */
#include "heap.h"

#include <errno.h>
#include <stdlib.h>

#include "card.h"
#include "cycle.h"
#include "mark.h"
#include "mutator.h"
#include "page.h"
#include "pool.h"
#include "poison.h"
#include "prefault.h"
#include "roots.h"
#include "worker.h"

static size_t heap_bytes(void)
{
	return (sizeof(struct gc_heap) + GC_OS_PAGE_BYTES - 1) & ~(size_t)(GC_OS_PAGE_BYTES - 1);
}

static unsigned env_number(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text && *text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void settings_take(struct gc_heap *heap, const struct gc_config *config)
{
	unsigned cpus = gc_os_cpus();

	heap->percent = config->gc_percent;
	heap->memory_limit = config->memory_limit;
	heap->limit_policy = config->limit_policy;
	heap->limiter = config->limiter;
	heap->trace = config->trace;
	heap->pool_debug = config->pool_debug;
	heap->region_debug = config->region_debug;
	heap->lazy_return = config->lazy_return;
	heap->sticky = config->sticky;
	heap->prefault = config->prefault;
	heap->nursery_bytes = 1024ull * env_number("GC_NURSERY_KIB", 0);
	heap->site_count = config->sites ? config->sites : 1;
	heap->cpus = cpus;
	heap->polite_count = config->workers ? config->workers : cpus > 4 ? cpus / 4 : 1;
	if (heap->polite_count > GC_WORKERS_MAX / 2)
		heap->polite_count = GC_WORKERS_MAX / 2;
	/* The coordinator and the thread that waits mark as well when it is urgent. */
	heap->worker_count = heap->polite_count + (cpus > 2 ? cpus - 2 : 0);
	if (heap->worker_count > GC_WORKERS_MAX)
		heap->worker_count = GC_WORKERS_MAX;
	heap->torture_period = env_number("GC_TORTURE_PERIOD", 64);
	heap->mark_delay_ns = 1000ull * env_number("GC_MARK_DELAY_US", 0);
	heap->verify_every = env_number("GC_VERIFY_EVERY", 1);
	heap->start_ns = gc_os_now_ns();
#ifdef GC_MUTANTS
	gc_break = env_number("GC_BREAK", 0);
#endif
}

static void state_init(struct gc_heap *heap)
{
	gc_lock_init(&heap->handshake_lock, GC_RANK_HANDSHAKE);
	gc_lock_init(&heap->mutators_lock, GC_RANK_MUTATORS);
	gc_lock_init(&heap->roots_lock, GC_RANK_ROOTS);
	/* 2, so that the gen of a span whose state was never set looks old. */
	heap->gen = heap->mode_gen = 2;
	heap->phase = GC_PHASE_OFF;
	heap->coordinator_marker.heap = heap;
	gc_plan(heap);
}

static void memory_release(struct gc_heap *heap)
{
	for (uint32_t i = 0; i < heap->mutators_top; i++)
		gc_mutator_release(heap->mutators[i]);
	gc_unpoison((void *)heap->base, (uint64_t)heap->pages_top << GC_PAGE_SHIFT);
	gc_pools_destroy(heap);
	gc_roots_destroy(heap);
	gc_mark_destroy(heap);
	gc_cards_destroy(heap);
	gc_pages_destroy(heap);
	gc_os_release(heap->detached_sites, heap->site_count * sizeof(struct gc_site_count));
	gc_os_release(heap, heap_bytes());
}

static void threads_end(struct gc_heap *heap, unsigned workers, bool coordinator)
{
	gc_set(&heap->ending, true);
	gc_coordinator_wake(heap);
	/* A cycle that is on is finished by the coordinator alone. */
	gc_coordinator_look(heap);
	if (coordinator)
		pthread_join(heap->coordinator, NULL);
	gc_work_wake(heap);
	if (heap->prefault) {
		gc_prefault_wake(heap);
		pthread_join(heap->prefaulter, NULL);
	}
	for (unsigned i = 0; i < workers; i++)
		pthread_join(heap->workers[i].thread, NULL);
}

static int workers_start(struct gc_heap *heap)
{
	int error = 0;

	for (unsigned i = 0; i < heap->worker_count && !error; i++) {
		struct gc_worker *w = &heap->workers[i];
		char name[24];

		snprintf(name, sizeof(name), "gc-mark/%u", i);
		*w = (struct gc_worker){.heap = heap, .index = i, .urgent = i >= heap->polite_count, .marker = {.heap = heap}};
		error = gc_os_thread(&w->thread, name, gc_worker_main, w);
		if (error)
			threads_end(heap, i, false);
	}
	return error;
}

static int threads_start(struct gc_heap *heap)
{
	int error;

	/* Without it everything works as well. */
	heap->prefault = heap->prefault && gc_os_thread(&heap->prefaulter, "gc-prefault", gc_prefault_main, heap) == 0;
	error = workers_start(heap);
	if (error)
		return error;
	error = gc_os_thread(&heap->coordinator, "gc-coord", gc_coordinator_main, heap);
	if (error)
		threads_end(heap, heap->worker_count, false);
	return error;
}

static int heap_init(struct gc_heap *heap, const struct gc_config *config)
{
	int error;

	settings_take(heap, config);
	heap->detached_sites = gc_os_reserve(heap->site_count * sizeof(struct gc_site_count), true);
	error = gc_pages_init(heap);
	if (error || !heap->detached_sites || gc_mark_init(heap) < 0)
		return -ENOMEM;
	gc_cards_init(heap);
	state_init(heap);
	return threads_start(heap);
}

int gc_heap_create(const struct gc_config *config, struct gc_heap **out)
{
	struct gc_heap *heap;
	int error;

	if (config->gc_percent < GC_PERCENT_OFF)
		return -EINVAL;
	heap = gc_os_reserve(heap_bytes(), true);
	if (!heap)
		return -ENOMEM;
	error = heap_init(heap, config);
	if (error) {
		memory_release(heap);
		return error;
	}
	*out = heap;
	return 0;
}

void gc_heap_destroy(struct gc_heap *heap)
{
	if (!heap)
		return;
	if (heap->mutator_count)
		gc_fatal("gc_heap_destroy while %u mutators are attached", heap->mutator_count);
	threads_end(heap, heap->worker_count, true);
	memory_release(heap);
}

int gc_set_percent(struct gc_heap *heap, int percent)
{
	int before = __atomic_exchange_n(&heap->percent, percent, __ATOMIC_RELAXED);

	gc_plan(heap);
	gc_work_wake(heap);
	gc_coordinator_wake(heap);
	return before;
}

uint64_t gc_set_memory_limit(struct gc_heap *heap, uint64_t bytes)
{
	uint64_t before = __atomic_exchange_n(&heap->memory_limit, bytes, __ATOMIC_RELAXED);

	gc_plan(heap);
	gc_work_wake(heap);
	gc_coordinator_wake(heap);
	return before;
}
