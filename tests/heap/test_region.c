/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arenas and regions: memory beside the heap that ends all at once. The collector does not look at it, and debug mode names every
 * reference that outlives a region.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

struct holder {
	void *text; /* in a region */
	struct holder *next;
};
GC_KIND(holder_kind, struct holder, text, next);

static struct gc_heap *heap_new(void)
{
	struct gc_config config = heap_config();

	config.gc_percent = GC_PERCENT_OFF;
	return heap_of(&config);
}

static void test_an_arena_gives_what_it_has(void **state)
{
	struct gc_arena *arena = gc_arena_new(100000);
	char *first, *second;

	(void)state;
	assert_non_null(arena);
	first = gc_arena_alloc(arena, 5);
	second = gc_arena_alloc(arena, 99000);
	assert_ptr_equal(second, first + 16);
	for (unsigned i = 0; i < 99000; i++)
		assert_int_equal(second[i], 0);
	memset(second, 1, 99000);
	assert_null(gc_arena_alloc(arena, 10000));
	assert_null(gc_arena_alloc(arena, SIZE_MAX));
	assert_int_equal(gc_arena_used_bytes(arena), 99016);
	gc_arena_reset(arena, 4096);
	assert_int_equal(gc_arena_used_bytes(arena), 0);
	assert_ptr_equal(gc_arena_alloc(arena, 50000), first);
	assert_int_equal(first[4095], 1); /* kept */
	assert_int_equal(first[4096], 0); /* went back to the system */
	gc_arena_free(arena);
	assert_null(gc_arena_new(0));
	assert_null(gc_arena_new(SIZE_MAX));
	gc_arena_free(NULL);
}

/* What only an arena refers to is garbage. */
static void test_the_collector_does_not_look(void **state)
{
	struct gc_heap *heap = heap_new();
	struct gc_mutator *m = gc_attach(heap);
	struct gc_arena *arena = gc_arena_new(1 << 20);
	struct holder **slots = gc_arena_alloc(arena, 100 * sizeof(*slots));
	struct gc_stats stats;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		slots[i] = gc_alloc(m, &holder_kind, 0);
	gc_collect(m);
	gc_stats(heap, &stats);
	assert_int_equal(stats.heap_objects, 0);
	gc_arena_free(arena);
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void requests(struct gc_mutator *m, struct gc_region *region)
{
	for (unsigned i = 0; i < 100; i++) {
		GC_SCOPE(m);
		struct holder *h = gc_push(m, gc_alloc(m, &holder_kind, 0));
		char *text = gc_region_alloc(region, 1000);

		memset(text, (int)i, 1000);
		gc_store(m, &h->text, text);
		gc_push(m, text + 10);
		if (i % 25 == 0)
			gc_collect(m);
		assert_int_equal(((char *)gc_load(&h->text))[999], i);
		gc_pop(m, 1);
		gc_store(m, &h->text, NULL);
		gc_region_reset(m, region);
		assert_int_equal(gc_region_used_bytes(region), 0);
	}
}

/* With debug mode and without. */
static void test_requests_without_mistakes(void **state)
{
	struct gc_heap *heap = heap_new();
	struct gc_mutator *m = gc_attach(heap);

	(void)state;
	for (unsigned debug = 0; debug < 2; debug++) {
		struct gc_region *region = gc_region_new(heap, &(struct gc_region_config){.name = "request", .debug = debug});

		assert_non_null(region);
		requests(m, region);
		gc_region_free(region);
	}
	assert_int_equal(gc_verify(heap, m, stderr), 0);
	gc_region_free(NULL);
	gc_detach(m);
	gc_heap_destroy(heap);
}

/* ------------------------------------------------------------------- mistakes */

static void *global;

static void kept_in_an_object(struct gc_mutator *m, struct gc_region *region)
{
	struct holder *h = gc_push(m, gc_alloc(m, &holder_kind, 0)), *inner = gc_alloc(m, &holder_kind, 0);

	gc_store(m, &h->next, inner);
	gc_store(m, &inner->text, (char *)gc_region_alloc(region, 100) + 99);
	gc_region_reset(m, region);
}

static void kept_in_a_root_stack(struct gc_mutator *m, struct gc_region *region)
{
	gc_push(m, gc_region_alloc(region, 100));
	gc_region_reset(m, region);
}

static void kept_in_a_global(struct gc_mutator *m, struct gc_region *region)
{
	gc_store(m, &global, gc_region_alloc(region, 100));
	gc_region_reset(m, region);
}

static char *volatile hidden;

static void used_after_the_reset(struct gc_mutator *m, struct gc_region *region)
{
	hidden = gc_region_alloc(region, 100);
	gc_region_reset(m, region);
	gc_region_alloc(region, 100);
	signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would exit */
	hidden[3] = 1;
}

/* The child makes the mistake, ends by `signal`, and its message holds every text of `expected`. */
static void mistake(void (*make)(struct gc_mutator *, struct gc_region *), int signal, const char *const *expected)
{
	char message[2048] = "";
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
		gc_root_add(heap, &global, 1);
		make(m, gc_region_new(heap, &(struct gc_region_config){.name = "request", .debug = true}));
		_exit(0);
	}
	close(pipes[1]);
	while (length < sizeof(message) - 1 && (n = read(pipes[0], message + length, sizeof(message) - 1 - length)) > 0)
		length += (size_t)n;
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != signal)
		fail_msg("wait status %x: %s", status, message);
	for (; *expected; expected++)
		if (!strstr(message, *expected))
			fail_msg("\"%s\" is not in: %s", *expected, message);
}

static void test_what_outlives_is_named(void **state)
{
	static const char *const object[] = {"struct holder refers to", "region \"request\": 1 references into it outlive its reset at ",
					     "test_region.c:", NULL};
	static const char *const stack[] = {"a root stack refers to", "region \"request\"", "test_region.c:", NULL};
	static const char *const root[] = {"a global root or handle refers to", "region \"request\"", NULL};
	static const char *const nothing[] = {NULL};

	(void)state;
	mistake(kept_in_an_object, SIGABRT, object);
	mistake(kept_in_a_root_stack, SIGABRT, stack);
	mistake(kept_in_a_global, SIGABRT, root);
	mistake(used_after_the_reset, SIGSEGV, nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_arena_gives_what_it_has),
		cmocka_unit_test(test_the_collector_does_not_look),
		cmocka_unit_test(test_requests_without_mistakes),
		cmocka_unit_test(test_what_outlives_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
