/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of the live view as text, at two sizes. `test_screen_live run` is a live view of made-up, moving numbers
 * for live.bats, which works it in a pseudo-terminal.
 */
#include "golden.h"

#include <time.h>
#include <unistd.h>

#include "../../../collectors/trace/core/text.h"
#include "../../../collectors/trace/ui/live.h"
#include "../../../collectors/trace/ui/pages.h"
#include "fixture_cycle.h"
#include "fixture_summary.h"

static void fixture_history(struct history *history, unsigned seconds)
{
	memset(history, 0, sizeof(*history));
	for (unsigned i = 0; i < seconds * 1000; i++) {
		struct request request = {.arrival_ns = 1000000000000 + i * 1000000ull};
		uint64_t spread = (i * 7919ull) % 1000;
		uint64_t slow = i % 5000 > 4800 ? 2000000 + spread * 2000 : 0;
		request.queue.ns[CAUSE_GC_CPU] = slow;
		request.service.ns[CAUSE_OWN] = 20000 + spread * 20;
		request.begin_ns = request.arrival_ns + slow;
		request.end_ns = request.begin_ns + request.service.ns[CAUSE_OWN];
		history_add(history, &request);
	}
	for (unsigned i = 0; i < seconds / 5; i++)
		fixture_cycle(&history->cycles, i + 1, 1004800000000 + i * 5000000000ull);
}

static char *draw(enum page page, const struct trace_info *info, const struct summary *summary,
		  const struct history *history)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	const struct story story = {.info = info, .summary = summary};
	struct tree *flame = page == PAGE_FLAME ? story_tree(&story, FLAME_TAIL) : NULL;
	assert_int_equal(page_print(file, page, info, summary, history, flame, 0, "\n"), 0);
	tree_free(flame);
	fputc('\n', file);
	fclose(file);
	return text;
}

/* Exactly `rows` lines of at most `columns`, no control bytes. */
static void check_fits(const char *text, unsigned rows, unsigned columns)
{
	unsigned lines = 0;
	char line[4096];
	for (const char *at = text; *at; at += strlen(line) + 1, lines++) {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		assert_in_range(text_columns(line), 0, columns);
		for (const char *byte = line; *byte; byte++)
			assert_true((unsigned char)*byte >= 0x20);
	}
	assert_int_equal(lines, rows);
}

static void every_page_at_two_sizes(void **state)
{
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	struct history *history = malloc(sizeof(*history));
	(void)state;
	fixture_history(history, 90);
	strcpy(info.probes_left_out, "gc_alloc (--alloc=every), gc_pool_miss (memlab-trace probes), request_end (--no-flight)");
	for (unsigned page = 0; page < PAGE_COUNT; page++) {
		static const int sizes[][2] = {{24, 80}, {60, 200}};
		for (unsigned i = 0; i < 2; i++) {
			char name[64];
			info.rows = sizes[i][0];
			info.columns = sizes[i][1];
			char *text = draw(page, &info, &summary, history);
			snprintf(name, sizeof(name), "live-%s-%dx%d.txt", page_name(page), info.columns, info.rows);
			golden_check(name, text);
			check_fits(text, (unsigned)info.rows, (unsigned)info.columns);
			free(text);
		}
	}
	free(history);
}

static void nothing_yet(void **state)
{
	struct trace_info info = fixture_info_foreign();
	struct summary summary;
	struct history *history = calloc(1, sizeof(*history));
	(void)state;
	memset(&summary, 0, sizeof(summary));
	for (info.ascii = 0; info.ascii < 2; info.ascii++)
		for (unsigned page = 0; page < PAGE_COUNT; page++)
			for (info.rows = 5; info.rows < 70; info.rows += 13)
				for (info.columns = 40; info.columns < 260; info.columns += 70) {
					char *text = draw(page, &info, &summary, history);
					check_fits(text, (unsigned)(info.rows < 64 ? info.rows : 64),
						   (unsigned)info.columns);
					free(text);
				}
	free(history);
}

static void keys(void **state)
{
	(void)state;
	assert_int_equal(page_of_key('v'), PAGE_VERDICT);
	assert_int_equal(page_of_key('h'), PAGE_HEATMAP);
	assert_int_equal(page_of_key('?'), PAGE_HELP);
	assert_int_equal(page_of_key('x'), PAGE_COUNT);
}

static void no_terminal(void **state)
{
	struct live *live;
	(void)state;
	if (!isatty(0))
		assert_int_equal(live_open(&live), -25);
	live_close(NULL);
}

static int run(void)
{
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	struct history *history = malloc(sizeof(*history));
	const struct story story = {.info = &info, .summary = &summary};
	struct live *live;
	struct timespec now;
	fixture_history(history, 90);
	if (live_open(&live)) {
		free(history);
		return 1;
	}
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		summary.requests++;
		usleep(5000);
	} while (!live_tick(live, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, &story, history));
	live_close(live);
	free(history);
	puts("the verdict after");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "run") == 0)
		return run();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_page_at_two_sizes),
		cmocka_unit_test(nothing_yet),
		cmocka_unit_test(keys),
		cmocka_unit_test(no_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
