/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory from the system and back to it: what is touched ahead of a heap that grows, which advice goes with what is given back
 * (GODEBUG=madvdontneed), and what happens when the system has none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../svc/heap/heap.h"
#include "fixture.h"

#define MIB (1ull << 20)

/* ------------------------------------------------ what the heap says of its memory to the system */

static struct gc_heap *watched;   /* atomic */
static uint64_t lazy, at_once;    /* atomic: bytes of its area given back by MADV_FREE, by MADV_DONTNEED */
static bool no_lazy_advice;       /* as on a system without it */

/* In the place of the C library's. */
int madvise(void *p, size_t bytes, int advice)
{
	struct gc_heap *heap = gc_get(&watched);

	if (advice == MADV_FREE && no_lazy_advice) {
		errno = EINVAL;
		return -1;
	}
	if (heap && gc_in_area(heap, p))
		gc_add(advice == MADV_FREE ? &lazy : &at_once, advice == MADV_FREE || advice == MADV_DONTNEED ? bytes : 0);
	return (int)syscall(SYS_madvise, p, bytes, advice);
}

static struct gc_heap *heap_new(const char *debug)
{
	setenv("GODEBUG", debug, 1);
	struct gc_config config = heap_config();
	unsetenv("GODEBUG");
	struct gc_heap *heap = heap_of(&config);
	lazy = at_once = 0;
	gc_set(&watched, heap);
	return heap;
}

static void heap_end(struct gc_heap *heap)
{
	gc_set(&watched, NULL);
	gc_heap_destroy(heap);
}

/* Much is used once, and not again: wait until the first piece of it is given back. */
static void memory_is_returned(struct gc_heap *heap)
{
	struct gc_mutator *m = gc_attach(heap);

	{
		GC_SCOPE(m);
		void **blocks = gc_push(m, gc_alloc_array(m, &gc_kind_refs, 64, 0));

		for (unsigned i = 0; i < 64; i++)
			gc_store(m, &blocks[i], gc_alloc_bytes(m, MIB, 0));
	}
	for (unsigned i = 0; i < 20; i++)
		gc_collect(m);
	gc_park(m);
	while (gc_get(&lazy) + gc_get(&at_once) == 0)
		usleep(1000);
	gc_unpark(m);
	gc_detach(m);
}

static void test_memory_goes_back_at_once(void **state)
{
	struct gc_heap *heap = heap_new("");

	(void)state;
	memory_is_returned(heap);
	assert_int_equal(gc_get(&lazy), 0);
	heap_end(heap);
}

static void test_memory_goes_back_lazily(void **state)
{
	struct gc_heap *heap = heap_new("madvdontneed=0");

	(void)state;
	memory_is_returned(heap);
	assert_int_equal(gc_get(&at_once), 0);
	heap_end(heap);
	heap = heap_new("gctrace=0,madvdontneed=1");
	memory_is_returned(heap);
	assert_int_equal(gc_get(&lazy), 0);
	heap_end(heap);
}

/* MADV_FREE does not lower what is resident: with a limit, and without the advice, memory goes at once whatever was asked for. */
static void test_a_limit_does_not_wait(void **state)
{
	struct gc_heap *heap = heap_new("madvdontneed=0");

	(void)state;
	gc_set_memory_limit(heap, 1ull << 40);
	memory_is_returned(heap);
	assert_int_equal(gc_get(&lazy), 0);
	heap_end(heap);
	no_lazy_advice = true;
	heap = heap_new("madvdontneed=0");
	memory_is_returned(heap);
	assert_int_equal(gc_get(&lazy), 0);
	heap_end(heap);
	no_lazy_advice = false;
}

/* ------------------------------------------------------------------ ahead */

static uint32_t touched(struct gc_heap *heap)
{
	uint32_t pages;

	gc_lock(&heap->pages_lock);
	pages = heap->pages_touched;
	gc_unlock(&heap->pages_lock);
	return pages;
}

static bool resident(const char *p, size_t bytes)
{
	unsigned char pages[64];

	for (size_t at = 0; at < bytes; at += sizeof(pages) * 4096) {
		size_t length = bytes - at < sizeof(pages) * 4096 ? bytes - at : sizeof(pages) * 4096;

		if (mincore((void *)(p + at), length, pages) < 0)
			return false;
		for (size_t i = 0; i < length / 4096; i++)
			if (!(pages[i] & 1))
				return false;
	}
	return true;
}

static void test_memory_is_there_before_it_is_used(void **state)
{
	struct gc_heap *heap = heap_new("");
	struct gc_mutator *m = gc_attach(heap);
	struct gc_stats before, after;
	uint32_t from;

	(void)state;
	{
		GC_SCOPE(m);
		char *block = gc_push(m, gc_alloc_bytes(m, 16 * MIB, 0));

		/* The thread gets ahead sooner or later. */
		while (gc_get(&heap->pages_ready) < touched(heap) + 32)
			usleep(1000);
		from = touched(heap);
		assert_true(resident(gc_page_address(heap, from), 2 * MIB));
		gc_stats(heap, &before);
		gc_push(m, gc_alloc_bytes(m, 2 * MIB, 0));
		gc_stats(heap, &after);
		assert_int_equal(after.grown_bytes - before.grown_bytes, 2 * MIB);
		assert_int_equal(after.grown_cold_bytes, before.grown_cold_bytes);
		assert_true(before.grown_cold_bytes >= 16 * MIB); /* the first was faster than anybody */
		assert_non_null(block);
	}
	gc_detach(m);
	heap_end(heap);
}

static void test_nothing_is_touched_ahead_when_told_so(void **state)
{
	struct gc_heap *heap = heap_new("prefault=0");
	struct gc_mutator *m = gc_attach(heap);
	struct gc_stats stats;

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		gc_alloc_bytes(m, MIB, 0);
	gc_stats(heap, &stats);
	assert_int_equal(gc_get(&heap->pages_ready), 0);
	assert_int_equal(stats.grown_cold_bytes, stats.grown_bytes);
	gc_detach(m);
	heap_end(heap);
}

/* ------------------------------------------------------------------- none */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

/* Writable memory that this process may still ask the system for. */
static void system_has(uint64_t bytes)
{
	unsigned long long kib = 0;
	struct rlimit limit;
	char line[256];
	FILE *status = fopen("/proc/self/status", "re");

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "VmData: %llu", &kib) == 1)
			break;
	if (status)
		fclose(status);
	getrlimit(RLIMIT_DATA, &limit);
	limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : kib * 1024 + bytes;
	setrlimit(RLIMIT_DATA, &limit);
}

/* Status 0: every answer was the right one; else the number of the first that was not. */
static int without_memory(struct gc_mutator *m, struct gc_heap *heap)
{
	void **blocks = gc_push(m, gc_alloc_array(m, &gc_kind_refs, 1000, 0));
	unsigned made = 0;

	system_has(64 * MIB);
	while (made < 1000) {
		void *block = gc_try_alloc(m, &gc_kind_bytes, MIB, 0);

		if (!block)
			break;
		memset(block, (int)made, MIB);
		gc_store(m, &blocks[made++], block);
	}
	if (made < 16 || made > 200)
		return 3;
	for (unsigned i = 0; i < made; i++)
		if (((unsigned char *)gc_load(&blocks[i]))[MIB - 1] != (unsigned char)i)
			return 4;
	for (unsigned i = 0; i < made; i += 2)
		gc_store(m, &blocks[i], NULL);
	gc_collect(m);
	if (!gc_try_alloc(m, &gc_kind_bytes, MIB, 0))
		return 5;
	system_has(RLIM_INFINITY);
	if (gc_verify(heap, m, stderr))
		return 6;
	return 0;
}

static int child_run(bool ends)
{
	struct gc_mutator *m;
	struct gc_heap *heap;

	/* What debug builds do after each marking takes memory of its own. */
	setenv("GC_VERIFY_EVERY", "0", 1);
	heap = heap_new("prefault=0");
	m = gc_attach(heap);
	if (!ends)
		return without_memory(m, heap);
	system_has(64 * MIB);
	if (!freopen("/dev/null", "w", stderr))
		return 7;
	gc_alloc_bytes(m, 512 * MIB, 0);
	return 8;
}

static int child_status(bool ends)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0)
		_exit(child_run(ends));
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void test_the_system_has_no_memory(void **state)
{
	int status;

	(void)state;
	/* Who asks is told, and what there is stays whole. */
	assert_int_equal(child_status(false), 0);
	/* Who cannot be told ends. */
	status = child_status(true);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_goes_back_at_once),
		cmocka_unit_test(test_memory_goes_back_lazily),
		cmocka_unit_test(test_a_limit_does_not_wait),
		cmocka_unit_test(test_memory_is_there_before_it_is_used),
		cmocka_unit_test(test_nothing_is_touched_ahead_when_told_so),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		cmocka_unit_test(test_the_system_has_no_memory),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
