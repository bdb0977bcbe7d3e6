/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tail mode on a live target: requests come whole, with the arrival that the kernel saw; reads, sends and sleeps in poll are
 * not told; what is lost is counted, by kind, and nothing is invented for it.
 */
#include "fixture.h"

#include "../../collectors/trace/source/rights.h"

static const struct record_request *request_at(size_t n)
{
	return kept_find(RECORD_REQUEST, 0, n);
}

static void every_request_has_its_arrival(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *source = open_source(target, (struct source_options){.tail = true});
	uint64_t sent_ns[200], answered_ns[200];
	int fd = target_connect(target);
	for (int n = 0; n < 200; n++) {
		sent_ns[n] = source_now_ns();
		target_ask(fd, "q");
		answered_ns[n] = source_now_ns();
		if (n % 50 == 49)
			source_drain(source, keep, NULL);
	}
	drain_until(source, RECORD_REQUEST, 200);
	assert_int_equal(kept_count(RECORD_MODE, 0), 1);
	for (size_t n = 0; n < 200; n++) {
		const struct record_request *request = request_at(n);
		assert_int_equal(request->flags, 0);
		assert_int_equal(request->local_port, target.port);
		assert_true(sent_ns[n] <= request->arrival_ns && request->arrival_ns <= request->begin_ns);
		assert_true(request->begin_ns <= request->h.time_ns && request->begin_ns <= answered_ns[n]);
		assert_true(request->asleep_ns <= request->awake_ns && request->awake_ns <= request->begin_ns);
	}
	assert_int_equal(kept_count(RECORD_RECV, 0) + kept_count(RECORD_SEND, 0) + kept_count(RECORD_WAKING, 0), 0);
	close(fd);
	source_close(source);
	target_stop(target);
}

/* 2 ms between requests: each found the target asleep. */
static void sleeps_for_work_are_not_told_others_are(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *source = open_source(target, (struct source_options){.tail = true});
	int fd = target_connect(target);
	for (int n = 0; n < 20; n++) {
		target_ask(fd, "q");
		usleep(2000);
	}
	drain_until(source, RECORD_REQUEST, 20);
	size_t slept = 0;
	for (size_t i = 0; i < kept.count; i++) {
		const struct record_switch *record = (const void *)kept_at(i);
		slept += record->h.kind == RECORD_SWITCH && record->prev_tid == target_tgid(source) &&
			 record->prev_left == RECORD_LEFT_SLEEPING;
	}
	assert_int_equal(slept, 0);
	target_ask(fd, "s");
	usleep(2000);
	source_drain(source, keep, NULL);
	for (size_t i = 0; i < kept.count; i++) {
		const struct record_switch *record = (const void *)kept_at(i);
		slept += record->h.kind == RECORD_SWITCH && record->prev_tid == target_tgid(source) &&
			 record->prev_left == RECORD_LEFT_SLEEPING;
	}
	assert_int_equal(slept, 1);
	close(fd);
	source_close(source);
	target_stop(target);
}

static void count_ends(size_t *events, size_t *requests)
{
	*events = 0;
	*requests = kept_count(RECORD_REQUEST, 0);
	for (size_t i = 0; i < kept.count; i++) {
		const struct record_event *event = (const void *)kept_at(i);
		*events += event->h.kind == RECORD_EVENT && event->event == EVENT_request_end;
	}
}

/* Over to tail mode while requests come, without rights: each is told once, in the one way or the other. */
static int switch_without_rights(struct target target)
{
	struct source *source = NULL;
	struct source_options options = {.pid = target.pid, .flight = true};
	if (source_open_live(&options, &source, NULL) || rights_drop())
		return 1;
	int fd = target_connect(target);
	kept.count = kept.bytes = 0;
	for (int n = 0; n < 300; n++) {
		if (n == 100 && source_tail(source))
			return 2;
		target_ask(fd, "q");
		usleep(1000);
		source_drain(source, keep, NULL);
	}
	source_drain(source, keep, NULL);
	size_t events, requests;
	count_ends(&events, &requests);
	if (events < 100 || requests == 0 || events + requests != 300 || kept_count(RECORD_MODE, 0) != 1)
		return 3;
	for (size_t n = 0; n < requests; n++)
		if (!request_at(n)->arrival_ns || request_at(n)->flags)
			return 4;
	return 0;
}

static void over_to_tail_mode_on_the_way(void **state)
{
	(void)state;
	struct target target = target_start("0");
	int status;
	pid_t child = fork();
	if (child == 0)
		_exit(switch_without_rights(target));
	waitpid(child, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	target_stop(target);
}

/* A ring of a page that nobody reads: arrivals are lost, counted, and no request is given another's. */
static void lost_arrivals(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *source = open_source(target, (struct source_options){.tail = true, .ring_bytes = 1});
	struct source_counts counts;
	int fd = target_connect(target);
	uint64_t sent_ns[1000];
	for (int n = 0; n < 1000; n++) {
		sent_ns[n] = source_now_ns();
		target_ask(fd, "q");
		if (n % 250 == 249)
			source_drain(source, keep, NULL);
	}
	drain_until(source, RECORD_REQUEST, 1000);
	source_counts(source, &counts);
	assert_true(counts.lost_of[RECORD_ARRIVAL] > 0);
	assert_int_equal(counts.written_of[RECORD_ARRIVAL] + counts.lost_of[RECORD_ARRIVAL], 1000);
	assert_int_equal(counts.written_of[RECORD_ARRIVAL], counts.received_of[RECORD_ARRIVAL]);
	size_t known = 0;
	for (size_t n = 0; n < 1000; n++) {
		const struct record_request *request = request_at(n);
		known += request->arrival_ns != 0;
		if (request->arrival_ns)
			assert_true(request->arrival_ns >= sent_ns[n]);
		else
			assert_int_equal(request->flags, RECORD_REQUEST_LOST);
	}
	assert_int_equal(known, counts.written_of[RECORD_ARRIVAL]);
	close(fd);
	source_close(source);
	target_stop(target);
}

/* Once it keeps a ring the thread's events come by it, each once, also beside a tracer that wants the trap. */
static void events_come_by_the_ring(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *source = open_source(target, (struct source_options){.flight = true});
	struct source_counts counts;
	int fd = target_connect(target);
	target_ask(fd, "q");
	drain_until(source, RECORD_EVENT, 2); /* request_flight by its trap, request_end */
	source_counts(source, &counts);
	uint64_t traps = counts.traps;
	target_ask(fd, "h");
	drain_until(source, RECORD_EVENT, 4);
	source_counts(source, &counts);
	assert_int_equal(counts.traps, traps);
	assert_int_equal(counts.event_hits[EVENT_gc_handshake_begin], 1);
	const struct record_event *begin = kept_find(RECORD_EVENT, 0, 2), *end = kept_find(RECORD_EVENT, 0, 3);
	assert_int_equal(begin->event, EVENT_gc_handshake_begin);
	assert_int_equal(begin->args[0], 11);
	assert_int_equal(begin->args[1], 22);
	assert_int_equal(end->event, EVENT_gc_handshake_end);
	assert_true(begin->h.time_ns <= end->h.time_ns);
	assert_int_equal(begin->h.tid, target_tgid(source));
	struct source *other = open_source(target, (struct source_options){0});
	target_ask(fd, "h");
	drain_until(other, RECORD_EVENT, 2); /* it traps */
	kept.count = kept.bytes = 0;
	drain_until(source, RECORD_EVENT, 2);
	usleep(2000);
	source_drain(source, keep, NULL);
	assert_int_equal(kept_count(RECORD_EVENT, 0), 2);
	source_close(other);
	close(fd);
	source_close(source);
	target_stop(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_has_its_arrival),
		cmocka_unit_test(sleeps_for_work_are_not_told_others_are),
		cmocka_unit_test(over_to_tail_mode_on_the_way),
		cmocka_unit_test(lost_arrivals),
		cmocka_unit_test(events_come_by_the_ring),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
