/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests out of the target's memory: the same record as the probe makes, nothing torn, and every one
 * either received or counted as lost.
 */
#include "fixture.h"

#include "../../collectors/trace/source/rights.h"
#include "../../svc/probes/flight.h"

/* The n-th request_end; NULL: there are not so many. */
static const struct record_event *end_at(size_t n)
{
	const struct record_event *event;
	for (size_t i = 0; (event = kept_find(RECORD_EVENT, 0, i)); i++)
		if (event->event == EVENT_request_end && n-- == 0)
			return event;
	return NULL;
}

static void drain_until_end(struct source *source)
{
	for (size_t events = 1; !end_at(0); events++)
		drain_until(source, RECORD_EVENT, events);
}

static void a_request_looks_as_the_probe_tells_it(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *rings = open_source(target, (struct source_options){.flight = true});
	struct source *probes = open_source(target, (struct source_options){0});
	struct target_info info;
	struct source_counts counts;
	int fd = target_connect(target);
	source_info(rings, &info);
	assert_true(info.flight);
	assert_true(info.has_request_end);
	uint64_t before_ns = source_now_ns();
	target_ask(fd, "r");
	uint64_t after_ns = source_now_ns();
	drain_until_end(rings);
	struct record_event by_ring = *end_at(0);
	kept.count = kept.bytes = 0;
	drain_until_end(probes);
	struct record_event by_probe = *end_at(0);
	assert_int_equal(by_ring.event, EVENT_request_end);
	assert_int_equal(by_ring.event, by_probe.event);
	assert_int_equal(by_ring.h.tid, by_probe.h.tid);
	assert_memory_equal(by_ring.args, by_probe.args, sizeof(by_probe.args));
	assert_true(before_ns <= by_ring.h.time_ns && by_ring.h.time_ns <= after_ns);
	source_counts(rings, &counts);
	assert_int_equal(counts.event_hits[EVENT_request_end], 1);
	assert_int_equal(counts.traps, 1); /* of request_flight, for the new ring */
	source_counts(probes, &counts);
	assert_int_equal(counts.event_hits[EVENT_request_flight], 0); /* it came with the ring, before us */
	assert_int_equal(counts.event_hits[EVENT_request_end], 1);
	close(fd);
	source_close(probes);
	source_close(rings);
	target_stop(target);
}

/* Checks every event kept: whole, in order, numbered. Returns how many. */
static size_t check_events(void)
{
	size_t count = 0;
	uint64_t last[2] = {0};
	for (size_t i = 0; i < kept.count; i++) {
		const struct record_event *event = (const void *)kept_at(i);
		if (event->h.kind != RECORD_EVENT || event->event != EVENT_request_end)
			continue;
		assert_int_equal(event->args[0], (uint16_t)event->args[1]);
		for (int a = 2; a < 6; a++)
			assert_int_equal(event->args[a], event->args[1]);
		uint64_t *before = &last[event->h.cpu & 1];
		assert_true(event->args[1] > *before);
		*before = event->args[1];
		count++;
	}
	return count;
}

static void overtaken_requests_are_counted(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *source = open_source(target, (struct source_options){.flight = true, .no_sched = true});
	struct source_counts counts;
	int fd = target_connect(target);
	source_drain(source, keep, NULL);
	target_ask(fd, "O");
	source_drain(source, keep, NULL);
	source_counts(source, &counts);
	size_t received = check_events();
	assert_true(received > FLIGHT_ENTRIES / 2 && received < FLIGHT_ENTRIES);
	assert_int_equal(received + counts.lost_of[RECORD_EVENT], 50000);
	assert_int_equal(counts.event_hits[EVENT_request_end], 50000);
	/* The last one says how many were lost before it. */
	assert_int_equal(end_at(received - 1)->h.lost, counts.lost_of[RECORD_EVENT]);
	close(fd);
	source_close(source);
	target_stop(target);
}

static uint64_t received_million, torn;

static void check_one(void *context, const struct record *record)
{
	const struct record_event *event = (const void *)record;
	(void)context;
	if (record->kind != RECORD_EVENT || event->event != EVENT_request_end)
		return;
	received_million++;
	torn += event->args[0] != (uint16_t)event->args[1];
	for (int a = 2; a < 6; a++)
		torn += event->args[a] != event->args[1];
}

/* Two threads write as fast as they can while we read: nothing is torn, and the sum is right. */
static void nothing_is_torn_while_it_is_written(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *source = open_source(target, (struct source_options){.flight = true, .no_sched = true});
	struct source_counts counts;
	int fd = target_connect(target);
	source_drain(source, keep, NULL);
	target_ask(fd, "W");
	uint64_t give_up_ns = source_now_ns() + 20000000000u;
	do {
		source_drain(source, check_one, NULL);
		source_counts(source, &counts);
	} while (counts.event_hits[EVENT_request_end] < 2000000 && source_now_ns() < give_up_ns);
	assert_int_equal(counts.event_hits[EVENT_request_end], 2000000);
	assert_int_equal(received_million + counts.lost_of[RECORD_EVENT], 2000000);
	assert_true(received_million > 1000);
	assert_int_equal(torn, 0);
	print_message("%lu of 2000000 received, the rest overtaken\n", (unsigned long)received_million);
	close(fd);
	source_close(source);
	target_stop(target);
}

/* What was written for an earlier tracer is not told again. */
static void only_what_is_new(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *first = open_source(target, (struct source_options){.flight = true});
	int fd = target_connect(target);
	target_ask(fd, "r");
	target_ask(fd, "r");
	source_close(first);
	target_ask(fd, "r"); /* nobody watches: not written */
	struct source *second = open_source(target, (struct source_options){.flight = true});
	target_ask(fd, "r");
	drain_until_end(second);
	source_drain(second, keep, NULL);
	assert_int_equal(kept_count(RECORD_EVENT, 0), 1);
	assert_int_equal(end_at(0)->h.seq, 3);
	close(fd);
	source_close(second);
	target_stop(target);
}

static int read_without_rights(pid_t pid)
{
	struct source *source = NULL;
	struct source_options options = {.pid = pid, .flight = true};
	if (source_open_live(&options, &source, NULL) || rights_drop())
		return 1;
	kept.count = kept.bytes = 0;
	for (int wait = 0; wait < 1000 && kept_count(RECORD_EVENT, 0) < 3; wait++) {
		usleep(2000);
		source_drain(source, keep, NULL);
	}
	return kept_count(RECORD_EVENT, 0) >= 3 ? 0 : 2;
}

static void read_without_any_capability(void **state)
{
	(void)state;
	struct target target = target_start("0");
	int fd = target_connect(target), status;
	pid_t child = fork();
	if (child == 0)
		_exit(read_without_rights(target.pid));
	while (waitpid(child, &status, WNOHANG) == 0) {
		target_ask(fd, "r");
		usleep(2000);
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	close(fd);
	target_stop(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_looks_as_the_probe_tells_it),
		cmocka_unit_test(overtaken_requests_are_counted),
		cmocka_unit_test(nothing_is_torn_while_it_is_written),
		cmocka_unit_test(only_what_is_new),
		cmocka_unit_test(read_without_any_capability),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
