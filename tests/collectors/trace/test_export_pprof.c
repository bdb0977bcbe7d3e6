/* SPDX-License-Identifier: Apache-2.0 */
/* profile.proto.gz of stacks in this very program. PPROF_DUMP=FILE leaves it for `go tool pprof` (pprof.bats). */
#include "golden.h"

#include <unistd.h>
#include <zlib.h>

#include "../../../collectors/trace/core/ids.h"
#include "../../../collectors/trace/export/pprof.h"
#include "../../../collectors/trace/export/proto.h"

__attribute__((noinline)) static int site_large(int value)
{
	__asm__ volatile("");
	return value + 1;
}

__attribute__((noinline)) static int site_small(int value)
{
	__asm__ volatile("");
	return value + 2;
}

__attribute__((noinline)) static int caller(int value)
{
	return site_large(value) + site_small(value) + 3;
}

/* Labels of all three kinds; the stack with the label 3 is not part of the profile. */
static int labels_of(void *context, const struct stack *stack, struct pprof_label *labels)
{
	(void)context;
	if (stack->label == 3)
		return -1;
	labels[0] = (struct pprof_label){"cause", stack->label == 1 ? "gc_cpu" : "own"};
	labels[1] = (struct pprof_label){"path", stack->label == 1 ? "naive" : "opt"};
	labels[2] = (struct pprof_label){"thread", stack->label == 1 ? "loop[7]" : "loop \x01\"[8]"};
	return stack->label ? 3 : 0;
}

static struct stacks *fixture_stacks(void)
{
	struct stacks *stacks = stacks_new(0);
	const uint64_t large[] = {(uintptr_t)site_large, (uintptr_t)caller + 5},
		       small[] = {(uintptr_t)site_small, (uintptr_t)caller + 5};
	stacks_add(stacks, 1, large, 2, 0, 10, 700000);
	stacks_add(stacks, 2, small, 2, STACK_CUT, 30, 200000);
	stacks_add(stacks, 0, NULL, 0, 0, 1, 100000);
	stacks_add(stacks, 3, small, 2, 0, 1000, 1000000);
	return stacks;
}

static size_t profile(uint8_t *out, size_t room)
{
	struct stacks *stacks = fixture_stacks();
	struct symbols *symbols;
	char *text = NULL;
	size_t size = 0;
	const struct pprof_options options = {.count_type = "alloc_objects",
					      .amount_type = "alloc_space",
					      .amount_unit = "bytes",
					      .wall_ns = 1700000000000000000,
					      .duration_ns = 10000000000,
					      .labels = labels_of};
	assert_int_equal(symbols_open(&symbols, getpid()), 0);
	FILE *file = open_memstream(&text, &size);
	assert_int_equal(export_pprof(file, stacks, symbols, &options), 0);
	fclose(file);
	if (getenv("PPROF_DUMP")) {
		file = fopen(getenv("PPROF_DUMP"), "w");
		fwrite(text, 1, size, file);
		fclose(file);
	}
	z_stream stream = {
		.next_in = (uint8_t *)text, .avail_in = (uInt)size, .next_out = out, .avail_out = (uInt)room};
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	size_t length = stream.total_out;
	inflateEnd(&stream);
	free(text);
	symbols_close(symbols);
	stacks_free(stacks);
	return length;
}

static uint64_t read_varint(const uint8_t **at)
{
	uint64_t value = 0;
	for (unsigned shift = 0;; shift += 7) {
		value |= (uint64_t)(**at & 0x7f) << shift;
		if (!(*(*at)++ & 0x80))
			return value;
	}
}

/* Walks the top level: fields are known, lengths add up, and every table entry is there. */
static void well_formed(void **state)
{
	(void)state;
	uint8_t data[65536];
	unsigned counts[16] = {0};
	const uint8_t *at = data, *end = data + profile(data, sizeof(data));
	while (at < end) {
		uint64_t tag = read_varint(&at);
		assert_in_range(tag >> 3, 1, 14);
		counts[tag >> 3]++;
		uint64_t value = read_varint(&at);
		if ((tag & 7) == 2)
			at += value;
		else
			assert_int_equal(tag & 7, 0);
	}
	assert_ptr_equal(at, end);
	assert_int_equal(counts[1], 2); /* sample types */
	assert_int_equal(counts[2], 3); /* samples */
	assert_int_equal(counts[3], 1); /* mapping: this program */
	assert_int_equal(counts[4], 5); /* locations: three addresses, [cut short], [no stack] */
	assert_int_equal(counts[5], 5); /* functions */
}

static int holds(const uint8_t *data, size_t size, const char *text)
{
	return memmem(data, size, text, strlen(text)) != NULL;
}

static void names_are_inside(void **state)
{
	(void)state;
	static const char *const names[] = {"site_large",  "site_small", "caller", "[no stack]", "[cut short]",
					    "alloc_space", "bytes",      "cause",  "gc_cpu",     "path", "opt", "thread", "loop[7]", "test_export_pprof"};
	uint8_t data[65536], again[65536];
	size_t size = profile(data, sizeof(data));
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!holds(data, size, names[i]))
			fail_msg("%s is not in the profile", names[i]);
	assert_int_equal(profile(again, sizeof(again)), size);
	assert_memory_equal(data, again, size);
}

static void varints(void **state)
{
	(void)state;
	struct proto proto = {0};
	static const uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
	for (unsigned i = 0; i < 7; i++)
		proto_varint(&proto, values[i]);
	const uint8_t *at = proto.data;
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(read_varint(&at), values[i]);
	assert_ptr_equal(at, proto.data + proto.size);
	proto_clear(&proto);
	proto_number(&proto, 4, 0);
	assert_int_equal(proto.size, 0);
	proto_free(&proto);
}

static void numbers_for_keys(void **state)
{
	(void)state;
	struct ids ids = {0};
	int is_new;
	for (uint64_t key = 0; key < 3000; key++) {
		assert_int_equal(ids_get(&ids, key * 4096, &is_new), key + 1);
		assert_int_equal(is_new, 1);
	}
	for (uint64_t key = 0; key < 3000; key++) {
		assert_int_equal(ids_get(&ids, key * 4096, &is_new), key + 1);
		assert_int_equal(is_new, 0);
	}
	ids_free(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed),
		cmocka_unit_test(names_are_inside),
		cmocka_unit_test(varints),
		cmocka_unit_test(numbers_for_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
