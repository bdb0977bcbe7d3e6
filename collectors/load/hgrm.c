/* SPDX-License-Identifier: Apache-2.0 */
/* See hgrm.h. */
#include <inttypes.h>
#include <math.h>

#include "hgrm.h"

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

void hgrm_write(const struct latency *latency, FILE *file)
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
