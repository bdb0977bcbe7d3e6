/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <errno.h>
#include <string.h>

#include "../core/json_reader.h"
#include "../core/json_writer.h"
#include "advice.h"

static const char *const cohort_keys[COHORT_COUNT] = {"p50", "p99", "p999"};

static void write_known(struct json_writer *json, const char *key, double value)
{
	if (value < 0)
		json_raw(json, key, "null");
	else
		json_number(json, key, value);
}

static void write_target(struct json_writer *json, const struct trace_info *info)
{
	json_object_begin(json, "target");
	json_unsigned(json, "pid", info->pid);
	json_string_bytes(json, "comm", info->comm, strnlen(info->comm, sizeof(info->comm)));
	json_string(json, "kind", info->kind);
	json_object_end(json);
	if (info->run_json && json_is_object(info->run_json))
		json_object_text(json, "run", info->run_json);
	else
		json_raw(json, "run", "{}");
}

static void write_watching(struct json_writer *json, const struct trace_info *info, const struct summary *summary)
{
	char next[ADVICE_BYTES];
	json_string(json, "mode", info->mode);
	json_string(json, "mode_asked", info->mode_asked);
	json_string(json, "mode_why", info->mode_why[0] ? info->mode_why : NULL);
	json_string(json, "alloc_mode", info->alloc_mode);
	json_string(json, "missing", info->missing);
	json_string(json, "next", advice_text(next, info, summary));
	json_string(json, "no_requests", summary->requests ? NULL : advice_no_requests(next, info, summary));
	json_object_begin(json, "probes");
	json_unsigned(json, "found", info->probes_found);
	json_unsigned(json, "attached", info->probes_attached);
	json_unsigned(json, "attach_ns", info->attach_ns);
	json_string(json, "left_out", info->probes_left_out[0] ? info->probes_left_out : NULL);
	json_object_end(json);
	json_object_begin(json, "cost");
	write_known(json, "target_ns_per_request", info->cost.target_ns_per_request);
	write_known(json, "tracer_cpu_percent", info->cost.tracer_cpu_percent);
	write_known(json, "bpf_cpu_percent", info->cost.bpf_cpu_percent);
	write_known(json, "budget_percent", info->cost.budget_percent);
	json_object_end(json);
}

static void write_counts(struct json_writer *json, const struct trace_info *info, const struct summary *summary)
{
	json_number(json, "duration_s", (double)info->duration_ns / 1e9);
	json_unsigned(json, "requests", summary->requests);
	write_known(json, "requests_per_s", info->requests_per_second);
	json_unsigned(json, "first_ns", summary->first_ns);
	json_unsigned(json, "last_ns", summary->last_ns);
	json_unsigned(json, "cut", summary->cut);
	json_unsigned(json, "lost", summary->lost);
	json_unsigned(json, "late", summary->late);
	json_unsigned(json, "negative", summary->negative);
}

static void write_quantiles(struct json_writer *json, const char *key, const struct quantiles *quantiles)
{
	json_object_begin(json, key);
	json_unsigned(json, "count", quantiles->count);
	json_unsigned(json, "p50", quantiles->p50);
	json_unsigned(json, "p90", quantiles->p90);
	json_unsigned(json, "p99", quantiles->p99);
	json_unsigned(json, "p999", quantiles->p999);
	json_unsigned(json, "p9999", quantiles->p9999);
	json_unsigned(json, "max", quantiles->max);
	json_number(json, "mean", quantiles->mean);
	json_object_end(json);
}

/* {"p50":[low,high],...}; null: too few requests to tell. */
static void write_intervals(struct json_writer *json, const struct summary *summary)
{
	static const char *const keys[INTERVAL_COUNT] = {"p50", "p90", "p99", "p999", "p9999"};
	json_object_begin(json, "server_interval_ns");
	for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
		const struct interval *interval = &summary->server_interval[i];
		if (!interval->high_ns) {
			json_raw(json, keys[i], "null");
			continue;
		}
		json_array_begin(json, keys[i]);
		json_unsigned(json, NULL, interval->low_ns);
		json_unsigned(json, NULL, interval->high_ns);
		json_array_end(json);
	}
	json_object_end(json);
}

static void write_cause_span(struct json_writer *json, const struct summary *summary, enum cause cause, int queue)
{
	json_object_begin(json, queue ? "queue_ns" : "service_ns");
	for (unsigned i = 0; i < COHORT_COUNT; i++) {
		const struct cohort *cohort = &summary->cohort[i];
		json_number(json, cohort_keys[i], queue ? cohort->queue_ns[cause] : cohort->service_ns[cause]);
	}
	json_number(json, "total", queue ? summary->total_queue_ns[cause] : summary->total_service_ns[cause]);
	json_object_end(json);
}

static void write_causes(struct json_writer *json, const struct summary *summary)
{
	json_object_begin(json, "causes");
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
		json_object_begin(json, cause_name(cause));
		write_cause_span(json, summary, cause, 1);
		write_cause_span(json, summary, cause, 0);
		json_object_begin(json, "error_percent");
		for (unsigned i = 0; i < COHORT_COUNT; i++)
			write_known(json, cohort_keys[i], summary->cohort[i].count ? 100 * summary->cohort[i].share_error[cause] : -1);
		json_object_end(json);
		json_object_end(json);
	}
	json_object_end(json);
}

/* How much of own it is, in the cohorts' means and in all. */
static void write_part(struct json_writer *json, const char *span, const double of_cohort[COHORT_COUNT], double total)
{
	json_object_begin(json, span);
	for (unsigned i = 0; i < COHORT_COUNT; i++)
		json_number(json, cohort_keys[i], of_cohort[i]);
	json_number(json, "total", total);
	json_object_end(json);
}

/* What of own is not the program's; null where nobody tells when a send begins, or what a hypervisor takes. */
static void write_parts_of_own(struct json_writer *json, const struct summary *summary)
{
	double net_ns[COHORT_COUNT], steal_ns[COHORT_COUNT];
	for (unsigned i = 0; i < COHORT_COUNT; i++) {
		net_ns[i] = summary->cohort[i].net_ns;
		steal_ns[i] = summary->cohort[i].steal_ns;
	}
	if (summary->total_net_ns > 0) {
		json_object_begin(json, "kernel_net");
		write_part(json, "service_ns", net_ns, summary->total_net_ns);
		json_object_end(json);
	} else {
		json_raw(json, "kernel_net", "null");
	}
	if (summary->total_steal_ns >= 0) {
		json_object_begin(json, "steal");
		write_part(json, "server_ns", steal_ns, summary->total_steal_ns);
		json_object_end(json);
	} else {
		json_raw(json, "steal", "null");
	}
}

static double percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : 0;
}

/* The rest of the order from `at` on, but for what is not explained, which has a row of its own. */
static void write_rest(struct json_writer *json, const struct cohort *cohort, const enum cause *order, unsigned at, unsigned present,
		       double whole)
{
	double queue = 0, service = 0;
	unsigned causes = 0;
	for (; at < present; at++) {
		if (order[at] == CAUSE_UNATTRIBUTED)
			continue;
		queue += cohort->queue_ns[order[at]];
		service += cohort->service_ns[order[at]];
		causes++;
	}
	json_object_begin(json, "rest");
	json_unsigned(json, "causes", causes);
	json_number(json, "percent", percent(queue + service, whole));
	json_number(json, "mean_ns", queue + service);
	json_number(json, "queue_percent", percent(queue, whole));
	json_number(json, "service_percent", percent(service, whole));
	json_object_end(json);
}

static void write_taken_by(struct json_writer *json, const struct summary *summary, enum cause cause)
{
	unsigned threads;
	const struct culprit *culprit = advice_culprit(summary, cause, &threads);
	if (!culprit) {
		json_raw(json, "taken_by", "null");
		return;
	}
	json_object_begin(json, "taken_by");
	json_string_bytes(json, "comm", culprit->comm, strnlen(culprit->comm, sizeof(culprit->comm)));
	json_unsigned(json, "tid", culprit->tid);
	json_unsigned(json, "threads", threads);
	json_object_end(json);
}

/* Why the slowest 1 % are slow, the greatest cause first: what the screen draws. */
static void write_why(struct json_writer *json, const struct summary *summary)
{
	const struct cohort *cohort = &summary->cohort[COHORT_P99];
	enum cause order[CAUSE_COUNT];
	unsigned present = advice_order(order, cohort);
	double whole = 0;
	for (unsigned i = 0; i < present; i++)
		whole += cohort->queue_ns[order[i]] + cohort->service_ns[order[i]];
	json_array_begin(json, "why");
	for (unsigned i = 0; i < CAUSE_COUNT && summary->requests; i++) {
		double queue = cohort->queue_ns[order[i]], service = cohort->service_ns[order[i]];
		json_object_begin(json, NULL);
		json_string(json, "cause", cause_name(order[i]));
		json_number(json, "percent", percent(queue + service, whole));
		json_number(json, "mean_ns", queue + service);
		json_number(json, "queue_percent", percent(queue, whole));
		json_number(json, "service_percent", percent(service, whole));
		write_known(json, "error_percent", 100 * cohort->share_error[order[i]]);
		write_taken_by(json, summary, order[i]);
		write_rest(json, cohort, order, i + 1, present, whole);
		json_object_end(json);
	}
	json_array_end(json);
}

static void write_cohorts(struct json_writer *json, const struct summary *summary)
{
	json_object_begin(json, "cohort");
	for (unsigned i = 0; i < COHORT_COUNT; i++)
		json_unsigned(json, cohort_keys[i], summary->cohort[i].count);
	json_object_end(json);
	json_object_begin(json, "cohort_floor_ns");
	for (unsigned i = 0; i < COHORT_COUNT; i++)
		json_unsigned(json, cohort_keys[i], summary->cohort[i].floor_ns);
	json_object_end(json);
	json_object_begin(json, "cohort_server_ns");
	for (unsigned i = 0; i < COHORT_COUNT; i++)
		json_number(json, cohort_keys[i], summary->cohort[i].server_ns);
	json_object_end(json);
}

/* What losses have made unknown is null. */
static void write_without_gc(struct json_writer *json, const struct summary *summary)
{
	const struct quantiles *with = &summary->server, *without = &summary->without_gc;
	const struct {
		const char *key;
		double percent;
		uint64_t with, without;
	} values[] = {{"p50", 50, with->p50, without->p50},       {"p90", 90, with->p90, without->p90},
		      {"p99", 99, with->p99, without->p99},       {"p999", 99.9, with->p999, without->p999},
		      {"p9999", 99.99, with->p9999, without->p9999}, {"max", 100, with->max, without->max}};
	const size_t count = sizeof(values) / sizeof(values[0]);
	json_object_begin(json, "without_gc_ns");
	json_unsigned(json, "count", without->count);
	for (size_t v = 0; v < count; v++) {
		if (summary_knows_without_gc(summary, values[v].percent))
			json_unsigned(json, values[v].key, values[v].without);
		else
			json_raw(json, values[v].key, "null");
	}
	write_known(json, "mean", summary_knows_without_gc(summary, 99) ? without->mean : -1);
	json_object_end(json);
	json_object_begin(json, "gc_tail_ns");
	for (size_t v = 0; v < count; v++) {
		if (values[v].percent != 50 && values[v].percent != 99 && values[v].percent != 99.9)
			continue;
		if (summary_knows_without_gc(summary, values[v].percent))
			json_signed(json, values[v].key, (int64_t)(values[v].with - values[v].without));
		else
			json_raw(json, values[v].key, "null");
	}
	json_object_end(json);
	uint64_t p99 = with->p99, gone = p99 > without->p99 ? p99 - without->p99 : 0;
	write_known(json, "gc_tail_percent", summary_knows_without_gc(summary, 99) ? percent((double)gone, (double)p99) : -1);
}

static void write_gc(struct json_writer *json, const struct summary *summary)
{
	write_without_gc(json, summary);
	json_object_begin(json, "gc");
	json_unsigned(json, "cycles", summary->gc.cycles);
	write_quantiles(json, "handshake_ns", &summary->gc.handshake);
	write_quantiles(json, "stop_ns", &summary->gc.stop);
	json_unsigned(json, "assist_ns", summary->gc.assist_ns);
	json_unsigned(json, "worker_cpu_ns", summary->gc.worker_cpu_ns);
	json_number(json, "cpu_fraction", summary->gc.cpu_fraction);
	json_number(json, "cpu_percent", 100 * summary->gc.cpu_fraction);
	json_object_end(json);
}

static void write_alloc(struct json_writer *json, const struct trace_info *info, const struct summary *summary)
{
	double requests = summary->alloc.requests ? (double)summary->alloc.requests : 1;
	json_object_begin(json, "alloc");
	json_unsigned(json, "requests", summary->alloc.requests);
	json_number(json, "per_request_mean", (double)summary->alloc.total / requests);
	json_number(json, "bytes_per_request_mean", (double)summary->alloc.total_bytes / requests);
	json_unsigned(json, "total", summary->alloc.total);
	json_unsigned(json, "total_bytes", summary->alloc.total_bytes);
	json_unsigned(json, "samples", info->alloc_samples);
	json_unsigned(json, "sample_period_bytes", info->alloc_period_bytes);
	json_object_end(json);
}

static void write_client(struct json_writer *json, const struct summary *summary)
{
	json_object_begin(json, "client");
	json_unsigned(json, "requests", summary->response.count);
	if (summary->response.count) {
		write_quantiles(json, "wait_ns", &summary->client_wait);
		write_quantiles(json, "response_ns", &summary->response);
	}
	json_object_end(json);
}

static void write_service(struct json_writer *json, const struct request *request)
{
	if (!request->has_service)
		return;
	json_unsigned(json, "key", request->key);
	json_unsigned(json, "status", request->status);
	json_string(json, "path", request->path ? "opt" : "naive");
	json_string(json, "format", request->format ? "bin" : "json");
	json_unsigned(json, "allocs", request->allocs);
	json_unsigned(json, "alloc_bytes", request->alloc_bytes);
	if (!request->send_ns)
		return;
	json_unsigned(json, "client_wait_ns", request_client_wait_ns(request));
	json_unsigned(json, "response_ns", request_response_ns(request));
}

static void write_request(struct json_writer *json, const struct request *request)
{
	json_object_begin(json, NULL);
	json_unsigned(json, "arrival_ns", request->arrival_ns);
	json_unsigned(json, "begin_ns", request->begin_ns);
	json_unsigned(json, "end_ns", request->end_ns);
	json_unsigned(json, "server_ns", request->end_ns - request->arrival_ns);
	json_unsigned(json, "queue_ns", request->begin_ns - request->arrival_ns);
	json_unsigned(json, "service_ns", request->end_ns - request->begin_ns);
	json_object_begin(json, "causes");
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
		json_object_begin(json, cause_name(cause));
		json_unsigned(json, "queue_ns", request->queue.ns[cause]);
		json_unsigned(json, "service_ns", request->service.ns[cause]);
		json_object_end(json);
	}
	json_object_end(json);
	json_unsigned(json, "collector_ns", request->collector_ns);
	json_unsigned(json, "sweep_ns", request->sweep_ns);
	json_unsigned(json, "net_ns", request->net_ns);
	json_unsigned(json, "steal_ns", request->steal_ns);
	json_unsigned(json, "without_gc_ns", request->without_gc_ns);
	json_unsigned(json, "cycle", request->cycle);
	json_unsigned(json, "tid", request->tid);
	json_unsigned(json, "peer_port", request->peer_port);
	json_unsigned(json, "flags", request->flags);
	json_string_bytes(json, "culprit", request->culprit, strnlen(request->culprit, sizeof(request->culprit)));
	json_unsigned(json, "culprit_tid", request->culprit_tid);
	write_service(json, request);
	json_object_end(json);
}

static void write_worst(struct json_writer *json, const struct summary *summary)
{
	json_array_begin(json, "worst");
	for (unsigned i = 0; i < summary->worst_count && i < WORST_COUNT; i++)
		write_request(json, &summary->worst[i]);
	json_array_end(json);
}

static void write_culprits(struct json_writer *json, const struct summary *summary)
{
	json_array_begin(json, "culprits");
	for (unsigned i = 0; i < summary->culprit_count && i < CULPRIT_COUNT; i++) {
		const struct culprit *culprit = &summary->culprits[i];
		json_object_begin(json, NULL);
		json_string_bytes(json, "comm", culprit->comm, strnlen(culprit->comm, sizeof(culprit->comm)));
		json_unsigned(json, "tid", culprit->tid);
		json_boolean(json, "own_collector", culprit->own_collector != 0);
		json_unsigned(json, "ns", culprit->ns);
		json_object_end(json);
	}
	json_array_end(json);
}

static void write_series(struct json_writer *json, const struct summary *summary)
{
	uint64_t greatest_ns = 0;
	json_array_begin(json, "series");
	for (unsigned i = 0; i < summary->series_count && i < SERIES_SECONDS; i++) {
		greatest_ns = summary->series[i].p99_ns > greatest_ns ? summary->series[i].p99_ns : greatest_ns;
		json_object_begin(json, NULL);
		json_unsigned(json, "p99_ns", summary->series[i].p99_ns);
		json_unsigned(json, "requests", summary->series[i].requests);
		json_unsigned(json, "cycles", summary->series[i].cycles);
		json_object_end(json);
	}
	json_array_end(json);
	json_unsigned(json, "series_p99_ns_max", greatest_ns);
}

static void write_checks(struct json_writer *json, const struct summary *summary)
{
	json_object_begin(json, "checks");
	json_unsigned(json, "sum_error_ns_max", summary->checks.sum_error_ns_max);
	json_number(json, "unattributed_percent", summary->checks.unattributed_percent);
	write_known(json, "cpu_time_error_percent", summary->checks.cpu_time_error_percent);
	json_number(json, "switch_ns_mean", summary->checks.switch_ns_mean);
	json_unsigned(json, "without_arrival", summary->checks.without_arrival);
	json_unsigned(json, "lossy", summary->checks.lossy);
	json_unsigned(json, "doubts", summary->checks.doubts);
	json_unsigned(json, "unmatched", summary->checks.unmatched);
	json_unsigned(json, "steal_ns", summary->checks.steal_ns);
	json_unsigned(json, "fault_estimated_ns", summary->checks.fault_estimated_ns);
	json_object_end(json);
}

int export_json(FILE *file, const struct trace_info *info, const struct summary *summary)
{
	struct json_writer json;
	json_start(&json, file);
	json_object_begin(&json, NULL);
	json_string(&json, "version", info->version);
	write_target(&json, info);
	write_watching(&json, info, summary);
	write_counts(&json, info, summary);
	write_quantiles(&json, "server_ns", &summary->server);
	write_intervals(&json, summary);
	write_quantiles(&json, "queue_ns", &summary->queue);
	write_quantiles(&json, "service_ns", &summary->service);
	write_client(&json, summary);
	write_causes(&json, summary);
	write_parts_of_own(&json, summary);
	write_why(&json, summary);
	write_cohorts(&json, summary);
	write_gc(&json, summary);
	write_alloc(&json, info, summary);
	write_worst(&json, summary);
	write_culprits(&json, summary);
	write_series(&json, summary);
	write_checks(&json, summary);
	json_object_end(&json);
	fputc('\n', file);
	return ferror(file) ? -EIO : 0;
}
