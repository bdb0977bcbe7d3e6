/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known delays for tests of the tracer: linked into memlab-svc-inject beside the service's own objects, it puts itself
 * into handler_inject. GET /lookup?key=7&inject=spin&ns=2000000 is answered 2 ms later than it would be, and a
 * tracer must say why:
 *
 *   sleep  nanosleep                                                          -> blocked
 *   spin   busy until the thread's CPU time has advanced by ns                -> own
 *   stop   another thread stops the world for ns; this one waits at a safepoint -> stop
 *   lock   waits for a mutex that another thread holds for ns                 -> blocked
 *   alloc  ns / 100 collected objects of 64 bytes                             -> alloc, assist
 *
 * The helper thread takes one order at a time, from any loop.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../svc/handlers.h"

#define NS_DEFAULT 2000000u
#define NS_MAX 1000000000u
#define NS_PER_ALLOC 100u

enum order { ORDER_NONE, ORDER_STOP, ORDER_LOCK };

static struct {
	pthread_mutex_t turn; /* one customer at a time */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	enum order order;
	struct gc_heap *heap;
	uint64_t ns;
	bool held; /* ORDER_LOCK: `precious` is held */
	atomic_bool done;
	pthread_mutex_t precious;
} helper = {.turn = PTHREAD_MUTEX_INITIALIZER,
	    .mutex = PTHREAD_MUTEX_INITIALIZER,
	    .changed = PTHREAD_COND_INITIALIZER,
	    .precious = PTHREAD_MUTEX_INITIALIZER};

static void sleep_ns(uint64_t ns)
{
	struct timespec left = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
	while (nanosleep(&left, &left))
		continue;
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void spin_ns(uint64_t ns)
{
	uint64_t end_ns = thread_cpu_ns() + ns;
	while (thread_cpu_ns() < end_ns)
		continue;
}

/* ---------------------------------------------------------------- helper */

static void hold_lock(uint64_t ns)
{
	pthread_mutex_lock(&helper.precious);
	pthread_mutex_lock(&helper.mutex);
	helper.held = true;
	pthread_cond_broadcast(&helper.changed);
	pthread_mutex_unlock(&helper.mutex);
	sleep_ns(ns);
	pthread_mutex_unlock(&helper.precious);
}

static void *helper_main(void *context)
{
	(void)context;
	pthread_setname_np(pthread_self(), "inject");
	for (;;) {
		pthread_mutex_lock(&helper.mutex);
		while (helper.order == ORDER_NONE)
			pthread_cond_wait(&helper.changed, &helper.mutex);
		enum order order = helper.order;
		uint64_t ns = helper.ns;
		helper.order = ORDER_NONE;
		pthread_mutex_unlock(&helper.mutex);
		if (order == ORDER_STOP)
			gc_stop_world_for(helper.heap, NULL, ns);
		else
			hold_lock(ns);
		atomic_store(&helper.done, true);
	}
	return NULL;
}

static void place_order(enum order what, struct gc_heap *heap, uint64_t ns)
{
	pthread_mutex_lock(&helper.mutex);
	helper.heap = heap;
	helper.ns = ns;
	helper.held = false;
	atomic_store(&helper.done, false);
	helper.order = what;
	pthread_cond_broadcast(&helper.changed);
	pthread_mutex_unlock(&helper.mutex);
}

/* Reach safepoints until the world was stopped and started again; give the CPU away, the helper may need it. */
static void inject_stop(struct handler *handler, uint64_t ns)
{
	place_order(ORDER_STOP, handler->service->heap, ns);
	while (!atomic_load(&helper.done)) {
		gc_poll(handler->m);
		sched_yield();
	}
}

static void inject_lock(struct handler *handler, uint64_t ns)
{
	place_order(ORDER_LOCK, handler->service->heap, ns);
	pthread_mutex_lock(&helper.mutex);
	while (!helper.held)
		pthread_cond_wait(&helper.changed, &helper.mutex);
	pthread_mutex_unlock(&helper.mutex);
	pthread_mutex_lock(&helper.precious);
	pthread_mutex_unlock(&helper.precious);
	while (!atomic_load(&helper.done))
		sched_yield();
}

/* The helper's customers wait parked, so that one that stops the world does not wait for another. */
static void with_helper(struct handler *handler, uint64_t ns, void (*inject)(struct handler *, uint64_t))
{
	gc_park(handler->m);
	pthread_mutex_lock(&helper.turn);
	gc_unpark(handler->m);
	inject(handler, ns);
	pthread_mutex_unlock(&helper.turn);
}

/* ------------------------------------------------------------------ hook */

static void inject_alloc(struct handler *handler, uint64_t ns)
{
	for (uint64_t i = 0; i < ns / NS_PER_ALLOC; i++)
		gc_alloc_bytes(handler->m, 64, 0);
}

static void inject(struct handler *handler, const struct request *request)
{
	const char *what = request->argument(request, "inject");
	if (!what)
		return;
	const char *text = request->argument(request, "ns");
	uint64_t ns = text ? strtoull(text, NULL, 10) : NS_DEFAULT;
	if (ns > NS_MAX)
		ns = NS_MAX;
	if (!strcmp(what, "sleep"))
		sleep_ns(ns);
	else if (!strcmp(what, "spin"))
		spin_ns(ns);
	else if (!strcmp(what, "stop"))
		with_helper(handler, ns, inject_stop);
	else if (!strcmp(what, "lock"))
		with_helper(handler, ns, inject_lock);
	else if (!strcmp(what, "alloc"))
		inject_alloc(handler, ns);
}

/* Before main; the helper must not take the service's signals, and starts with them blocked. */
__attribute__((constructor)) static void install(void)
{
	sigset_t all, before;
	pthread_t thread;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	if (pthread_create(&thread, NULL, helper_main, NULL))
		abort();
	pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	handler_inject = inject;
}
