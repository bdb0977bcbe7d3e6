/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer, the small reader, and the document of --json. */
#include "golden.h"

#include <errno.h>
#include <math.h>

#include "../../../collectors/trace/core/json_reader.h"
#include "../../../collectors/trace/core/json_writer.h"
#include "../../../collectors/trace/export/json.h"
#include "fixture_summary.h"

static char *document(const struct trace_info *info, const struct summary *summary)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	assert_int_equal(export_json(file, info, summary), 0);
	fclose(file);
	return text;
}

static void hostile_strings(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	struct json_writer json;
	json_start(&json, file);
	json_object_begin(&json, NULL);
	json_string(&json, "a\"\n", "\\ \" \x01 \x7f \xff \xe2\x80\xa8 \xc3\xa9 \xed\xa0\x80 \xf0\x9f\x98\x80");
	json_array_begin(&json, "b");
	json_array_end(&json);
	json_array_begin(&json, "c");
	json_number(&json, NULL, NAN);
	json_number(&json, NULL, -INFINITY);
	json_number(&json, NULL, 0.1);
	json_number(&json, NULL, 1e300);
	json_unsigned(&json, NULL, UINT64_MAX);
	json_signed(&json, NULL, INT64_MIN);
	json_boolean(&json, NULL, 1);
	json_string(&json, NULL, NULL);
	json_object_begin(&json, NULL);
	json_object_end(&json);
	json_array_end(&json);
	json_object_text(&json, "d", "{\"x\":\n\t\"\xff\"}");
	json_object_end(&json);
	fclose(file);
	assert_string_equal(text, "{\"a\\\"\\u000a\":\"\\\\ \\\" \\u0001 \\u007f \xef\xbf\xbd \\u2028 \xc3\xa9 "
				  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x98\x80\",\"b\":[],"
				  "\"c\":[null,null,0.1,1e+300,18446744073709551615,-9223372036854775808,true,null,{}],"
				  "\"d\":{\"x\":  \"\xef\xbf\xbd\"}}");
	assert_true(json_is_object(text));
	free(text);
}

static void what_is_an_object(void **state)
{
	(void)state;
	static const char *const good[] = {"{}", " {\"a\":1}\n",
					   "{\"a\":[1,-2.5e+3,true,null,\"\\u00e9\\n\"],\"b\":{\"c\":{}}}"};
	static const char *const bad[] = {"",
					  "[]",
					  "{",
					  "{}x",
					  "{a:1}",
					  "{\"a\"}",
					  "{\"a\":}",
					  "{\"a\":1,}",
					  "{\"a\":01}",
					  "{\"a\":1.}",
					  "{\"a\":\"\\x\"}",
					  "{\"a\":\"\\u12g4\"}",
					  "{\"a\":\"\n\"}",
					  "{\"a\":nul}",
					  "{\"a\":\"b}",
					  "{\"a\":[1}",
					  "{\"a\":\"\\"};
	for (unsigned i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(json_is_object(good[i]));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (json_is_object(bad[i]))
			fail_msg("taken for JSON: %s", bad[i]);
	char deep[4000];
	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"a\":", 5);
	deep[sizeof(deep) - 1] = '\0';
	assert_false(json_is_object(deep));
}

static void members(void **state)
{
	(void)state;
	const char *text = "{ \"a\" : \"x\\\"y\" , \"b\":[1,{\"c\":5}], \"c\":-1.5,\"d\":null}";
	char out[16];
	assert_int_equal(json_member(text, "a", out, sizeof(out)), 0);
	assert_string_equal(out, "x\\\"y");
	assert_int_equal(json_member(text, "c", out, sizeof(out)), 0);
	assert_string_equal(out, "-1.5");
	assert_int_equal(json_member(text, "b", out, sizeof(out)), -ENOENT);
	assert_int_equal(json_member(text, "z", out, sizeof(out)), -ENOENT);
	assert_int_equal(json_member(text, "a", out, 3), -ENOSPC);
	assert_int_equal(json_member("nonsense", "a", out, sizeof(out)), -EINVAL);
}

static void the_document(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	char *text = document(&info, &summary);
	assert_true(json_is_object(text));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line: fit for --jsonl */
	golden_check("trace.json", text);
	free(text);
}

static void the_document_with_client_times(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	fixture_client_times(&summary);
	fixture_kernel_net(&summary);
	fixture_steal(&summary);
	char *text = document(&info, &summary);
	assert_true(json_is_object(text));
	assert_non_null(strstr(text, "\"client_wait_ns\":6200000,\"response_ns\":15915000"));
	golden_check("trace-client.json", text);
	free(text);
}

static void hostile_and_empty(void **state)
{
	(void)state;
	struct trace_info info = fixture_info_foreign();
	struct summary summary;
	memset(&summary, 0, sizeof(summary));
	info.run_json = "{\"broken\":";
	info.cost.target_ns_per_request = -1;
	summary.gc.cpu_fraction = NAN;
	char *text = document(&info, &summary);
	assert_true(json_is_object(text));
	golden_check("trace-empty.json", text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_strings), cmocka_unit_test(what_is_an_object), cmocka_unit_test(members),
		cmocka_unit_test(the_document),    cmocka_unit_test(the_document_with_client_times),
		cmocka_unit_test(hostile_and_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
