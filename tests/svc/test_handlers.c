/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered to good, bad and hostile requests, without HTTP. */
#include "fixture.h"

static struct fixture *fixture;

static int set_up(void **state)
{
	(void)state;
	fixture = fixture_open(LAYOUT_MAP);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_close(fixture);
	return 0;
}

static struct response lookup(const char *key, const char *format)
{
	const char *arguments[] = {"key", key, format ? "fmt" : NULL, format, NULL};
	return fixture_ask(fixture, "GET", "/lookup", arguments);
}

static unsigned lookup_status(const char *key, const char *format)
{
	GC_SCOPE(fixture->handler.m);
	return lookup(key, format).status;
}

static void test_keys(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
					  " ",
					  "x",
					  "-1",
					  "+1",
					  "1 ",
					  " 1",
					  "1.0",
					  "0x1",
					  "1e3",
					  "\xff",
					  "1\n",
					  "99999999999999999999",
					  "18446744073709551616",
					  "1,2"};
	assert_int_equal(lookup_status("0", NULL), 200);
	assert_int_equal(lookup_status("007", NULL), 200);
	assert_int_equal(lookup_status("1999", NULL), 200);
	assert_int_equal(lookup_status("2000", NULL), 404);
	assert_int_equal(lookup_status("18446744073709551615", NULL), 404);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(lookup_status(bad[i], NULL), 400);
}

static void test_no_key(void **state)
{
	(void)state;
	assert_int_equal(fixture_ask(fixture, "GET", "/lookup", NULL).status, 400);
}

static void test_formats(void **state)
{
	(void)state;
	assert_int_equal(lookup_status("1", "json"), 200);
	assert_int_equal(lookup_status("1", "bin"), 200);
	assert_int_equal(lookup_status("1", "xml"), 400);
	assert_int_equal(lookup_status("1", ""), 400);
	assert_int_equal(lookup_status("1", "JSON"), 400);
}

static void test_methods(void **state)
{
	(void)state;
	static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", ""};
	const char *arguments[] = {"key", "1", NULL};
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		struct response response = fixture_ask(fixture, methods[i], "/lookup", arguments);
		assert_int_equal(response.status, 405);
		assert_string_equal(response.allow, "GET, HEAD");
	}
	GC_SCOPE(fixture->handler.m);
	assert_int_equal(fixture_ask(fixture, "HEAD", "/lookup", arguments).status, 200);
}

static void test_paths(void **state)
{
	(void)state;
	static const char *const unknown[] = {"", "/", "/lookup/", "/Lookup", "//lookup", "/healthz/x", "lookup"};
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		assert_int_equal(fixture_ask(fixture, "GET", unknown[i], NULL).status, 404);
	assert_int_equal(fixture_ask(fixture, "GET", "/healthz", NULL).status, 200);
	assert_int_equal(fixture_ask(fixture, "GET", "/debug/allocs", NULL).status, 200);
}

/* What the probe and the counters are told. */
static void test_facts(void **state)
{
	(void)state;
	GC_SCOPE(fixture->handler.m);
	struct response response = lookup("7", "bin");
	assert_true(response.lookup);
	assert_int_equal(response.key, 7);
	assert_int_equal(response.format, FORMAT_BIN);
	response = lookup("5000", "json");
	assert_false(response.lookup);
	assert_int_equal(response.key, 5000);
}

static void test_error_body(void **state)
{
	(void)state;
	struct response response = lookup("x", NULL);
	assert_string_equal(response.content_type, "application/json");
	assert_memory_equal(response.body, "{\"status\":400,\"error\":\"bad_key\",", 31);
	assert_int_equal(response.body[response.length - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),       cmocka_unit_test(test_no_key), cmocka_unit_test(test_formats),
		cmocka_unit_test(test_methods),    cmocka_unit_test(test_paths),  cmocka_unit_test(test_facts),
		cmocka_unit_test(test_error_body),
	};
	return cmocka_run_group_tests_name("handlers", tests, set_up, tear_down);
}
