/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregate: see aggregate.h. */
#include "aggregate.h"

#include <string.h>

#define SECOND_NS 1000000000ull

static uint64_t blame_sum(const struct blame *blame)
{
	uint64_t sum = 0;

	for (int c = 0; c < CAUSE_COUNT; c++)
		sum += blame->ns[c];
	return sum;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* From the final numbers alone: nothing that computed them has a part in it. */
static void aggregate_check(struct aggregate *aggregate, const struct request *request)
{
	uint64_t queue = distance(blame_sum(&request->queue), request->begin_ns - request->arrival_ns);
	uint64_t service = distance(blame_sum(&request->service), request->end_ns - request->begin_ns);
	uint64_t error = queue > service ? queue : service;

	if (error > aggregate->sum_error_ns_max)
		aggregate->sum_error_ns_max = error;
}

static void bucket_add(struct bucket *bucket, const struct request *request, uint64_t server_ns)
{
	if (bucket->count == 0 || server_ns < bucket->least_ns)
		bucket->least_ns = server_ns;
	bucket->count++;
	bucket->sum_ns += server_ns;
	bucket->net_ns += request->net_ns;
	bucket->steal_ns += request->steal_ns;
	/* Most causes are 0 in most requests; their sums lie on other cache lines. */
	for (int c = 0; c < CAUSE_COUNT; c++) {
		if (request->queue.ns[c])
			bucket->queue_ns[c] += request->queue.ns[c];
		if (request->service.ns[c])
			bucket->service_ns[c] += request->service.ns[c];
	}
}

static uint64_t server_ns_of(const struct request *request)
{
	return request->end_ns - request->arrival_ns;
}

static int aggregate_add_worst(struct aggregate *aggregate, const struct request *request)
{
	uint32_t at = aggregate->worst_count;

	while (at > 0 && server_ns_of(&aggregate->worst[at - 1]) < server_ns_of(request))
		at--;
	if (at == WORST_COUNT)
		return 0;
	if (aggregate->worst_count < WORST_COUNT)
		aggregate->worst_count++;
	memmove(&aggregate->worst[at + 1], &aggregate->worst[at],
		(aggregate->worst_count - 1 - at) * sizeof(*aggregate->worst));
	aggregate->worst[at] = *request;
	return 1;
}

/* The second's slot; NULL when the second is so old that its slot has gone to another. */
static struct second *aggregate_second(struct aggregate *aggregate, uint64_t time_ns)
{
	uint64_t number = time_ns / SECOND_NS;
	struct second *second = &aggregate->seconds[number % SERIES_SECONDS];

	if (second->number == number)
		return second;
	if (second->number > number || number + SERIES_SECONDS <= aggregate->last_second)
		return NULL;
	memset(second, 0, sizeof(*second));
	second->number = number;
	if (number > aggregate->last_second)
		aggregate->last_second = number;
	return second;
}

static void aggregate_add_second(struct aggregate *aggregate, const struct request *request, uint32_t bucket)
{
	struct second *second = aggregate_second(aggregate, request->end_ns);

	if (!second)
		return;
	second->requests++;
	second->counts[bucket]++;
}

void aggregate_cycle(struct aggregate *aggregate, uint64_t time_ns)
{
	struct second *second = aggregate_second(aggregate, time_ns);

	if (second)
		second->cycles++;
}

static void aggregate_add_allocs(struct aggregate *aggregate, const struct request *request)
{
	if (!request->has_service)
		return;
	aggregate->counted++;
	aggregate->allocs += request->allocs;
	aggregate->alloc_bytes += request->alloc_bytes;
}

int aggregate_add(struct aggregate *aggregate, const struct request *request, uint64_t without_gc_ns)
{
	uint64_t server_ns = server_ns_of(request);
	uint32_t bucket = hist_bucket(server_ns);

	if (aggregate->requests == 0 || request->end_ns < aggregate->first_ns)
		aggregate->first_ns = request->end_ns;
	if (request->end_ns > aggregate->last_ns)
		aggregate->last_ns = request->end_ns;
	aggregate->requests++;
	aggregate->without_arrival += (request->flags & REQUEST_NO_ARRIVAL) != 0;
	aggregate->lossy += (request->flags & REQUEST_LOSS) != 0;
	duration_add(&aggregate->server, server_ns);
	duration_add(&aggregate->queue, request->begin_ns - request->arrival_ns);
	duration_add(&aggregate->service, request->end_ns - request->begin_ns);
	duration_add(&aggregate->without_gc, without_gc_ns);
	if (request->send_ns) {
		duration_add(&aggregate->client_wait, request_client_wait_ns(request));
		duration_add(&aggregate->response, request_response_ns(request));
	}
	aggregate_check(aggregate, request);
	bucket_add(&aggregate->buckets[bucket], request, server_ns);
	intervals_add(&aggregate->intervals, request, bucket);
	aggregate_add_allocs(aggregate, request);
	aggregate_add_second(aggregate, request, bucket);
	return !(request->flags & REQUEST_LOSS) && aggregate_add_worst(aggregate, request);
}

/* ---- Summary. */

/* The first bucket at which the running count reaches ceil(percent % of all). */
static uint32_t bucket_of_percentile(const struct aggregate *aggregate, double percent)
{
	return hist_bucket(hist_percentile(aggregate->server.counts, percent));
}

/* Means over all requests of the buckets from `low` to `high`. */
static void cohort_fill(const struct aggregate *aggregate, uint32_t low, uint32_t high, struct cohort *cohort)
{
	*cohort = (struct cohort){0};
	for (uint32_t b = low; b <= high; b++) {
		const struct bucket *bucket = &aggregate->buckets[b];
		if (bucket->count == 0)
			continue;
		if (cohort->count == 0)
			cohort->floor_ns = bucket->least_ns;
		cohort->count += bucket->count;
		cohort->server_ns += (double)bucket->sum_ns;
		cohort->net_ns += (double)bucket->net_ns;
		cohort->steal_ns += (double)bucket->steal_ns;
		for (int c = 0; c < CAUSE_COUNT; c++) {
			cohort->queue_ns[c] += (double)bucket->queue_ns[c];
			cohort->service_ns[c] += (double)bucket->service_ns[c];
		}
	}
	if (cohort->count == 0)
		return;
	cohort->server_ns /= (double)cohort->count;
	cohort->net_ns /= (double)cohort->count;
	cohort->steal_ns /= (double)cohort->count;
	for (int c = 0; c < CAUSE_COUNT; c++) {
		cohort->queue_ns[c] /= (double)cohort->count;
		cohort->service_ns[c] /= (double)cohort->count;
	}
}

static void summary_cohorts(const struct aggregate *aggregate, struct summary *summary)
{
	static const double from[COHORT_COUNT] = {[COHORT_P50] = 49, [COHORT_P99] = 99, [COHORT_P999] = 99.9};

	for (int c = 0; c < COHORT_COUNT; c++) {
		uint32_t low = bucket_of_percentile(aggregate, from[c]);
		uint32_t high = c == COHORT_P50 ? bucket_of_percentile(aggregate, 51) : HIST_BUCKETS - 1;
		cohort_fill(aggregate, low, high, &summary->cohort[c]);
		interval_cohort(&aggregate->intervals, low, high, &summary->cohort[c]);
	}
}

static void summary_intervals(const struct aggregate *aggregate, struct summary *summary)
{
	static const double percents[INTERVAL_COUNT] = {50, 90, 99, 99.9, 99.99};

	for (int i = 0; i < INTERVAL_COUNT; i++) {
		summary->server_interval[i] = interval_percentile(&aggregate->intervals, aggregate->server.counts, percents[i]);
		if (!summary->server_interval[i].high_ns)
			return; /* what is too little for one percentile is too little for those above it */
	}
}

static void summary_totals(const struct aggregate *aggregate, struct summary *summary)
{
	double unattributed = 0, all = 0;

	for (uint32_t b = 0; b < HIST_BUCKETS; b++) {
		const struct bucket *bucket = &aggregate->buckets[b];
		if (bucket->count == 0)
			continue;
		all += (double)bucket->sum_ns;
		summary->total_net_ns += (double)bucket->net_ns;
		summary->total_steal_ns += (double)bucket->steal_ns;
		for (int c = 0; c < CAUSE_COUNT; c++) {
			summary->total_queue_ns[c] += (double)bucket->queue_ns[c];
			summary->total_service_ns[c] += (double)bucket->service_ns[c];
		}
	}
	unattributed = summary->total_queue_ns[CAUSE_UNATTRIBUTED] + summary->total_service_ns[CAUSE_UNATTRIBUTED];
	summary->checks.unattributed_percent = all > 0 ? 100 * unattributed / all : 0;
	summary->checks.sum_error_ns_max = aggregate->sum_error_ns_max;
}

static uint64_t second_p99(const struct second *second)
{
	uint64_t rank = (99 * second->requests + 99) / 100, running = 0;

	if (second->requests == 0)
		return 0;
	for (uint32_t b = 0; b < HIST_BUCKETS; b++) {
		running += second->counts[b];
		if (running >= rank)
			return hist_ceiling(b);
	}
	return hist_ceiling(HIST_BUCKETS - 1);
}

static void summary_series(const struct aggregate *aggregate, struct summary *summary)
{
	uint64_t last = aggregate->last_second, first = last;

	summary->series_count = 0;
	if (last == 0)
		return;
	for (uint64_t n = last; n > 0 && n + SERIES_SECONDS > last; n--)
		if (aggregate->seconds[n % SERIES_SECONDS].number == n)
			first = n;
	for (uint64_t n = first; n <= last; n++) {
		const struct second *second = &aggregate->seconds[n % SERIES_SECONDS];
		uint32_t at = summary->series_count++;
		if (second->number != n)
			continue; /* a second in which nothing happened */
		summary->series[at].requests = second->requests;
		summary->series[at].cycles = second->cycles;
		summary->series[at].p99_ns = second_p99(second);
	}
}

void aggregate_summary(const struct aggregate *aggregate, struct summary *summary)
{
	summary->first_ns = aggregate->first_ns;
	summary->last_ns = aggregate->last_ns;
	summary->requests = aggregate->requests;
	summary->checks.lossy = aggregate->lossy;
	summary->checks.without_arrival = aggregate->without_arrival;
	duration_quantiles(&aggregate->server, &summary->server);
	duration_quantiles(&aggregate->queue, &summary->queue);
	duration_quantiles(&aggregate->service, &summary->service);
	duration_quantiles(&aggregate->without_gc, &summary->without_gc);
	duration_quantiles(&aggregate->client_wait, &summary->client_wait);
	duration_quantiles(&aggregate->response, &summary->response);
	summary_totals(aggregate, summary);
	if (aggregate->requests)
		summary_cohorts(aggregate, summary);
	if (aggregate->requests)
		summary_intervals(aggregate, summary);
	summary_series(aggregate, summary);
	summary->alloc.requests = aggregate->counted;
	summary->alloc.total = aggregate->allocs;
	summary->alloc.total_bytes = aggregate->alloc_bytes;
	memcpy(summary->worst, aggregate->worst, sizeof(summary->worst));
	summary->worst_count = aggregate->worst_count;
}
