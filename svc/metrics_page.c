/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page. metrics.def is expanded into one family after the other; each calls the function add_<name> of this file,
 * so that a metric without a value does not link, and the order is the contract's.
 */
#include "metrics_page.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "serialize.h"

struct page {
	struct buffer *buffer;
	const struct service *service;
	enum metrics_format format;
	const char *name;
	struct metrics sum;
	struct gc_stats stats;
	int64_t wall_minus_monotonic_ns;
};

enum metrics_format metrics_negotiate(const char *accept)
{
	return accept && strstr(accept, "application/openmetrics-text") ? METRICS_OPENMETRICS : METRICS_CLASSIC;
}

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
					     : "text/plain; version=0.0.4; charset=utf-8";
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---------------------------------------------------------------- families */

/* OpenMetrics declares counters without _total, the classic format with it. */
static int family_length(const struct page *page, const char *type)
{
	int length = (int)strlen(page->name);
	return page->format == METRICS_OPENMETRICS && !strcmp(type, "counter") ? length - (int)strlen("_total")
									       : length;
}

static void begin_family(struct page *page, const char *name, const char *type, const char *unit, const char *help)
{
	page->name = name;
	int length = family_length(page, type);
	buffer_add_format(page->buffer, "# HELP %.*s %s\n# TYPE %.*s %s\n", length, name, help, length, name, type);
	if (page->format == METRICS_OPENMETRICS && unit[0] != '"')
		buffer_add_format(page->buffer, "# UNIT %.*s %s\n", length, name, unit);
}

static void add_u64(struct page *page, const char *labels, uint64_t value)
{
	buffer_add_format(page->buffer, "%s%s %" PRIu64 "\n", page->name, labels, value);
}

static void add_seconds(struct page *page, const char *labels, uint64_t ns)
{
	buffer_add_format(page->buffer, "%s%s %.9f\n", page->name, labels, (double)ns / 1e9);
}

static void add_exemplar(struct page *page, const struct metrics_exemplar *exemplar)
{
	if (page->format != METRICS_OPENMETRICS || !exemplar || !exemplar->version)
		return;
	double wall_s = (double)((int64_t)exemplar->end_ns + page->wall_minus_monotonic_ns) / 1e9;
	buffer_add_format(page->buffer, " # {key=\"%" PRIu64 "\"} %.9f %.3f", exemplar->key,
			  (double)exemplar->duration_ns / 1e9, wall_s);
}

static void add_bucket(struct page *page, const char *edge, uint64_t count, const struct metrics_exemplar *exemplar)
{
	buffer_add_format(page->buffer, "%s_bucket{le=\"%s\"} %" PRIu64, page->name, edge, count);
	add_exemplar(page, exemplar);
	buffer_add(page->buffer, "\n", 1);
}

/* `at_most[i]` observations up to the i-th edge; `exemplars` NULL or one per bucket. */
static void add_histogram(struct page *page, const uint64_t at_most[METRICS_EDGES], uint64_t count, uint64_t sum_ns,
			  const struct metrics_exemplar *exemplars)
{
	for (unsigned i = 0; i < METRICS_EDGES; i++) {
		char edge[32];
		snprintf(edge, sizeof(edge), "%.9g", (double)metrics_edge_ns(i) / 1e9);
		add_bucket(page, edge, at_most[i], exemplars ? &exemplars[i] : NULL);
	}
	add_bucket(page, "+Inf", count, exemplars ? &exemplars[METRICS_EDGES] : NULL);
	buffer_add_format(page->buffer, "%s_sum %.9f\n%s_count %" PRIu64 "\n", page->name, (double)sum_ns / 1e9,
			  page->name, count);
}

/* ------------------------------------------------------------- the service */

static void add_memlab_svc_requests_total(struct page *page)
{
	for (unsigned status = 0; status < METRICS_STATUS_MAX; status++) {
		char labels[32];
		snprintf(labels, sizeof(labels), "{code=\"%u\"}", status);
		if (page->sum.status[status] || status == 200)
			add_u64(page, labels, page->sum.status[status]);
	}
}

static void add_memlab_svc_request_duration_seconds(struct page *page)
{
	uint64_t at_most[METRICS_EDGES], count = 0;
	for (unsigned i = 0; i < METRICS_EDGES; i++)
		at_most[i] = count += page->sum.duration[i];
	count += page->sum.duration[METRICS_EDGES];
	add_histogram(page, at_most, count, page->sum.duration_sum_ns, page->sum.exemplars);
}

static void add_memlab_svc_lookups_total(struct page *page)
{
	add_u64(page, "", page->sum.lookups);
}

static void add_memlab_svc_lookup_allocs_total(struct page *page)
{
	add_u64(page, "", page->sum.lookup_allocs);
}

static void add_memlab_svc_replies_reused_total(struct page *page)
{
	add_u64(page, "", page->sum.replies_reused);
}

static void add_memlab_svc_replies_created_total(struct page *page)
{
	add_u64(page, "", page->sum.replies_created);
}

static void add_memlab_svc_info(struct page *page)
{
	const struct config *config = page->service->config;
	char fixes[64] = "", labels[256];
	fix_list_text(config->fixes, fixes, sizeof(fixes));
	snprintf(labels, sizeof(labels),
		 "{path=\"%s\",fix=\"%s\",layout=\"%s\",record=\"%s\",intern=\"%s\",version=\"%s\"}",
		 config->path == PATH_OPT ? "opt" : "naive", fixes, layout_names[config->layout],
		 record_form_names[config->form], config->intern ? "on" : "off", MEMLAB_VERSION);
	add_u64(page, labels, 1);
}

/* ------------------------------------------------------------- the heap */

static void add_memlab_gc_cpu_ratio(struct page *page)
{
	buffer_add_format(page->buffer, "%s %.6g\n", page->name, page->stats.gc_cpu_fraction);
}

static void add_memlab_gc_cycles_total(struct page *page)
{
	add_u64(page, "", page->stats.cycles);
}

static void add_memlab_gc_cpu_seconds_total(struct page *page)
{
	add_seconds(page, "{class=\"worker\"}", page->stats.worker_cpu_ns);
	add_seconds(page, "{class=\"assist\"}", page->stats.assist_cpu_ns);
	add_seconds(page, "{class=\"idle\"}", page->stats.idle_cpu_ns);
	add_seconds(page, "{class=\"sweep\"}", page->stats.sweep_cpu_ns);
}

static void add_memlab_gc_pause_seconds(struct page *page)
{
	uint64_t edges_ns[METRICS_EDGES + 1], at_most[METRICS_EDGES + 1];
	for (unsigned i = 0; i < METRICS_EDGES; i++)
		edges_ns[i] = metrics_edge_ns(i);
	edges_ns[METRICS_EDGES] = UINT64_MAX;
	uint64_t sum_ns = gc_handshake_histogram(page->service->heap, edges_ns, at_most, METRICS_EDGES + 1);
	add_histogram(page, at_most, at_most[METRICS_EDGES], sum_ns, NULL);
}

static void add_memlab_heap_live_bytes(struct page *page)
{
	add_u64(page, "", page->stats.live_bytes);
}

static void add_memlab_heap_goal_bytes(struct page *page)
{
	add_u64(page, "", page->stats.goal_bytes);
}

static void add_memlab_heap_resident_bytes(struct page *page)
{
	add_u64(page, "", page->stats.resident_bytes);
}

static void add_memlab_heap_allocs_total(struct page *page)
{
	add_u64(page, "", page->stats.total_allocs);
}

static void add_memlab_heap_alloc_bytes_total(struct page *page)
{
	add_u64(page, "", page->stats.total_alloc_bytes);
}

void metrics_page_add(struct buffer *buffer, const struct service *service, enum metrics_format format)
{
	struct page page = {.buffer = buffer, .service = service, .format = format};
	page.wall_minus_monotonic_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	service_metrics(service, &page.sum);
	gc_stats(service->heap, &page.stats);
#define METRIC(name, type, unit, help)                  \
	begin_family(&page, #name, #type, #unit, help); \
	add_##name(&page);
#include "metrics.def"
	if (format == METRICS_OPENMETRICS)
		buffer_add_text(buffer, "# EOF\n");
}
