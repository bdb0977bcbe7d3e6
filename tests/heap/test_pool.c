/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools: what is put comes back, and is let go by the second cycle; several threads; the collector sees what a pool
 * holds; debug mode names the place of each mistake.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../svc/heap/cycle.h"
#include "fixture.h"

struct reply {
	struct reply *next;
	uint64_t length;
	char text[48];
};
GC_KIND(reply_kind, struct reply, next);
GC_KIND_PLAIN(plain_kind, struct reply);

static bool reply_is_reset(const void *reply)
{
	return ((const struct reply *)reply)->length == 0;
}

static struct gc_heap *heap_new(void)
{
	struct gc_config config = heap_config();

	config.gc_percent = GC_PERCENT_OFF;
	return heap_of(&config);
}

static void test_what_is_put_comes_back(void **state)
{
	struct gc_heap *heap = heap_new();
	struct gc_mutator *m = gc_attach(heap);
	struct gc_pool *pool = gc_pool_new(heap, &(struct gc_pool_config){.name = "reply", .kind = &reply_kind, .slots = 2});
	struct gc_pool_stats stats;
	struct reply *a, *b, *c;

	(void)state;
	{
		GC_SCOPE(m);
		a = gc_push(m, gc_pool_get(m, pool));
		b = gc_push(m, gc_pool_get(m, pool));
		c = gc_push(m, gc_pool_get(m, pool));
		a->length = 1;
		gc_pool_put(m, pool, a);
		gc_pool_put(m, pool, b);
		gc_pool_put(m, pool, c);
	}
	assert_ptr_equal(gc_pool_get(m, pool), b);
	assert_ptr_equal(gc_pool_get(m, pool), a);
	assert_int_equal(a->length, 1);
	gc_pool_stats(pool, &stats);
	assert_int_equal(stats.misses, 3);
	assert_int_equal(stats.hits, 2);
	assert_int_equal(stats.puts, 3);
	assert_int_equal(stats.dropped, 1);
	gc_detach(m);
	gc_pool_stats(pool, &stats);
	assert_int_equal(stats.misses + stats.hits, 5);
	gc_heap_destroy(heap);
}

/* One cycle makes a victim of it, the second lets it go, with what it refers to. */
static void test_two_cycles_empty_a_pool(void **state)
{
	struct gc_heap *heap = heap_new();
	struct gc_mutator *m = gc_attach(heap);
	struct gc_pool *pool = gc_pool_new(heap, &(struct gc_pool_config){.name = "reply", .kind = &reply_kind});
	struct gc_pool_stats stats;
	struct gc_stats before, after;
	struct reply *r;

	(void)state;
	{
		GC_SCOPE(m);
		r = gc_push(m, gc_pool_get(m, pool));
		gc_store(m, &r->next, gc_alloc(m, &reply_kind, 0));
		gc_load(&r->next)->length = 77;
		gc_pool_put(m, pool, r);
	}
	gc_collect(m);
	assert_int_equal(gc_verify(heap, m, stderr), 0);
	r = gc_pool_get(m, pool);
	assert_int_equal(gc_load(&r->next)->length, 77);
	gc_pool_put(m, pool, r);
	gc_pool_stats(pool, &stats);
	assert_int_equal(stats.victim_hits, 1);
	gc_collect(m);
	gc_stats(heap, &before);
	gc_collect(m);
	gc_stats(heap, &after);
	assert_int_equal(after.total_frees - before.total_frees, 2);
	gc_pool_get(m, pool);
	gc_pool_stats(pool, &stats);
	assert_int_equal(stats.misses, 2);
	gc_detach(m);
	gc_heap_destroy(heap);
}

struct user {
	struct gc_heap *heap;
	struct gc_pool *pool;
	uint64_t number;
	const char *complaint;
};

static const char *user_loop(struct user *user)
{
	struct gc_mutator *m = gc_attach(user->heap);

	for (unsigned i = 0; i < 20000; i++) {
		GC_SCOPE(m);
		struct reply *r = gc_push(m, gc_pool_get(m, user->pool)), *next;

		if (r->length != 0 && r->length != user->number)
			return "another thread's object, or a freed one";
		r->length = user->number;
		next = gc_alloc(m, &reply_kind, 0);
		next->length = user->number;
		gc_store(m, &r->next, next);
		if (i % 64 == 0) {
			gc_park(m);
			gc_unpark(m);
		}
		if (gc_load(&r->next)->length != user->number)
			return "a pooled object's child is gone";
		gc_pool_put(m, user->pool, r);
	}
	gc_detach(m);
	return NULL;
}

static void *user_main(void *user)
{
	((struct user *)user)->complaint = user_loop(user);
	return NULL;
}

/* Minor cycles come too often to age a pool. */
static void test_minor_cycles_leave_a_pool(void **state)
{
	struct gc_heap *heap = heap_new();
	struct gc_mutator *m = gc_attach(heap);
	struct gc_pool *pool = gc_pool_new(heap, &(struct gc_pool_config){.name = "reply", .kind = &reply_kind});
	struct gc_pool_stats stats;
	struct gc_stats heap_stats;
	void *r = gc_pool_get(m, pool);

	(void)state;
	gc_pool_put(m, pool, r);
	for (unsigned i = 0; i < 3; i++)
		gc_collect_young(m);
	gc_stats(heap, &heap_stats);
	assert_int_equal(heap_stats.minor_cycles, 3);
	assert_ptr_equal(gc_pool_get(m, pool), r);
	gc_pool_stats(pool, &stats);
	assert_int_equal(stats.hits, 1);
	assert_int_equal(stats.victim_hits, 0);
	assert_int_equal(gc_verify(heap, m, stderr), 0);
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_threads_while_collecting(void **state)
{
	struct gc_heap *heap = heap_new();
	struct gc_pool *pool = gc_pool_new(heap, &(struct gc_pool_config){.name = "reply", .kind = &reply_kind});
	struct user users[3];
	pthread_t threads[3];
	struct gc_mutator *m = gc_attach(heap);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		users[i] = (struct user){heap, pool, i + 1, NULL};
		assert_int_equal(pthread_create(&threads[i], NULL, user_main, &users[i]), 0);
	}
	for (unsigned i = 0; i < 20; i++)
		gc_collect(m);
	assert_int_equal(gc_verify(heap, m, stderr), 0);
	gc_park(m);
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		assert_null(users[i].complaint);
	}
	gc_unpark(m);
	gc_detach(m);
	gc_heap_destroy(heap);
}

/* ------------------------------------------------------------------- mistakes */

static struct gc_pool *debug_pool(struct gc_heap *heap, struct gc_kind *kind)
{
	return gc_pool_new(heap, &(struct gc_pool_config){.name = "reply", .kind = kind, .is_reset = reply_is_reset, .debug = true});
}

static void use_after_put(struct gc_mutator *m, struct gc_pool *pool)
{
	struct reply *r = gc_pool_get(m, pool);

	r->length = 0; /* objects without references are not cleared */
	gc_pool_put(m, pool, r);
	r->text[3] = 'x';
	gc_pool_get(m, pool);
}

static void double_put(struct gc_mutator *m, struct gc_pool *pool)
{
	struct reply *r = gc_pool_get(m, pool);

	gc_pool_put(m, pool, r);
	gc_pool_put(m, pool, r);
}

static void missing_reset(struct gc_mutator *m, struct gc_pool *pool)
{
	struct reply *r = gc_pool_get(m, pool);

	r->length = 5;
	gc_pool_put(m, pool, r);
}

static void foreign_put(struct gc_mutator *m, struct gc_pool *pool)
{
	gc_pool_put(m, pool, gc_alloc_bytes(m, 640, 0));
}

/* The child makes the mistake; its message must hold every text of `expected`. */
static void mistake(void (*make)(struct gc_mutator *, struct gc_pool *), struct gc_kind *kind, const char *const *expected)
{
	char message[1024] = "";
	int pipes[2], status;
	size_t length = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		struct gc_heap *heap = heap_new();
		struct gc_mutator *m = gc_attach(heap);

		dup2(pipes[1], 2);
		make(m, debug_pool(heap, kind));
		_exit(0);
	}
	close(pipes[1]);
	while (length < sizeof(message) - 1 && (n = read(pipes[0], message + length, sizeof(message) - 1 - length)) > 0)
		length += (size_t)n;
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	for (; *expected; expected++)
		if (!strstr(message, *expected))
			fail_msg("\"%s\" is not in: %s", *expected, message);
}

static void test_mistakes_are_named(void **state)
{
	static const char *const use[] = {"pool \"reply\"", "put back at ", "test_pool.c:", "was written to after that", NULL};
	static const char *const twice[] = {"is put a second time", "test_pool.c:", NULL};
	static const char *const reset[] = {"was not reset before", "test_pool.c:", NULL};
	static const char *const foreign[] = {"is no object of this pool's kind", "test_pool.c:", NULL};

	(void)state;
	mistake(use_after_put, &reply_kind, use);
	mistake(use_after_put, &plain_kind, use);
	mistake(double_put, &reply_kind, twice);
	mistake(missing_reset, &reply_kind, reset);
	mistake(foreign_put, &reply_kind, foreign);
}

/* Debug mode changes nothing for a program without mistakes. */
static void test_debug_keeps_content(void **state)
{
	struct gc_heap *heap = heap_new();
	struct gc_mutator *m = gc_attach(heap);
	struct gc_pool *pool = debug_pool(heap, &reply_kind);

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		GC_SCOPE(m);
		struct reply *r = gc_push(m, gc_pool_get(m, pool));

		if (i)
			assert_int_equal(gc_load(&r->next)->length, i);
		gc_store(m, &r->next, gc_alloc(m, &reply_kind, 0));
		gc_load(&r->next)->length = i + 1;
		gc_pool_put(m, pool, r);
		if (i % 16 == 0)
			gc_collect(m);
	}
	assert_int_equal(gc_verify(heap, m, stderr), 0);
	gc_detach(m);
	gc_heap_destroy(heap);
}

/* With an argument only the tests whose names match it. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_put_comes_back), cmocka_unit_test(test_two_cycles_empty_a_pool),
		cmocka_unit_test(test_minor_cycles_leave_a_pool),
		cmocka_unit_test(test_threads_while_collecting), cmocka_unit_test(test_mistakes_are_named),
		cmocka_unit_test(test_debug_keeps_content),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
