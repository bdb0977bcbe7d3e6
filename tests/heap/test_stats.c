/* SPDX-License-Identifier: Apache-2.0 */
/* What the heap says about itself: the table of size classes, CPU by class, and the lines of GODEBUG=gctrace=1. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "../../svc/heap/trace.h"

struct node {
	struct node *next;
	uint64_t value[2];
};
GC_KIND(node_kind, struct node, next);

static struct gc_heap *heap_new(bool trace)
{
	struct gc_config config = heap_config();

	config.trace = trace;
	return heap_of(&config);
}

static const struct gc_size_class *class_find(const struct gc_size_class *table, unsigned count, uint32_t slot_bytes)
{
	for (unsigned i = 0; i < count; i++)
		if (table[i].slot_bytes == slot_bytes)
			return &table[i];
	return NULL;
}

static void test_size_classes(void **state)
{
	struct gc_heap *heap = heap_new(false);
	struct gc_mutator *m = gc_attach(heap);
	const struct gc_size_class *small, *large;
	struct gc_size_class table[64];
	struct gc_stats stats;
	uint64_t objects = 0, bytes = 0;
	unsigned count;

	(void)state;
	{
		GC_SCOPE(m);
		void **all = gc_push(m, gc_alloc_array(m, &gc_kind_refs, 20000, 0));

		for (unsigned i = 0; i < 5000; i++)
			gc_store(m, &all[i], gc_alloc(m, &node_kind, 0));
		gc_store(m, &all[5000], gc_alloc_bytes(m, 20, 0)); /* another kind of the same size */
		gc_collect(m); /* afterwards no slots are held ready */
		count = gc_size_classes(heap, table, 64);
		gc_stats(heap, &stats);
	}
	for (unsigned i = 0; i < count; i++) {
		assert_true(i == 0 || table[i].slot_bytes > table[i - 1].slot_bytes || table[i].slot_bytes == 0);
		objects += table[i].objects;
		bytes += table[i].object_bytes;
	}
	assert_int_equal(objects, stats.heap_objects);
	assert_int_equal(bytes, stats.heap_bytes);
	small = class_find(table, count, 24);
	large = class_find(table, count, 0);
	assert_non_null(small);
	assert_int_equal(small->objects, 5001);
	assert_int_equal(small->object_bytes, 5001 * 24);
	assert_true(small->spans >= 3); /* 2730 slots in each of 64 KiB, and one of the other kind */
	assert_ptr_equal(large, &table[count - 1]);
	assert_int_equal(large->objects, 1);
	assert_in_range(large->object_bytes, 160000, 164000);
	/* Too small a table: the first sizes met. */
	assert_int_equal(gc_size_classes(heap, table, 1), 1);
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_cpu_by_class(void **state)
{
	struct gc_heap *heap = heap_new(false);
	struct gc_mutator *m = gc_attach(heap);
	struct gc_stats stats;

	(void)state;
	{
		GC_SCOPE(m);
		struct node *list = NULL;
		void **slot = m->root_top;

		gc_push(m, NULL);
		for (unsigned i = 0; i < 20000; i++) {
			struct node *n = gc_alloc(m, &node_kind, 0);

			gc_store(m, &n->next, list);
			*slot = list = n;
		}
		for (unsigned i = 0; i < 5; i++)
			gc_collect(m);
	}
	gc_stats(heap, &stats);
	assert_true(stats.worker_cpu_ns + stats.idle_cpu_ns + stats.assist_cpu_ns > 0);
	assert_true(stats.sweep_cpu_ns > 0);
	assert_true(stats.worker_cpu_ns + stats.idle_cpu_ns + stats.assist_cpu_ns + stats.sweep_cpu_ns + stats.scavenge_cpu_ns +
			    stats.handshake_cpu_ns < stats.process_cpu_ns);
	assert_true(stats.gc_cpu_fraction > 0 && stats.gc_cpu_fraction < 1);
	assert_int_equal(stats.handshake_cpu.count, stats.handshake.count);
	gc_detach(m);
	gc_heap_destroy(heap);
}

static void test_times_have_the_digits_of_go(void **state)
{
	static const struct { uint64_t ns; const char *text; } cases[] = {
		{0, "0"},           {999, "0"},         {1000, "0.001"},   {26999, "0.026"},   {99999, "0.099"}, {100000, "0.10"},
		{394999, "0.39"},   {999999, "0.99"},   {1000000, "1.0"},  {1299999, "1.2"},   {9999999, "9.9"}, {10000000, "10"},
		{123456789, "123"}, {3600000000000, "3600000"}};
	char text[GC_TRACE_MS_BYTES];

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(gc_trace_ms(text, cases[i].ns), cases[i].text);
}

/* What the heap prints on stderr during one forced cycle. */
static void traced_cycle(char *text, size_t bytes)
{
	FILE *file = tmpfile();
	int before = dup(2);
	struct gc_heap *heap;
	struct gc_mutator *m;
	size_t n;

	assert_non_null(file);
	dup2(fileno(file), 2);
	heap = heap_new(true);
	m = gc_attach(heap);
	gc_collect(m);
	gc_detach(m);
	gc_heap_destroy(heap);
	dup2(before, 2);
	close(before);
	rewind(file);
	n = fread(text, 1, bytes - 1, file);
	text[n] = '\0';
	fclose(file);
}

static void test_trace_lines(void **state)
{
#define MS "(0|0\\.[0-9]{2,3}|[0-9]\\.[0-9]|[0-9]{2,})"
	static const char pattern[] = "^gc 1 @[0-9]+\\.[0-9]{3}s [0-9]+%: " MS "\\+" MS "\\+" MS " ms clock, " MS "\\+" MS "/" MS "/" MS "\\+" MS
				      " ms cpu, [0-9]+->[0-9]+->[0-9]+ MB, [0-9]+ MB goal, 0 MB stacks, 0 MB globals, [0-9]+ P "
				      "\\(forced\\)\n";
	char text[1024];
	regex_t regex;

	(void)state;
	traced_cycle(text, sizeof(text));
	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, text, 0, NULL, 0) != 0)
		fail_msg("not a line of Go's: %s", text);
	regfree(&regex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size_classes),
		cmocka_unit_test(test_cpu_by_class),
		cmocka_unit_test(test_times_have_the_digits_of_go),
		cmocka_unit_test(test_trace_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
