/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics: edges, sums, both formats. With METRICS_DUMP=FOLDER the bodies are left there for promtool (metrics.bats).
 */
#include "golden.h"

#include <inttypes.h>

#include "../../../bpf/hist.h"
#include "../../../collectors/trace/export/metrics.h"
#include "fixture_summary.h"

static void edges(void **state)
{
	(void)state;
	assert_int_equal(metrics_edge_ns(0), 1024);
	assert_int_equal(metrics_edge_ns(1), 1536);
	assert_int_equal(metrics_edge_ns(METRICS_EDGES - 1), (uint64_t)1 << 34);
	for (unsigned bucket = 0; bucket < METRICS_EDGES; bucket++) {
		uint64_t edge = metrics_edge_ns(bucket);
		assert_int_equal(hist_floor(hist_bucket(edge)), edge); /* an edge of hist.h too */
		assert_int_equal(metrics_bucket(edge), bucket);
		assert_int_equal(metrics_bucket(edge + 1), bucket + 1);
	}
	assert_int_equal(metrics_bucket(0), 0);
	assert_int_equal(metrics_bucket(UINT64_MAX), METRICS_EDGES);
}

static struct metrics *fixture_metrics(uint64_t *sum_ns)
{
	struct metrics *metrics = metrics_new();
	struct request request = fixture_worst();
	*sum_ns = 0;
	for (unsigned i = 0; i < 1000; i++) {
		request.arrival_ns += 1000000;
		request.begin_ns = request.arrival_ns + i * 10;
		request.end_ns = request.begin_ns + 20000 + i * i;
		memset(&request.queue, 0, sizeof(request.queue));
		memset(&request.service, 0, sizeof(request.service));
		request.queue.ns[CAUSE_RUNQ] = i * 10;
		request.service.ns[CAUSE_OWN] = 20000;
		request.service.ns[CAUSE_GC_CPU] = i * i;
		request.without_gc_ns = 20000;
		*sum_ns += request.end_ns - request.arrival_ns;
		metrics_request(metrics, &request, 1700000000000000000 + i);
	}
	return metrics;
}

static char *body(const struct metrics *metrics, enum metrics_format format)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	struct trace_info info = fixture_info_foreign();
	struct summary summary = fixture_summary();
	info.kind = "a\"b\\c\nd";
	assert_int_equal(metrics_write(file, metrics, format, &info, &summary, 1234567890), 0);
	fclose(file);
	if (getenv("METRICS_DUMP")) {
		char path[512];
		snprintf(path, sizeof(path), "%s/%s", getenv("METRICS_DUMP"),
			 format == METRICS_CLASSIC ? "classic" : "open");
		file = fopen(path, "w");
		fputs(text, file);
		fclose(file);
	}
	return text;
}

/* The sum of all samples whose line starts with `prefix` and holds `label`. */
static double total(const char *text, const char *prefix, const char *label)
{
	double sum = 0;
	char line[512];
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		if (strncmp(line, prefix, strlen(prefix)) == 0 && strstr(line, label))
			sum += strtod(strchr(line, '}') ? strchr(line, '}') + 1 : strchr(line, ' '), NULL);
	}
	return sum;
}

static void classic_text(void **state)
{
	(void)state;
	uint64_t sum_ns;
	struct metrics *metrics = fixture_metrics(&sum_ns);
	char *text = body(metrics, METRICS_CLASSIC);
	assert_non_null(strstr(text, "# TYPE memlab_request_cause_seconds_total counter\n"));
	assert_non_null(strstr(text, "memlab_request_server_seconds_count 1000\n"));
	assert_non_null(strstr(text, "memlab_request_server_seconds_bucket{le=\"+Inf\"} 1000\n"));
	assert_non_null(strstr(text, "memlab_request_server_seconds_bucket{le=\"1.024e-06\"} 0\n"));
	assert_non_null(strstr(text, "memlab_trace_gc_cycles_total 37\n"));
	assert_non_null(strstr(text, "memlab_trace_cpu_seconds_total 1.234568\n"));
	assert_non_null(strstr(text, "kind=\"a\\\"b\\\\c?d\""));
	assert_null(strstr(text, " # {")); /* no exemplars, which this format does not know */
	assert_null(strstr(text, "EOF"));
	/* The causes of all buckets sum to the server time. */
	assert_true(total(text, "memlab_request_cause_seconds_total", "") - (double)sum_ns / 1e9 < 1e-6);
	assert_true((double)sum_ns / 1e9 - total(text, "memlab_request_cause_seconds_total", "") < 1e-6);
	assert_true(total(text, "memlab_request_cause_seconds_total", "cause=\"own\"") > 0.0199999);
	free(text);
	metrics_free(metrics);
}

static void openmetrics_text(void **state)
{
	(void)state;
	uint64_t sum_ns;
	struct metrics *metrics = fixture_metrics(&sum_ns);
	char *text = body(metrics, METRICS_OPENMETRICS);
	assert_non_null(strstr(
		text, "# TYPE memlab_request_cause_seconds counter\n# UNIT memlab_request_cause_seconds seconds\n"));
	assert_non_null(strstr(text, " # {request=\""));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	free(text);
	metrics_free(metrics);
}

/* Every name of metrics.def is there, with its help and type, even before the first request. */
static void every_metric(void **state)
{
	(void)state;
	static const char *const names[] = {
#define METRIC(name, type, unit, help) "\n# TYPE " #name " " #type "\n",
#include "../../../collectors/trace/export/metrics.def"
	};
	struct metrics *metrics = metrics_new();
	char *text = body(metrics, METRICS_CLASSIC);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_non_null(strstr(text, names[i]));
	free(text);
	metrics_free(metrics);
}

static void negotiation(void **state)
{
	(void)state;
	assert_int_equal(metrics_negotiate(NULL), METRICS_CLASSIC);
	assert_int_equal(metrics_negotiate("text/plain"), METRICS_CLASSIC);
	assert_int_equal(metrics_negotiate("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
			 METRICS_OPENMETRICS);
	assert_non_null(strstr(metrics_content_type(METRICS_CLASSIC), "0.0.4"));
	assert_non_null(strstr(metrics_content_type(METRICS_OPENMETRICS), "openmetrics"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges),        cmocka_unit_test(every_metric),
		cmocka_unit_test(classic_text), cmocka_unit_test(openmetrics_text),
		cmocka_unit_test(negotiation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
