/* SPDX-License-Identifier: Apache-2.0 */
/* Interval: see interval.h. */
#include "interval.h"

#include <math.h>
#include <stdbool.h>

#define PIECE_NS 100000000u
#define GROUPS_MIN (INTERVAL_GROUPS / 2)
#define COHORT_MIN 10

/* How many standard errors hold 95 %, by the number of groups (Student's t with one degree of freedom less). */
static double standard_errors(unsigned groups)
{
	static const double t[INTERVAL_GROUPS + 1] = {[8] = 2.365,  [9] = 2.306,  [10] = 2.262, [11] = 2.228, [12] = 2.201,
						      [13] = 2.179, [14] = 2.160, [15] = 2.145, [16] = 2.131};
	return t[groups];
}

void intervals_add(struct intervals *intervals, const struct request *request, uint32_t bucket)
{
	unsigned group = (unsigned)(request->end_ns / PIECE_NS % INTERVAL_GROUPS);
	uint64_t *cause_ns = intervals->cause_ns[group][bucket];

	intervals->counts[group][bucket]++;
	for (int c = 0; c < CAUSE_COUNT; c++) {
		uint64_t ns = request->queue.ns[c] + request->service.ns[c];
		if (ns)
			cause_ns[c] += ns;
	}
}

/*
 * The error of sum(part) / sum(whole) over groups: what each group's part differs from its share of the whole. < 0: too few.
 */
static double ratio_error(const double part[INTERVAL_GROUPS], const double whole[INTERVAL_GROUPS])
{
	double part_sum = 0, whole_sum = 0, squares = 0;
	unsigned groups = 0;

	for (int g = 0; g < INTERVAL_GROUPS; g++) {
		part_sum += part[g];
		whole_sum += whole[g];
		groups += whole[g] > 0;
	}
	if (groups < GROUPS_MIN)
		return -1;
	for (int g = 0; g < INTERVAL_GROUPS; g++) {
		double rest = part[g] - part_sum / whole_sum * whole[g];
		squares += rest * rest;
	}
	return standard_errors(groups) * sqrt(squares * groups / (groups - 1)) / whole_sum;
}

struct interval interval_percentile(const struct intervals *intervals, const uint64_t counts[HIST_BUCKETS], double percent)
{
	struct interval interval = {0};
	double above[INTERVAL_GROUPS] = {0}, from[INTERVAL_GROUPS] = {0}, all[INTERVAL_GROUPS] = {0};
	double total = 0, share = 1 - percent / 100;
	uint32_t at = hist_bucket(hist_percentile(counts, percent));

	for (uint32_t b = 0; b < HIST_BUCKETS; b++) {
		if (counts[b] == 0)
			continue;
		total += (double)counts[b];
		for (int g = 0; g < INTERVAL_GROUPS; g++) {
			all[g] += intervals->counts[g][b];
			above[g] += b > at ? intervals->counts[g][b] : 0;
			from[g] += b >= at ? intervals->counts[g][b] : 0;
		}
	}
	/* The percentile lies somewhere in its bucket, and above the highest there is nothing that could differ. */
	double error = ratio_error(above, all), error_from = ratio_error(from, all);
	if (error < 0)
		return interval;
	error = error > error_from ? error : error_from;
	double independent = standard_errors(INTERVAL_GROUPS) * sqrt(share * (1 - share) / total);
	error = error > independent ? error : independent;
	interval.low_ns = error < 1 - share ? hist_floor(hist_bucket(hist_percentile(counts, percent - 100 * error))) : 0;
	interval.high_ns = error < share ? hist_percentile(counts, percent + 100 * error) : 0;
	return interval;
}

void interval_cohort(const struct intervals *intervals, uint32_t low, uint32_t high, struct cohort *cohort)
{
	double all_ns[INTERVAL_GROUPS] = {0}, cause_ns[CAUSE_COUNT][INTERVAL_GROUPS] = {{0}};

	for (int g = 0; g < INTERVAL_GROUPS; g++)
		for (uint32_t b = low; b <= high; b++) {
			if (intervals->counts[g][b] == 0)
				continue;
			for (int c = 0; c < CAUSE_COUNT; c++) {
				cause_ns[c][g] += (double)intervals->cause_ns[g][b][c];
				all_ns[g] += (double)intervals->cause_ns[g][b][c];
			}
		}
	for (int c = 0; c < CAUSE_COUNT; c++)
		cohort->share_error[c] = cohort->count < COHORT_MIN ? -1 : ratio_error(cause_ns[c], all_ns);
}
