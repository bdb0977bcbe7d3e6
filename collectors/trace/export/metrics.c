/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The classic text format and OpenMetrics differ in four places, each marked by `open` below: the name of
 * a counter's family, units, exemplars, and the mark of the end.
 */
#include "metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../../bpf/hist.h"
#include "../core/json_reader.h"
#include "../core/text.h"

#define FIRST_POWER 10 /* 2^10 ns = 1.024 us */

struct exemplar {
	uint64_t value_ns, wall_ns; /* wall_ns 0: none */
	uint64_t arrival_ns;
	uint32_t tid;
};

struct histogram {
	uint64_t counts[METRICS_EDGES + 1];
	uint64_t sum_ns;
	struct exemplar exemplars[METRICS_EDGES + 1];
};

struct metrics {
	struct histogram server, queue, service, without_gc;
	uint64_t cause_ns[CAUSE_COUNT][2][METRICS_EDGES + 1]; /* [cause][0 queue, 1 service][bucket of server time] */
};

uint64_t metrics_edge_ns(unsigned bucket)
{
	if (bucket >= METRICS_EDGES)
		return 0;
	uint64_t power = (uint64_t)1 << (FIRST_POWER + bucket / 2);
	return bucket % 2 ? power + power / 2 : power;
}

unsigned metrics_bucket(uint64_t ns)
{
	if (ns <= metrics_edge_ns(0))
		return 0;
	/* The edge is part of the bucket below it. */
	unsigned power = hist_log2(ns - 1);
	uint64_t half = (uint64_t)3 << (power - 1);
	unsigned bucket = 2 * (power - FIRST_POWER) + (ns - 1 < half ? 1 : 2);
	return bucket < METRICS_EDGES ? bucket : METRICS_EDGES;
}

struct metrics *metrics_new(void)
{
	return calloc(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *metrics)
{
	free(metrics);
}

static void histogram_add(struct histogram *histogram, uint64_t ns, const struct request *request, uint64_t wall_ns)
{
	unsigned bucket = metrics_bucket(ns);
	histogram->counts[bucket]++;
	histogram->sum_ns += ns;
	histogram->exemplars[bucket] = (struct exemplar){ns, wall_ns, request->arrival_ns, request->tid};
}

void metrics_request(struct metrics *metrics, const struct request *request, uint64_t wall_ns)
{
	unsigned bucket = metrics_bucket(request->end_ns - request->arrival_ns);
	histogram_add(&metrics->server, request->end_ns - request->arrival_ns, request, wall_ns);
	histogram_add(&metrics->queue, request->begin_ns - request->arrival_ns, request, wall_ns);
	histogram_add(&metrics->service, request->end_ns - request->begin_ns, request, wall_ns);
	histogram_add(&metrics->without_gc, request->without_gc_ns, request, wall_ns);
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
		metrics->cause_ns[cause][0][bucket] += request->queue.ns[cause];
		metrics->cause_ns[cause][1][bucket] += request->service.ns[cause];
	}
}

enum metrics_format metrics_negotiate(const char *accept)
{
	return accept && strstr(accept, "application/openmetrics-text") ? METRICS_OPENMETRICS : METRICS_CLASSIC;
}

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
					     : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- writing */

struct writer {
	FILE *file;
	int open; /* OpenMetrics */
	const struct metrics *metrics;
	const struct trace_info *info;
	const struct summary *summary;
	uint64_t tracer_cpu_ns;
};

static void write_family(const struct writer *writer, const char *name, const char *type, const char *unit,
			 const char *help)
{
	size_t length = strlen(name);
	if (writer->open && strcmp(type, "counter") == 0)
		length -= strlen("_total");
	fprintf(writer->file, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)length, name, help, (int)length, name, type);
	if (writer->open && *unit)
		fprintf(writer->file, "# UNIT %.*s %s\n", (int)length, name, unit);
}

static const char *edge_text(char out[TEXT_NUMBER_BYTES], unsigned bucket)
{
	snprintf(out, TEXT_NUMBER_BYTES, bucket < METRICS_EDGES ? "%.10g" : "+Inf",
		 (double)metrics_edge_ns(bucket) / 1e9);
	return out;
}

static void write_exemplar(const struct writer *writer, const struct exemplar *exemplar)
{
	if (!writer->open || !exemplar->wall_ns)
		return;
	fprintf(writer->file, " # {request=\"%" PRIu64 "-%" PRIu32 "\"} %.9f %.3f", exemplar->arrival_ns, exemplar->tid,
		(double)exemplar->value_ns / 1e9, (double)exemplar->wall_ns / 1e9);
}

static void write_histogram(const struct writer *writer, const char *name, const struct histogram *histogram)
{
	uint64_t running = 0;
	char edge[TEXT_NUMBER_BYTES];
	for (unsigned bucket = 0; bucket <= METRICS_EDGES; bucket++) {
		running += histogram->counts[bucket];
		fprintf(writer->file, "%s_bucket{le=\"%s\"} %" PRIu64, name, edge_text(edge, bucket), running);
		if (histogram->counts[bucket])
			write_exemplar(writer, &histogram->exemplars[bucket]);
		fputc('\n', writer->file);
	}
	fprintf(writer->file, "%s_sum %.9f\n%s_count %" PRIu64 "\n", name, (double)histogram->sum_ns / 1e9, name,
		running);
}

/* All series from the start, also those at 0: a rate needs the sample before the first request. */
static void write_causes(const struct writer *writer, const char *name)
{
	char edge[TEXT_NUMBER_BYTES];
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++)
		for (unsigned span = 0; span < 2; span++)
			for (unsigned bucket = 0; bucket <= METRICS_EDGES; bucket++)
				fprintf(writer->file, "%s{cause=\"%s\",span=\"%s\",bucket=\"%s\"} %.9f\n", name,
					cause_name(cause), span ? "service" : "queue", edge_text(edge, bucket),
					(double)writer->metrics->cause_ns[cause][span][bucket] / 1e9);
}

/* Label values are hostile: cleaned as for a terminal, then escaped. */
static void write_label(FILE *file, const char *name, const char *value, int first)
{
	char clean[128];
	text_clean(clean, sizeof(clean), value, 40, 0);
	fprintf(file, "%s%s=\"", first ? "" : ",", name);
	for (const char *at = clean; *at; at++) {
		if (*at == '"' || *at == '\\')
			fputc('\\', file);
		fputc(*at, file);
	}
	fputc('"', file);
}

static void write_target(const struct writer *writer, const char *name)
{
	const struct trace_info *info = writer->info;
	static const char *const members[] = {"path", "gogc"};
	char comm[17] = "", pid[16], value[64];
	memcpy(comm, info->comm, sizeof(info->comm));
	snprintf(pid, sizeof(pid), "%" PRIu32, info->pid);
	fprintf(writer->file, "%s{", name);
	write_label(writer->file, "pid", pid, 1);
	write_label(writer->file, "comm", comm, 0);
	write_label(writer->file, "kind", info->kind ? info->kind : "", 0);
	for (unsigned i = 0; i < 2; i++) {
		if (!info->run_json || json_member(info->run_json, members[i], value, sizeof(value)))
			value[0] = '\0';
		write_label(writer->file, members[i], value, 0);
	}
	fputs("} 1\n", writer->file);
}

static void write_count(const struct writer *writer, const char *name, uint64_t count)
{
	fprintf(writer->file, "%s %" PRIu64 "\n", name, count);
}

/* One per line of metrics.def: a metric without its writer does not compile. */
#define DEFINE(name, code)                                              \
	static void write_##name(const struct writer *w, const char *n) \
	{                                                               \
		code;                                                   \
	}
DEFINE(memlab_request_server_seconds, write_histogram(w, n, &w->metrics->server))
DEFINE(memlab_request_queue_seconds, write_histogram(w, n, &w->metrics->queue))
DEFINE(memlab_request_service_seconds, write_histogram(w, n, &w->metrics->service))
DEFINE(memlab_request_without_gc_seconds, write_histogram(w, n, &w->metrics->without_gc))
DEFINE(memlab_request_cause_seconds_total, write_causes(w, n))
DEFINE(memlab_trace_target_info, write_target(w, n))
DEFINE(memlab_trace_gc_cycles_total, write_count(w, n, w->summary->gc.cycles))
DEFINE(memlab_trace_records_lost_total, write_count(w, n, w->summary->lost))
DEFINE(memlab_trace_records_late_total, write_count(w, n, w->summary->late))
DEFINE(memlab_trace_requests_cut_total, write_count(w, n, w->summary->cut))
DEFINE(memlab_trace_cpu_seconds_total, fprintf(w->file, "%s %.6f\n", n, (double)w->tracer_cpu_ns / 1e9))

int metrics_write(FILE *file, const struct metrics *metrics, enum metrics_format format, const struct trace_info *info,
		  const struct summary *summary, uint64_t tracer_cpu_ns)
{
	const struct writer writer = {file, format == METRICS_OPENMETRICS, metrics, info, summary, tracer_cpu_ns};
#define seconds "seconds"
#define METRIC(name, type, unit, help)                      \
	write_family(&writer, #name, #type, "" unit, help); \
	write_##name(&writer, #name);
#include "metrics.def"
#undef seconds
	if (writer.open)
		fputs("# EOF\n", file);
	return ferror(file) ? -EIO : 0;
}
