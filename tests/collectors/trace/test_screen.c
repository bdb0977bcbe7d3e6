/* SPDX-License-Identifier: Apache-2.0 */
/* The first screen: golden pictures, and the rules that hold for any summary. */
#include "golden.h"

#include <fcntl.h>
#include <unistd.h>

#include "../../../collectors/trace/core/text.h"
#include "../../../collectors/trace/export/advice.h"
#include "../../../collectors/trace/ui/screen.h"
#include "fixture_summary.h"

static char *draw(const struct trace_info *info, const struct summary *summary)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	assert_int_equal(screen_print(file, info, summary), 0);
	fclose(file);
	return text;
}

/* At most `rows` lines of at most `columns`, and not one control byte but the newline. */
static void check_fits(char *text, unsigned rows, unsigned columns)
{
	unsigned lines = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		lines++;
		if (text_columns(line) > columns)
			fail_msg("%u columns: %s", text_columns(line), line);
		for (const char *byte = line; *byte; byte++)
			assert_true((unsigned char)*byte >= 0x20 && *byte != 0x7f);
	}
	assert_in_range(lines, 5, rows);
}

static void check(const char *name, const struct trace_info *info, const struct summary *summary)
{
	char *text = draw(info, summary);
	golden_check(name, text);
	check_fits(text, 23, 80);
	free(text);
}

static void the_verdict(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	check("screen.txt", &info, &summary);
	info.ascii = 1;
	check("screen-ascii.txt", &info, &summary);
}

static void a_stranger(void **state)
{
	(void)state;
	struct trace_info info = fixture_info_foreign();
	struct summary summary = fixture_summary();
	memset(&summary.gc, 0, sizeof(summary.gc));
	memset(&summary.alloc, 0, sizeof(summary.alloc));
	summary.worst[0].has_service = 0;
	for (unsigned cause = CAUSE_ALLOC; cause <= CAUSE_GC_CPU; cause++)
		summary.cohort[COHORT_P99].queue_ns[cause] = summary.cohort[COHORT_P99].service_ns[cause] = 0;
	summary.lost = 17;
	summary.late = 3;
	summary.cut = 2;
	info.cost.target_ns_per_request = info.cost.tracer_cpu_percent = info.cost.bpf_cpu_percent = -1;
	check("screen-foreign.txt", &info, &summary);
}

static void nothing_is_a_verdict(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	struct summary summary;
	memset(&summary, 0, sizeof(summary));
	check("screen-no-requests.txt", &info, &summary);
	summary = fixture_summary();
	summary.gc.cycles = 0;
	summary.without_gc = summary.server;
	check("screen-no-cycles.txt", &info, &summary);
}

static void wide_and_coloured(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	info.rows = 60;
	info.columns = 200;
	char *plain = draw(&info, &summary);
	golden_check("screen-wide.txt", plain);
	info.color = 1;
	char *text = draw(&info, &summary), *out = text;
	for (const char *in = text; *in; in++) {
		if (*in == '\033')
			in = strchr(in, 'm');
		else
			*out++ = *in;
	}
	*out = '\0';
	assert_string_equal(text, plain); /* colour only repeats what the words say */
	check_fits(plain, 59, 200);
	free(plain);
	free(text);
}

/* Whatever the numbers are, the screen keeps its size. */
static void any_numbers_fit(void **state)
{
	(void)state;
	uint64_t seed = 88172645463325252;
	for (unsigned round = 0; round < 300; round++) {
		struct trace_info info = round % 2 ? fixture_info() : fixture_info_foreign();
		struct summary summary = fixture_summary();
		uint64_t *words = (uint64_t *)&summary;
		for (unsigned i = 0; i < sizeof(summary) / sizeof(*words); i++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			if (seed % 3 == 0)
				words[i] = seed >> (seed % 64);
		}
		info.ascii = round % 5 == 0;
		char *text = draw(&info, &summary);
		check_fits(text, 23, 80);
		free(text);
	}
}

static void causes_are_ordered(void **state)
{
	(void)state;
	struct summary summary = fixture_summary();
	enum cause order[CAUSE_COUNT];
	assert_int_equal(advice_order(order, &summary.cohort[COHORT_P99]), CAUSE_COUNT);
	assert_int_equal(order[0], CAUSE_GC_CPU);
	assert_int_equal(order[1], CAUSE_RUNQ);
	assert_int_equal(order[CAUSE_COUNT - 1], CAUSE_FAULT);
	unsigned threads;
	assert_int_equal(advice_culprit(&summary, CAUSE_GC_CPU, &threads)->tid, 4713);
	assert_int_equal(advice_culprit(&summary, CAUSE_RUNQ, &threads)->tid, 4720);
	assert_int_equal(threads, 1);
	assert_null(advice_culprit(&summary, CAUSE_OWN, NULL));
	/* Many short-lived threads of one name weigh more than the greatest single one. */
	for (unsigned i = 2; i < 6; i++)
		summary.culprits[i] = (struct culprit){"cc1", 5000 + i, 0, 100000000};
	summary.culprit_count = 6;
	assert_int_equal(advice_culprit(&summary, CAUSE_RUNQ, &threads)->tid, 5002);
	assert_int_equal(threads, 4);
}

/* Every cause has its own advice, and what it names fits the target. */
static void advice_fits_the_cause(void **state)
{
	(void)state;
	char texts[CAUSE_COUNT][ADVICE_BYTES];
	struct trace_info info = fixture_info();
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
		struct summary summary = fixture_summary();
		summary.cohort[COHORT_P99].queue_ns[cause] += 1e9;
		advice_text(texts[cause], &info, &summary);
		for (unsigned other = 0; other < cause; other++)
			assert_string_not_equal(texts[cause], texts[other]);
	}
	assert_non_null(strstr(texts[CAUSE_GC_CPU], "GOGC=200"));
	assert_non_null(strstr(texts[CAUSE_GC_CPU], "--path opt"));
	assert_non_null(strstr(texts[CAUSE_RUNQ], "memlab-load"));
	struct summary summary = fixture_summary();
	info.run_json = "{\"path\":\"opt\",\"gogc\":\"off\"}";
	char text[ADVICE_BYTES];
	advice_text(text, &info, &summary);
	assert_null(strstr(text, "--path opt"));
	assert_null(strstr(text, "GOGC"));
}

/* Its own work is not what fills the tail while a hypervisor has the CPU. */
static void advice_on_steal(void **state)
{
	(void)state;
	char text[ADVICE_BYTES];
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	summary.cohort[COHORT_P99].queue_ns[CAUSE_OWN] += 1e9;
	fixture_steal(&summary);
	advice_text(text, &info, &summary);
	assert_null(strstr(text, "hypervisor"));
	summary.cohort[COHORT_P99].steal_ns += 1e6;
	advice_text(text, &info, &summary);
	assert_non_null(strstr(text, "hypervisor"));
}

static void numbers_for_people(void **state)
{
	(void)state;
	static const struct {
		double ns;
		const char *text;
	} cases[] = {{0, "0 ns"},          {999, "999 ns"},      {1000, "1.00 us"},         {31234, "31.2 us"},
		     {410000, "410 us"},   {999400, "999 us"},   {999600, "1.00 ms"},       {4150000, "4.15 ms"},
		     {9995000, "10.0 ms"}, {99960000, "100 ms"}, {12345678901.0, "12.3 s"}, {5e12, "5000 s"}};
	char number[TEXT_NUMBER_BYTES];
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(text_ns(number, cases[i].ns), cases[i].text);
	assert_string_equal(text_bytes(number, 1536), "1.50 KiB");
	assert_string_equal(text_bytes(number, 67108864), "64.0 MiB");
	assert_string_equal(text_count(number, 999), "999");
	assert_string_equal(text_count(number, 1234567), "1,234,567");
}

static void strangers_are_cleaned(void **state)
{
	(void)state;
	char out[64];
	assert_int_equal(text_clean(out, sizeof(out), "a\033[2J\xff\xe2\x80\xae\x07z", 20, 0), 9);
	assert_string_equal(out, "a?[2J???z");
	assert_int_equal(text_clean(out, sizeof(out), "日本語", 5, 0), 5);
	assert_string_equal(out, "日本~");
	assert_int_equal(text_clean(out, sizeof(out), "é", 5, 1), 1);
	assert_string_equal(out, "?");
	assert_int_equal(text_clean(out, 8, "abcdefghijklmnop", 40, 0), 3); /* never past its end */
	assert_int_equal(text_columns("e\xcc\x81"), 1);
}

/* Tail mode says how far its numbers may be off, and where there are too few requests for that. */
static void intervals(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	info.mode = "tail";
	summary.checks.fault_estimated_ns = 5000;
	char *text = draw(&info, &summary);
	golden_check("screen-tail.txt", text);
	check_fits(text, 23, 80);
	free(text);
	info.ascii = 1;
	text = draw(&info, &summary);
	assert_non_null(strstr(text, " 95 % interval, +-        300 ns  1.10 us   350 us  1.20 ms  too few\n"));
	free(text);
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++)
		summary.cohort[COHORT_P99].share_error[cause] = -1;
	memset(summary.server_interval, 0, sizeof(summary.server_interval));
	summary.cohort[COHORT_P99].count = 7;
	text = draw(&info, &summary);
	assert_non_null(strstr(text, " 95 % interval, +-       too few  too few  too few  too few  too few\n"));
	assert_non_null(strstr(text, "(7 requests at or over 4.13 ms: too few for +-)\n"));
	check_fits(text, 23, 80);
	free(text);
}

/* Clients that say when they meant to send: two rows more, and of how many requests they speak if it is not all. */
static void what_clients_say(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	fixture_client_times(&summary);
	check("screen-client.txt", &info, &summary);
	summary.response.count = summary.client_wait.count = summary.requests;
	char *text = draw(&info, &summary);
	assert_non_null(strstr(text, "\n response       "));
	free(text);
}

/* What of own is not the program's, as far as the row has room. */
static void what_own_is_made_of(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	fixture_steal(&summary);
	char *text = draw(&info, &summary);
	assert_non_null(strstr(text, "  stolen 125 us\n"));
	check_fits(text, 23, 80);
	free(text);
	fixture_kernel_net(&summary);
	text = draw(&info, &summary);
	assert_non_null(strstr(text, "  sending 65.0 us\n"));
	check_fits(text, 23, 80);
	free(text);
	info.columns = 120;
	text = draw(&info, &summary);
	assert_non_null(strstr(text, "  sending 65.0 us  stolen 125 us\n"));
	free(text);
}

static void one_line(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	assert_int_equal(screen_print_line(file, &info, &summary), 0);
	summary.requests = 0;
	assert_int_equal(screen_print_line(file, &info, &summary), 0);
	fclose(file);
	assert_string_equal(text, "after 10.0 s: 120,000 requests   p50 31.2 us   p99 4.15 ms   lost 0\n"
				  "after 10.0 s: 0 requests   lost 0\n");
	free(text);
	info.columns = 120;
	summary.requests = 120000;
	file = open_memstream(&text, &size);
	screen_print_line(file, &info, &summary);
	fclose(file);
	assert_non_null(strstr(text, "   slowest 1 %: gc_cpu 58.4 %\n"));
	free(text);
}

/* What a terminal's environment says about colour. */
static void no_color(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	FILE *terminal = fopen(ptsname(master), "w");
	assert_non_null(terminal);
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	screen_detect(&info, terminal, NULL);
	assert_int_equal(info.color, 1);
	setenv("NO_COLOR", "", 1); /* empty is as if it were not there */
	screen_detect(&info, terminal, NULL);
	assert_int_equal(info.color, 1);
	setenv("NO_COLOR", "1", 1);
	screen_detect(&info, terminal, NULL);
	assert_int_equal(info.color, 0);
	screen_detect(&info, terminal, "always"); /* said louder than the environment */
	assert_int_equal(info.color, 1);
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	screen_detect(&info, terminal, NULL);
	assert_int_equal(info.color, 0);
	fclose(terminal);
	close(master);
}

static void options(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	FILE *file = fopen("/dev/null", "w");
	assert_int_equal(screen_detect(&info, file, "auto"), 0);
	assert_int_equal(info.color, 0);
	assert_int_equal(info.columns, 80);
	assert_int_equal(screen_detect(&info, file, "always"), 0);
	assert_int_equal(info.color, 1);
	assert_int_equal(screen_detect(&info, file, "sometimes"), -22);
	setenv("LC_ALL", "C", 1);
	screen_detect(&info, file, NULL);
	assert_int_equal(info.ascii, 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	screen_detect(&info, file, NULL);
	assert_int_equal(info.ascii, 0);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_verdict),           cmocka_unit_test(a_stranger),
		cmocka_unit_test(nothing_is_a_verdict),  cmocka_unit_test(wide_and_coloured),
		cmocka_unit_test(any_numbers_fit),       cmocka_unit_test(causes_are_ordered),
		cmocka_unit_test(advice_fits_the_cause), cmocka_unit_test(advice_on_steal),
		cmocka_unit_test(what_own_is_made_of), cmocka_unit_test(numbers_for_people),
		cmocka_unit_test(strangers_are_cleaned), cmocka_unit_test(options),
		cmocka_unit_test(one_line),              cmocka_unit_test(no_color),
		cmocka_unit_test(intervals),
		cmocka_unit_test(what_clients_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
