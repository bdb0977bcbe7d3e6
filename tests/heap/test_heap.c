/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap's public interface, one property per test: objects survive while reachable and only then, counters are
 * exact, roots of every sort hold, knobs parse.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#ifdef GC_TORTURE
#define ROUNDS(n) ((n) / 20)
#else
#define ROUNDS(n) (n)
#endif

struct node {
	struct node *next;
	uint64_t value;
	char *text;
};

GC_KIND(node_kind, struct node, next, text);

struct pair {
	uint64_t check;
	struct node *left, *right;
};

GC_KIND(pair_kind, struct pair, left, right);

static struct gc_heap *heap_new(unsigned sites)
{
	struct gc_config config = heap_config();

	config.sites = sites;
	return heap_of(&config);
}

static struct node *node_new(struct gc_mutator *m, struct node *next, uint64_t value)
{
	GC_SCOPE(m);
	struct node *n;

	gc_push(m, next);
	n = gc_push(m, gc_alloc(m, &node_kind, 0));
	assert_null(n->next);
	assert_null(n->text);
	n->value = value;
	gc_store(m, &n->next, next);
	return n;
}

static struct node *list_new(struct gc_mutator *m, unsigned count)
{
	struct node *list = NULL;

	for (unsigned i = 0; i < count; i++)
		list = node_new(m, list, i);
	return list;
}

static void list_check(struct node *list, unsigned count)
{
	for (unsigned i = count; i-- > 0; list = gc_load(&list->next)) {
		assert_non_null(list);
		assert_int_equal(list->value, i);
	}
	assert_null(list);
}

static void test_keeps_what_is_rooted(void **state)
{
	struct gc_heap *heap = heap_new(1);
	struct gc_mutator *m = gc_attach(heap);
	struct gc_stats stats;

	(void)state;
	{
		GC_SCOPE(m);
		struct node *list = gc_push(m, list_new(m, 1000));

		for (int i = 0; i < 3; i++)
			gc_collect(m);
		list_check(list, 1000);
		gc_stats(heap, &stats);
		assert_int_equal(stats.heap_objects, 1000);
		assert_int_equal(stats.live_bytes, 1000 * sizeof(struct node));
		assert_int_equal(gc_verify(heap, m, stderr), 0);
	}
	gc_collect(m);
	gc_stats(heap, &stats);
	assert_int_equal(stats.heap_objects, 0);
	assert_int_equal(stats.heap_bytes, 0);
	assert_int_equal(gc_verify(heap, m, stderr), 0);
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_interior_references_keep(void **state)
{
	struct gc_heap *heap = heap_new(1);
	struct gc_mutator *m = gc_attach(heap);

	(void)state;
	{
		GC_SCOPE(m);
		char *text = gc_alloc_bytes(m, 100, 0);
		struct node *n;

		memset(text, 'x', 100);
		gc_push(m, text + 37);
		n = gc_push(m, gc_alloc(m, &node_kind, 0));
		gc_store(m, &n->text, text + 99);
		gc_pop(m, 2);
		gc_push(m, &n->value);
		gc_collect(m);
		gc_collect(m);
		for (int i = 0; i < 100; i++)
			assert_int_equal(text[i], 'x');
		assert_int_equal(gc_usable_bytes(heap, text + 50), 112);
		assert_int_equal(gc_verify(heap, m, stderr), 0);
	}
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_arrays_and_large_objects(void **state)
{
	struct gc_heap *heap = heap_new(1);
	struct gc_mutator *m = gc_attach(heap);
	static const size_t counts[] = {1, 3, 100, ROUNDS(5000), ROUNDS(100000)};

	(void)state;
	for (unsigned c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		GC_SCOPE(m);
		size_t count = counts[c];
		struct pair *pairs = gc_push(m, gc_alloc_array(m, &pair_kind, count, 0));
		struct node **refs = gc_push(m, gc_alloc_array(m, &gc_kind_refs, count, 0));

		for (size_t i = 0; i < count; i++) {
			struct node *n = node_new(m, NULL, i);

			gc_store(m, i % 2 ? &pairs[i].left : &pairs[i].right, n);
			gc_store(m, &refs[count - 1 - i], node_new(m, n, i));
		}
		gc_collect(m);
		gc_collect(m);
		for (size_t i = 0; i < count; i++) {
			struct node *n = gc_load(i % 2 ? &pairs[i].left : &pairs[i].right);

			assert_int_equal(n->value, i);
			assert_ptr_equal(gc_load(&gc_load(&refs[count - 1 - i])->next), n);
		}
		assert_int_equal(gc_verify(heap, m, stderr), 0);
	}
	gc_collect(m);
	{
		struct gc_stats stats;

		gc_stats(heap, &stats);
		assert_int_equal(stats.heap_objects, 0);
	}
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_objects_are_zero(void **state)
{
	struct gc_heap *heap = heap_new(1);
	struct gc_mutator *m = gc_attach(heap);

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < ROUNDS(500); i++) {
			struct node *n = gc_alloc(m, &node_kind, 0);
			uint64_t *large;

			assert_true(n->next == NULL && n->value == 0 && n->text == NULL);
			n->value = ~0ull;
			large = i % 100 ? NULL : gc_alloc_array(m, &gc_kind_refs, 9000, 0);
			for (int w = 0; large && w < 9000; w++) {
				assert_int_equal(large[w], 0);
				large[w] = 1;
			}
		}
		gc_collect(m);
	}
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_global_roots_and_handles(void **state)
{
	struct gc_heap *heap = heap_new(1);
	struct gc_mutator *m = gc_attach(heap);
	static struct node *roots[2];
	struct gc_handle *handle = gc_handle_new(m, list_new(m, 10));
	struct gc_stats stats;

	(void)state;
	assert_int_equal(gc_root_add(heap, roots, 2), 0);
	gc_store(m, &roots[1], list_new(m, 20));
	gc_collect(m);
	list_check(gc_handle_get(m, handle), 10);
	list_check(gc_load(&roots[1]), 20);
	assert_int_equal(gc_verify(heap, m, stderr), 0);
	gc_handle_free(heap, handle);
	gc_root_remove(heap, roots);
	gc_collect(m);
	gc_collect(m);
	gc_stats(heap, &stats);
	assert_int_equal(stats.heap_objects, 0);
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_copy_moves_references(void **state)
{
	struct gc_heap *heap = heap_new(1);
	struct gc_mutator *m = gc_attach(heap);

	(void)state;
	{
		GC_SCOPE(m);
		struct node **refs = gc_push(m, gc_alloc_array(m, &gc_kind_refs, 10, 0));

		for (uint64_t i = 0; i < 10; i++)
			gc_store(m, &refs[i], node_new(m, NULL, i));
		gc_copy(m, refs + 1, refs, 9);
		gc_collect(m);
		for (uint64_t i = 0; i < 10; i++)
			assert_int_equal(gc_load(&refs[i])->value, i ? i - 1 : 0);
		gc_copy(m, refs, refs + 1, 9);
		gc_collect(m);
		for (uint64_t i = 0; i < 10; i++)
			assert_int_equal(gc_load(&refs[i])->value, i < 9 ? i : 8);
	}
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_counts_are_exact(void **state)
{
	struct gc_heap *heap = heap_new(3);
	struct gc_mutator *m = gc_attach(heap);
	uint64_t objects[4], bytes[4], before = gc_mutator_allocs(m);
	struct gc_stats stats;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		gc_alloc(m, &node_kind, 1);
		gc_alloc_bytes(m, 40, 2);
	}
	gc_alloc_bytes(m, 100000, 0);
	assert_int_equal(gc_mutator_allocs(m) - before, 2001);
	gc_stats(heap, &stats);
	gc_site_counts(heap, objects, bytes, 4);
	assert_int_equal(stats.total_allocs, 2001);
	assert_int_equal(objects[0], 1);
	assert_int_equal(objects[1], 1000);
	assert_int_equal(objects[2], 1000);
	assert_int_equal(objects[3], 0);
	assert_int_equal(bytes[1], 24000);
	assert_int_equal(bytes[2], 40000);
	assert_int_equal(stats.total_alloc_bytes, bytes[0] + bytes[1] + bytes[2]);
	assert_int_equal(gc_mutator_alloc_bytes(m), stats.total_alloc_bytes);
	gc_detach(m);
	gc_stats(heap, &stats);
	gc_site_counts(heap, objects, bytes, 3);
	assert_int_equal(stats.total_allocs, 2001);
	assert_int_equal(objects[0] + objects[1] + objects[2], 2001);
	gc_heap_destroy(heap);
}

static void test_collects_by_itself(void **state)
{
	struct gc_heap *heap = heap_new(1);
	struct gc_mutator *m = gc_attach(heap);
	struct gc_stats stats;

	(void)state;
	for (int i = 0; i < 100; i++) {
		/* Torture builds collect all the time. */
		for (int k = 0; k < ROUNDS(20000); k++)
			gc_alloc(m, &node_kind, 0);
		gc_stats(heap, &stats);
		if (stats.cycles >= 3)
			break;
	}
	assert_true(stats.cycles >= 3);
	assert_true(stats.forced_cycles == 0 || stats.cycles > 3);
	gc_detach(m);
	gc_heap_destroy(heap);
}

struct peer {
	struct gc_heap *heap;
	int stop;
	uint64_t rounds;
};

static void *peer_main(void *argument)
{
	struct peer *peer = argument;
	struct gc_mutator *m = gc_attach(peer->heap);

	while (!__atomic_load_n(&peer->stop, __ATOMIC_RELAXED)) {
		GC_SCOPE(m);
		struct node *list = gc_push(m, list_new(m, 100));

		gc_poll(m);
		list_check(list, 100);
		gc_park(m);
		gc_unpark(m);
		list_check(list, 100);
		peer->rounds++;
	}
	gc_detach(m);
	return NULL;
}

static void test_parked_and_running_threads(void **state)
{
	struct gc_heap *heap = heap_new(1);
	struct gc_mutator *m = gc_attach(heap), *sleeper;
	struct peer peer = {.heap = heap};
	pthread_t thread;

	(void)state;
	sleeper = gc_attach(heap);
	gc_park(sleeper);
	assert_int_equal(pthread_create(&thread, NULL, peer_main, &peer), 0);
	for (int i = 0; i < 30; i++) {
		gc_collect(m);
		if (i % 10 == 0)
			gc_stop_world_for(heap, m, 100000);
		assert_int_equal(gc_verify(heap, m, stderr), 0);
	}
	__atomic_store_n(&peer.stop, 1, __ATOMIC_RELAXED);
	gc_park(m);
	pthread_join(thread, NULL);
	gc_unpark(m);
	gc_unpark(sleeper);
	gc_detach(sleeper);
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_sizes_parse_as_in_go(void **state)
{
	uint64_t bytes;

	(void)state;
	assert_int_equal(gc_parse_bytes("512MiB", &bytes), 0);
	assert_int_equal(bytes, 512ull << 20);
	assert_int_equal(gc_parse_bytes("1000B", &bytes), 0);
	assert_int_equal(bytes, 1000);
	assert_int_equal(gc_parse_bytes("77", &bytes), 0);
	assert_int_equal(bytes, 77);
	assert_int_equal(gc_parse_bytes("off", &bytes), 0);
	assert_true(bytes == GC_LIMIT_OFF);
	assert_int_equal(gc_parse_bytes("5MB", &bytes), -EINVAL);
	assert_int_equal(gc_parse_bytes("", &bytes), -EINVAL);
	assert_int_equal(gc_parse_bytes("-1", &bytes), -EINVAL);
	assert_int_equal(gc_parse_bytes("99999999TiB", &bytes), -ERANGE);
}

static void test_environment_is_checked(void **state)
{
	struct gc_config config;
	char error[128];

	(void)state;
	setenv("GOGC", "off", 1);
	assert_int_equal(gc_config_init(&config, error, sizeof(error)), 0);
	assert_int_equal(config.gc_percent, GC_PERCENT_OFF);
	setenv("GOGC", "lots", 1);
	assert_int_equal(gc_config_init(&config, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "GOGC=lots"));
	unsetenv("GOGC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_what_is_rooted),   cmocka_unit_test(test_interior_references_keep),
		cmocka_unit_test(test_arrays_and_large_objects), cmocka_unit_test(test_objects_are_zero),
		cmocka_unit_test(test_global_roots_and_handles), cmocka_unit_test(test_copy_moves_references),
		cmocka_unit_test(test_counts_are_exact),       cmocka_unit_test(test_collects_by_itself),
		cmocka_unit_test(test_parked_and_running_threads), cmocka_unit_test(test_sizes_parse_as_in_go),
		cmocka_unit_test(test_environment_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
