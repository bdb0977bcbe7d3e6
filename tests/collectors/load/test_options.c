/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that reads text people or services wrote: quantities, URLs, the command line, /debug/allocs; and the
 * request bytes made from them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../../collectors/load/clock.h"
#include "../../../collectors/load/jsonscan.h"
#include "../../../collectors/load/options.h"
#include "../../../collectors/load/quantity.h"
#include "../../../collectors/load/random.h"
#include "../../../collectors/load/request.h"
#include "cmocka_all.h"
#include "page_edge.h"

static void rates_are_read(void **state)
{
	double rate, rates[4];
	uint32_t count;

	(void)state;
	assert_int_equal(quantity_rate("20000", &rate), 0);
	assert_true(rate == 20000);
	assert_int_equal(quantity_rate("1.5k", &rate), 0);
	assert_true(rate == 1500);
	assert_int_equal(quantity_rate("0.5", &rate), 0);
	assert_true(rate == 0.5);
	static const char *const wrong[] = {"",     "0",   "-1", "k",  "1kk",  "inf", "nan",
					    "0x10", "1e3", " 1", "1 ", "1..2", "99M", "."};

	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(quantity_rate(wrong[i], &rate), -EINVAL);
	assert_int_equal(quantity_rates("5k,20k,60k", rates, 4, &count), 0);
	assert_int_equal(count, 3);
	assert_true(rates[0] == 5000 && rates[1] == 20000 && rates[2] == 60000);
	assert_int_equal(quantity_rates("1,2,3,4,5", rates, 4, &count), -EINVAL);
	assert_int_equal(quantity_rates("1,,2", rates, 4, &count), -EINVAL);
	assert_int_equal(quantity_rates("1,", rates, 4, &count), -EINVAL);
}

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} right[] = {{"30s", 30 * NS_PER_S},
		     {"500ms", 500 * NS_PER_MS},
		     {"2m", 120 * NS_PER_S},
		     {"1h", 3600 * NS_PER_S},
		     {"1.5", 1500 * NS_PER_MS},
		     {"10us", 10 * NS_PER_US},
		     {"0", 0}};
	static const char *const wrong[] = {"", "s", "1d", "-1s", "1 s", "1e9s", "800000s"};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(right); i++) {
		assert_int_equal(quantity_duration(right[i].text, &ns), 0);
		assert_int_equal(ns, right[i].ns);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(quantity_duration(wrong[i], &ns), -EINVAL);
}

static void urls_are_read(void **state)
{
	static const struct {
		const char *text, *host, *port, *authority, *path;
	} right[] = {
		{"http://127.0.0.1:8080", "127.0.0.1", "8080", "127.0.0.1:8080", ""},
		{"http://localhost/", "localhost", "80", "localhost", ""},
		{"http://[::1]:81/a/b?c=d", "::1", "81", "[::1]:81", "/a/b?c=d"},
	};
	static const char *const wrong[] = {"",
					    "x",
					    "https://a",
					    "http://",
					    "http://:80",
					    "http://a:",
					    "http://a:0",
					    "http://a:70000",
					    "http://a:8x",
					    "http://[::1",
					    "http://[]x",
					    "http://a/b c",
					    "http://a/\r\nX: y"};
	struct url url;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(right); i++) {
		assert_int_equal(url_parse(right[i].text, &url), 0);
		assert_string_equal(url.host, right[i].host);
		assert_string_equal(url.port, right[i].port);
		assert_string_equal(url.authority, right[i].authority);
		assert_string_equal(url.path, right[i].path);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(url_parse(wrong[i], &url), -EINVAL);
}

static struct load_options options;
static char error[OPTIONS_ERROR_BYTES];

#define PARSE(...) parse((const char *[]){"memlab-load", __VA_ARGS__, NULL})

static int parse(const char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return options_parse(&options, argc, (char **)argv, error);
}

static void a_full_command_line(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--url", "http://127.0.0.1:81", "--rate", "60k", "--arrivals", "poisson",
			       "--connections", "512", "--duration", "30s", "--warmup", "2s", "--keys", "77", "--zipf",
			       "1.2", "--format", "bin", "--seed", "7", "--check", "--stamp", "--spin", "--pipeline",
			       "4", "--json", "a", "--hgrm", "b", "--edges", "c", "--timeout", "3s"),
			 0);
	assert_string_equal(options.url.port, "81");
	assert_true(options.rates[0] == 60000 && options.rate_count == 1);
	assert_int_equal(options.arrivals, ARRIVALS_POISSON);
	assert_int_equal(options.connections, 512);
	assert_int_equal(options.pipeline, 4);
	assert_int_equal(options.duration_ns, 30 * NS_PER_S);
	assert_int_equal(options.warmup_ns, 2 * NS_PER_S);
	assert_int_equal(options.timeout_ns, 3 * NS_PER_S);
	assert_true(options.keys_given && options.keys == 77 && options.seed_given && options.seed == 7);
	assert_true(options.key_order == KEYS_ZIPF && options.zipf_exponent == 1.2);
	assert_int_equal(options.format, FORMAT_BIN);
	assert_true(options.check && options.stamp && options.spin);
	assert_string_equal(options.json_path, "a");
	assert_string_equal(options.hgrm_path, "b");
	assert_string_equal(options.edges_path, "c");
}

static void one_dash_will_do(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-rate=2k", "-connections", "3", "-uniform"), 0);
	assert_true(options.rates[0] == 2000);
	assert_int_equal(options.connections, 3);
	assert_int_equal(options.key_order, KEYS_UNIFORM);
	/* A value that looks like an option is a value. */
	assert_int_equal(PARSE("--json", "-"), 0);
	assert_string_equal(options.json_path, "-");
}

static void defaults_are_stated(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--sequential"), 0);
	assert_string_equal(options.url.authority, "127.0.0.1:8080");
	assert_true(options.rates[0] == 1000);
	assert_int_equal(options.connections, 64);
	assert_false(options.keys_given || options.seed_given);
	assert_int_equal(options.key_order, KEYS_SEQUENTIAL);
}

static void expect_refusal(int result, const char *part)
{
	assert_int_equal(result, -EINVAL);
	if (!strstr(error, part) || strchr(error, '\n') || !strchr(error, ';'))
		fail_msg("unexpected message: %s", error);
}

static void mistakes_are_named(void **state)
{
	(void)state;
	expect_refusal(PARSE("--nonsense"), "unknown option --nonsense");
	expect_refusal(PARSE("-x"), "unknown option -x");
	expect_refusal(PARSE("--rat", "5"), "unknown option --rat");
	expect_refusal(PARSE("--rate"), "missing value of --rate");
	expect_refusal(PARSE("--spin=yes"), "needless value in --spin=yes");
	expect_refusal(PARSE("stray"), "unexpected argument 'stray'");
	expect_refusal(PARSE("--rate", "fast"), "--rate 'fast'");
	expect_refusal(PARSE("--arrivals", "random"), "write constant or poisson");
	expect_refusal(PARSE("--connections", "10001"), "1 to 10000");
	expect_refusal(PARSE("--connections", "0"), "1 to 10000");
	expect_refusal(PARSE("--pipeline", "129"), "1 to 128");
	expect_refusal(PARSE("--duration", "0"), "--duration '0'");
	expect_refusal(PARSE("--warmup", "soon"), "--warmup 'soon'");
	expect_refusal(PARSE("--keys", "0"), "--keys '0'");
	expect_refusal(PARSE("--seed", "-1"), "--seed '-1'");
	expect_refusal(PARSE("--zipf", "21"), "--zipf '21'");
	expect_refusal(PARSE("--format", "xml"), "write json or bin");
	expect_refusal(PARSE("--url", "ftp://x"), "--url 'ftp://x'");
	expect_refusal(PARSE("--check", "--url", "http://a/path"), "--check");
}

static void requests_are_ready_bytes(void **state)
{
	struct request request;

	(void)state;
	assert_int_equal(PARSE("--format=bin"), 0);
	request_init(&request, &options);
	request_prepare(&request, 1234567);
	request_stamp(&request, 1, 2);
	request.bytes[request.total_bytes] = '\0';
	assert_string_equal(request.bytes, "GET /lookup?key=1234567&fmt=bin HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
	/* A shorter key after a longer one leaves nothing behind. */
	request_prepare(&request, 0);
	request.bytes[request.total_bytes] = '\0';
	assert_string_equal(request.bytes, "GET /lookup?key=0&fmt=bin HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
	assert_int_equal(PARSE("--stamp", "--url", "http://h/p?q"), 0);
	request_init(&request, &options);
	request_prepare(&request, 5);
	request_stamp(&request, 18446744073709551615ull, 20);
	request_stamp(&request, 10, 20);
	request.bytes[request.total_bytes] = '\0';
	assert_string_equal(request.bytes, "GET /p?q HTTP/1.1\r\nHost: h\r\nX-Memlab-Times: 10 20\r\n\r\n");
}

static void the_longest_request_fits(void **state)
{
	char url[URL_HOST_BYTES + URL_PATH_BYTES + 16];
	struct request request;

	(void)state;
	snprintf(url, sizeof(url), "http://%0255d/%0510d", 1, 2);
	assert_int_equal(PARSE("--stamp", "--url", url), 0);
	request_init(&request, &options);
	request_prepare(&request, UINT64_MAX);
	request_stamp(&request, UINT64_MAX, UINT64_MAX);
	assert_true(request.total_bytes < sizeof(request.bytes));
	assert_memory_equal(request.bytes + request.total_bytes - 4, "\r\n\r\n", 4);
}

static const char about[] = "{ \"live_heap\": 123, \"note\": \"a \\\"records\\\": 9 trap\",\n "
			    "\"run\":{\"path\":\"naive\",\"records\":231409,"
			    "\"nested\":[{\"seed\":{}}]}, \"seed\" : 42 ,\"last\":true}";

static void members_are_found(void **state)
{
	uint64_t value;
	size_t length;

	(void)state;
	assert_int_equal(jsonscan_u64(about, strlen(about), "records", &value), 0);
	assert_int_equal(value, 231409);
	assert_int_equal(jsonscan_u64(about, strlen(about), "live_heap", &value), 0);
	assert_int_equal(value, 123);
	assert_int_equal(jsonscan_u64(about, strlen(about), "absent", &value), -ENOENT);
	assert_int_equal(jsonscan_u64(about, strlen(about), "last", &value), -EINVAL);
	const char *run = jsonscan_member(about, strlen(about), "run", &length);

	assert_non_null(run);
	assert_int_equal(run[0], '{');
	assert_memory_equal(run + length - 4, "}}]}", 4);
	assert_null(jsonscan_member(about, strlen(about), "naive", &length));
}

/* Cut short or mutated, at the edge of a page: whatever is found lies inside. */
static void broken_documents_do_no_harm(void **state)
{
	struct random random;
	char text[sizeof(about)];

	(void)state;
	random_seed(&random, 3, 0);
	for (int i = 0; i < 50000; i++) {
		size_t length = random_below(&random, sizeof(about)), found;

		memcpy(text, about, length);
		if (length)
			text[random_below(&random, length)] = "{}[]\",:\\ 1"[random_below(&random, 10)];
		const char *edge = page_edge_copy(text, length);
		const char *value = jsonscan_member(edge, length, "run", &found);

		if (value)
			assert_true(value >= edge && value + found <= edge + length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_read),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(urls_are_read),
		cmocka_unit_test(a_full_command_line),
		cmocka_unit_test(one_dash_will_do),
		cmocka_unit_test(defaults_are_stated),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(requests_are_ready_bytes),
		cmocka_unit_test(the_longest_request_fits),
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(broken_documents_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
