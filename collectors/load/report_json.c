/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON object for programs. Members are only ever added: scripts rely on those that are there. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "json.h"
#include "report.h"
#include "warning.h"

static double measured_s(const struct outcome *outcome)
{
	double sum = 0;

	for (uint32_t step = 0; step < outcome->step_count; step++)
		sum += report_step_s(outcome, step);
	return sum;
}

static void json_latency(struct json *json, const char *name, const struct latency *latency)
{
	json_object_begin(json, name);
	for (size_t i = 0; i < REPORT_PERCENTILES; i++)
		json_u64(json, report_percentiles[i].member,
			 latency_percentile_ns(latency, report_percentiles[i].percent));
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
	json_real(json, "polled_percent", 100 * (double)outcome->polled_ns / run_ns, 2);
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
