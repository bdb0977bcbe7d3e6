/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline of the worst requests and the tail flame graph. */
#include "golden.h"

#include "../../../collectors/trace/core/json_reader.h"
#include "../../../collectors/trace/export/tail.h"
#include "../../../collectors/trace/export/timeline.h"
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
	assert_int_equal(export_timeline(file, &info, &summary, NULL, NULL), 0);
	fclose(file);
	assert_true(json_is_object(text));
	golden_check("timeline.json", text);
	free(text);
	summary.worst_count = 0;
	file = open_memstream(&text, &size);
	assert_int_equal(export_timeline(file, &info, &summary, NULL, NULL), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeline),
		cmocka_unit_test(tail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
