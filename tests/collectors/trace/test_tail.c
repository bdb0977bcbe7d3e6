/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tail mode: whole requests and a scheduler that tells only what can have delayed one. The same life of a thread told in both
 * modes must come out the same.
 */
#include "records.h"

#define RING 7 /* the lane of a flight ring */

static void tell_mode(struct story *story, uint64_t time_ns, uint32_t tail)
{
	story_add(story, RECORD_MODE, sizeof(struct record_mode), time_ns, RING - 1, 0)->as_mode.tail = tail;
}

static struct record_request *tell_request(struct story *story, uint64_t end_ns, uint32_t tid, uint64_t sock,
					   uint64_t arrival_ns, uint64_t begin_ns)
{
	struct record_request *record =
		&story_add(story, RECORD_REQUEST, sizeof(*record), end_ns, RING, tid)->as_request;

	record->arrival_ns = arrival_ns;
	record->begin_ns = begin_ns;
	record->sock = sock;
	record->peer_port = port_of(sock);
	record->local_port = 8080;
	record->info = 200;
	record->allocs = 12;
	record->alloc_bytes = 4096;
	return record;
}

static struct story tail_story(void)
{
	struct story story = story_new(1);

	tell_mode(&story, 0, 1);
	tell_task(&story, 1, 0, 101, ON_CPU, 0);
	return story;
}

static void play(struct story *story, uint32_t requests)
{
	story_play(story);
	assert_int_equal(story->request_count, requests);
	assert_int_equal(story->summary.requests, requests);
	assert_int_equal(story->summary.checks.sum_error_ns_max, 0);
	assert_int_equal(story->summary.checks.doubts, 0);
	for (uint32_t i = 0; i < requests; i++)
		assert_sums(&story->requests[i]);
}

static void test_busy_thread_is_own(void **state)
{
	(void)state;
	struct story story = tail_story();

	tell_request(&story, 100 * US, 101, 1, 50 * US, 70 * US);
	play(&story, 1);
	assert_int_equal(story.requests[0].queue.ns[CAUSE_OWN], 20 * US);
	assert_int_equal(story.requests[0].service.ns[CAUSE_OWN], 30 * US);
	assert_int_equal(story.requests[0].status, 200);
	assert_int_equal(story.summary.alloc.total, 12);
	story_free(&story);
}

static void test_client_times(void **state)
{
	(void)state;
	struct story story = tail_story();

	tell_times(&story, 99 * US, 0, 101, 1, 30 * US, 45 * US);
	tell_request(&story, 100 * US, 101, 1, 50 * US, 70 * US);
	tell_request(&story, 130 * US, 101, 1, 101 * US, 110 * US);
	play(&story, 2);
	assert_int_equal(request_client_wait_ns(&story.requests[0]), 15 * US);
	assert_int_equal(request_response_ns(&story.requests[0]), 70 * US);
	assert_int_equal(story.requests[1].send_ns, 0);
	story_free(&story);
}

/* The request that these times are of was never noted: they are not the next one's. */
static void test_client_times_without_end(void **state)
{
	(void)state;
	struct story story = tail_story();

	tell_times(&story, 99 * US, 0, 101, 1, 30 * US, 45 * US);
	tell_request(&story, 130 * US, 101, 1, 101 * US, 110 * US);
	play(&story, 1);
	assert_int_equal(story.requests[0].send_ns, 0);
	story_free(&story);
}

/* It arrived while the thread waited for work: up to its waking that was waking, then work. */
static void test_sleeping_thread_is_woken(void **state)
{
	(void)state;
	struct story story = tail_story();
	struct record_request *record = tell_request(&story, 100 * US, 101, 1, 50 * US, 70 * US);

	record->asleep_ns = 20 * US;
	record->awake_ns = 65 * US;
	/* This one came when the thread was awake. */
	record = tell_request(&story, 130 * US, 101, 2, 66 * US, 110 * US);
	record->asleep_ns = 20 * US;
	record->awake_ns = 65 * US;
	play(&story, 2);
	assert_int_equal(story.requests[0].queue.ns[CAUSE_WAKE], 15 * US);
	assert_int_equal(story.requests[0].queue.ns[CAUSE_OWN], 5 * US);
	assert_int_equal(story.requests[1].queue.ns[CAUSE_WAKE], 0);
	assert_int_equal(story.requests[1].queue.ns[CAUSE_OWN], 44 * US);
	story_free(&story);
}

/* Called while a stranger has the CPU: told, and blamed on him. */
static void test_busy_cpu_is_runq(void **state)
{
	(void)state;
	struct story story = tail_story();

	tell_wakeup(&story, 50 * US, 0, 101, 900);
	tell_switch(&story, 80 * US, 0, 900, RECORD_LEFT_PREEMPTED, 101);
	struct record_request *record = tell_request(&story, 120 * US, 101, 1, 45 * US, 90 * US);
	record->asleep_ns = 10 * US;
	record->awake_ns = 81 * US;
	play(&story, 1);
	assert_int_equal(story.requests[0].queue.ns[CAUSE_RUNQ], 30 * US);
	assert_int_equal(story.requests[0].queue.ns[CAUSE_WAKE], 6 * US); /* 5 before it was called, 1 after */
	assert_int_equal(story.requests[0].queue.ns[CAUSE_OWN], 9 * US);
	assert_int_equal(story.requests[0].culprit_tid, 900);
	story_free(&story);
}

/* The call found the CPU idle and was not told, but the thread had to wait: the switch says for how long. */
static void test_wait_nobody_told(void **state)
{
	(void)state;
	struct story story = tail_story();

	struct record_switch *come = tell_switch(&story, 90 * US, 0, 900, RECORD_LEFT_SLEEPING, 101);
	come->next_waited_us = 40;
	tell_request(&story, 120 * US, 101, 1, 45 * US, 100 * US);
	play(&story, 1);
	assert_int_equal(story.requests[0].queue.ns[CAUSE_RUNQ], 40 * US);
	assert_int_equal(story.requests[0].queue.ns[CAUSE_OWN], 15 * US);
	assert_int_equal(story.requests[0].culprit_tid, 900);
	assert_string_equal(story.requests[0].culprit, "other-900");
	story_free(&story);
}

static void test_preemption_and_sleep_inside(void **state)
{
	(void)state;
	struct story story = tail_story();

	tell_request(&story, 5 * US, 101, 1, 2 * US, 3 * US);
	tell_preempt(&story, 110 * US, 0, 101, 900);
	tell_switch(&story, 130 * US, 0, 900, RECORD_LEFT_SLEEPING, 101);
	tell_sleep(&story, 140 * US, 0, 101, 0);
	tell_wakeup(&story, 170 * US, 0, 101, 0);
	tell_switch(&story, 172 * US, 0, 0, RECORD_LEFT_PREEMPTED, 101);
	tell_request(&story, 200 * US, 101, 1, 90 * US, 100 * US);
	play(&story, 2);
	assert_int_equal(story.requests[1].service.ns[CAUSE_RUNQ], 20 * US);
	assert_int_equal(story.requests[1].service.ns[CAUSE_BLOCKED], 30 * US);
	assert_int_equal(story.requests[1].service.ns[CAUSE_WAKE], 2 * US);
	assert_int_equal(story.requests[1].service.ns[CAUSE_OWN], 48 * US);
	story_free(&story);
}

/* A thread goes to another CPU in a sleep that is not told. */
static void test_migration_is_no_contradiction(void **state)
{
	(void)state;
	struct story story = tail_story();

	tell_request(&story, 5 * US, 101, 1, 2 * US, 3 * US);
	tell(&story, 100 * US, 1, 101, EVENT_gc_handshake_begin, 1, 1);
	tell(&story, 110 * US, 1, 101, EVENT_gc_handshake_end, 1, 1);
	tell_preempt(&story, 120 * US, 0, 101, 900);
	tell_switch(&story, 130 * US, 0, 900, RECORD_LEFT_SLEEPING, 101);
	tell_request(&story, 140 * US, 101, 1, 90 * US, 95 * US);
	play(&story, 2);
	assert_int_equal(story.requests[1].service.ns[CAUSE_STOP], 10 * US);
	assert_int_equal(story.requests[1].service.ns[CAUSE_RUNQ], 10 * US);
	story_free(&story);
}

/* The kernel did not report that the thread came: its own word for when it woke up does. */
static void test_switch_not_reported(void **state)
{
	(void)state;
	struct story story = tail_story();

	tell_wakeup(&story, 50 * US, 0, 101, 900);
	struct record_request *record = tell_request(&story, 120 * US, 101, 1, 50 * US, 90 * US);
	record->asleep_ns = 10 * US;
	record->awake_ns = 80 * US;
	play(&story, 1);
	assert_int_equal(story.requests[0].queue.ns[CAUSE_RUNQ], 30 * US);
	assert_int_equal(story.requests[0].queue.ns[CAUSE_OWN], 10 * US);
	assert_int_equal(story.requests[0].service.ns[CAUSE_OWN], 30 * US);
	story_free(&story);
}

/* It was preempted, and how it came back was not reported: it tells so itself, with its next answer. */
static void test_return_not_reported(void **state)
{
	(void)state;
	struct story story = tail_story();

	tell_request(&story, 5 * US, 101, 1, 2 * US, 3 * US);
	tell_preempt(&story, 110 * US, 0, 101, 900);
	tell_request(&story, 200 * US, 101, 1, 90 * US, 100 * US);
	tell_request(&story, 240 * US, 101, 1, 120 * US, 210 * US);
	tell_task(&story, 170 * US, 0, 101, ON_CPU, 0);
	play(&story, 3);
	assert_int_equal(story.requests[1].service.ns[CAUSE_RUNQ], 60 * US);
	assert_int_equal(story.requests[1].service.ns[CAUSE_OWN], 40 * US);
	assert_int_equal(story.requests[1].culprit_tid, 900);
	assert_int_equal(story.requests[2].queue.ns[CAUSE_RUNQ], 50 * US);
	story_free(&story);
}

static void test_arrival_unknown(void **state)
{
	(void)state;
	struct story story = tail_story();

	tell_request(&story, 100 * US, 101, 1, 0, 70 * US);
	tell_request(&story, 200 * US, 101, 1, 0, 170 * US)->flags = RECORD_REQUEST_LOST;
	tell_request(&story, 300 * US, 101, 1, 160 * US, 270 * US)->flags = RECORD_REQUEST_SHARED;
	play(&story, 3);
	assert_int_equal(story.requests[0].flags, REQUEST_NO_ARRIVAL);
	assert_int_equal(story.requests[0].arrival_ns, 70 * US);
	assert_int_equal(story.requests[1].flags, REQUEST_NO_ARRIVAL | REQUEST_LOSS);
	assert_int_equal(story.requests[2].flags, REQUEST_SHARED_READ);
	assert_int_equal(story.summary.checks.without_arrival, 2);
	story_free(&story);
}

/* What was overtaken in the ring may have been the thread's events: not explained, and said so. */
static void test_loss_in_the_ring(void **state)
{
	(void)state;
	struct story story = tail_story();

	tell_request(&story, 100 * US, 101, 1, 50 * US, 70 * US);
	tell_request(&story, 200 * US, 101, 1, 150 * US, 170 * US);
	story_lose(&story);
	tell_request(&story, 300 * US, 101, 1, 250 * US, 270 * US);
	tell_request(&story, 400 * US, 101, 1, 350 * US, 370 * US);
	/* Lanes above RECORD_CPU_LIMIT are rings; a story's are numbered below. */
	story_number(&story);
	for (uint32_t i = 0; i < story.count; i++)
		if (story.records[i].h.cpu == RING)
			story.records[i].h.cpu = RECORD_CPU_LIMIT;
	story_feed(&story);
	assert_int_equal(story.request_count, 3);
	assert_int_equal(story.summary.lost, 1);
	assert_int_equal(story.requests[0].flags, 0);
	assert_int_equal(story.requests[1].flags, REQUEST_LOSS);
	assert_int_equal(story.requests[1].queue.ns[CAUSE_UNATTRIBUTED], 20 * US);
	assert_int_equal(story.requests[2].flags, 0);
	assert_int_equal(story.requests[2].queue.ns[CAUSE_OWN], 20 * US);
	story_free(&story);
}

/* ---- The same life, told in both modes. */

struct life {
	struct story exact, tail;
	uint64_t random, now_ns;
};

static uint64_t random_below(struct life *life, uint64_t below)
{
	life->random = life->random * 6364136223846793005ull + 1442695040888963407ull;
	return (life->random >> 33) % below;
}

static void pass(struct life *life, uint64_t most_us)
{
	life->now_ns += (1 + random_below(life, most_us)) * US;
}

/* Something that can happen to a thread on a CPU, told alike. */
static void happen(struct life *life)
{
	struct story *both[] = {&life->exact, &life->tail};
	uint64_t begin_ns = life->now_ns, what = random_below(life, 8);

	pass(life, 200);
	for (int s = 0; s < 2; s++) {
		if (what == 0) {
			tell_preempt(both[s], begin_ns, 0, 101, 900);
			tell_switch(both[s], life->now_ns, 0, 900, RECORD_LEFT_SLEEPING, 101);
		} else if (what == 1) {
			tell(both[s], begin_ns, 0, 101, EVENT_gc_assist_begin, 1, 1);
			tell(both[s], life->now_ns, 0, 101, EVENT_gc_assist_end, 1, 1);
		} else if (what == 2) {
			tell(both[s], begin_ns, 0, 101, EVENT_gc_handshake_begin, 1, 1);
			tell(both[s], life->now_ns, 0, 101, EVENT_gc_handshake_end, 1, 1);
		}
	}
}

/* The thread waits for work until the request arrives; its CPU is idle meanwhile, or a stranger has it. */
static void sleep_and_wake(struct life *life, uint64_t *asleep_ns, uint64_t *arrival_ns)
{
	uint32_t runner = random_below(life, 3) ? 0 : 900;

	*asleep_ns = life->now_ns;
	tell_sleep(&life->exact, life->now_ns, 0, 101, runner);
	pass(life, 100);
	*arrival_ns = life->now_ns;
	tell_waking(&life->exact, life->now_ns, 0, 101);
	pass(life, 10);
	tell_wakeup(&life->exact, life->now_ns, 0, 101, runner);
	if (runner)
		tell_wakeup(&life->tail, life->now_ns, 0, 101, runner);
	pass(life, 50);
	tell_switch(&life->exact, life->now_ns, 0, runner, RECORD_LEFT_PREEMPTED, 101);
	if (runner)
		tell_switch(&life->tail, life->now_ns, 0, runner, RECORD_LEFT_PREEMPTED, 101);
}

static void serve(struct life *life, uint64_t number)
{
	uint64_t asleep_ns = 0, awake_ns = 0, arrival_ns = life->now_ns, sock = 1 + number % 3;

	if (random_below(life, 2)) {
		sleep_and_wake(life, &asleep_ns, &arrival_ns);
		awake_ns = life->now_ns;
	} else {
		happen(life);
	}
	pass(life, 5);
	uint64_t begin_ns = life->now_ns;
	tell_recv(&life->exact, begin_ns, 0, 101, sock, arrival_ns);
	pass(life, 30);
	happen(life);
	tell_send(&life->exact, life->now_ns, 0, 101, sock);
	tell_end(&life->exact, life->now_ns, 0, 101, sock, begin_ns);
	struct record_request *record = tell_request(&life->tail, life->now_ns, 101, sock, arrival_ns, begin_ns);
	record->asleep_ns = asleep_ns;
	record->awake_ns = awake_ns;
	pass(life, 5);
}

static void compare(const struct request *exact, const struct request *tail)
{
	assert_int_equal(exact->arrival_ns, tail->arrival_ns);
	assert_int_equal(exact->begin_ns, tail->begin_ns);
	assert_int_equal(exact->end_ns, tail->end_ns);
	assert_int_equal(exact->collector_ns, tail->collector_ns);
	assert_int_equal(exact->without_gc_ns, tail->without_gc_ns);
	for (int cause = 0; cause < CAUSE_COUNT; cause++) {
		assert_int_equal(exact->queue.ns[cause], tail->queue.ns[cause]);
		assert_int_equal(exact->service.ns[cause], tail->service.ns[cause]);
	}
}

/* Counts, percentiles, causes and the replay are equal, request by request. */
static void test_both_modes_agree(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct life life = {.exact = story_new(1), .tail = tail_story(), .random = seed, .now_ns = 10 * US};
		tell_task(&life.exact, 1, 0, 101, ON_CPU, 0);
		for (uint64_t number = 0; number < 500; number++)
			serve(&life, number);
		play(&life.tail, 500);
		story_play(&life.exact);
		assert_int_equal(life.exact.request_count, 500);
		for (uint32_t i = 0; i < 500; i++)
			compare(&life.exact.requests[i], &life.tail.requests[i]);
		assert_memory_equal(&life.exact.summary.server, &life.tail.summary.server, sizeof(struct quantiles));
		assert_memory_equal(&life.exact.summary.without_gc, &life.tail.summary.without_gc, sizeof(struct quantiles));
		story_free(&life.exact);
		story_free(&life.tail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_busy_thread_is_own),
		cmocka_unit_test(test_client_times),
		cmocka_unit_test(test_client_times_without_end),
		cmocka_unit_test(test_sleeping_thread_is_woken),
		cmocka_unit_test(test_busy_cpu_is_runq),
		cmocka_unit_test(test_wait_nobody_told),
		cmocka_unit_test(test_preemption_and_sleep_inside),
		cmocka_unit_test(test_migration_is_no_contradiction),
		cmocka_unit_test(test_switch_not_reported),
		cmocka_unit_test(test_return_not_reported),
		cmocka_unit_test(test_arrival_unknown),
		cmocka_unit_test(test_loss_in_the_ring),
		cmocka_unit_test(test_both_modes_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
