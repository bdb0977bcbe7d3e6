/* SPDX-License-Identifier: Apache-2.0 */
/*
 * without_gc against simulated queues whose truth is known: the same arrivals and the same work, once with the
 * collector (fed to attribution) and once without (the truth). One serving thread, 60,000 requests/s, Poisson
 * arrivals, a collection of 5 ms every 300 ms that takes the thread's time: by a stop, by running on its CPU, or
 * by assists.
 */
#include <math.h>

#include "../../../bpf/hist.h"
#include "../../../collectors/trace/attribution/replay.h"
#include "records.h"

#define RATE 60000.0
#define REQUESTS 150000u
#define PERIOD_NS (300 * MS)
#define TAKEN_NS (5 * MS)

enum how { BY_STOP, BY_CPU, BY_ASSIST };

/* ---- Records are fed as they are told. */

struct teller {
	struct story story;
	struct attribution *attribution;
	uint32_t seq;
};

static void flush(struct teller *teller)
{
	for (uint32_t i = 0; i < teller->story.count; i++) {
		teller->story.records[i].h.seq = ++teller->seq;
		assert_int_equal(attribution_feed(teller->attribution, &teller->story.records[i].h), 0);
	}
	teller->story.count = 0;
}

/* ---- The queue. */

struct queue {
	struct teller teller;
	enum how how;
	uint64_t dice;
	uint64_t free_ns;  /* the thread is idle from here */
	uint64_t taken_ns; /* the collector takes the thread's next TAKEN_NS from here */
	int asleep;
	uint64_t truth_free_ns;
	uint64_t *truth; /* server time of each request without the collector */
};

static double uniform(struct queue *queue)
{
	queue->dice = queue->dice * 6364136223846793005ull + 1442695040888963407ull;
	return ((double)(queue->dice >> 11) + 0.5) / 9007199254740992.0;
}

static uint64_t exponential(struct queue *queue, double mean_ns)
{
	return (uint64_t)(-log(uniform(queue)) * mean_ns) + 1;
}

static void wake(struct queue *queue, uint64_t time_ns, uint32_t runner)
{
	struct story *story = &queue->teller.story;

	if (!queue->asleep)
		return;
	tell_waking(story, time_ns, 0, 101);
	tell_wakeup(story, time_ns, 0, 101, runner);
	queue->asleep = 0;
	if (runner == 0)
		tell_switch(story, time_ns, 0, 0, RECORD_LEFT_PREEMPTED, 101);
}

/* The collector takes the thread's time from queue->taken_ns on; work goes on behind it. */
static void taken(struct queue *queue)
{
	struct story *story = &queue->teller.story;
	uint64_t from_ns = queue->taken_ns, to_ns = from_ns + TAKEN_NS;

	if (queue->how == BY_CPU) {
		wake(queue, from_ns, 0);
		tell_preempt(story, from_ns, 0, 101, 110);
		tell_sleep(story, to_ns, 0, 110, 101);
	} else {
		uint32_t begin = queue->how == BY_STOP ? EVENT_gc_stop_begin : EVENT_gc_assist_begin;
		wake(queue, from_ns, 0);
		tell(story, from_ns, 0, 101, begin, 1, 0);
		tell(story, to_ns, 0, 101, begin + 1, 1, 0);
	}
	queue->taken_ns += PERIOD_NS;
}

/* The thread has nothing to do until `time_ns`; a collection may take it meanwhile. */
static void idle_until(struct queue *queue, uint64_t time_ns)
{
	while (queue->taken_ns < time_ns) {
		uint64_t end_ns = queue->taken_ns + TAKEN_NS;
		taken(queue);
		if (end_ns > queue->free_ns)
			queue->free_ns = end_ns;
	}
	if (queue->free_ns >= time_ns)
		return;
	tell_sleep(&queue->teller.story, queue->free_ns, 0, 101, 0);
	queue->asleep = 1;
	queue->free_ns = time_ns;
}

static void serve(struct queue *queue, uint64_t arrival_ns, uint64_t work_ns, uint64_t sock)
{
	struct story *story = &queue->teller.story;

	if (queue->free_ns < arrival_ns)
		idle_until(queue, arrival_ns);
	uint64_t begin_ns = queue->free_ns, end_ns = begin_ns + work_ns;
	wake(queue, begin_ns, 0);
	tell_recv(story, begin_ns, 0, 101, sock, arrival_ns);
	while (queue->taken_ns < end_ns) {
		end_ns += TAKEN_NS;
		taken(queue);
	}
	tell_send(story, end_ns, 0, 101, sock);
	tell_end(story, end_ns, 0, 101, sock, begin_ns);
	queue->free_ns = end_ns;
	flush(&queue->teller);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The exact percentile, by the rule of bpf/hist.h. */
static double percentile(const uint64_t *sorted, double percent)
{
	uint64_t rank = (uint64_t)ceil(percent / 100 * REQUESTS);

	return (double)sorted[rank - 1];
}

static void assert_within(double got, double want, double percent, const char *what)
{
	if (fabs(got - want) > want * percent / 100)
		fail_msg("%s: %.0f, not %.0f within %.1f %%", what, got, want, percent);
}

static void run_queue(struct queue *queue, double utilisation)
{
	uint64_t arrival_ns = SECOND;

	for (uint32_t i = 0; i < REQUESTS; i++) {
		arrival_ns += exponential(queue, 1e9 / RATE);
		uint64_t work_ns = exponential(queue, utilisation * 1e9 / RATE);
		uint64_t from_ns = queue->truth_free_ns > arrival_ns ? queue->truth_free_ns : arrival_ns;
		queue->truth_free_ns = from_ns + work_ns;
		queue->truth[i] = queue->truth_free_ns - arrival_ns;
		serve(queue, arrival_ns, work_ns, 1 + i % 64);
	}
}

static void check_queue(enum how how, double utilisation)
{
	struct queue queue = {.how = how, .dice = 42, .free_ns = SECOND, .taken_ns = SECOND + 10 * MS};
	struct story *story = &queue.teller.story;
	struct summary *summary = &story->summary;
	double mean = 0;

	*story = story_new(1);
	queue.teller.attribution = attribution_new(&story->config);
	queue.truth = malloc(REQUESTS * sizeof(*queue.truth));
	assert_non_null(queue.truth);
	tell_task(story, 1, 0, 101, ON_CPU, 0);
	tell(story, 2, 1, 110, EVENT_gc_worker, 1, 1);
	tell_switch(story, 3, 0, 900, RECORD_LEFT_SLEEPING, 101);
	story->records[1].h.cpu = 0;
	run_queue(&queue, utilisation);
	attribution_finish(queue.teller.attribution);
	attribution_summary(queue.teller.attribution, summary);
	for (uint32_t i = 0; i < REQUESTS; i++)
		mean += (double)queue.truth[i] / REQUESTS;
	qsort(queue.truth, REQUESTS, sizeof(*queue.truth), compare);

	print_message("utilisation %.1f: p99 %.0f us with the collector, %.0f without, truth %.0f\n", utilisation,
		      (double)summary->server.p99 / 1e3, (double)summary->without_gc.p99 / 1e3,
		      percentile(queue.truth, 99) / 1e3);
	assert_int_equal(summary->requests, REQUESTS);
	assert_int_equal(summary->without_gc.count, REQUESTS);
	assert_within((double)summary->without_gc.p50, percentile(queue.truth, 50), 2, "p50");
	assert_within((double)summary->without_gc.p90, percentile(queue.truth, 90), 2, "p90");
	assert_within((double)summary->without_gc.p99, percentile(queue.truth, 99), 2, "p99");
	assert_within((double)summary->without_gc.p999, percentile(queue.truth, 99.9), 2, "p99.9");
	assert_within(summary->without_gc.mean, mean, 0.1, "mean");
	/* The collector is really felt, or the test says nothing. */
	assert_true((double)summary->server.p99 > 5 * percentile(queue.truth, 99));
	assert_int_equal(summary->checks.sum_error_ns_max, 0);
	assert_true(summary->checks.unattributed_percent < 0.1);
	attribution_free(queue.teller.attribution);
	free(queue.truth);
	story_free(story);
}

static void test_stops(void **state)
{
	(void)state;
	check_queue(BY_STOP, 0.5);
	check_queue(BY_STOP, 0.7);
	check_queue(BY_STOP, 0.9);
}

static void test_collector_on_the_cpu(void **state)
{
	(void)state;
	check_queue(BY_CPU, 0.5);
	check_queue(BY_CPU, 0.7);
	check_queue(BY_CPU, 0.9);
}

static void test_assists(void **state)
{
	(void)state;
	check_queue(BY_ASSIST, 0.5);
	check_queue(BY_ASSIST, 0.7);
	check_queue(BY_ASSIST, 0.9);
}

/* What is not the collector's stays: a stranger held the CPU for 4 of the 5 ms, the collector for one. */
static void test_strangers_stay(void **state)
{
	struct story story = story_new(1);

	(void)state;
	tell(&story, 1, 1, 110, EVENT_gc_worker, 1, 1);
	tell_task(&story, 2, 0, 101, ON_CPU, 0);
	tell_sleep(&story, 1 * MS, 0, 101, 900);
	tell_waking(&story, 2 * MS, 0, 101);
	tell_wakeup(&story, 2 * MS, 0, 101, 900);
	tell_switch(&story, 6 * MS, 0, 900, RECORD_LEFT_PREEMPTED, 110);
	tell_switch(&story, 7 * MS, 0, 110, RECORD_LEFT_SLEEPING, 101);
	tell_recv(&story, 7 * MS + 10 * US, 0, 101, 1, 2 * MS);
	tell_send(&story, 7 * MS + 50 * US, 0, 101, 1);
	tell_end(&story, 7 * MS + 51 * US, 0, 101, 1, 7 * MS + 11 * US);
	story_play(&story);
	assert_int_equal(story.summary.server.max, 5 * MS + 50 * US);
	assert_int_equal(story.summary.without_gc.max, 4 * MS + 50 * US);
	story_free(&story);
}

/* Two requests in service at once on one thread do not count each other's work twice. */
static void test_overlapping_services(void **state)
{
	struct story story = story_new(1);

	(void)state;
	tell_task(&story, 0, 0, 101, ON_CPU, 0);
	tell_recv(&story, 1 * MS, 0, 101, 1, 1 * MS);
	tell_recv(&story, 2 * MS, 0, 101, 2, 2 * MS);
	tell(&story, 3 * MS, 0, 101, EVENT_gc_stop_begin, 0, 0);
	tell(&story, 5 * MS, 0, 101, EVENT_gc_stop_end, 0, 0);
	tell_send(&story, 6 * MS, 0, 101, 1);
	tell_end(&story, 6 * MS, 0, 101, 1, 1 * MS);
	tell_send(&story, 7 * MS, 0, 101, 2);
	tell_end(&story, 7 * MS, 0, 101, 2, 2 * MS);
	story_play(&story);
	assert_int_equal(story.summary.without_gc.max, 3 * MS);
	assert_int_equal(story.summary.without_gc.mean, 3 * MS);
	story_free(&story);
}

/* Exchanges become final late, but the replay goes on in order of service. */
static void test_exchanges_replay_in_order(void **state)
{
	struct story story = story_new(0);
	uint64_t time_ns = 10 * MS;

	(void)state;
	tell_task(&story, 0, 0, 101, ON_CPU, 0);
	tell(&story, 5 * MS, 0, 101, EVENT_gc_stop_begin, 0, 0);
	tell(&story, 10 * MS, 0, 101, EVENT_gc_stop_end, 0, 0);
	for (uint64_t i = 0; i < 40; i++) {
		tell_recv(&story, time_ns, 0, 101, 1 + i, 5 * MS + i * 100 * US);
		tell_send(&story, time_ns + 10 * US, 0, 101, 1 + i);
		tell_send(&story, time_ns + 20 * US, 0, 101, 1 + i);
		time_ns += 20 * US;
	}
	story_play(&story);
	assert_int_equal(story.request_count, 40);
	assert_int_equal(story.summary.without_gc.max, 20 * US);
	story_free(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_collector_on_the_cpu),
		cmocka_unit_test(test_assists),
		cmocka_unit_test(test_strangers_stay),
		cmocka_unit_test(test_overlapping_services),
		cmocka_unit_test(test_exchanges_replay_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
