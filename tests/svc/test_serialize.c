/* SPDX-License-Identifier: Apache-2.0 */
/* Every way to write a body gives exactly the bytes that the dataset says; and allocates what it is meant to. */
#include "fixture.h"

static void check_body(struct fixture *f, uint64_t id, const char *format)
{
	struct gc_mutator *m = f->handler.m;
	GC_SCOPE(m);
	char key[24];
	snprintf(key, sizeof(key), "%llu", (unsigned long long)id);
	const char *arguments[] = {"key", key, "fmt", format, NULL};
	struct response response = fixture_ask(f, "GET", "/lookup", arguments);
	struct dataset_record record;
	char body[DATASET_BODY_BYTES_MAX];
	dataset_record(FIXTURE_SEED, id, &record);
	size_t length = !strcmp(format, "json") ? dataset_json(&record, body) : dataset_bin(&record, (uint8_t *)body);
	assert_int_equal(response.status, 200);
	assert_int_equal(response.length, length);
	assert_memory_equal(response.body, body, length);
	assert_string_equal(response.content_type,
			    !strcmp(format, "json") ? "application/json" : "application/octet-stream");
}

static void check_bodies(struct fixture *f, uint64_t step)
{
	for (uint64_t id = 0; id < FIXTURE_RECORDS; id += step) {
		check_body(f, id, "json");
		check_body(f, id, "bin");
	}
}

static void test_opt_bodies(void **state)
{
	(void)state;
	struct fixture *f = fixture_open(LAYOUT_MAP);
	f->config.path = PATH_OPT;
	check_bodies(f, 1);
	f->config.pool = false;
	check_bodies(f, 1);
	fixture_close(f);
}

static void test_naive_bodies(void **state)
{
	(void)state;
	struct fixture *f = fixture_open(LAYOUT_MAP);
	for (f->config.fixes = 0; f->config.fixes <= FIX_ALL; f->config.fixes++)
		check_bodies(f, 17);
	fixture_close(f);
}

/* Every layout, form and interning, on both paths. */
static void test_layouts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LAYOUT_COUNT * RECORD_FORM_COUNT * 2; i++) {
		struct fixture *f = fixture_open_as(i / 4, i / 2 % 2, i % 2);
		check_bodies(f, 3);
		gc_collect(f->handler.m);
		f->config.path = PATH_OPT;
		check_bodies(f, 1);
		struct record_view view;
		assert_false(store_find(f->store, FIXTURE_RECORDS, &view));
		fixture_close(f);
	}
}

/* Collections in the middle of everything: whatever is not rooted is gone. */
static void test_bodies_while_collecting(void **state)
{
	(void)state;
	struct fixture *f = fixture_open(LAYOUT_MAP);
	for (uint64_t id = 0; id < FIXTURE_RECORDS; id += 100) {
		gc_collect(f->handler.m);
		check_body(f, id, "json");
		check_body(f, id, "bin");
	}
	fixture_close(f);
}

static uint64_t allocs_of(struct fixture *f, const char *format)
{
	struct gc_mutator *m = f->handler.m;
	uint64_t before = gc_mutator_allocs(m);
	check_body(f, 7, format);
	return gc_mutator_allocs(m) - before;
}

static void test_naive_allocates(void **state)
{
	(void)state;
	struct fixture *f = fixture_open(LAYOUT_MAP);
	assert_true(allocs_of(f, "json") >= 10);
	assert_true(allocs_of(f, "bin") >= 10);
	fixture_close(f);
}

/* Each fix alone takes some away, all together everything. */
static void test_fixes(void **state)
{
	(void)state;
	struct fixture *f = fixture_open(LAYOUT_MAP);
	uint64_t naive = allocs_of(f, "json"), saved = 0;
	for (unsigned i = 0; i < FIX_COUNT; i++) {
		f->config.fixes = 1u << i;
		uint64_t fixed = allocs_of(f, "json");
		assert_true(fixed < naive);
		saved += naive - fixed;
	}
	assert_int_equal(saved, naive);
	f->config.fixes = FIX_ALL;
	assert_int_equal(allocs_of(f, "json"), 0);
	assert_int_equal(allocs_of(f, "bin"), 0);
	fixture_close(f);
}

static void test_opt_does_not_allocate(void **state)
{
	(void)state;
	struct fixture *f = fixture_open(LAYOUT_MAP);
	f->config.path = PATH_OPT;
	assert_int_equal(allocs_of(f, "json"), 0);
	assert_int_equal(allocs_of(f, "bin"), 0);
	f->config.pool = false;
	assert_int_equal(allocs_of(f, "json"), 1);
	fixture_close(f);
}

/* Every allocation of a lookup has a site of the naive path, and the sites sum to the heap's own count. */
static void test_sites_sum(void **state)
{
	(void)state;
	struct fixture *f = fixture_open(LAYOUT_MAP);
	uint64_t before[SITE_COUNT], bytes[SITE_COUNT], after[SITE_COUNT], sum = 0;
	gc_site_counts(f->heap, before, bytes, SITE_COUNT);
	uint64_t allocs = allocs_of(f, "json");
	gc_site_counts(f->heap, after, bytes, SITE_COUNT);
	for (unsigned site = 0; site < SITE_COUNT; site++) {
		assert_true(after[site] == before[site] || !strncmp(site_table[site].path, "naive", 5));
		sum += after[site] - before[site];
	}
	assert_int_equal(sum, allocs);
	assert_int_equal(after[SITE_none], 0);
	fixture_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opt_bodies),
		cmocka_unit_test(test_naive_bodies),
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_bodies_while_collecting),
		cmocka_unit_test(test_naive_allocates),
		cmocka_unit_test(test_fixes),
		cmocka_unit_test(test_opt_does_not_allocate),
		cmocka_unit_test(test_sites_sum),
	};
	return cmocka_run_group_tests_name("serialize", tests, NULL, NULL);
}
