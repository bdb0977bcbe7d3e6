/* SPDX-License-Identifier: Apache-2.0 */
/* The table for people: 80 columns, a block for each step, warnings last. */
#include <inttypes.h>
#include <math.h>

#include "duration.h"
#include "report.h"
#include "warning.h"

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
	for (size_t i = 0; i < REPORT_PERCENTILES; i++)
		text_row(file, report_percentiles[i].label,
			 latency_percentile_ns(&tally->response_ns, report_percentiles[i].percent),
			 latency_percentile_ns(&tally->uncorrected_ns, report_percentiles[i].percent),
			 latency_percentile_ns(&tally->send_lag_ns, report_percentiles[i].percent));
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
