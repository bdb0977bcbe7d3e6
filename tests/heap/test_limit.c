/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of memory: the three policies at the memory limit, objects that cannot be, a limit of 1 MB, GOGC at its
 * extremes, many threads that come and go. Each has a defined answer and the heap verifies afterwards.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define MIB (1ull << 20)

static struct gc_heap *heap_new(int percent, uint64_t limit, enum gc_limit_policy policy)
{
	struct gc_config config = heap_config();

	config.gc_percent = percent;
	config.memory_limit = limit;
	config.limit_policy = policy;
	return heap_of(&config);
}

/* Fill a table with blocks until gc_try_alloc refuses, at most `most`; the number made. */
static unsigned fill(struct gc_mutator *m, void **table, unsigned most)
{
	for (unsigned i = 0; i < most; i++) {
		void *block = gc_try_alloc(m, &gc_kind_bytes, 8192, 0);

		if (!block)
			return i;
		memset(block, 1, 8192);
		gc_store(m, &table[i], block);
	}
	return most;
}

static void test_shed_tells_the_caller(void **state)
{
	struct gc_heap *heap = heap_new(100, 256 * MIB, GC_LIMIT_SHED);
	struct gc_mutator *m = gc_attach(heap);
	struct gc_stats stats;

	(void)state;
	{
		GC_SCOPE(m);
		void **table = gc_push(m, gc_alloc_array(m, &gc_kind_refs, 60000, 0));
		unsigned made = fill(m, table, 60000);

		assert_in_range(made, 10000, 32768);
		gc_stats(heap, &stats);
		assert_true(stats.resident_bytes <= 262 * MIB);
		/* Nobody asked for a collection but who was refused memory. */
		assert_true(stats.limit_cycles > 0);
		assert_int_equal(stats.limit_lifts, 0);
#ifndef GC_TORTURE
		assert_int_equal(stats.forced_cycles, 0);
#endif
		assert_int_equal(gc_verify(heap, m, stderr), 0);
		/* Letting go makes room again. */
		for (unsigned i = 0; i < made; i += 2)
			gc_store(m, &table[i], NULL);
		gc_collect(m);
		assert_non_null(gc_try_alloc(m, &gc_kind_bytes, 8192, 0));
	}
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_degrade_goes_on(void **state)
{
	struct gc_heap *heap = heap_new(100, 1 * MIB, GC_LIMIT_DEGRADE);
	struct gc_mutator *m = gc_attach(heap);
	struct gc_stats stats;

	(void)state;
	{
		GC_SCOPE(m);
		void **table = gc_push(m, gc_alloc_array(m, &gc_kind_refs, 1000, 0));

		assert_int_equal(fill(m, table, 1000), 1000);
		gc_stats(heap, &stats);
		/* No overshoot that nobody is told of. */
		assert_true(stats.limit_lifts > 0 || stats.limiter_bytes > stats.limit_bytes);
		assert_int_equal(gc_verify(heap, m, stderr), 0);
	}
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_exit_ends_the_process(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		struct gc_heap *heap = heap_new(100, 128 * MIB, GC_LIMIT_EXIT);
		struct gc_mutator *m = gc_attach(heap);
		void **table = gc_push(m, gc_alloc_array(m, &gc_kind_refs, 60000, 0));

		if (!freopen("/dev/null", "w", stderr))
			_exit(3);
		fill(m, table, 60000);
		_exit(2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void test_impossible_sizes_are_refused(void **state)
{
	struct gc_heap *heap = heap_new(100, GC_LIMIT_OFF, GC_LIMIT_DEGRADE);
	struct gc_mutator *m = gc_attach(heap);

	(void)state;
	assert_null(gc_try_alloc(m, &gc_kind_refs, SIZE_MAX / 4, 0));
	assert_null(gc_try_alloc(m, &gc_kind_bytes, SIZE_MAX, 0));
	assert_null(gc_try_alloc(m, &gc_kind_bytes, 1ull << 46, 0));
	assert_int_equal(gc_verify(heap, m, stderr), 0);
	gc_detach(m);
	gc_heap_destroy(heap);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(GC_TORTURE)
/* Poisoning would touch all of it. */
static void test_an_object_of_4_gib(void **state)
{
	struct gc_heap *heap = heap_new(100, GC_LIMIT_OFF, GC_LIMIT_DEGRADE);
	struct gc_mutator *m = gc_attach(heap);
	size_t bytes = (4ull << 30) + 5;

	(void)state;
	{
		GC_SCOPE(m);
		unsigned char *p = gc_push(m, gc_alloc_bytes(m, bytes, 0));

		/* Touch both ends only: the collector touches nothing. */
		p[0] = 1;
		p[bytes - 1] = 2;
		gc_push(m, p + bytes - 1);
		gc_collect(m);
		assert_int_equal(p[0] + p[bytes - 1], 3);
		assert_true(gc_usable_bytes(heap, p + bytes / 2) >= bytes);
	}
	gc_collect(m);
	gc_detach(m);
	gc_heap_destroy(heap);
}
#endif

static void test_percent_extremes(void **state)
{
	static const int percents[] = {0, 1, 10000, GC_PERCENT_OFF};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct gc_heap *heap = heap_new(percents[i], GC_LIMIT_OFF, GC_LIMIT_DEGRADE);
		struct gc_mutator *m = gc_attach(heap);
		struct gc_stats stats;

		for (unsigned k = 0; k < 20000; k++)
			gc_alloc_bytes(m, 100, 0);
		gc_stats(heap, &stats);
		/* Torture builds force cycles. */
		assert_true(percents[i] != GC_PERCENT_OFF || stats.cycles == stats.forced_cycles);
		assert_int_equal(gc_verify(heap, m, stderr), 0);
		gc_detach(m);
		gc_heap_destroy(heap);
	}
}

struct crowd {
	struct gc_heap *heap;
	unsigned rounds;
};

static void *crowd_main(void *argument)
{
	struct crowd *crowd = argument;

	for (unsigned i = 0; i < crowd->rounds; i++) {
		struct gc_mutator *m = gc_attach(crowd->heap);

		if (!m)
			return m;
		gc_push(m, gc_alloc_bytes(m, 64, 0));
		gc_alloc_bytes(m, 64, 0);
		if (i % 16 == 0) {
			gc_park(m);
			gc_unpark(m);
		}
		gc_pop(m, 1);
		gc_detach(m);
	}
	return argument;
}

static void test_ten_thousand_attaches(void **state)
{
	struct gc_heap *heap = heap_new(100, GC_LIMIT_OFF, GC_LIMIT_DEGRADE);
	struct gc_mutator *m = gc_attach(heap);
	struct crowd crowd = {heap, 1250};
	pthread_t threads[8];
	struct gc_stats stats;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, crowd_main, &crowd), 0);
	for (unsigned i = 0; i < 20; i++)
		gc_collect(m);
	gc_park(m);
	for (unsigned i = 0; i < 8; i++) {
		void *result;

		pthread_join(threads[i], &result);
		assert_non_null(result);
	}
	gc_unpark(m);
	gc_stats(heap, &stats);
	assert_int_equal(stats.total_allocs, 20000);
	assert_int_equal(stats.mutators, 1);
	assert_int_equal(gc_verify(heap, m, stderr), 0);
	gc_detach(m);
	gc_heap_destroy(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shed_tells_the_caller),
		cmocka_unit_test(test_degrade_goes_on),
		cmocka_unit_test(test_exit_ends_the_process),
		cmocka_unit_test(test_impossible_sizes_are_refused),
#if !defined(__SANITIZE_ADDRESS__) && !defined(GC_TORTURE)
		cmocka_unit_test(test_an_object_of_4_gib),
#endif
		cmocka_unit_test(test_percent_extremes),
		cmocka_unit_test(test_ten_thousand_attaches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
