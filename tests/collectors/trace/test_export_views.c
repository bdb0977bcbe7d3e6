/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline, the tail flame graph, and the views as main uses them: options, files, errors. */
#include "golden.h"

#include <errno.h>
#include <unistd.h>

#include "../../../collectors/trace/core/json_reader.h"
#include "../../../collectors/trace/export/tail.h"
#include "../../../collectors/trace/export/timeline.h"
#include "../../../collectors/trace/ui/views.h"
#include "fixture_summary.h"

static void timeline(void **state)
{
	(void)state;
	struct trace_info info = fixture_info_foreign();
	struct summary summary = fixture_summary();
	char *text = NULL;
	size_t size = 0;
	summary.worst[1] = summary.worst[0];
	summary.worst[1].arrival_ns -= 1000000;
	summary.worst[1].begin_ns = summary.worst[1].arrival_ns; /* no queue: no slice */
	memset(&summary.worst[1].queue, 0, sizeof(summary.worst[1].queue));
	summary.worst_count = 2;
	FILE *file = open_memstream(&text, &size);
	assert_int_equal(export_timeline(file, &info, &summary), 0);
	fclose(file);
	assert_true(json_is_object(text));
	golden_check("timeline.json", text);
	free(text);
	summary.worst_count = 0;
	file = open_memstream(&text, &size);
	assert_int_equal(export_timeline(file, &info, &summary), 0);
	fclose(file);
	assert_true(json_is_object(text));
	free(text);
}

static void tail(void **state)
{
	(void)state;
	struct summary summary = fixture_summary();
	struct tree *tree = tree_new();
	char *text = NULL;
	size_t size = 0;
	assert_int_equal(tree_add_tail(tree, &summary), 0);
	assert_int_equal(tree_root(tree)->value, 4351000); /* the mean request of the slowest 1 % */
	FILE *file = open_memstream(&text, &size);
	assert_int_equal(export_flame(file, tree, &tail_flame_options), 0);
	fclose(file);
	golden_check("tail.svg", text);
	free(text);
	tree_free(tree);
}

static struct views_options parse(int argc, const char **argv)
{
	struct views_options options = {0};
	assert_int_equal(
		argp_parse(&views_argp, argc, (char **)(uintptr_t)argv, ARGP_NO_EXIT | ARGP_NO_ERRS, NULL, &options),
		0);
	return options;
}

static void options(void **state)
{
	(void)state;
	const char *argv[] = {"t", "--listen=:0",  "--listen-anyone", "--html",
			      "a", "--timeline=b", "--color=never",   "--no-live",
			      NULL};
	struct views_options parsed = parse(8, argv);
	assert_string_equal(parsed.listen, ":0");
	assert_string_equal(parsed.html, "a");
	assert_string_equal(parsed.timeline, "b");
	assert_string_equal(parsed.color, "never");
	assert_int_equal(parsed.anyone, 1);
	assert_int_equal(parsed.no_live, 1);
}

/* A whole run: requests in, files out. */
static void files(void **state)
{
	(void)state;
	char folder[] = "/tmp/test_views_XXXXXX", paths[3][64];
	static const char *const starts[] = {"<!doctype html>", "{\"displayTimeUnit\"", "<?xml"};
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	const struct board_source source = {.info = &info, .summary = &summary};
	struct request request = fixture_worst();
	struct views *views;
	assert_non_null(mkdtemp(folder));
	for (unsigned i = 0; i < 3; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%u", folder, i);
	const struct views_options wanted = {.html = paths[0], .timeline = paths[1], .tail = paths[2], .no_live = 1};
	assert_int_equal(views_open(&views, &wanted, &source), 0);
	assert_int_equal(views_wants_updates(views), 0);
	views_request(views, &request);
	assert_int_equal(views_tick(views, 1), 0);
	views_close(views);
	assert_int_equal(views_finish(views), 0);
	for (unsigned i = 0; i < 3; i++) {
		char *text = golden_read(paths[i]);
		assert_ptr_equal(strstr(text, starts[i]), text);
		free(text);
		unlink(paths[i]);
	}
	rmdir(folder);
	assert_int_equal(views_finish(views), -ENOENT); /* the folder is gone */
	views_free(views);
}

static void listening(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	const struct board_source source = {.info = &info, .summary = &summary};
	struct views *views;
	struct views_options wanted = {.listen = "nonsense", .no_live = 1};
	assert_int_equal(views_open(&views, &wanted, &source), -EINVAL);
	wanted.listen = "0.0.0.0:0";
	assert_int_equal(views_open(&views, &wanted, &source), -EPERM);
	wanted.listen = "127.0.0.1:0";
	assert_int_equal(views_open(&views, &wanted, &source), 0);
	assert_int_equal(views_wants_updates(views), 1);
	assert_int_equal(views_tick(views, 1), 0);
	views_free(views);
	views_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeline), cmocka_unit_test(tail),      cmocka_unit_test(options),
		cmocka_unit_test(files),    cmocka_unit_test(listening),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
