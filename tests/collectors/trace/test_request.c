/* SPDX-License-Identifier: Apache-2.0 */
/* From socket edges and end events to requests: every way in which bytes and answers can come. */
#include "records.h"

/* One thread that always runs. */
static struct story server(int has_end_events)
{
	struct story story = story_new(has_end_events);

	tell_task(&story, 0, 0, 101, ON_CPU, 0);
	return story;
}

static void play(struct story *story, uint32_t requests, uint64_t cut)
{
	story_play(story);
	assert_int_equal(story->request_count, requests);
	assert_int_equal(story->summary.requests, requests);
	assert_int_equal(story->summary.cut, cut);
	assert_int_equal(story->summary.checks.sum_error_ns_max, 0);
	for (uint32_t i = 0; i < requests; i++)
		assert_sums(&story->requests[i]);
}

static void assert_request(const struct request *request, uint64_t arrival_ns, uint64_t begin_ns, uint64_t end_ns,
			   uint32_t flags)
{
	assert_int_equal(request->arrival_ns, arrival_ns);
	assert_int_equal(request->begin_ns, begin_ns);
	assert_int_equal(request->end_ns, end_ns);
	assert_int_equal(request->flags, flags);
}

static void test_keep_alive(void **state)
{
	(void)state;
	struct story story = server(1);

	for (uint64_t i = 1; i <= 100; i++) {
		tell_recv(&story, i * MS + 10 * US, 0, 101, 1, i * MS);
		tell_send(&story, i * MS + 40 * US, 0, 101, 1);
		tell_end(&story, i * MS + 41 * US, 0, 101, 1, i * MS + 12 * US);
	}
	play(&story, 100, 0);
	for (uint64_t i = 1; i <= 100; i++)
		assert_request(&story.requests[i - 1], i * MS, i * MS + 10 * US, i * MS + 40 * US, 0);
	assert_int_equal(story.summary.alloc.requests, 100);
	assert_int_equal(story.summary.alloc.total, 1200);
	assert_int_equal(story.summary.alloc.total_bytes, 409600);
	story_free(&story);
}

/* The client's next request can have arrived before the answer to the last was complete. */
static void test_arrival_before_previous_end(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 1 * MS - 10 * US);
	tell_send(&story, 2 * MS, 0, 101, 1);
	tell_end(&story, 2 * MS + 1 * US, 0, 101, 1, 1 * MS);
	tell_recv(&story, 2 * MS + 5 * US, 0, 101, 1, 2 * MS - 8 * US);
	tell_send(&story, 3 * MS, 0, 101, 1);
	tell_end(&story, 3 * MS + 1 * US, 0, 101, 1, 2 * MS + 6 * US);
	play(&story, 2, 0);
	assert_request(&story.requests[1], 2 * MS - 8 * US, 2 * MS + 5 * US, 3 * MS, 0);
	story_free(&story);
}

static void test_partial_reads(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	tell_recv(&story, 2 * MS, 0, 101, 1, 1900 * US);
	tell_recv(&story, 3 * MS, 0, 101, 1, 2900 * US);
	tell_send(&story, 4 * MS, 0, 101, 1);
	tell_end(&story, 4 * MS, 0, 101, 1, 3 * MS + 1 * US);
	play(&story, 1, 0);
	assert_request(&story.requests[0], 2900 * US, 3 * MS, 4 * MS, 0);
	story_free(&story);
}

static void test_partial_sends(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	tell_send(&story, 2 * MS, 0, 101, 1);
	tell_send(&story, 3 * MS, 0, 101, 1);
	tell_send(&story, 4 * MS, 0, 101, 1);
	tell_end(&story, 4 * MS + 1 * US, 0, 101, 1, 1 * MS);
	play(&story, 1, 0);
	assert_request(&story.requests[0], 900 * US, 1 * MS, 4 * MS, 0);
	story_free(&story);
}

static void test_pipelined_in_one_read(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	for (uint64_t i = 2; i <= 4; i++) {
		tell_send(&story, i * MS, 0, 101, 1);
		tell_end(&story, i * MS + 1 * US, 0, 101, 1, (i - 1) * MS + 2 * US);
	}
	play(&story, 3, 0);
	assert_request(&story.requests[0], 900 * US, 1 * MS, 2 * MS, 0);
	assert_request(&story.requests[1], 900 * US, 2 * MS, 3 * MS, REQUEST_SHARED_READ);
	assert_request(&story.requests[2], 900 * US, 3 * MS, 4 * MS, REQUEST_SHARED_READ);
	assert_int_equal(story.requests[2].queue.ns[CAUSE_OWN], 3 * MS - 900 * US);
	story_free(&story);
}

/* The next request is read before the first one is answered. */
static void test_pipelined_in_two_reads(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	tell_recv(&story, 2 * MS, 0, 101, 1, 1900 * US);
	tell_send(&story, 3 * MS, 0, 101, 1);
	tell_end(&story, 3 * MS + 1 * US, 0, 101, 1, 1 * MS + 1 * US);
	tell_send(&story, 4 * MS, 0, 101, 1);
	tell_end(&story, 4 * MS + 1 * US, 0, 101, 1, 3 * MS + 2 * US);
	play(&story, 2, 0);
	assert_request(&story.requests[0], 900 * US, 1 * MS, 3 * MS, 0);
	assert_request(&story.requests[1], 1900 * US, 2 * MS, 4 * MS, 0);
	story_free(&story);
}

/* Half of the next request comes along with the first. */
static void test_pipelined_across_reads(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	tell_send(&story, 2 * MS, 0, 101, 1);
	tell_end(&story, 2 * MS + 1 * US, 0, 101, 1, 1 * MS + 1 * US);
	tell_recv(&story, 3 * MS, 0, 101, 1, 2900 * US);
	tell_send(&story, 4 * MS, 0, 101, 1);
	tell_end(&story, 4 * MS + 1 * US, 0, 101, 1, 3 * MS + 2 * US);
	play(&story, 2, 0);
	assert_request(&story.requests[1], 2900 * US, 3 * MS, 4 * MS, 0);
	story_free(&story);
}

static void test_no_send_ends_at_the_event(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	tell_end(&story, 2 * MS, 0, 101, 1, 1 * MS + 1 * US);
	play(&story, 1, 0);
	assert_request(&story.requests[0], 900 * US, 1 * MS, 2 * MS, 0);
	story_free(&story);
}

/* Answered by a library below the service, which fires no event: an exchange. */
static void test_missing_end(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	tell_send(&story, 2 * MS, 0, 101, 1);
	tell_recv(&story, 3 * MS, 0, 101, 1, 2900 * US);
	tell_send(&story, 4 * MS, 0, 101, 1);
	tell_end(&story, 4 * MS, 0, 101, 1, 3 * MS + 1 * US);
	tell_recv(&story, 5 * MS, 0, 101, 2, 4900 * US);
	tell_send(&story, 6 * MS, 0, 101, 2);
	tell_close(&story, 7 * MS, 0, 2);
	play(&story, 3, 0);
	assert_request(&story.requests[0], 900 * US, 1 * MS, 2 * MS, REQUEST_EXCHANGE);
	assert_int_equal(story.requests[0].has_service, 0);
	assert_request(&story.requests[1], 2900 * US, 3 * MS, 4 * MS, 0);
	assert_request(&story.requests[2], 4900 * US, 5 * MS, 6 * MS, REQUEST_EXCHANGE);
	assert_int_equal(story.summary.alloc.requests, 1);
	story_free(&story);
}

static void test_open_at_attach_and_detach(void **state)
{
	(void)state;
	struct story story = server(1);

	/* Read before the tracer came: only the answer is seen. */
	tell_send(&story, 1 * MS, 0, 101, 1);
	tell_end(&story, 1 * MS, 0, 101, 1, 1);
	/* Still open at the end. */
	tell_recv(&story, 2 * MS, 0, 101, 2, 1900 * US);
	tell_recv(&story, 3 * MS, 0, 101, 3, 2900 * US);
	tell_send(&story, 4 * MS, 0, 101, 3);
	play(&story, 0, 3);
	story_free(&story);
}

static void test_unknown_and_impossible_arrivals(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 0);
	tell_end(&story, 2 * MS, 0, 101, 1, 1 * MS);
	tell_recv(&story, 3 * MS, 0, 101, 1, 3 * MS + 3);
	tell_end(&story, 4 * MS, 0, 101, 1, 3 * MS);
	play(&story, 2, 0);
	assert_request(&story.requests[0], 1 * MS, 1 * MS, 2 * MS, REQUEST_NO_ARRIVAL);
	assert_request(&story.requests[1], 3 * MS, 3 * MS, 4 * MS, 0);
	assert_int_equal(story.summary.negative, 1);
	story_free(&story);
}

/* Several loops, one socket each; the event can come from a thread that did not send. */
static void test_several_threads(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_task(&story, 0, 1, 102, ON_CPU, 0);
	tell_switch(&story, 1, 1, 900, RECORD_LEFT_SLEEPING, 102);
	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	tell_recv(&story, 1 * MS + 1, 1, 102, 2, 950 * US);
	tell_send(&story, 2 * MS, 0, 101, 1);
	tell_send(&story, 2 * MS + 1, 1, 102, 2);
	tell_end(&story, 3 * MS, 1, 102, 1, 1 * MS + 1);
	tell_end(&story, 3 * MS + 1, 1, 102, 2, 1 * MS + 2);
	play(&story, 2, 0);
	assert_request(&story.requests[0], 900 * US, 1 * MS, 2 * MS, 0);
	assert_int_equal(story.requests[0].tid, 101);
	assert_request(&story.requests[1], 950 * US, 1 * MS + 1, 2 * MS + 1, 0);
	assert_int_equal(story.requests[1].tid, 102);
	story_free(&story);
}

/* The read of a request was lost, but its own end event tells of it. */
static void test_lost_read(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	tell_send(&story, 2 * MS, 0, 101, 1);
	tell_end(&story, 2 * MS, 0, 101, 1, 1 * MS);
	tell_recv(&story, 3 * MS, 0, 101, 1, 2900 * US);
	story_lose(&story);
	tell_send(&story, 4 * MS, 0, 101, 1);
	tell_end(&story, 4 * MS, 0, 101, 1, 3 * MS + 1 * US);
	play(&story, 2, 0);
	assert_request(&story.requests[1], 3 * MS + 1 * US, 3 * MS + 1 * US, 4 * MS,
		       REQUEST_LOSS | REQUEST_NO_ARRIVAL);
	assert_int_equal(story.summary.lost, 1);
	assert_int_equal(story.summary.worst_count, 1);
	story_free(&story);
}

/* ---- Without end events: exchanges. */

static void test_exchanges(void **state)
{
	(void)state;
	struct story story = server(0);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	tell_recv(&story, 2 * MS, 0, 101, 1, 1900 * US); /* the rest */
	tell_send(&story, 3 * MS, 0, 101, 1);
	tell_send(&story, 4 * MS, 0, 101, 1);
	tell_recv(&story, 5 * MS, 0, 101, 1, 4900 * US); /* makes the first final */
	tell_send(&story, 6 * MS, 0, 101, 1);
	tell_close(&story, 7 * MS, 0, 1); /* makes the second final */
	tell_recv(&story, 8 * MS, 0, 101, 2, 7900 * US);
	tell_close(&story, 9 * MS, 0, 2); /* never answered */
	play(&story, 2, 1);
	assert_request(&story.requests[0], 1900 * US, 2 * MS, 4 * MS, REQUEST_EXCHANGE);
	assert_request(&story.requests[1], 4900 * US, 5 * MS, 6 * MS, REQUEST_EXCHANGE);
	story_free(&story);
}

static void test_exchange_ends_by_silence(void **state)
{
	(void)state;
	struct story story = server(0);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	tell_send(&story, 2 * MS, 0, 101, 1);
	tell_send(&story, 900 * MS, 0, 101, 1); /* still the same answer */
	tell_task(&story, 2200 * MS, 0, 101, ON_CPU, 0);
	tell_send(&story, 2300 * MS, 0, 101, 1); /* too late to belong to it */
	play(&story, 1, 0);
	assert_request(&story.requests[0], 900 * US, 1 * MS, 900 * MS, REQUEST_EXCHANGE);
	story_free(&story);
}

static void test_exchange_open_at_attach_and_detach(void **state)
{
	(void)state;
	struct story story = server(0);

	tell_send(&story, 1 * MS, 0, 101, 1);
	tell_send(&story, 2 * MS, 0, 101, 1); /* the same unseen request: cut once */
	tell_recv(&story, 3 * MS, 0, 101, 1, 2900 * US);
	tell_send(&story, 4 * MS, 0, 101, 1); /* answered: counted at finish */
	tell_recv(&story, 5 * MS, 0, 101, 2, 4900 * US);
	play(&story, 1, 2);
	assert_request(&story.requests[0], 2900 * US, 3 * MS, 4 * MS, REQUEST_EXCHANGE);
	story_free(&story);
}

/* A kernel address is used again for another connection. */
static void test_socket_used_again(void **state)
{
	(void)state;
	for (int events = 0; events < 2; events++) {
		struct story story = server(events);
		for (uint64_t i = 1; i <= 3; i++) {
			tell_recv(&story, i * MS, 0, 101, 1, i * MS - 10 * US)->peer_port = (uint16_t)(4000 + i);
			tell_send(&story, i * MS + 100 * US, 0, 101, 1);
			tell_end(&story, i * MS + 101 * US, 0, 101, 1, i * MS + 1)->args[0] = 4000 + i;
			tell_close(&story, i * MS + 200 * US, 0, 1);
		}
		play(&story, 3, 0);
		for (uint16_t i = 1; i <= 3; i++)
			assert_int_equal(story.requests[i - 1].peer_port, 4000 + i);
		story_free(&story);
	}
}

/* The close was lost: what is left of the old connection must not touch the new one. */
static void test_socket_used_again_without_close(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US)->peer_port = 4001;
	tell_recv(&story, 2 * MS, 0, 101, 1, 1900 * US)->peer_port = 4002;
	tell_send(&story, 3 * MS, 0, 101, 1);
	tell_end(&story, 3 * MS, 0, 101, 1, 2 * MS + 1)->args[0] = 4002;
	play(&story, 1, 1);
	assert_request(&story.requests[0], 1900 * US, 2 * MS, 3 * MS, 0);
	assert_int_equal(story.requests[0].peer_port, 4002);
	story_free(&story);
}

static void test_many_sockets(void **state)
{
	(void)state;
	struct story story = server(1);

	for (uint64_t i = 1; i <= 3000; i++)
		tell_recv(&story, i * 10 * US, 0, 101, i, i * 10 * US - 5 * US);
	for (uint64_t i = 1; i <= 3000; i++) {
		tell_send(&story, 40 * MS + i * 10 * US, 0, 101, i);
		tell_end(&story, 40 * MS + i * 10 * US, 0, 101, i, i * 10 * US);
		if (i % 2)
			tell_close(&story, 40 * MS + i * 10 * US + 1, 0, i);
	}
	play(&story, 3000, 0);
	story_free(&story);
}

static void assert_times(const struct request *request, uint64_t wait_ns, uint64_t response_ns)
{
	assert_int_not_equal(request->send_ns, 0);
	assert_int_equal(request_client_wait_ns(request), wait_ns);
	assert_int_equal(request_response_ns(request), response_ns);
}

/* Pipelined, on two connections: each request has its own client's times, or none. */
static void test_client_times(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 50 * MS, 0, 101, 1, 49 * MS);
	tell_recv(&story, 51 * MS, 0, 101, 2, 50 * MS);
	tell_send(&story, 52 * MS, 0, 101, 1);
	tell_times(&story, 52 * MS, 0, 101, 1, 40 * MS, 48 * MS);
	tell_end(&story, 52 * MS, 0, 101, 1, 50 * MS);
	tell_send(&story, 53 * MS, 0, 101, 1); /* came in the same bytes, and says nothing */
	tell_end(&story, 53 * MS, 0, 101, 1, 52 * MS);
	tell_send(&story, 54 * MS, 0, 101, 2);
	tell_times(&story, 54 * MS, 0, 101, 2, 47 * MS, 47 * MS);
	tell_end(&story, 54 * MS, 0, 101, 2, 53 * MS);
	play(&story, 3, 0);
	assert_times(&story.requests[0], 8 * MS, 12 * MS);
	assert_int_equal(story.requests[1].send_ns, 0);
	assert_times(&story.requests[2], 0, 7 * MS);
	assert_int_equal(story.summary.client_wait.count, 2);
	assert_int_equal(story.summary.response.count, 2);
	assert_int_equal(story.summary.client_wait.max, 8 * MS);
	story_free(&story);
}

/* A clock that is not ours: the way is not known and left out. Times that contradict themselves are none. */
static void test_client_times_of_another_clock(void **state)
{
	(void)state;
	static const uint64_t intended_ns[] = {9000 * SECOND, 1 * MS, 30 * MS};
	static const uint64_t send_ns[] = {9000 * SECOND + 3 * MS, 4 * MS, 29 * MS};
	struct story story = server(1);

	for (uint64_t i = 0; i < 3; i++) {
		uint64_t at_ns = 5 * SECOND + i * MS;
		tell_recv(&story, at_ns + 20 * US, 0, 101, 1, at_ns);
		tell_send(&story, at_ns + 30 * US, 0, 101, 1);
		tell_times(&story, at_ns + 31 * US, 0, 101, 1, intended_ns[i], send_ns[i]);
		tell_end(&story, at_ns + 31 * US, 0, 101, 1, at_ns + 21 * US);
	}
	play(&story, 3, 0);
	assert_times(&story.requests[0], 3 * MS, 3 * MS + 30 * US);
	assert_times(&story.requests[1], 3 * MS, 3 * MS + 30 * US);
	assert_int_equal(story.requests[2].send_ns, 0);
	story_free(&story);
}

/* Times whose end is missing belong to no other request: not to another connection's, and not across a loss. */
static void test_client_times_without_end(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 1 * MS);
	tell_recv(&story, 1 * MS, 0, 101, 2, 1 * MS);
	tell_send(&story, 2 * MS, 0, 101, 2);
	tell_times(&story, 2 * MS, 0, 101, 1, 1 * MS, 1 * MS);
	tell_end(&story, 2 * MS, 0, 101, 2, 1 * MS);
	tell_times(&story, 3 * MS, 0, 101, 2, 1 * MS, 1 * MS);
	tell_end(&story, 3 * MS, 0, 101, 2, 2 * MS);
	story_lose(&story);
	tell_recv(&story, 4 * MS, 0, 101, 2, 4 * MS);
	tell_send(&story, 5 * MS, 0, 101, 2);
	tell_end(&story, 5 * MS, 0, 101, 2, 4 * MS);
	story_play(&story);
	assert_true(story.request_count >= 2);
	for (uint32_t i = 0; i < story.request_count; i++)
		assert_int_equal(story.requests[i].send_ns, 0);
	story_free(&story);
}

/* A request that was under way when the tracer came is cut, and its times with it: the next on its connection says nothing. */
static void test_client_times_of_a_cut_request(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_times(&story, 2 * MS, 0, 101, 1, 1 * MS, 1 * MS);
	tell_end(&story, 2 * MS, 0, 101, 1, 1 * MS);
	tell_recv(&story, 4 * MS, 0, 101, 1, 3 * MS);
	tell_send(&story, 5 * MS, 0, 101, 1);
	tell_end(&story, 5 * MS, 0, 101, 1, 4 * MS);
	tell_times(&story, 5 * MS, 0, 101, 1, 1 * MS, 1 * MS); /* and no end to it */
	tell_recv(&story, 7 * MS, 0, 101, 1, 6 * MS);
	tell_send(&story, 8 * MS, 0, 101, 1);
	tell_end(&story, 8 * MS, 0, 101, 1, 7 * MS);
	play(&story, 2, 1);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(story.requests[i].send_ns, 0);
	assert_int_equal(story.summary.response.count, 0);
	story_free(&story);
}

/* What of own is the kernel's sending: of each send, for as long as its thread had the CPU, and of no request but its own. */
static void test_kernel_net(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US);
	tell_send(&story, 2 * MS, 0, 101, 1)->begin_ns = 2 * MS - 30 * US;
	tell_preempt(&story, 3 * MS - 40 * US, 0, 101, 900);
	tell_preempt(&story, 3 * MS - 10 * US, 0, 900, 101);
	tell_send(&story, 3 * MS, 0, 101, 1)->begin_ns = 3 * MS - 50 * US;
	tell_end(&story, 3 * MS + 1 * US, 0, 101, 1, 1 * MS);
	tell_recv(&story, 4 * MS, 0, 101, 1, 4 * MS);
	tell_send(&story, 5 * MS, 0, 101, 1); /* nobody told */
	tell_end(&story, 5 * MS + 1 * US, 0, 101, 1, 4 * MS);
	tell_recv(&story, 6 * MS, 0, 101, 1, 6 * MS);
	tell_send(&story, 6 * MS + 10 * US, 0, 101, 1)->begin_ns = 1 * MS; /* not more than own, whatever is told */
	tell_end(&story, 6 * MS + 11 * US, 0, 101, 1, 6 * MS);
	play(&story, 3, 0);
	assert_int_equal(story.requests[0].net_ns, 50 * US);
	assert_int_equal(story.requests[1].net_ns, 0);
	assert_int_equal(story.requests[2].net_ns, 10 * US);
	assert_int_equal(story.requests[2].service.ns[CAUSE_OWN], 10 * US);
	assert_int_equal(story.summary.total_net_ns, 60 * US);
	assert_int_equal(story.summary.cohort[COHORT_P99].net_ns, 50 * US);
	story_free(&story);
}

static void test_kernel_net_of_exchanges(void **state)
{
	(void)state;
	struct story story = server(0);

	for (uint64_t i = 1; i <= 3; i++) {
		tell_recv(&story, i * MS, 0, 101, 1, i * MS);
		tell_send(&story, i * MS + 100 * US, 0, 101, 1)->begin_ns = i * MS + 90 * US;
		tell_send(&story, i * MS + 200 * US, 0, 101, 1)->begin_ns = i * MS + (200 - i) * US;
	}
	play(&story, 3, 0);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(story.requests[i - 1].net_ns, (10 + i) * US);
	story_free(&story);
}

/*
 * What the hypervisor took between two of its words lengthened the stretch it lies in, so it is put at the begin of the longest, if that is of the
 * thread's own: in the service of one request and in the queue of those that wait meanwhile.
 */
static void test_steal(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 900 * US)->cpu_stolen_ns = UINT32_MAX - 10; /* nobody knows since when */
	tell_send(&story, 2 * MS, 0, 101, 1)->cpu_stolen_ns = 300 * US - 11;            /* the count comes round: 300 us */
	tell_end(&story, 2 * MS + 1 * US, 0, 101, 1, 1 * MS);
	tell_recv(&story, 3 * MS, 0, 101, 2, 1100 * US); /* nobody tells */
	tell_send(&story, 4 * MS, 0, 101, 2)->cpu_stolen_ns = 350 * US - 11;
	tell_end(&story, 4 * MS + 1 * US, 0, 101, 2, 3 * MS);
	play(&story, 2, 0);
	assert_int_equal(story.requests[0].steal_ns, 300 * US);
	assert_int_equal(story.requests[0].service.ns[CAUSE_OWN], 1 * MS);
	assert_int_equal(story.requests[1].steal_ns, 200 * US + 50 * US); /* of the 300, those after its arrival */
	assert_int_equal(story.requests[1].queue.ns[CAUSE_OWN], 1900 * US);
	assert_int_equal(story.summary.total_steal_ns, 550 * US);
	story_free(&story);
}

/* A request of 250 us: own, then in the allocator until 210 us, own again; of which `taken_ns` were taken. Returns what is told of that. */
static uint64_t steal_beside_alloc(uint64_t own_ns, uint64_t taken_ns)
{
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 1 * MS)->cpu_stolen_ns = 77;
	tell(&story, 1 * MS + own_ns, 0, 101, EVENT_gc_alloc_slow_begin, 0, 0);
	tell(&story, 1 * MS + 210 * US, 0, 101, EVENT_gc_alloc_slow_end, 0, 0);
	tell_send(&story, 1 * MS + 250 * US, 0, 101, 1)->cpu_stolen_ns = (uint32_t)(77 + taken_ns);
	tell_end(&story, 1 * MS + 251 * US, 0, 101, 1, 1 * MS);
	play(&story, 1, 0);
	uint64_t steal_ns = story.requests[0].steal_ns;
	assert_int_equal(story.requests[0].service.ns[CAUSE_OWN], own_ns + 40 * US);
	assert_int_equal(story.requests[0].service.ns[CAUSE_ALLOC], 210 * US - own_ns);
	story_free(&story);
	return steal_ns;
}

static void test_steal_beside_other_things(void **state)
{
	(void)state;
	assert_int_equal(steal_beside_alloc(200 * US, 150 * US), 150 * US); /* in a stretch that is over */
	assert_int_equal(steal_beside_alloc(200 * US, 200 * US), 200 * US);
	assert_int_equal(steal_beside_alloc(200 * US, 201 * US), 0); /* in more than one: nobody knows how much in which */
	assert_int_equal(steal_beside_alloc(50 * US, 150 * US), 0); /* in the allocator */
}

/* After a switch that says nothing nobody knows what was taken from whom; and a sliver of steal makes no loss elsewhere a loss here. */
static void test_steal_and_losses(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 6 * MS, 0, 101, 4, 6 * MS)->cpu_stolen_ns = 450 * US;
	tell_preempt(&story, 6 * MS + 100 * US, 0, 101, 900);
	tell_preempt(&story, 6 * MS + 200 * US, 0, 900, 101); /* without a word */
	tell_send(&story, 6 * MS + 300 * US, 0, 101, 4)->cpu_stolen_ns = 500 * US;
	tell_end(&story, 6 * MS + 301 * US, 0, 101, 4, 6 * MS);
	tell_switch(&story, 6 * MS + 400 * US, 1, 901, RECORD_LEFT_SLEEPING, 902);
	tell_recv(&story, 7 * MS, 0, 101, 4, 7 * MS)->cpu_stolen_ns = 500 * US;
	tell_switch(&story, 7 * MS + 100 * US, 1, 902, RECORD_LEFT_SLEEPING, 903);
	story_lose(&story);
	tell_send(&story, 7 * MS + 300 * US, 0, 101, 4)->cpu_stolen_ns = 500 * US + 300;
	tell_end(&story, 7 * MS + 301 * US, 0, 101, 4, 7 * MS);
	tell_switch(&story, 7 * MS + 400 * US, 1, 903, RECORD_LEFT_SLEEPING, 904);
	tell_recv(&story, 8 * MS, 0, 101, 4, 8 * MS);
	tell_send(&story, 8 * MS + 300 * US, 0, 101, 4);
	tell_end(&story, 8 * MS + 301 * US, 0, 101, 4, 8 * MS);
	play(&story, 3, 0);
	assert_int_equal(story.requests[0].steal_ns, 0);
	assert_int_equal(story.requests[1].steal_ns, 300);
	assert_int_equal(story.summary.lost, 1);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(story.requests[i].flags, 0);
	story_free(&story);
}

/* Of a run that goes over to tail mode nobody knows how much of it was taken. */
static void test_steal_before_tail(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 1 * MS)->cpu_stolen_ns = 1000;
	tell_send(&story, 2 * MS, 0, 101, 1)->cpu_stolen_ns = 9000;
	tell_end(&story, 2 * MS + 1 * US, 0, 101, 1, 1 * MS);
	story_add(&story, RECORD_MODE, sizeof(struct record_mode), 3 * MS, RECORD_CPU_LIMIT + 64, 0)->as_mode.tail = 1;
	play(&story, 1, 0);
	assert_int_equal(story.requests[0].steal_ns, 8000);
	assert_true(story.summary.total_steal_ns < 0);
	for (int c = 0; c < COHORT_COUNT; c++)
		assert_true(story.summary.cohort[c].steal_ns == 0);
	story_free(&story);
}

/* Switches tell it too: of the stretch that ends there, and where the next begins. */
static void test_steal_at_switches(void **state)
{
	(void)state;
	struct story story = server(1);
	struct record_switch *leaves, *comes;

	tell_recv(&story, 1 * MS, 0, 101, 1, 1 * MS)->cpu_stolen_ns = 1000;
	leaves = tell_preempt(&story, 1 * MS + 100 * US, 0, 101, 900);
	leaves->cpu_stolen_ns = 1000 + 40 * US;
	comes = tell_preempt(&story, 1 * MS + 200 * US, 0, 900, 101);
	comes->cpu_stolen_ns = 1000 + 70 * US; /* 30 of them from the stranger */
	tell_send(&story, 1 * MS + 300 * US, 0, 101, 1)->cpu_stolen_ns = 1000 + 75 * US;
	tell_end(&story, 1 * MS + 301 * US, 0, 101, 1, 1 * MS);
	play(&story, 1, 0);
	assert_int_equal(story.requests[0].steal_ns, 45 * US);
	assert_int_equal(story.requests[0].service.ns[CAUSE_OWN], 200 * US);
	assert_int_equal(story.requests[0].service.ns[CAUSE_RUNQ], 100 * US);
	story_free(&story);
}

/* No word of a hypervisor is not the same as nothing taken. */
static void test_steal_untold(void **state)
{
	(void)state;
	struct story story = server(1);

	tell_recv(&story, 1 * MS, 0, 101, 1, 1 * MS);
	tell_preempt(&story, 1 * MS + 100 * US, 0, 101, 900)->cpu_steal_ns = 40 * US; /* the scheduler's, which may be late */
	tell_preempt(&story, 1 * MS + 200 * US, 0, 900, 101)->cpu_steal_ns = 90 * US;
	tell_send(&story, 1 * MS + 300 * US, 0, 101, 1);
	tell_end(&story, 1 * MS + 301 * US, 0, 101, 1, 1 * MS);
	play(&story, 1, 0);
	assert_int_equal(story.requests[0].steal_ns, 0);
	assert_true(story.summary.total_steal_ns < 0);
	story_free(&story);
}

/* Who is among the slowest so far is told so, and nobody who lacks records. */
static void test_the_worst_are_told(void **state)
{
	(void)state;
	struct story story = server(1);

	for (uint64_t i = 1; i <= WORST_COUNT + 3; i++) {
		tell_recv(&story, 10 * i * MS, 0, 101, 1, 10 * i * MS);
		if (i == 5) { /* the longest of all, and a record is lost in it */
			tell_fault(&story, 10 * i * MS + 1 * US, 0, 101);
			story_lose(&story);
		}
		uint64_t end_ns = 10 * i * MS + (i == 5 ? 9 : i == WORST_COUNT + 2 ? 2 : 3) * MS + i * US;
		tell_send(&story, end_ns, 0, 101, 1);
		tell_end(&story, end_ns, 0, 101, 1, 10 * i * MS);
	}
	play(&story, WORST_COUNT + 3, 0);
	for (uint32_t i = 0; i < WORST_COUNT + 3; i++) {
		int worst = i != 4 && i != WORST_COUNT + 1;
		assert_int_equal((story.requests[i].flags & REQUEST_LOSS) != 0, i == 4);
		assert_int_equal(story.requests[i].among_worst, worst);
	}
	assert_int_equal(story.summary.worst_count, WORST_COUNT);
	story_free(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_arrival_before_previous_end),
		cmocka_unit_test(test_partial_reads),
		cmocka_unit_test(test_partial_sends),
		cmocka_unit_test(test_pipelined_in_one_read),
		cmocka_unit_test(test_pipelined_in_two_reads),
		cmocka_unit_test(test_pipelined_across_reads),
		cmocka_unit_test(test_no_send_ends_at_the_event),
		cmocka_unit_test(test_missing_end),
		cmocka_unit_test(test_open_at_attach_and_detach),
		cmocka_unit_test(test_unknown_and_impossible_arrivals),
		cmocka_unit_test(test_several_threads),
		cmocka_unit_test(test_lost_read),
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_exchange_ends_by_silence),
		cmocka_unit_test(test_exchange_open_at_attach_and_detach),
		cmocka_unit_test(test_socket_used_again),
		cmocka_unit_test(test_socket_used_again_without_close),
		cmocka_unit_test(test_many_sockets),
		cmocka_unit_test(test_client_times),
		cmocka_unit_test(test_client_times_of_another_clock),
		cmocka_unit_test(test_client_times_without_end),
		cmocka_unit_test(test_client_times_of_a_cut_request),
		cmocka_unit_test(test_kernel_net),
		cmocka_unit_test(test_kernel_net_of_exchanges),
		cmocka_unit_test(test_the_worst_are_told),
		cmocka_unit_test(test_steal),
		cmocka_unit_test(test_steal_beside_other_things),
		cmocka_unit_test(test_steal_and_losses),
		cmocka_unit_test(test_steal_before_tail),
		cmocka_unit_test(test_steal_at_switches),
		cmocka_unit_test(test_steal_untold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
