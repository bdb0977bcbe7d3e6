/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of stacks, the call tree, folded stacks and flame graphs, on hand-made stacks. */
#include "golden.h"

#include "../../../collectors/trace/core/stacks.h"
#include "../../../collectors/trace/export/flame.h"
#include "../../../collectors/trace/export/folded.h"
#include "../../../collectors/trace/export/tree.h"

/* A made-up program: addresses 0x1000 apart are functions; a return address is one past its call. */
static struct frame_name fixture_name(void *context, uint64_t address)
{
	static const struct frame_name names[] = {
		{"main", "memlab-svc", "svc/main.c", 40},
		{"loop", "memlab-svc", "svc/server.c", 120},
		{"serialize_naive", "memlab-svc", "svc/serialize.c", 88},
		{"gc_alloc_slow", "memlab-svc", "svc/heap/alloc.c", 17},
		{"<script>alert(\"x\") & ;]]>\033[2J", "evil\"lib.so", NULL, 0},
		{NULL, "libc.so.6", NULL, 0},
		{NULL, NULL, NULL, 0},
	};
	(void)context;
	uint64_t index = address >> 12;
	struct frame_name name = names[index < 7 ? index : 6];
	if (index == 2 && (address & 0xfff) > 0x100)
		name.line = 95;
	return name;
}

static const char *fixture_label(void *context, uint32_t label)
{
	(void)context;
	return label == 1 ? "gc_cpu" : "own";
}

static const struct frame_namer namer = {.name = fixture_name, .label = fixture_label};

enum {
	MAIN = 0x0011,
	LOOP = 0x1011,
	SERIALIZE = 0x2011,
	SERIALIZE_LATER = 0x2111,
	SLOW = 0x3010,
	EVIL = 0x4011,
	LIBC = 0x5011
};

static struct stacks *fixture_stacks(void)
{
	struct stacks *stacks = stacks_new(0);
	const uint64_t first[] = {SLOW, SERIALIZE, LOOP, MAIN}, second[] = {SLOW, SERIALIZE_LATER, LOOP, MAIN};
	const uint64_t third[] = {SLOW, EVIL, LIBC, MAIN}, fourth[] = {0x9000, LOOP};
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(stacks_add(stacks, 0, first, 4, 0, 1, 64), 0);
	assert_int_equal(stacks_add(stacks, 0, second, 4, 0, 2, 512), 0);
	assert_int_equal(stacks_add(stacks, 0, third, 4, 0, 1, 100), 0);
	assert_int_equal(stacks_add(stacks, 0, fourth, 2, STACK_CUT, 1, 32), 0);
	assert_int_equal(stacks_add(stacks, 0, NULL, 0, 0, 1, 16), 0);
	return stacks;
}

static struct tree *fixture_tree(enum tree_weight weight)
{
	struct stacks *stacks = fixture_stacks();
	struct tree *tree = tree_new();
	assert_int_equal(tree_add_stacks(tree, stacks, weight, &namer, 0), 0);
	stacks_free(stacks);
	return tree;
}

static void stacks_are_a_set(void **state)
{
	(void)state;
	struct stacks *stacks = fixture_stacks();
	assert_int_equal(stacks_size(stacks), 5);
	assert_int_equal(stacks_at(stacks, 0)->count, 3);
	assert_int_equal(stacks_at(stacks, 0)->amount, 192);
	assert_int_equal(stacks_at(stacks, 0)->depth, 4);
	assert_int_equal(stacks_at(stacks, 0)->frames[3], MAIN);
	assert_int_equal(stacks_at(stacks, 4)->depth, 0);
	const uint64_t frames[] = {SLOW, SERIALIZE, LOOP, MAIN};
	stacks_add(stacks, 1, frames, 4, 0, 1, 1); /* another label: another stack */
	assert_int_equal(stacks_size(stacks), 6);
	stacks_clear(stacks);
	assert_int_equal(stacks_size(stacks), 0);
	stacks_free(stacks);
	stacks_free(NULL);
}

/* A full set keeps its totals. */
static void stacks_are_bounded(void **state)
{
	(void)state;
	struct stacks *stacks = stacks_new(100);
	uint64_t count = 0, amount = 0;
	for (uint64_t i = 0; i < 5000; i++) {
		const uint64_t frames[] = {i, i / 3, 7};
		assert_int_equal(stacks_add(stacks, 0, frames, 3, 0, 1, i), 0);
	}
	assert_in_range(stacks_size(stacks), 100, 101);
	for (size_t i = 0; i < stacks_size(stacks); i++) {
		count += stacks_at(stacks, i)->count;
		amount += stacks_at(stacks, i)->amount;
	}
	assert_int_equal(count, 5000);
	assert_int_equal(amount, 4999 * 5000 / 2);
	assert_int_equal(stacks_at(stacks, 100)->flags, STACK_OVERFLOW);
	stacks_free(stacks);
}

static void allocations(void **state)
{
	(void)state;
	struct stacks *stacks = stacks_new(0);
	struct record_stack record = {.h = {.kind = RECORD_STACK}, .depth = 2, .args = {1024}, .frames = {SLOW, MAIN}};
	assert_int_equal(stacks_add_allocation(stacks, 0, &record, 0), 0);
	assert_int_equal(stacks_at(stacks, 0)->count, 1);
	assert_int_equal(stacks_at(stacks, 0)->amount, 1024);
	stacks_clear(stacks);
	assert_int_equal(stacks_add_allocation(stacks, 0, &record, 512 * 1024), 0);
	assert_in_range(stacks_at(stacks, 0)->count, 511, 514); /* stands for about 512 KiB */
	record.depth = RECORD_STACK_DEPTH;
	stacks_add_allocation(stacks, 0, &record, 0);
	assert_int_equal(stacks_at(stacks, 1)->flags, STACK_CUT | STACK_ALLOCATION);
	record.depth = RECORD_STACK_DEPTH + 1;
	assert_int_equal(stacks_add_allocation(stacks, 0, &record, 0), -22);
	record.h.kind = RECORD_EVENT;
	assert_int_equal(stacks_add_allocation(stacks, 0, &record, 0), -22);
	stacks_free(stacks);
}

static void check_sums(const struct tree_node *node)
{
	uint64_t value = node->self, base = node->base_self;
	const char *before = "";
	for (const struct tree_node *child = node->child; child; child = child->next) {
		assert_true(strcmp(before, child->name) < 0);
		assert_ptr_equal(child->parent, node);
		before = child->name;
		value += child->value;
		base += child->base;
		check_sums(child);
	}
	assert_int_equal(value, node->value);
	assert_int_equal(base, node->base);
}

static void the_tree_adds_up(void **state)
{
	(void)state;
	struct tree *tree = fixture_tree(TREE_AMOUNT);
	check_sums(tree_root(tree));
	assert_int_equal(tree_root(tree)->value, 192 + 512 + 100 + 32 + 16);
	assert_int_equal(tree_depth(tree), 4);
	tree_free(tree);
	tree_free(NULL);
}

static char *folded(const struct tree *tree)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	assert_int_equal(export_folded(file, tree), 0);
	fclose(file);
	return text;
}

static void check_folded(const struct stacks *stacks, const struct frame_namer *names, const char *expected)
{
	struct tree *tree = tree_new();
	tree_add_stacks(tree, stacks, TREE_AMOUNT, names, 0);
	char *text = folded(tree);
	assert_string_equal(text, expected);
	free(text);
	tree_free(tree);
}

static void folded_stacks(void **state)
{
	(void)state;
	struct tree *tree = fixture_tree(TREE_COUNT);
	char *text = folded(tree);
	assert_string_equal(text, "[cut short];loop;[unknown] 1\n"
				  "[no stack] 1\n"
				  "main;[libc.so.6];<script>alert(\"x\") & :]]>?[2J;gc_alloc_slow 1\n"
				  "main;loop;serialize_naive;gc_alloc_slow 5\n");
	free(text);
	tree_free(tree);
}

/* An allocation belongs to the site that asked for memory, whatever the heap does below it. */
static void allocations_start_at_their_site(void **state)
{
	(void)state;
	struct stacks *stacks = stacks_new(0);
	const uint64_t sites[][4] = {{SLOW, LIBC, SLOW + 1, SERIALIZE},
				     {SLOW, SERIALIZE, LOOP, MAIN},
				     {SLOW, SLOW + 1},
				     {SERIALIZE, LOOP, MAIN}};
	static const uint32_t depths[] = {4, 4, 2, 3}, expected[] = {3, 1, 1, 0};
	for (unsigned i = 0; i < 4; i++) {
		stacks_add(stacks, 0, sites[i], depths[i], STACK_ALLOCATION, 1, 10);
		assert_int_equal(stack_site(stacks_at(stacks, i), &namer).frame, expected[i]);
	}
	check_folded(stacks, &namer, "gc_alloc_slow 10\nmain;loop;serialize_naive 20\nserialize_naive 10\n");
	stacks_free(stacks);
}

/* In SERIALIZE, gc_alloc is inlined into box, and box into the function itself. */
static unsigned fixture_inlined(void *context, uint64_t address, const struct frame_name **frames)
{
	static const struct frame_name inlined[] = {{"gc_alloc", "memlab-svc", "svc/heap/gc_inline.h", 9}, {"box", "memlab-svc", "svc/serialize.c", 60}};
	(void)context;
	*frames = inlined;
	return address == SERIALIZE - 1 || address == SERIALIZE ? 2 : 0;
}

static void inlined_functions_are_frames(void **state)
{
	(void)state;
	struct stacks *stacks = stacks_new(0);
	const struct frame_namer inlining = {.name = fixture_name, .inlined = fixture_inlined};
	const uint64_t frames[] = {SLOW, SERIALIZE, MAIN};
	stacks_add(stacks, 0, frames, 3, STACK_ALLOCATION, 1, 100);
	stacks_add(stacks, 0, frames + 1, 2, 0, 1, 10);
	assert_int_equal(stack_site(stacks_at(stacks, 0), &inlining).frame, 1);
	assert_int_equal(stack_site(stacks_at(stacks, 0), &inlining).inlined, 1);
	assert_int_equal(stack_site(stacks_at(stacks, 1), &inlining).inlined, 0);
	check_folded(stacks, &inlining, "main;serialize_naive;box 100\nmain;serialize_naive;box;gc_alloc 10\n");
	stacks_free(stacks);
}

static void labels_are_frames(void **state)
{
	(void)state;
	struct stacks *stacks = stacks_new(0);
	const uint64_t frames[] = {LOOP, MAIN};
	stacks_add(stacks, 1, frames, 2, 0, 1, 700);
	stacks_add(stacks, 2, frames, 2, 0, 1, 300);
	struct tree *tree = tree_new();
	tree_add_stacks(tree, stacks, TREE_AMOUNT, &namer, 0);
	char *text = folded(tree);
	assert_string_equal(text, "gc_cpu;main;loop 700\nown;main;loop 300\n");
	free(text);
	tree_free(tree);
	stacks_free(stacks);
}

static char *picture(const struct tree *tree, const char *unit)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	const struct flame_options options = {
		.title = "Allocations of <memlab-svc>", .subtitle = "pid 4711", .unit = unit};
	assert_int_equal(export_flame(file, tree, &options), 0);
	fclose(file);
	return text;
}

/* What every picture keeps: nothing from the network, nothing a name could smuggle in. */
static void check_safe(const char *svg)
{
	const char *script = strstr(svg, "<script><![CDATA[");
	assert_non_null(script);
	assert_null(strstr(script + 8, "<script>"));
	assert_ptr_equal(strstr(svg, "<script"), script);
	for (const char *at = svg; *at; at++)
		assert_true((unsigned char)*at >= 0x20 || *at == '\n' || *at == '\t');
	const char *link = strstr(svg, "http");
	assert_ptr_equal(link, strstr(svg, "http://www.w3.org/2000/svg"));
	assert_null(strstr(link + 4, "http"));
	assert_null(strstr(svg, "url("));
	const char *end = strstr(script, "]]>");
	assert_string_equal(end, "]]></script>\n</svg>\n");
}

static void flame_graphs(void **state)
{
	(void)state;
	struct tree *tree = fixture_tree(TREE_AMOUNT);
	char *svg = picture(tree, "bytes");
	check_safe(svg);
	golden_check("flame.svg", svg);
	free(svg);
	tree_free(tree);
	tree = tree_new();
	svg = picture(tree, "objects");
	check_safe(svg);
	assert_non_null(strstr(svg, "nothing was recorded"));
	free(svg);
	tree_free(tree);
}

static void differences(void **state)
{
	(void)state;
	struct stacks *stacks = fixture_stacks();
	struct tree *tree = fixture_tree(TREE_COUNT);
	const uint64_t frames[] = {SLOW, SERIALIZE, LOOP, MAIN};
	stacks_add(stacks, 0, frames, 4, 0, 90, 90);
	assert_int_equal(tree_add_stacks(tree, stacks, TREE_COUNT, &namer, 1), 0);
	check_sums(tree_root(tree));
	assert_int_equal(tree_root(tree)->value, 8);
	assert_int_equal(tree_root(tree)->base, 98);
	char *svg = picture(tree, "samples");
	check_safe(svg);
	assert_non_null(strstr(svg, "ordinary: "));
	free(svg);
	tree_free(tree);
	stacks_free(stacks);
}

/* Very many narrow frames: left out, and said so. */
static void narrow_frames(void **state)
{
	(void)state;
	struct tree *tree = tree_new();
	for (unsigned i = 0; i < 1000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "f%u", i);
		const char *names[] = {name};
		assert_int_equal(tree_add(tree, names, NULL, 1, i < 10 ? 1000000 : 1, 0), 0);
	}
	char *svg = picture(tree, "samples");
	assert_non_null(strstr(svg, "990 frames are too narrow to draw"));
	free(svg);
	tree_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_are_a_set),  cmocka_unit_test(stacks_are_bounded),
		cmocka_unit_test(allocations),       cmocka_unit_test(the_tree_adds_up),
		cmocka_unit_test(folded_stacks),     cmocka_unit_test(allocations_start_at_their_site),
		cmocka_unit_test(inlined_functions_are_frames),
		cmocka_unit_test(labels_are_frames), cmocka_unit_test(flame_graphs),
		cmocka_unit_test(differences),       cmocka_unit_test(narrow_frames),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
