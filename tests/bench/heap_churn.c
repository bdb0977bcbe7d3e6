/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map of records under churn: one mutator looks up random keys and replaces one record in eight lookups (two allocations).
 *
 *   heap_churn cycles RECORDS CYCLES    full collections forced by another thread: stalls of the mutator (16 operations),
 *                                       its own handshakes, its throughput while a collection is on, peak RSS / live; and, as a
 *                                       control, its stalls while another thread reads the records and nothing is allocated or collected
 *   heap_churn limit RECORDS PERCENT    throughput with GOGC=off and a limit of PERCENT of what the process occupies
 *                                       with only the live records, against GOGC=100 in the same process; GC_CHURN_LIMITER=0: with the
 *                                       limiter switched off the limit holds, whatever it costs
 *   heap_churn ceiling RECORDS          a bare loop with prefetch marks the same map, one thread: what memory allows
 *
 * Prints one line each. Stalls over 1 ms are listed on stderr with what the kernel says about them; `run queue` does not say
 * whose thread had the CPU: it may have been the collector's own.
 */
#include "heap_bench.h"

#include <fcntl.h>
#include <sys/mman.h>

#define BATCH 16
#define STALLS_MAX (1u << 22)
#define AHEAD 16

static void **table;
static size_t records;
static uint64_t state = 88172645463325252ull;
static bool replacing = true;

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void record_replace(void **slot)
{
	struct record *old = LOAD((struct record **)slot), *r;

	/* An empty bucket stays empty: what is live does not grow. */
	if (!old)
		return;
	r = record_new(&state, old->key);
	STORE(&r->next, LOAD(&old->next));
	STORE(slot, (void *)r);
}

static uint64_t operation(void)
{
	void **slot = &table[random_next(&state) % records];
	uint64_t sum = 0;

	if (random_next(&state) % 8 == 0 && replacing) {
		record_replace(slot);
		return 0;
	}
	for (struct record *r = LOAD((struct record **)slot); r; r = LOAD(&r->next))
		sum += r->key + *LOAD(&r->payload);
	return sum;
}

static volatile uint64_t sink;

static uint64_t batch(void)
{
	uint64_t begin = now_ns(CLOCK_MONOTONIC);

	for (unsigned i = 0; i < BATCH; i++)
		sink += operation();
	return now_ns(CLOCK_MONOTONIC) - begin;
}

/* ------------------------------------------------------------------- cycles */

static bool collecting, finished; /* atomic */
static unsigned cycles;
static double cycle_seconds;

static void collect(void)
{
#if defined(PEER_MLHEAP)
	gc_collect(m);
#elif defined(PEER_BOEHM)
	GC_gcollect();
#endif
}

static void *collector_main(void *argument)
{
	thread_begin();
	for (unsigned i = 0; i <= cycles; i++) {
		double begin;

		/* Parked: nobody waits for a thread that sleeps. The first cycle is cold and not counted. */
#ifdef PEER_MLHEAP
		gc_park(m);
		usleep(20000);
		gc_unpark(m);
#else
		usleep(20000);
#endif
		__atomic_store_n(&collecting, i > 0, __ATOMIC_SEQ_CST);
		begin = now();
		collect();
		cycle_seconds += i ? now() - begin : 0;
		__atomic_store_n(&collecting, false, __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&finished, true, __ATOMIC_SEQ_CST);
	thread_end();
	return argument;
}

/* What the kernel has counted for this thread: CPU, waiting in a run queue, faults. */
struct account {
	uint64_t cpu_ns, runq_ns, faults;
};

static struct account account_read(int fd)
{
	char text[96] = "";
	struct account a = {0};
	struct rusage usage;
	char *end;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0) {
		a.cpu_ns = strtoull(text, &end, 10);
		a.runq_ns = strtoull(end, NULL, 10);
	}
	getrusage(RUSAGE_THREAD, &usage);
	a.faults = (uint64_t)usage.ru_minflt;
	return a;
}

/* The thread's wall time less CPU and run queue is the host's (steal), or a wait for the collector. */
static bool stall_explain(uint64_t ns, struct account before, struct account after, uint64_t wall_ns)
{
	uint64_t cpu = after.cpu_ns - before.cpu_ns, runq = after.runq_ns - before.runq_ns;
	uint64_t away = wall_ns > cpu + runq ? wall_ns - cpu - runq : 0;
	const char *cause = runq >= ns / 2 ? "run queue" : away >= ns / 2 ? "steal or sleep"
			    : after.faults - before.faults >= ns / 2 / 13000 ? "first touch" : "unexplained";

	fprintf(stderr, "stall %.3f ms: %s (runq %.3f ms, off CPU %.3f ms, %llu faults)\n", (double)ns / 1e6, cause,
		(double)runq / 1e6, (double)away / 1e6, (unsigned long long)(after.faults - before.faults));
	return strcmp(cause, "unexplained") != 0;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

struct churn {
	uint32_t *stalls;
	unsigned count, above, unexplained;
	uint64_t in_ns, in_batches, out_ns, out_batches;
};

static void churn_run(struct churn *c)
{
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	struct account before = account_read(fd);
	uint64_t before_ns = now_ns(CLOCK_MONOTONIC);

	while (!__atomic_load_n(&finished, __ATOMIC_RELAXED)) {
		bool in = __atomic_load_n(&collecting, __ATOMIC_RELAXED);
		uint64_t ns = batch();
		bool slow = ns > 1000000, still = __atomic_load_n(&collecting, __ATOMIC_RELAXED);

		if (slow || c->in_batches % 64 == 0) {
			struct account after = account_read(fd);
			uint64_t after_ns = now_ns(CLOCK_MONOTONIC);

			if (slow && (in || still)) {
				c->above++;
				c->unexplained += !stall_explain(ns, before, after, after_ns - before_ns);
			}
			before = account_read(fd);
			before_ns = now_ns(CLOCK_MONOTONIC);
		}
		if (in || still) {
			c->in_batches++;
			c->in_ns += ns;
			if (c->count < STALLS_MAX)
				c->stalls[c->count++] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
		} else {
			c->out_batches++;
			c->out_ns += ns;
		}
	}
	close(fd);
}

static double quantile_us(const struct churn *c, double q)
{
	return c->count ? c->stalls[(unsigned)((c->count - 1) * q)] / 1e3 : 0;
}

/* As busy with memory as a marker, for as long as the cycles took. */
static void *reader_main(void *seconds)
{
	double end = now() + *(double *)seconds;
	uint64_t sum = 0;

	while (now() < end)
		for (size_t i = 0; i < records; i++) {
			const volatile struct record *r = __atomic_load_n(&table[i], __ATOMIC_RELAXED);
			sum += r ? r->key : 0;
		}
	sink += sum;
	__atomic_store_n(&finished, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* What the machine does to two busy threads that want nothing of one another: stalls over 1 ms. */
static unsigned control_above(double seconds)
{
	struct churn c = {.count = STALLS_MAX};
	pthread_t thread;

	replacing = false;
	__atomic_store_n(&collecting, true, __ATOMIC_SEQ_CST);
	__atomic_store_n(&finished, false, __ATOMIC_SEQ_CST);
	fprintf(stderr, "control:\n");
	pthread_create(&thread, NULL, reader_main, &seconds);
	churn_run(&c);
	pthread_join(thread, NULL);
	return c.above;
}

static int work_cycles(void)
{
	struct churn c = {.stalls = calloc(STALLS_MAX, sizeof(uint32_t))};
	pthread_t thread;

	memset(c.stalls, 1, STALLS_MAX * sizeof(uint32_t));
	pthread_create(&thread, NULL, collector_main, NULL);
	churn_run(&c);
#ifdef PEER_MLHEAP
	gc_park(m);
#endif
	pthread_join(thread, NULL);
#ifdef PEER_MLHEAP
	gc_unpark(m);
#endif
	long rss = rss_kib();
	unsigned control = control_above(cycle_seconds);
	qsort(c.stalls, c.count, sizeof(uint32_t), compare);
	printf("cycles %s records=%zu cycles=%u cycle_s=%.4f stall_p50_us=%.2f stall_p999_us=%.1f stall_max_us=%.1f above_1ms=%u "
	       "unexplained=%u control_above_1ms=%u speed=%.3f rss_mb=%ld",
	       MANAGER, records, cycles, cycle_seconds / cycles, quantile_us(&c, 0.5), quantile_us(&c, 0.999), quantile_us(&c, 1),
	       c.above, c.unexplained, control,
	       (double)c.in_batches / (double)c.in_ns / ((double)c.out_batches / (double)c.out_ns), rss >> 10);
#ifdef PEER_MLHEAP
	{
		struct gc_stats stats;

		gc_stats(heap, &stats);
		printf(" handshake_cpu_p999_us=%.2f handshake_cpu_max_us=%.2f handshakes=%llu", (double)stats.handshake_cpu.p999_ns / 1e3,
		       (double)stats.handshake_cpu.max_ns / 1e3, (unsigned long long)stats.handshake_cpu.count);
		printf(" handshake_p50_us=%.2f handshake_p999_us=%.2f handshake_max_us=%.2f acks_p999_us=%.1f rss_live=%.3f",
		       (double)stats.handshake.p50_ns / 1e3, (double)stats.handshake.p999_ns / 1e3,
		       (double)stats.handshake.max_ns / 1e3, (double)stats.acks.p999_ns / 1e3,
		       (double)(rss - STALLS_MAX * 4 / 1024) * 1024 / (double)stats.live_bytes);
	}
#endif
	printf("\n");
	return 0;
}

/* -------------------------------------------------------------------- limit */

#ifdef PEER_MLHEAP
static uint64_t rss_now(void)
{
	char text[96] = "", *end;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (read(fd, text, sizeof(text) - 1) <= 0)
		return 0;
	close(fd);
	strtoull(text, &end, 10);
	return strtoull(end, NULL, 10) * 4096;
}

/* Replacements per second for a while; the largest RSS seen in its second half. */
static double replace_for(double seconds, uint64_t *peak)
{
	double begin = now(), end = begin + seconds;
	uint64_t count = 0;

	*peak = 0;
	for (double t = begin; t < end; t = now()) {
		for (unsigned i = 0; i < 1024; i++, count++)
			record_replace(&table[random_next(&state) % records]);
		if (t > begin + seconds / 2 && rss_now() > *peak)
			*peak = rss_now();
	}
	return (double)count / (now() - begin);
}

static int work_limit(unsigned percent)
{
	uint64_t peak, peak_free, limit;
	double free_speed, speed;
	struct gc_stats stats;

	gc_set_percent(heap, GC_PERCENT_OFF);
	gc_set_memory_limit(heap, 1);
	gc_collect(m);
	gc_set_memory_limit(heap, GC_LIMIT_OFF);
	limit = rss_now() / 100 * percent;
	/* First: what GOGC=100 leaves of the heap is not whole enough to be given back. */
	gc_set_memory_limit(heap, limit);
	replace_for(1, &peak);
	speed = replace_for(3, &peak);
	gc_stats(heap, &stats);
	gc_set_memory_limit(heap, GC_LIMIT_OFF);
	gc_set_percent(heap, 100);
	replace_for(2, &peak_free);
	free_speed = replace_for(3, &peak_free);
	printf("limit %s records=%zu percent=%u speed=%.3f peak_of_limit=%.3f per_second=%.0f limit_cycles=%llu lifts=%llu limiter_mb=%llu rss_mb=%ld\n",
	       MANAGER, records, percent, speed / free_speed, (double)peak / (double)limit, speed, (unsigned long long)stats.limit_cycles,
	       (unsigned long long)stats.limit_lifts, (unsigned long long)stats.limiter_bytes >> 20, rss_kib() >> 10);
	return 0;
}
#endif

/* ------------------------------------------------------------------ ceiling */

static inline bool bit_set(uint64_t *bits, uintptr_t p)
{
	uint64_t bit = 1ull << (p / 16 % 64), before = bits[p / 1024];

	bits[p / 1024] = before | bit;
	return !(before & bit);
}

/* Marks whatever the table leads to; the bitmap covers all addresses (16 bytes a bit), mapped on demand. */
static uint64_t ceiling_pass(uint64_t *bits, uintptr_t base)
{
	struct record *fifo[AHEAD] = {0};
	uint64_t marked = 0;

	for (size_t i = 0; i < records + AHEAD; i++) {
		struct record *r = fifo[i % AHEAD];

		fifo[i % AHEAD] = i < records ? table[i] : NULL;
		if (fifo[i % AHEAD]) {
			__builtin_prefetch(fifo[i % AHEAD]);
			__builtin_prefetch(&bits[((uintptr_t)fifo[i % AHEAD] - base) / 1024], 1);
		}
		for (; r; r = r->next) {
			marked += bit_set(bits, (uintptr_t)r - base);
			marked += bit_set(bits, (uintptr_t)r->payload - base);
		}
	}
	return marked;
}

static int work_ceiling(void)
{
	uintptr_t low = UINTPTR_MAX, high = 0;
	double best = 1e9;
	uint64_t *bits, marked = 0, bytes;

	for (size_t i = 0; i < records; i++)
		for (struct record *r = table[i]; r; r = r->next) {
			uintptr_t a = (uintptr_t)r, b = (uintptr_t)r->payload;

			low = a < low ? a : low;
			low = b < low ? b : low;
			high = a > high ? a : high;
			high = b > high ? b : high;
		}
	bytes = (high - low) / 128 + 4096;
	bits = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (unsigned pass = 0; pass < 4; pass++) {
		double begin;

		memset(bits, 0, bytes);
		begin = now();
		marked = ceiling_pass(bits, low);
		best = pass && now() - begin < best ? now() - begin : best;
	}
	printf("ceiling loop records=%zu seconds=%.4f cpu=%.4f objects=%llu rss_mb=%ld\n", records, best, best, (unsigned long long)marked,
	       rss_kib() >> 10);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	manager_begin();
	records = (size_t)atoll(argv[2]);
	table = map_build(records);
	if (strcmp(argv[1], "ceiling") == 0)
		return work_ceiling();
	if (argc < 4)
		return 2;
	cycles = (unsigned)atoi(argv[3]);
	if (strcmp(argv[1], "cycles") == 0)
		return work_cycles();
#ifdef PEER_MLHEAP
	if (strcmp(argv[1], "limit") == 0)
		return work_limit(cycles);
#endif
	return 2;
}
