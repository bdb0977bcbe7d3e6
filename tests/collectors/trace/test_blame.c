/* SPDX-License-Identifier: Apache-2.0 */
/* Each cause alone, in the queue and in service, on hand-made records with known answers. */
#include "records.h"

/*
 * The frame of most stories: thread 101 sleeps on CPU 0 from 1 ms on, a request arrives at 2 ms, the thread
 * is called and runs at once, reads at 2 ms + 10 us and answers at 3 ms.
 */
#define ARRIVAL (2 * MS)
#define BEGIN (ARRIVAL + 10 * US)
#define END (3 * MS)

static struct story frame(void)
{
	struct story story = story_new(1);

	tell_task(&story, 0, 0, 101, ON_CPU, 0);
	tell_sleep(&story, 1 * MS, 0, 101, 0);
	tell_waking(&story, ARRIVAL, 0, 101);
	tell_wakeup(&story, ARRIVAL + 1 * US, 0, 101, 0);
	tell_switch(&story, ARRIVAL + 2 * US, 0, 0, RECORD_LEFT_PREEMPTED, 101);
	tell_recv(&story, BEGIN, 0, 101, 1, ARRIVAL);
	return story;
}

static void finish(struct story *story)
{
	tell_send(story, END, 0, 101, 1);
	tell_end(story, END + 1 * US, 0, 101, 1, BEGIN + 1 * US);
	tell_sleep(story, END + 2 * US, 0, 101, 0);
	story_play(story);
	assert_int_equal(story->request_count, 1);
	assert_sums(&story->requests[0]);
	assert_int_equal(story->summary.checks.sum_error_ns_max, 0);
}

/* One cause holds `ns` of service, own the rest. */
static void assert_service(const struct request *request, enum cause cause, uint64_t ns)
{
	assert_int_equal(request->service.ns[cause], ns);
	if (cause != CAUSE_OWN)
		assert_int_equal(request->service.ns[CAUSE_OWN], END - BEGIN - ns);
}

static void assert_queue(const struct request *request, enum cause cause, uint64_t ns)
{
	if (request->queue.ns[cause] != ns)
		print_error("%s: %llu, not %llu\n", cause_name(cause), (unsigned long long)request->queue.ns[cause],
			    (unsigned long long)ns);
	assert_int_equal(request->queue.ns[cause], ns);
}

static void test_own(void **state)
{
	(void)state;
	struct story story = frame();

	finish(&story);
	const struct request *request = &story.requests[0];
	assert_int_equal(request->arrival_ns, ARRIVAL);
	assert_int_equal(request->begin_ns, BEGIN);
	assert_int_equal(request->end_ns, END);
	assert_int_equal(request->tid, 101);
	assert_int_equal(request->flags, 0);
	assert_int_equal(request->peer_port, port_of(1));
	assert_int_equal(request->has_service, 1);
	assert_int_equal(request->key, 7);
	assert_int_equal(request->status, 200);
	assert_int_equal(request->allocs, 12);
	assert_int_equal(request->alloc_bytes, 4096);
	assert_service(request, CAUSE_OWN, END - BEGIN);
	/* 1 us called, 1 us in the queue of a CPU that was coming out of halt, 8 us running. */
	assert_queue(request, CAUSE_WAKE, 2 * US);
	assert_queue(request, CAUSE_OWN, 8 * US);
	assert_queue(request, CAUSE_UNATTRIBUTED, 0);
	assert_int_equal(request->collector_ns, 0);
	assert_int_equal(request->cycle, 0);
	assert_int_equal(story.summary.requests, 1);
	assert_int_equal(story.summary.alloc.total, 12);
	assert_int_equal(story.summary.server.max, END - ARRIVAL);
	assert_int_equal(story.summary.without_gc.max, END - ARRIVAL);
	story_free(&story);
}

static void test_alloc_and_sweep(void **state)
{
	(void)state;
	struct story story = frame();

	tell(&story, BEGIN + 100 * US, 0, 101, EVENT_gc_alloc_slow_begin, 64, 0);
	tell(&story, BEGIN + 120 * US, 0, 101, EVENT_gc_sweep_begin, 3, 1);
	tell(&story, BEGIN + 150 * US, 0, 101, EVENT_gc_sweep_end, 3, 0);
	tell(&story, BEGIN + 160 * US, 0, 101, EVENT_gc_alloc_slow_end, 64, 0);
	finish(&story);
	const struct request *request = &story.requests[0];
	assert_service(request, CAUSE_ALLOC, 60 * US);
	assert_int_equal(request->sweep_ns, 30 * US);
	assert_int_equal(request->collector_ns, 30 * US);
	assert_int_equal(story.summary.without_gc.max, END - ARRIVAL - 30 * US);
	assert_int_equal(story.requests[0].without_gc_ns, END - ARRIVAL - 30 * US);
	assert_int_equal(story.summary.worst[0].without_gc_ns, END - ARRIVAL - 30 * US);
	story_free(&story);
}

static void test_assist_inside_alloc(void **state)
{
	(void)state;
	struct story story = frame();

	tell(&story, BEGIN + 50 * US, 0, 101, EVENT_gc_cycle_begin, 4, 0);
	tell(&story, BEGIN + 100 * US, 0, 101, EVENT_gc_alloc_slow_begin, 64, 0);
	tell(&story, BEGIN + 110 * US, 0, 101, EVENT_gc_assist_begin, 4, 1000);
	tell(&story, BEGIN + 180 * US, 0, 101, EVENT_gc_assist_end, 4, 1000);
	tell(&story, BEGIN + 200 * US, 0, 101, EVENT_gc_alloc_slow_end, 64, 0);
	finish(&story);
	const struct request *request = &story.requests[0];
	assert_int_equal(request->service.ns[CAUSE_ASSIST], 70 * US);
	assert_int_equal(request->service.ns[CAUSE_ALLOC], 30 * US);
	assert_int_equal(request->service.ns[CAUSE_OWN], END - BEGIN - 100 * US);
	assert_int_equal(request->collector_ns, 70 * US);
	assert_int_equal(request->cycle, 4);
	assert_int_equal(story.summary.gc.assist_ns, 70 * US);
	story_free(&story);
}

/* A stop is a stop whatever the scheduler says: here the thread waits for it off its CPU. */
static void test_stop_while_switched_out(void **state)
{
	(void)state;
	struct story story = frame();

	tell(&story, BEGIN + 100 * US, 0, 101, EVENT_gc_stop_begin, 0, 0);
	tell_sleep(&story, BEGIN + 110 * US, 0, 101, 0);
	tell_waking(&story, BEGIN + 400 * US, 1, 101);
	tell_wakeup(&story, BEGIN + 410 * US, 0, 101, 0);
	tell_switch(&story, BEGIN + 420 * US, 0, 0, RECORD_LEFT_PREEMPTED, 101);
	tell(&story, BEGIN + 430 * US, 0, 101, EVENT_gc_stop_end, 0, 0);
	finish(&story);
	assert_service(&story.requests[0], CAUSE_STOP, 330 * US);
	assert_int_equal(story.summary.gc.stop.count, 1);
	assert_int_equal(story.summary.gc.stop.max, 330 * US);
	story_free(&story);
}

static void test_handshake_is_stop(void **state)
{
	(void)state;
	struct story story = frame();

	tell(&story, BEGIN + 100 * US, 0, 101, EVENT_gc_handshake_begin, 1, 1);
	tell(&story, BEGIN + 125 * US, 0, 101, EVENT_gc_handshake_end, 1, 1);
	finish(&story);
	assert_service(&story.requests[0], CAUSE_STOP, 25 * US);
	assert_int_equal(story.summary.gc.handshake.max, 25 * US);
	story_free(&story);
}

static void test_preempted_by_stranger(void **state)
{
	(void)state;
	struct story story = frame();

	tell_preempt(&story, BEGIN + 100 * US, 0, 101, 900);
	tell_switch(&story, BEGIN + 300 * US, 0, 900, RECORD_LEFT_PREEMPTED, 901);
	tell_switch(&story, BEGIN + 350 * US, 0, 901, RECORD_LEFT_PREEMPTED, 101);
	finish(&story);
	const struct request *request = &story.requests[0];
	assert_service(request, CAUSE_RUNQ, 250 * US);
	assert_int_equal(request->culprit_tid, 900);
	assert_string_equal(request->culprit, "other-900");
	assert_int_equal(story.summary.culprit_count, 2);
	assert_int_equal(story.summary.culprits[0].tid, 900);
	assert_int_equal(story.summary.culprits[0].ns, 200 * US);
	assert_int_equal(story.summary.culprits[1].ns, 50 * US);
	assert_int_equal(request->collector_ns, 0);
	story_free(&story);
}

static void test_preempted_by_collector(void **state)
{
	(void)state;
	struct story story = frame();

	tell_task(&story, 1 * US, 1, 110, ON_CPU, 0);
	tell(&story, 2 * US, 1, 110, EVENT_gc_worker, 9, 1);
	tell(&story, 3 * US, 1, 110, EVENT_gc_cycle_begin, 9, 0);
	tell_sleep(&story, 4 * US, 1, 110, 0);
	tell_waking(&story, BEGIN + 90 * US, 0, 110);
	tell_wakeup(&story, BEGIN + 91 * US, 0, 110, 101);
	tell_preempt(&story, BEGIN + 100 * US, 0, 101, 110);
	tell_switch(&story, BEGIN + 400 * US, 0, 110, RECORD_LEFT_PREEMPTED, 900);
	tell_switch(&story, BEGIN + 450 * US, 0, 900, RECORD_LEFT_SLEEPING, 101);
	finish(&story);
	const struct request *request = &story.requests[0];
	assert_int_equal(request->service.ns[CAUSE_GC_CPU], 300 * US);
	assert_int_equal(request->service.ns[CAUSE_RUNQ], 50 * US);
	assert_int_equal(request->collector_ns, 300 * US);
	assert_int_equal(request->culprit_tid, 110);
	assert_int_equal(request->cycle, 9);
	assert_int_equal(story.summary.culprits[0].own_collector, 1);
	assert_int_equal(story.summary.without_gc.max, END - ARRIVAL - 300 * US);
	story_free(&story);
}

static void test_blocked(void **state)
{
	(void)state;
	struct story story = frame();

	tell_sleep(&story, BEGIN + 100 * US, 0, 101, 0);
	tell_waking(&story, BEGIN + 300 * US, 1, 101);
	tell_wakeup(&story, BEGIN + 316 * US, 0, 101, 0);
	tell_switch(&story, BEGIN + 320 * US, 0, 0, RECORD_LEFT_PREEMPTED, 101);
	finish(&story);
	const struct request *request = &story.requests[0];
	assert_int_equal(request->service.ns[CAUSE_BLOCKED], 200 * US);
	assert_int_equal(request->service.ns[CAUSE_WAKE], 20 * US);
	story_free(&story);
}

static void test_major_fault(void **state)
{
	(void)state;
	struct story story = frame();

	tell_fault(&story, BEGIN + 99 * US, 0, 101);
	tell_switch(&story, BEGIN + 100 * US, 0, 101, RECORD_LEFT_WAITING, 0);
	tell_waking(&story, BEGIN + 300 * US, 1, 101);
	tell_wakeup(&story, BEGIN + 301 * US, 0, 101, 0);
	tell_switch(&story, BEGIN + 302 * US, 0, 0, RECORD_LEFT_PREEMPTED, 101);
	finish(&story);
	assert_int_equal(story.requests[0].service.ns[CAUSE_FAULT], 201 * US); /* from the fault until it is called */
	assert_int_equal(story.requests[0].service.ns[CAUSE_BLOCKED], 0);
	story_free(&story);
}

/* A minor fault is estimated, never beyond the thread's next record. */
static void test_minor_faults(void **state)
{
	(void)state;
	struct story story = frame();

	story.config.fault_minor_ns = 2 * US;
	tell_fault(&story, BEGIN + 100 * US, 0, 101);
	tell_fault(&story, BEGIN + 101 * US, 0, 101);
	tell(&story, BEGIN + 200 * US, 0, 101, EVENT_gc_alloc_slow_begin, 64, 0);
	tell_fault(&story, BEGIN + 201 * US, 0, 101);
	tell(&story, BEGIN + 210 * US, 0, 101, EVENT_gc_alloc_slow_end, 64, 0);
	finish(&story);
	assert_int_equal(story.requests[0].service.ns[CAUSE_FAULT], 3 * US);
	assert_int_equal(story.requests[0].service.ns[CAUSE_ALLOC], 10 * US);
	story_free(&story);
}

/* Where the page comes late the fault ends: nothing is estimated, however long it took. A short one has its calibrated length. */
static void test_paged_fault(void **state)
{
	(void)state;
	struct story story = frame();

	story.config.fault_minor_ns = 2 * US;
	tell_fault(&story, BEGIN + 100 * US, 0, 101);
	tell_paged(&story, BEGIN + 190 * US, 0, 101);
	tell_paged(&story, BEGIN + 195 * US, 0, 101);
	tell_fault(&story, BEGIN + 300 * US, 0, 101);
	tell_paged(&story, BEGIN + 301 * US, 0, 101);
	finish(&story);
	assert_int_equal(story.requests[0].service.ns[CAUSE_FAULT], 90 * US + 2 * US);
	assert_int_equal(story.summary.checks.fault_estimated_ns, 2 * US);
	story_free(&story);
}

/* It goes on after a sleep in it, and after another was preferred. */
static void test_interrupted_fault(void **state)
{
	(void)state;
	struct story story = frame();

	tell_fault(&story, BEGIN + 100 * US, 0, 101);
	tell_switch(&story, BEGIN + 110 * US, 0, 101, RECORD_LEFT_WAITING, 0);
	tell_waking(&story, BEGIN + 200 * US, 0, 101);
	tell_wakeup(&story, BEGIN + 201 * US, 0, 101, 0);
	tell_switch(&story, BEGIN + 202 * US, 0, 0, RECORD_LEFT_PREEMPTED, 101);
	tell_switch(&story, BEGIN + 210 * US, 0, 101, RECORD_LEFT_PREEMPTED, 900);
	tell_switch(&story, BEGIN + 300 * US, 0, 900, RECORD_LEFT_SLEEPING, 101);
	tell_paged(&story, BEGIN + 305 * US, 0, 101);
	finish(&story);
	/* What came before the preemption is not known to belong to it: the record that tells comes on another stretch. */
	assert_int_equal(story.requests[0].service.ns[CAUSE_FAULT], 10 * US + 90 * US + 5 * US);
	assert_int_equal(story.requests[0].service.ns[CAUSE_RUNQ], 90 * US);
	story_free(&story);
}

/* ---- The queue: whatever the reading thread did between arrival and begin. */

/* Thread 101 serves another request from 2 ms to 8 ms; this one arrives at 3 ms and is read at 8.1 ms. */
static struct story busy(void)
{
	struct story story = story_new(1);

	tell_task(&story, 0, 0, 101, ON_CPU, 0);
	tell_recv(&story, 2 * MS, 0, 101, 1, 2 * MS - 1 * US);
	return story;
}

static struct request *queued(struct story *story)
{
	tell_send(story, 8 * MS, 0, 101, 1);
	tell_end(story, 8 * MS + 1 * US, 0, 101, 1, 2 * MS);
	tell_recv(story, 8 * MS + 100 * US, 0, 101, 2, 3 * MS);
	tell_send(story, 9 * MS, 0, 101, 2);
	tell_end(story, 9 * MS + 1 * US, 0, 101, 2, 8 * MS + 101 * US);
	tell_sleep(story, 9 * MS + 2 * US, 0, 101, 0);
	story_play(story);
	assert_int_equal(story->request_count, 2);
	assert_sums(&story->requests[1]);
	return &story->requests[1];
}

static void test_queue_own(void **state)
{
	(void)state;
	struct story story = busy();
	const struct request *request = queued(&story);

	assert_queue(request, CAUSE_OWN, 5 * MS + 100 * US);
	story_free(&story);
}

static void test_queue_alloc_assist_stop(void **state)
{
	(void)state;
	struct story story = busy();

	/* Half before the arrival: only the rest counts. */
	tell(&story, 3 * MS - 100 * US, 0, 101, EVENT_gc_alloc_slow_begin, 64, 0);
	tell(&story, 3 * MS + 100 * US, 0, 101, EVENT_gc_alloc_slow_end, 64, 0);
	tell(&story, 4 * MS, 0, 101, EVENT_gc_assist_begin, 1, 0);
	tell(&story, 4 * MS + 300 * US, 0, 101, EVENT_gc_assist_end, 1, 0);
	tell(&story, 5 * MS, 0, 101, EVENT_gc_stop_begin, 0, 0);
	tell(&story, 6 * MS, 0, 101, EVENT_gc_stop_end, 0, 0);
	const struct request *request = queued(&story);
	assert_queue(request, CAUSE_ALLOC, 100 * US);
	assert_queue(request, CAUSE_ASSIST, 300 * US);
	assert_queue(request, CAUSE_STOP, 1 * MS);
	assert_queue(request, CAUSE_OWN, 5 * MS + 100 * US - 1400 * US);
	story_free(&story);
}

static void test_queue_off_cpu(void **state)
{
	(void)state;
	struct story story = busy();

	tell_task(&story, 1 * US, 1, 110, ON_CPU, 0);
	tell(&story, 2 * US, 1, 110, EVENT_gc_mark_begin, 9, 1);
	tell_sleep(&story, 3 * US, 1, 110, 0);
	tell_preempt(&story, 4 * MS, 0, 101, 110);
	tell_switch(&story, 5 * MS, 0, 110, RECORD_LEFT_PREEMPTED, 900);
	tell_switch(&story, 5 * MS + 500 * US, 0, 900, RECORD_LEFT_SLEEPING, 101);
	tell_sleep(&story, 6 * MS, 0, 101, 0);
	tell_waking(&story, 6 * MS + 200 * US, 1, 101);
	tell_wakeup(&story, 6 * MS + 216 * US, 0, 101, 0);
	tell_switch(&story, 6 * MS + 220 * US, 0, 0, RECORD_LEFT_PREEMPTED, 101);
	const struct request *request = queued(&story);
	assert_queue(request, CAUSE_GC_CPU, 1 * MS);
	assert_queue(request, CAUSE_RUNQ, 500 * US);
	assert_queue(request, CAUSE_BLOCKED, 200 * US);
	assert_queue(request, CAUSE_WAKE, 20 * US);
	assert_queue(request, CAUSE_UNATTRIBUTED, 0);
	assert_int_equal(request->culprit_tid, 110);
	story_free(&story);
}

/* An event loop marks from 1 ms to 1.1 ms, and a request arrives meanwhile. */
static struct story arrival_while_marking(int end_told)
{
	struct story story = story_new(1);

	tell_task(&story, 0, 0, 101, ON_CPU, 0);
	tell(&story, 1 * MS, 0, 101, EVENT_gc_mark_begin, 5, 4);
	if (end_told)
		tell(&story, 1 * MS + 100 * US, 0, 101, EVENT_gc_mark_end, 5, 0);
	tell_recv(&story, 1 * MS + 110 * US, 0, 101, 1, 1 * MS + 40 * US);
	tell_send(&story, 2 * MS, 0, 101, 1);
	tell_end(&story, 2 * MS + 1 * US, 0, 101, 1, 1 * MS + 111 * US);
	tell_sleep(&story, 3 * MS, 0, 101, 0);
	story_play(&story);
	return story;
}

/* An event loop that marks because it has nothing else to do delays what arrives meanwhile. */
static void test_queue_idle_mark(void **state)
{
	(void)state;
	struct story story = arrival_while_marking(1);
	const struct request *request = &story.requests[0];
	assert_queue(request, CAUSE_GC_CPU, 60 * US);
	assert_queue(request, CAUSE_OWN, 10 * US);
	assert_int_equal(story.summary.without_gc.max, 900 * US);
	story_free(&story);
}

/* Asleep with nothing to do although a request has arrived: nothing explains it, and it is not hidden. */
static struct request asleep_after_arrival(struct story *story, uint64_t asleep_ns)
{
	*story = story_new(1);
	tell_task(story, 0, 0, 101, ASLEEP, 0);
	tell_waking(story, 2 * MS, 0, 101);
	tell_wakeup(story, 2 * MS, 0, 101, 0);
	tell_switch(story, 2 * MS + 5 * US, 0, 0, RECORD_LEFT_PREEMPTED, 101);
	tell_recv(story, 2 * MS + 10 * US, 0, 101, 1, 2 * MS - asleep_ns);
	tell_send(story, 3 * MS, 0, 101, 1);
	tell_end(story, 3 * MS + 1 * US, 0, 101, 1, 0);
	story_play(story);
	return story->requests[0];
}

/* The end of what was under way when the probes came was never told. It does not go on for ever: whoever reads a request is outside. */
static void test_an_end_that_is_never_told(void **state)
{
	(void)state;
	struct story story = arrival_while_marking(0);
	const struct request *request = &story.requests[0];
	assert_queue(request, CAUSE_UNATTRIBUTED, 70 * US);
	assert_int_equal(request->service.ns[CAUSE_OWN], 890 * US);
	assert_int_equal(story.summary.without_gc.max, 960 * US);
	assert_int_equal(story.summary.checks.unmatched, 1);
	story_free(&story);
}

/* The delivery of the wakeup is part of waking; sleeping on although there is a request is not explained. */
static void test_queue_asleep_is_unattributed(void **state)
{
	(void)state;
	struct story story;
	struct request request = asleep_after_arrival(&story, 3 * US);
	assert_queue(&request, CAUSE_UNATTRIBUTED, 0);
	assert_queue(&request, CAUSE_WAKE, 8 * US);
	assert_queue(&request, CAUSE_OWN, 5 * US);
	story_free(&story);
	request = asleep_after_arrival(&story, 300 * US);
	assert_queue(&request, CAUSE_UNATTRIBUTED, 300 * US);
	assert_queue(&request, CAUSE_WAKE, 5 * US);
	assert_queue(&request, CAUSE_OWN, 5 * US);
	story_free(&story);
}

/* A switch that the kernel did not report: the record of the read says how long the thread had waited. */
static void test_unseen_switch(void **state)
{
	(void)state;
	struct story story = story_new(1);
	for (uint64_t i = 0, time_ns = 2 * MS; i < 2; i++, time_ns += 10 * MS) {
		tell_task(&story, time_ns - MS, 0, 101, ASLEEP, 0);
		tell_waking(&story, time_ns, 0, 101);
		tell_wakeup(&story, time_ns + 1 * US, 0, 101, 0);
		if (i == 0)
			tell_switch(&story, time_ns + 5 * US, 0, 0, RECORD_LEFT_PREEMPTED, 101);
		tell_recv(&story, time_ns + 3 * MS, 0, 101, 1, time_ns)->run_delay_ns = i == 0 ? 7 * US : 7 * US + 2 * MS;
		tell_send(&story, time_ns + 4 * MS, 0, 101, 1);
		tell_end(&story, time_ns + 4 * MS + 1 * US, 0, 101, 1, 0);
		tell_sleep(&story, time_ns + 5 * MS, 0, 101, 0);
	}
	story_play(&story);
	assert_queue(&story.requests[1], CAUSE_RUNQ, 2 * MS);
	assert_queue(&story.requests[1], CAUSE_WAKE, 1 * US);
	assert_queue(&story.requests[1], CAUSE_OWN, 1 * MS - 1 * US);
	assert_queue(&story.requests[1], CAUSE_UNATTRIBUTED, 0);
	assert_int_equal(story.summary.checks.doubts, 0);
	story_free(&story);
}

/* The same while it answers: preempted in the middle of a request, and next seen writing. */
static void test_unseen_switch_before_an_answer(void **state)
{
	(void)state;
	struct story story = story_new(1);
	tell_task(&story, 1 * MS, 0, 101, ON_CPU, 0);
	tell_recv(&story, 2 * MS, 0, 101, 1, 2 * MS)->run_delay_ns = 7 * US;
	tell_preempt(&story, 2 * MS + 100 * US, 0, 101, 900);
	tell_send(&story, 5 * MS, 0, 101, 1)->run_delay_ns = 7 * US + 2 * MS;
	tell_end(&story, 5 * MS + 1 * US, 0, 101, 1, 0);
	story_play(&story);
	assert_int_equal(story.requests[0].service.ns[CAUSE_RUNQ], 2 * MS);
	assert_int_equal(story.requests[0].service.ns[CAUSE_OWN], 1 * MS);
	assert_int_equal(story.summary.checks.doubts, 0);
	story_free(&story);
}

/* And in the middle of an assist, whose end only its flight ring tells, while it is taken to wait. */
static void test_unseen_switch_in_an_assist(void **state)
{
	(void)state;
	struct story story = story_new(1);
	tell_task(&story, 1 * MS, 0, 101, ON_CPU, 0);
	tell_recv(&story, 2 * MS, 0, 101, 1, 2 * MS)->run_delay_ns = 7 * US;
	tell(&story, 2 * MS + 50 * US, 7, 101, EVENT_gc_assist_begin, 1, 0);
	tell_preempt(&story, 2 * MS + 100 * US, 0, 101, 900);
	tell(&story, 4 * MS, 7, 101, EVENT_gc_assist_end, 1, 0);
	tell(&story, 4 * MS + 200 * US, 7, 101, EVENT_gc_alloc_slow_begin, 64, 0);
	tell(&story, 4 * MS + 300 * US, 7, 101, EVENT_gc_alloc_slow_end, 64, 0);
	tell_send(&story, 5 * MS, 0, 101, 1)->run_delay_ns = 7 * US + 1 * MS;
	tell_end(&story, 5 * MS + 1 * US, 0, 101, 1, 0);
	story_number(&story);
	for (uint32_t i = 0; i < story.count; i++)
		if (story.records[i].h.cpu == 7)
			story.records[i].h.cpu = RECORD_CPU_LIMIT;
	story_feed(&story);
	const struct request *request = &story.requests[0];
	assert_int_equal(request->service.ns[CAUSE_RUNQ], 1 * MS);
	assert_int_equal(request->service.ns[CAUSE_ASSIST], 950 * US);
	assert_int_equal(request->service.ns[CAUSE_ALLOC], 100 * US);
	assert_int_equal(request->service.ns[CAUSE_OWN], 950 * US);
	assert_int_equal(story.summary.checks.doubts, 0);
	story_free(&story);
}

/* One 5 ms stop behind which 40 requests wait gives 40 queue blames. */
static void test_forty_requests_behind_one_stop(void **state)
{
	(void)state;
	struct story story = story_new(1);
	uint64_t time = 10 * MS;

	tell_task(&story, 0, 0, 101, ON_CPU, 0);
	tell(&story, 1 * MS, 0, 101, EVENT_gc_cycle_begin, 2, 0);
	tell(&story, time, 0, 101, EVENT_gc_stop_begin, 0, 0);
	time += 5 * MS;
	tell(&story, time, 0, 101, EVENT_gc_stop_end, 0, 0);
	for (uint64_t i = 0; i < 40; i++) {
		tell_recv(&story, time, 0, 101, 1 + i, 10 * MS + 100 * US * i);
		tell_send(&story, time + 20 * US, 0, 101, 1 + i);
		tell_end(&story, time + 20 * US, 0, 101, 1 + i, time);
		time += 20 * US;
	}
	story_play(&story);
	assert_int_equal(story.request_count, 40);
	for (uint64_t i = 0; i < 40; i++) {
		const struct request *request = &story.requests[i];
		assert_sums(request);
		assert_queue(request, CAUSE_STOP, 5 * MS - 100 * US * i);
		assert_queue(request, CAUSE_OWN, 20 * US * i);
		assert_int_equal(request->service.ns[CAUSE_OWN], 20 * US);
		assert_int_equal(request->cycle, 2);
	}
	/* Without the stop each would have been served the moment it came: 100 us apart, 20 us each. */
	assert_int_equal(story.summary.without_gc.max, 20 * US);
	assert_int_equal(story.summary.cohort[COHORT_P99].count, 1);
	assert_true(story.summary.cohort[COHORT_P99].queue_ns[CAUSE_STOP] > 4.9e6);
	story_free(&story);
}

/* ---- Who has the CPU. */

/* The one who held the CPU before the thread was woken is guessed until the next switch tells. */
static void test_first_runner_is_put_right(void **state)
{
	(void)state;
	struct story story = story_new(1);

	tell_task(&story, 0, 0, 101, ON_CPU, 0);
	tell_sleep(&story, 1 * MS, 0, 101, 0); /* the idle thread, and then, unseen, 900 */
	tell_waking(&story, 2 * MS, 1, 101);
	tell_wake(&story, RECORD_WAKEUP, 2 * MS, 1, 101, 0, 901); /* from CPU 1: says nothing about CPU 0 */
	tell_switch(&story, 3 * MS, 0, 900, RECORD_LEFT_PREEMPTED, 902);
	tell_switch(&story, 3 * MS + 100 * US, 0, 902, RECORD_LEFT_PREEMPTED, 101);
	tell_recv(&story, 3 * MS + 110 * US, 0, 101, 1, 2 * MS);
	tell_send(&story, 4 * MS, 0, 101, 1);
	tell_end(&story, 4 * MS, 0, 101, 1, 0);
	story_play(&story);
	const struct request *request = &story.requests[0];
	assert_queue(request, CAUSE_RUNQ, 1100 * US);
	assert_queue(request, CAUSE_WAKE, 0);
	assert_int_equal(request->culprit_tid, 900);
	assert_int_equal(story.summary.culprits[0].ns, 1 * MS);
	story_free(&story);
}

/* It waited behind somebody whom no switch has named yet. */
static void test_culprit_without_a_name(void **state)
{
	(void)state;
	struct story story = frame();

	tell_sleep(&story, BEGIN + 100 * US, 0, 101, 0);
	tell_waking(&story, BEGIN + 200 * US, 0, 101);
	tell_wakeup(&story, BEGIN + 200 * US, 0, 101, 900);
	tell_switch(&story, BEGIN + 240 * US, 1, 901, RECORD_LEFT_SLEEPING, 101);
	finish(&story);
	assert_int_equal(story.requests[0].service.ns[CAUSE_RUNQ], 40 * US);
	assert_int_equal(story.requests[0].culprit_tid, 900);
	assert_string_equal(story.requests[0].culprit, "?");
	story_free(&story);
}

/* A waiter that another CPU takes keeps the culprit of the CPU where it waited. */
static void test_migrated_waiter(void **state)
{
	(void)state;
	struct story story = frame();

	tell_preempt(&story, BEGIN + 100 * US, 0, 101, 900);
	tell_switch(&story, BEGIN + 300 * US, 1, 901, RECORD_LEFT_SLEEPING, 101);
	tell_preempt(&story, BEGIN + 310 * US, 1, 101, 901);
	tell_switch(&story, BEGIN + 330 * US, 0, 900, RECORD_LEFT_SLEEPING, 101);
	finish(&story);
	assert_service(&story.requests[0], CAUSE_RUNQ, 220 * US);
	assert_int_equal(story.requests[0].culprit_tid, 900);
	assert_int_equal(story.summary.culprits[0].ns, 200 * US);
	story_free(&story);
}

/* Another thread of the target has the CPU: runq, unless it marks for the collector, then gc_cpu for as long. */
static void test_waiting_behind_idle_mark(void **state)
{
	(void)state;
	struct story story = frame();

	tell_preempt(&story, BEGIN + 100 * US, 0, 101, 102);
	tell(&story, BEGIN + 150 * US, 0, 102, EVENT_gc_mark_begin, 5, 4);
	tell(&story, BEGIN + 250 * US, 0, 102, EVENT_gc_mark_end, 5, 0);
	tell_switch(&story, BEGIN + 300 * US, 0, 102, RECORD_LEFT_SLEEPING, 101);
	finish(&story);
	assert_int_equal(story.requests[0].service.ns[CAUSE_RUNQ], 100 * US);
	assert_int_equal(story.requests[0].service.ns[CAUSE_GC_CPU], 100 * US);
	assert_int_equal(story.requests[0].culprit_tid, 102);
	story_free(&story);
}

/* The call can come while the thread is still on its way off the CPU. */
static void test_called_before_it_slept(void **state)
{
	(void)state;
	struct story story = frame();

	tell_waking(&story, BEGIN + 99 * US, 1, 101);
	tell_sleep(&story, BEGIN + 100 * US, 0, 101, 0);
	tell_wakeup(&story, BEGIN + 116 * US, 0, 101, 0);
	tell_switch(&story, BEGIN + 120 * US, 0, 0, RECORD_LEFT_PREEMPTED, 101);
	finish(&story);
	assert_service(&story.requests[0], CAUSE_WAKE, 20 * US);
	story_free(&story);
}

/* Without the scheduler's records nothing is claimed of time that may have been spent off the CPU. */
static void test_withheld_scheduler(void **state)
{
	(void)state;
	for (int configured = 0; configured < 2; configured++) {
		struct story story = story_new(1);

		story.config.no_sched = configured;
		tell_task(&story, 0, 0, 101, ASLEEP, 0);
		tell_recv(&story, BEGIN, 0, 101, 1, ARRIVAL);
		tell(&story, BEGIN + 100 * US, 0, 101, EVENT_gc_stop_begin, 0, 0);
		tell(&story, BEGIN + 200 * US, 0, 101, EVENT_gc_stop_end, 0, 0);
		tell_send(&story, END, 0, 101, 1);
		tell_end(&story, END, 0, 101, 1, 0);
		story_play(&story);
		const struct request *request = &story.requests[0];
		assert_int_equal(request->service.ns[CAUSE_STOP], 100 * US); /* its events prove it */
		assert_int_equal(request->service.ns[CAUSE_OWN], 0);
		assert_int_equal(request->service.ns[CAUSE_UNATTRIBUTED], END - BEGIN - 100 * US);
		assert_int_equal(request->queue.ns[CAUSE_UNATTRIBUTED], BEGIN - ARRIVAL);
		assert_true(story.summary.checks.unattributed_percent > 80);
		story_free(&story);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_alloc_and_sweep),
		cmocka_unit_test(test_assist_inside_alloc),
		cmocka_unit_test(test_stop_while_switched_out),
		cmocka_unit_test(test_handshake_is_stop),
		cmocka_unit_test(test_preempted_by_stranger),
		cmocka_unit_test(test_preempted_by_collector),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_major_fault),
		cmocka_unit_test(test_minor_faults),
		cmocka_unit_test(test_paged_fault),
		cmocka_unit_test(test_interrupted_fault),
		cmocka_unit_test(test_queue_own),
		cmocka_unit_test(test_queue_alloc_assist_stop),
		cmocka_unit_test(test_queue_off_cpu),
		cmocka_unit_test(test_queue_idle_mark),
		cmocka_unit_test(test_an_end_that_is_never_told),
		cmocka_unit_test(test_queue_asleep_is_unattributed),
		cmocka_unit_test(test_unseen_switch),
		cmocka_unit_test(test_unseen_switch_before_an_answer),
		cmocka_unit_test(test_unseen_switch_in_an_assist),
		cmocka_unit_test(test_forty_requests_behind_one_stop),
		cmocka_unit_test(test_first_runner_is_put_right),
		cmocka_unit_test(test_culprit_without_a_name),
		cmocka_unit_test(test_migrated_waiter),
		cmocka_unit_test(test_waiting_behind_idle_mark),
		cmocka_unit_test(test_called_before_it_slept),
		cmocka_unit_test(test_withheld_scheduler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
