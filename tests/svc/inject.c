/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known delays for tests of the tracer: linked into memlab-svc-inject beside the service's own objects, it puts itself
 * into handler_inject. GET /lookup?key=7&inject=spin&ns=2000000 is answered 2 ms later than it would be, and a
 * tracer must say why:
 *
 *   sleep     nanosleep                                                            -> blocked
 *   spin      busy for ns of CPU time                                              -> own
 *   stop      another thread stops the world for ns; this one waits at a safepoint -> stop
 *   lock      waits for a mutex that another thread holds for ns                   -> blocked
 *   alloc     ns / 100 collected objects of 64 bytes                               -> alloc, assist
 *   assist    busy for ns of CPU time, announced as an assist                      -> assist
 *   fault     reads pages of a file that are not in memory until ns were waited    -> fault (major)
 *   touch     first touches of memory for ns                                       -> fault (minor)
 *   crowd     busy until it has waited ns for the CPU: who is there?               -> runq
 *   hog       the same beside a thread of this process that spins                  -> runq
 *   collector the same, and that thread announces itself as the collector's        -> gc_cpu
 *
 * For the last three everybody must be on the same CPU. What truly happened when is told in the file of truth.h. The helper
 * thread takes one order at a time, from any loop.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../../svc/handlers.h"
#include "../../svc/probes/probes.h"
#include "truth.h"

#define NS_DEFAULT 2000000u
#define NS_MAX 1000000000u
#define NS_PER_ALLOC 100u

enum order { ORDER_NONE, ORDER_STOP, ORDER_LOCK, ORDER_HOG, ORDER_COLLECT };

static struct {
	pthread_mutex_t turn; /* one customer at a time */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	enum order order;
	struct gc_heap *heap;
	uint64_t ns;
	bool held; /* ORDER_LOCK: `precious` is held */
	atomic_bool done;
	atomic_bool enough;           /* the hog may stop */
	atomic_uint_fast64_t freed_ns; /* ORDER_LOCK: when `precious` was given back */
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

/* ---------------------------------------------------------------- helper */

static void hold_lock(uint64_t ns)
{
	pthread_mutex_lock(&helper.precious);
	pthread_mutex_lock(&helper.mutex);
	helper.held = true;
	pthread_cond_broadcast(&helper.changed);
	pthread_mutex_unlock(&helper.mutex);
	sleep_ns(ns);
	atomic_store(&helper.freed_ns, truth_now_ns());
	pthread_mutex_unlock(&helper.precious);
}

/* Presses onto its CPU until told to stop, as itself or as one of the collector's threads. */
static void press(bool collects)
{
	if (collects) {
		PROBE_FIRE(gc_worker, 0, 1);
		PROBE_FIRE(gc_mark_begin, 0, 1);
	}
	truth_spin(&(struct truth_spin){.until = &helper.enough, .running = "press"});
	if (collects)
		PROBE_FIRE(gc_mark_end, 0, 0);
}

static void helper_obey(enum order order, uint64_t ns)
{
	switch (order) {
	case ORDER_NONE:
		break;
	case ORDER_STOP:
		gc_stop_world_for(helper.heap, NULL, ns);
		break;
	case ORDER_LOCK:
		hold_lock(ns);
		break;
	case ORDER_HOG:
	case ORDER_COLLECT:
		press(order == ORDER_COLLECT);
		break;
	}
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
		helper_obey(order, ns);
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
	atomic_store(&helper.enough, false);
	helper.order = what;
	pthread_cond_broadcast(&helper.changed);
	pthread_mutex_unlock(&helper.mutex);
}

/* Reach safepoints until the world was stopped and started again; give the CPU away, the helper may need it. */
static void inject_stop(struct handler *handler, uint64_t ns)
{
	place_order(ORDER_STOP, handler->service->heap, ns);
	while (!atomic_load(&helper.done)) {
		uint64_t begin_ns = truth_now_ns();
		gc_poll(handler->m);
		uint64_t end_ns = truth_now_ns();
		if (end_ns - begin_ns > ns / 2)
			truth_tell("stop", begin_ns, end_ns);
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
	uint64_t begin_ns = truth_now_ns();
	pthread_mutex_lock(&helper.precious);
	pthread_mutex_unlock(&helper.precious);
	truth_tell("lock", begin_ns, atomic_load(&helper.freed_ns));
	while (!atomic_load(&helper.done))
		sched_yield();
}

static void inject_press(enum order order, const char *kind, struct handler *handler, uint64_t ns)
{
	place_order(order, handler->service->heap, ns);
	truth_spin(&(struct truth_spin){.wait_ns = ns, .waiting = kind});
	atomic_store(&helper.enough, true);
	while (!atomic_load(&helper.done))
		sched_yield();
}

static void inject_hog(struct handler *handler, uint64_t ns)
{
	inject_press(ORDER_HOG, "hog", handler, ns);
}

static void inject_collector(struct handler *handler, uint64_t ns)
{
	inject_press(ORDER_COLLECT, "collector", handler, ns);
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

/* ------------------------------------------------------------ page faults */

#define COLD_BYTES (64u << 20)
#define COLD_STEP (1u << 15)
#define TOUCH_BYTES (64u << 20)
#define PAGE_BYTES 4096u

/* A file that need not stay in memory, in a folder on a disk. */
static int cold_file(const char *folder)
{
	static char block[1u << 20];
	int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	for (size_t done = 0; file >= 0 && done < COLD_BYTES; done += sizeof(block))
		if (write(file, block, sizeof(block)) != (ssize_t)sizeof(block))
			abort();
	if (file < 0)
		abort();
	/* Not fsync: overlays of containers may be mounted `volatile`, where that writes nothing, and what is not written stays. */
	sync();
	if (posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED))
		abort();
	return file;
}

/* Tells the part of each fault that was spent asleep. Returns how long that was. */
static uint64_t fault_once(const volatile char *page)
{
	struct rusage before, after;
	getrusage(RUSAGE_THREAD, &before);
	struct truth_account from = truth_account();
	uint64_t begin_ns = truth_now_ns();
	(void)*page;
	uint64_t end_ns = truth_now_ns();
	struct truth_account to = truth_account();
	getrusage(RUSAGE_THREAD, &after);
	uint64_t awake_ns = to.cpu_ns - from.cpu_ns + to.wait_ns - from.wait_ns;
	if (after.ru_majflt == before.ru_majflt || end_ns - begin_ns < awake_ns)
		return 0;
	truth_tell("fault", begin_ns, end_ns - awake_ns);
	return end_ns - begin_ns - awake_ns;
}

static int cold = -1;

static void inject_fault(uint64_t ns)
{
	static size_t at; /* each page is cold once */
	uint64_t waited_ns = 0;
	volatile char *map = mmap(NULL, COLD_BYTES, PROT_READ, MAP_SHARED, cold, 0);
	/* Random: nothing is read ahead, which on some disks are megabytes. */
	if (map == MAP_FAILED || madvise((void *)map, COLD_BYTES, MADV_RANDOM))
		abort();
	for (; waited_ns < ns && at < COLD_BYTES; at += COLD_STEP)
		waited_ns += fault_once(map + at);
	munmap((void *)map, COLD_BYTES);
}

/*
 * Fresh memory, one small page after the other. What one costs at least here times their number was surely faults; the rest of the
 * time may be anybody's.
 */
static void inject_touch(uint64_t ns)
{
	volatile char *map = mmap(NULL, TOUCH_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || madvise((void *)map, TOUCH_BYTES, MADV_NOHUGEPAGE))
		abort();
	uint64_t begin_ns = truth_now_ns(), last_ns = begin_ns, least_ns = ns, pages = 0;
	for (; pages < TOUCH_BYTES / PAGE_BYTES && least_ns * pages < ns; pages++) {
		map[pages * PAGE_BYTES] = 1;
		uint64_t now_ns = truth_now_ns();
		if (now_ns - last_ns < least_ns)
			least_ns = now_ns - last_ns;
		last_ns = now_ns;
	}
	truth_tell("touch", begin_ns, begin_ns + least_ns * pages);
	munmap((void *)map, TOUCH_BYTES);
}

/* ------------------------------------------------------------------ hook */

static void inject_sleep(uint64_t ns)
{
	uint64_t begin_ns = truth_now_ns();
	sleep_ns(ns);
	truth_tell("sleep", begin_ns, begin_ns + ns);
}

static void inject_spin(uint64_t ns)
{
	truth_spin(&(struct truth_spin){.cpu_ns = ns, .running = "spin"});
}

static void inject_assist(uint64_t ns)
{
	PROBE_FIRE(gc_assist_begin, 0, 0);
	truth_spin(&(struct truth_spin){.cpu_ns = ns, .running = "assist"});
	PROBE_FIRE(gc_assist_end, 0, 0);
}

static void inject_crowd(uint64_t ns)
{
	truth_spin(&(struct truth_spin){.wait_ns = ns, .waiting = "crowd"});
}

static void inject_alloc(struct handler *handler, uint64_t ns)
{
	for (uint64_t i = 0; i < ns / NS_PER_ALLOC; i++)
		gc_alloc_bytes(handler->m, 64, 0);
}

static const struct {
	const char *name;
	void (*alone)(uint64_t ns);
	void (*helped)(struct handler *handler, uint64_t ns);
} injections[] = {
	{"sleep", inject_sleep, NULL},   {"spin", inject_spin, NULL},   {"assist", inject_assist, NULL},
	{"fault", inject_fault, NULL},   {"touch", inject_touch, NULL}, {"crowd", inject_crowd, NULL},
	{"stop", NULL, inject_stop},     {"lock", NULL, inject_lock},   {"hog", NULL, inject_hog},
	{"collector", NULL, inject_collector},
};

static void inject(struct handler *handler, const struct request *request)
{
	const char *what = request->argument(request, "inject");
	if (!what)
		return;
	const char *text = request->argument(request, "ns");
	uint64_t ns = text ? strtoull(text, NULL, 10) : NS_DEFAULT;
	if (ns > NS_MAX)
		ns = NS_MAX;
	if (!strcmp(what, "alloc"))
		inject_alloc(handler, ns);
	for (size_t i = 0; i < sizeof(injections) / sizeof(*injections); i++) {
		if (strcmp(what, injections[i].name) != 0)
			continue;
		if (injections[i].alone)
			injections[i].alone(ns);
		else
			with_helper(handler, ns, injections[i].helped);
	}
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
	const char *folder = getenv("MEMLAB_INJECT_FOLDER");
	if (folder)
		cold = cold_file(folder);
	handler_inject = inject;
}
