/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that text, JSON and warnings have in common: see report.h. */
#include "report.h"
#include "clock.h"

const struct report_percentile report_percentiles[REPORT_PERCENTILES] = {
	{50, "p50", "p50"}, {90, "p90", "p90"}, {99, "p99", "p99"}, {99.9, "p99.9", "p999"}, {99.99, "p99.99", "p9999"},
};

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
