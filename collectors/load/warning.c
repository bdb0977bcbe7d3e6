/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See warning.h. The thresholds are about blame: a send lag matters when it is a real part of the response times
 * it is in, a full CPU when nothing was meant to fill it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "clock.h"
#include "duration.h"
#include "report.h"
#include "warning.h"

#define LAG_P50_NS (100 * NS_PER_US)
#define LAG_P99_NS NS_PER_MS
#define LAG_SHARE 0.5 /* of the response time at the same percentile */
#define CPU_SHARE 0.95
#define RUNQUEUE_SHARE 0.05
#define WAITED_SHARE 0.01
#define ACHIEVED_SHARE 0.98
#define EDGE_REQUESTS 3

__attribute__((format(printf, 2, 3))) static void warn(struct warnings *warnings, const char *format, ...)
{
	va_list arguments;

	if (warnings->count == WARNINGS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(warnings->lines[warnings->count++], WARNING_BYTES, format, arguments);
	va_end(arguments);
}

static void warn_lag(struct warnings *warnings, const struct tally *tally, double rate)
{
	uint64_t p50 = latency_percentile_ns(&tally->send_lag_ns, 50),
		 p99 = latency_percentile_ns(&tally->send_lag_ns, 99);
	uint64_t response_p50 = latency_percentile_ns(&tally->response_ns, 50);
	uint64_t response_p99 = latency_percentile_ns(&tally->response_ns, 99);
	char lag[DURATION_BYTES], response[DURATION_BYTES];

	if (p50 > LAG_P50_NS && (double)p50 > LAG_SHARE * (double)response_p50)
		warn(warnings,
		     "at %.0f/s the generator was late: send lag p50 %s of response p50 %s; give it a CPU of its own "
		     "or --spin",
		     rate, duration_text(lag, p50), duration_text(response, response_p50));
	else if (p99 > LAG_P99_NS && (double)p99 > LAG_SHARE * (double)response_p99)
		warn(warnings,
		     "at %.0f/s the generator was late: send lag p99 %s of response p99 %s; give it a CPU of its own "
		     "or --spin",
		     rate, duration_text(lag, p99), duration_text(response, response_p99));
}

static void warn_waited(struct warnings *warnings, const struct tally *tally, double rate)
{
	double share = tally->response_ns.count ? (double)tally->waited / (double)tally->response_ns.count : 0;

	if (share > WAITED_SHARE)
		warn(warnings,
		     "at %.0f/s %.0f %% of the requests waited over 1 ms for a free connection: response times hold "
		     "that "
		     "wait, uncorrected ones do not",
		     rate, 100 * share);
}

/* Random arrivals scatter by the root of their number, and a few at the edges of the window prove nothing. */
static double enough_answers(enum arrivals arrivals, double asked_count)
{
	double scatter = arrivals == ARRIVALS_POISSON ? 4 * sqrt(asked_count) : 0;

	return asked_count * ACHIEVED_SHARE - scatter - EDGE_REQUESTS;
}

static void warn_achieved(struct warnings *warnings, const struct load_options *options, const struct outcome *outcome,
			  uint32_t step)
{
	double asked = outcome->steps[step].rate, seconds = report_step_s(outcome, step);

	if ((double)outcome->tallies[step].received_in_window < enough_answers(options->arrivals, asked * seconds))
		warn(warnings,
		     "achieved %.0f/s of %.0f/s asked: past saturation the response time measures the backlog, not the "
		     "service",
		     report_achieved_rate(outcome, step), asked);
}

static void warn_usage(struct warnings *warnings, const struct load_options *options, const struct outcome *outcome)
{
	double run_ns = (double)(outcome->end_ns - outcome->begin_ns);
	double worked = (double)outcome->usage.cpu_ns - (double)outcome->polled_ns;
	double cpu = worked / run_ns, runqueue = (double)outcome->usage.runqueue_ns / run_ns;

	if (!options->spin && cpu > CPU_SHARE)
		warn(warnings,
		     "the generator used %.0f %% of a CPU: it was the bottleneck; ask for less or run several",
		     100 * cpu);
	if (runqueue > RUNQUEUE_SHARE)
		warn(warnings,
		     "the generator waited %.0f %% of the time for a CPU; pin it and the target apart (taskset)",
		     100 * runqueue);
}

static void warn_errors(struct warnings *warnings, const struct outcome *outcome)
{
	uint64_t failed = 0;

	for (uint32_t step = 0; step < outcome->step_count; step++)
		failed += tally_errors(&outcome->tallies[step]);
	if (failed)
		warn(warnings,
		     "%" PRIu64 " errors: failed requests are in no percentile, which so look better than they were",
		     failed);
}

void warnings_find(const struct load_options *options, const struct outcome *outcome, struct warnings *warnings)
{
	warnings->count = 0;
	if (outcome->interrupted)
		warn(warnings, "interrupted: the numbers are of the shorter run");
	warn_errors(warnings, outcome);
	warn_usage(warnings, options, outcome);
	for (uint32_t step = 0; step < outcome->step_count; step++) {
		const struct tally *tally = &outcome->tallies[step];

		warn_lag(warnings, tally, outcome->steps[step].rate);
		warn_waited(warnings, tally, outcome->steps[step].rate);
		warn_achieved(warnings, options, outcome, step);
	}
}
