/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See report.h. Text and JSON give the same percentiles.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "clock.h"
#include "duration.h"
#include "json.h"
#include "report.h"
#include "warning.h"

struct percentile {
	double percent;
	const char *label, *member;
};

static const struct percentile percentiles[] = {
	{50, "p50", "p50"}, {90, "p90", "p90"}, {99, "p99", "p99"}, {99.9, "p99.9", "p999"}, {99.99, "p99.99", "p9999"},
};

#define PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

double report_step_s(const struct outcome *outcome, uint32_t step)
{
	const struct schedule_step *times = &outcome->steps[step];

	return times->end_ns > times->measured_ns ? (double)(times->end_ns - times->measured_ns) / (double)NS_PER_S : 0;
}

double report_achieved_rate(const struct outcome *outcome, uint32_t step)
{
	double seconds = report_step_s(outcome, step);

	return seconds > 0 ? (double)outcome->tallies[step].received_in_window / seconds : 0;
}

static double measured_s(const struct outcome *outcome)
{
	double sum = 0;

	for (uint32_t step = 0; step < outcome->step_count; step++)
		sum += report_step_s(outcome, step);
	return sum;
}

/* ------------------------------------------------------------------- text */

/* 1234567 as "1,234,567"; returns `text`. */
static const char *grouped(char text[32], uint64_t value)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, value), at = 0;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	return text;
}

/* A rate below 100/s keeps its fraction. */
static const char *rate_text(char text[32], double rate)
{
	if (rate >= 100)
		return grouped(text, (uint64_t)llround(rate));
	snprintf(text, 32, "%.4g", rate);
	return text;
}

static void text_heading(const struct report *report, FILE *file)
{
	const struct load_options *options = report->options;
	char count[32];

	fprintf(file, "memlab-load %s  http://%s%s\n ", MEMLAB_VERSION, options->url.authority, options->url.path);
	if (!options->url.path[0]) {
		fprintf(file, "%s records, %s", lookup_format_name(options->format),
			key_order_name(options->key_order));
		if (options->key_order == KEYS_ZIPF)
			fprintf(file, " %g", options->zipf_exponent);
		fprintf(file, " over %s keys, seed %" PRIu64 "%s\n ", grouped(count, options->keys), options->seed,
			options->check ? ", checked" : "");
	}
	fprintf(file, "%s connections", grouped(count, options->connections));
	if (options->pipeline > 1)
		fprintf(file, " x %u pipelined", options->pipeline);
	fprintf(file, ", %s arrivals, %g s warm-up, %g s measured%s\n", arrivals_name(options->arrivals),
		(double)options->warmup_ns / 1e9, (double)options->duration_ns / 1e9,
		options->spin ? ", spinning" : "");
}

static void text_row(FILE *file, const char *label, uint64_t response, uint64_t uncorrected, uint64_t lag)
{
	char a[DURATION_BYTES], b[DURATION_BYTES], c[DURATION_BYTES];

	fprintf(file, " %-8s %12s %14s %12s\n", label, duration_text(a, response), duration_text(b, uncorrected),
		duration_text(c, lag));
}

static void text_table(const struct tally *tally, FILE *file)
{
	fprintf(file, " %-8s %12s %14s %12s\n", "", "response", "uncorrected", "send lag");
	for (size_t i = 0; i < PERCENTILES; i++)
		text_row(file, percentiles[i].label, latency_percentile_ns(&tally->response_ns, percentiles[i].percent),
			 latency_percentile_ns(&tally->uncorrected_ns, percentiles[i].percent),
			 latency_percentile_ns(&tally->send_lag_ns, percentiles[i].percent));
	text_row(file, "max", tally->response_ns.max_ns, tally->uncorrected_ns.max_ns, tally->send_lag_ns.max_ns);
	text_row(file, "mean", (uint64_t)latency_mean_ns(&tally->response_ns),
		 (uint64_t)latency_mean_ns(&tally->uncorrected_ns), (uint64_t)latency_mean_ns(&tally->send_lag_ns));
}

static void text_errors(const struct tally *tally, FILE *file)
{
	const char *separator = " (";

	fprintf(file, "%" PRIu64 " errors", tally_errors(tally));
	for (int kind = 0; kind < ERROR_KINDS; kind++) {
		if (!tally->errors[kind])
			continue;
		fprintf(file, "%s%s %" PRIu64, separator, error_kind_name((enum error_kind)kind), tally->errors[kind]);
		separator = ", ";
	}
	fprintf(file, "%s\n\n", separator[0] == ',' ? ")" : "");
}

static void text_step(const struct report *report, uint32_t step, FILE *file)
{
	const struct tally *tally = &report->outcome->tallies[step];
	char asked[32], achieved[32], answered[32];

	fprintf(file, "\n asked %s/s   achieved %s/s   %s answered   ",
		rate_text(asked, report->outcome->steps[step].rate),
		rate_text(achieved, report_achieved_rate(report->outcome, step)), grouped(answered, tally->answered));
	text_errors(tally, file);
	if (tally->response_ns.count)
		text_table(tally, file);
}

void report_text(const struct report *report, FILE *file)
{
	struct warnings warnings;

	text_heading(report, file);
	for (uint32_t step = 0; step < report->outcome->step_count; step++)
		text_step(report, step, file);
	fputs("\n response: from the intended start, what a user feels; uncorrected: from the send, blind to\n"
	      " the wait before it; send lag: how late the generator itself was\n",
	      file);
	warnings_find(report->options, report->outcome, &warnings);
	for (uint32_t i = 0; i < warnings.count; i++)
		fprintf(file, " warning: %s\n", warnings.lines[i]);
}

/* ------------------------------------------------------------------- JSON */

static void json_latency(struct json *json, const char *name, const struct latency *latency)
{
	json_object_begin(json, name);
	for (size_t i = 0; i < PERCENTILES; i++)
		json_u64(json, percentiles[i].member, latency_percentile_ns(latency, percentiles[i].percent));
	json_u64(json, "max", latency->max_ns);
	json_real(json, "mean", latency_mean_ns(latency), 1);
	json_u64(json, "count", latency->count);
	json_object_end(json);
}

/* Every bucket that is not empty: [lowest value, highest value, count]. */
static void json_histogram(struct json *json, const struct latency *latency)
{
	char row[80];

	json_array_begin(json, "histogram");
	for (uint32_t b = 0; b < HIST_BUCKETS; b++) {
		if (!latency->buckets[b])
			continue;
		int length = snprintf(row, sizeof(row),
				      "{\"from_ns\": %" PRIu64 ", \"to_ns\": %" PRIu64 ", \"count\": %" PRIu64 "}",
				      hist_floor(b), hist_ceiling(b), latency->buckets[b]);

		json_raw(json, NULL, row, (size_t)length);
	}
	json_array_end(json);
}

static void json_tally(struct json *json, const struct tally *tally)
{
	json_u64(json, "requests", tally->answered);
	json_u64(json, "errors", tally_errors(tally));
	json_object_begin(json, "errors_by_kind");
	for (int kind = 0; kind < ERROR_KINDS; kind++)
		json_u64(json, error_kind_name((enum error_kind)kind), tally->errors[kind]);
	json_object_end(json);
	json_u64(json, "waited_for_connection", tally->waited);
	json_latency(json, "response_ns", &tally->response_ns);
	json_latency(json, "uncorrected_ns", &tally->uncorrected_ns);
	json_latency(json, "client_wait_ns", &tally->client_wait_ns);
	json_latency(json, "send_lag_ns", &tally->send_lag_ns);
	json_histogram(json, &tally->response_ns);
}

static void json_steps(struct json *json, const struct outcome *outcome)
{
	json_array_begin(json, "steps");
	for (uint32_t step = 0; step < outcome->step_count; step++) {
		json_object_begin(json, NULL);
		json_real(json, "asked_rate", outcome->steps[step].rate, 3);
		json_real(json, "achieved_rate", report_achieved_rate(outcome, step), 3);
		json_real(json, "duration_s", report_step_s(outcome, step), 6);
		json_u64(json, "begin_ns", outcome->steps[step].begin_ns);
		json_u64(json, "measured_ns", outcome->steps[step].measured_ns);
		json_u64(json, "end_ns", outcome->steps[step].end_ns);
		json_tally(json, &outcome->tallies[step]);
		json_object_end(json);
	}
	json_array_end(json);
}

static void json_load(struct json *json, const struct load_options *options)
{
	json_object_begin(json, "load");
	json_u64(json, "connections", options->connections);
	json_u64(json, "pipeline", options->pipeline);
	json_string(json, "arrivals", arrivals_name(options->arrivals));
	json_real(json, "warmup_s", (double)options->warmup_ns / 1e9, 6);
	json_real(json, "timeout_s", (double)options->timeout_ns / 1e9, 6);
	json_string(json, "format", lookup_format_name(options->format));
	json_string(json, "key_order", key_order_name(options->key_order));
	json_real(json, "zipf", options->zipf_exponent, 4);
	json_u64(json, "keys", options->keys);
	json_u64(json, "seed", options->seed);
	json_bool(json, "check", options->check);
	json_bool(json, "stamp", options->stamp);
	json_bool(json, "spin", options->spin);
	json_object_end(json);
}

static void json_generator(struct json *json, const struct outcome *outcome)
{
	double run_ns = (double)(outcome->end_ns - outcome->begin_ns);

	json_object_begin(json, "generator");
	json_real(json, "cpu_percent", 100 * (double)outcome->usage.cpu_ns / run_ns, 2);
	json_real(json, "runqueue_percent", 100 * (double)outcome->usage.runqueue_ns / run_ns, 2);
	json_real(json, "cpu_ns_per_request",
		  outcome->sent_total ? (double)outcome->usage.cpu_ns / (double)outcome->sent_total : 0, 1);
	json_object_end(json);
}

/* The service's own run{}; for another target, what is known from here. */
static void json_run(struct json *json, const struct report *report)
{
	struct utsname system;

	if (report->target->run) {
		json_raw(json, "run", report->target->run, report->target->run_bytes);
		return;
	}
	json_object_begin(json, "run");
	json_u64(json, "records", report->options->keys);
	json_u64(json, "seed", report->options->seed);
	if (!uname(&system))
		json_string(json, "kernel", system.release);
	json_u64(json, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	json_object_end(json);
}

static void json_warnings(struct json *json, const struct report *report)
{
	struct warnings warnings;

	warnings_find(report->options, report->outcome, &warnings);
	json_array_begin(json, "warnings");
	for (uint32_t i = 0; i < warnings.count; i++)
		json_string(json, NULL, warnings.lines[i]);
	json_array_end(json);
}

/* Rates over all steps: requests asked for and answered in measured windows, by their length together. */
static void json_rates(struct json *json, const struct outcome *outcome)
{
	double seconds = measured_s(outcome), asked = 0, received = 0;

	for (uint32_t step = 0; step < outcome->step_count; step++) {
		asked += outcome->steps[step].rate * report_step_s(outcome, step);
		received += (double)outcome->tallies[step].received_in_window;
	}
	json_real(json, "asked_rate", seconds > 0 ? asked / seconds : 0, 3);
	json_real(json, "achieved_rate", seconds > 0 ? received / seconds : 0, 3);
	json_real(json, "duration_s", seconds, 6);
}

static void json_totals(struct json *json, const struct report *report)
{
	const struct outcome *outcome = report->outcome;

	json_u64(json, "sent_total", outcome->sent_total);
	json_u64(json, "answered_total", outcome->answered_total);
	json_u64(json, "control_requests", report->target->control_requests);
	json_u64(json, "reconnects", outcome->reconnects);
	json_bool(json, "interrupted", outcome->interrupted);
	json_bool(json, "target_gone", outcome->target_gone);
}

int report_json(const struct report *report, FILE *file)
{
	const struct outcome *outcome = report->outcome;
	struct json json = {.file = file, .empty = true};
	struct tally *all = calloc(1, sizeof(*all));
	char url[sizeof(report->options->url) + 8];

	if (!all)
		return -ENOMEM;
	for (uint32_t step = 0; step < outcome->step_count; step++)
		tally_merge(all, &outcome->tallies[step]);
	snprintf(url, sizeof(url), "http://%s%s", report->options->url.authority, report->options->url.path);
	json_object_begin(&json, NULL);
	json_string(&json, "program", "memlab-load");
	json_string(&json, "version", MEMLAB_VERSION);
	json_string(&json, "url", url);
	json_run(&json, report);
	json_load(&json, report->options);
	json_rates(&json, outcome);
	json_totals(&json, report);
	json_tally(&json, all);
	json_generator(&json, outcome);
	json_steps(&json, outcome);
	json_warnings(&json, report);
	json_object_end(&json);
	free(all);
	return 0;
}

/* ------------------------------------------------------------------- hgrm */

#define HGRM_TICKS 5 /* lines for each halving of the distance to 100 % */

static void hgrm_line(FILE *file, uint64_t value_ns, double share, uint64_t count)
{
	fprintf(file, "%12.6f %2.12f %10" PRIu64, (double)value_ns / 1e6, share, count);
	if (share < 1)
		fprintf(file, " %14.2f", 1 / (1 - share));
	fputc('\n', file);
}

static double hgrm_next(double percent)
{
	double halvings = floor(log2(100 / (100 - percent))) + 1;

	return percent + 100 / (HGRM_TICKS * exp2(halvings));
}

void report_hgrm(const struct latency *latency, FILE *file)
{
	uint64_t running = 0;
	double percent = 0;

	fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
	for (uint32_t b = 0; b < HIST_BUCKETS && running < latency->count; b++) {
		uint64_t value = hist_ceiling(b) < latency->max_ns ? hist_ceiling(b) : latency->max_ns;

		running += latency->buckets[b];
		/* All levels that this bucket reaches; the level of the last request alone is 100 %. */
		uint64_t reached = running < latency->count ? running : latency->count - 1;

		while (latency->buckets[b] && percent <= 100 * (double)reached / (double)latency->count) {
			hgrm_line(file, value, percent / 100, running);
			percent = hgrm_next(percent);
		}
	}
	if (latency->count)
		hgrm_line(file, latency->max_ns, 1, latency->count);
	fprintf(file, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n", latency_mean_ns(latency) / 1e6,
		latency_deviation_ns(latency) / 1e6);
	fprintf(file, "#[Max     = %12.6f, Total count    = %12" PRIu64 "]\n", (double)latency->max_ns / 1e6,
		latency->count);
	fprintf(file, "#[Buckets = %12d, SubBuckets     = %12u]\n", HIST_BITS - HIST_SUB_BITS + 1, HIST_SUB);
}
