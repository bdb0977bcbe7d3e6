/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: see request.h. */
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blame.h"

/* An exchange is over when nothing more was sent for so long. */
#define EXCHANGE_SILENCE_NS 1000000000ull
/* An answer that long ago will have no end event any more. */
#define EVENT_SILENCE_NS (10 * 1000000000ull)
#define SOCK_SILENCE_NS (60 * 1000000000ull)
#define SETTLE_STEP_NS 250000000ull

void requests_free(struct requests *requests)
{
	for (uint32_t i = 0; i < requests->socks.capacity; i++)
		free(map_at(&requests->socks, i));
	map_free(&requests->socks);
	free(requests->spare);
	requests->spare = NULL;
}

static struct sock *sock_find(struct requests *requests, uint64_t sock)
{
	return map_get(&requests->socks, sock);
}

static struct sock *sock_get(struct requests *requests, uint64_t number, uint16_t local_port, uint16_t peer_port)
{
	struct sock *sock = sock_find(requests, number);

	if (sock)
		return sock;
	sock = requests->spare ? requests->spare : malloc(sizeof(*sock));
	requests->spare = NULL;
	if (!sock)
		return NULL;
	memset(sock, 0, sizeof(*sock));
	sock->sock = number;
	sock->local_port = local_port;
	sock->peer_port = peer_port;
	if (map_put(&requests->socks, number, sock) == 0)
		return sock;
	free(sock);
	return NULL;
}

static void sock_forget(struct requests *requests, struct sock *sock)
{
	map_remove(&requests->socks, sock->sock);
	free(requests->spare);
	requests->spare = sock;
}

/* The reading thread has one open request more or less. */
static void read_opened(struct thread *thread)
{
	thread->open_requests++;
}

static void read_closed(struct requests *requests, const struct read *read)
{
	struct thread *thread = thread_find(requests->threads, read->tid);

	if (thread && thread->epoch == read->epoch && thread->open_requests)
		thread->open_requests--;
}

static void sock_drop_reads(struct requests *requests, struct sock *sock, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (requests->has_end_events || !sock->reads[i].answered_ns)
			read_closed(requests, &sock->reads[i]);
	sock->read_count -= count;
	memmove(sock->reads, sock->reads + count, sock->read_count * sizeof(*sock->reads));
}

/* ---- From a read and an end to a request. */

static uint64_t clamp_ns(struct requests *requests, uint64_t later_ns, uint64_t earlier_ns)
{
	if (later_ns >= earlier_ns)
		return later_ns;
	requests->negative++;
	return earlier_ns;
}

static struct request request_of(struct requests *requests, const struct sock *sock, const struct read *read,
				 uint64_t end_ns)
{
	return (struct request){
		.arrival_ns = read->arrival_ns,
		.begin_ns = read->begin_ns,
		.end_ns = clamp_ns(requests, end_ns, read->begin_ns),
		.sock = sock->sock,
		.local_port = sock->local_port,
		.peer_port = sock->peer_port,
		.tid = read->tid,
		.flags = read->flags,
		.net_ns = sock->net_ns,
	};
}

/* Whether the collector can have a part in the queue, which is decomposed: nearly always not, and cheap to know. */
static int request_waited_for_collector(const struct request *request)
{
	const uint64_t *ns = request->queue.ns;

	return ns[CAUSE_STOP] || ns[CAUSE_ASSIST] || ns[CAUSE_GC_CPU] || ns[CAUSE_ALLOC];
}

/* Where the serving thread stands in the replay after this request. */
static struct replay_point request_replay(const struct request *request, const struct replay_point *before,
					  const struct timeline *timeline, int collector_waited)
{
	uint64_t gap_ns = replay_gap_begin(before, request->arrival_ns, request->begin_ns);
	uint64_t waited_ns = request->begin_ns - gap_ns;
	if (collector_waited)
		waited_ns -= blame_collector_ns(timeline, gap_ns, request->begin_ns);
	uint64_t served_ns = request->end_ns - request->begin_ns - request->collector_ns;

	return replay_serve(before, request->arrival_ns, request->end_ns, waited_ns, served_ns);
}

/* Decomposes it; the thread moves on in the replay. Returns the end in the replay. */
static uint64_t request_account(struct requests *requests, struct request *request, const struct replay_point *before)
{
	static const struct timeline nothing;
	struct thread *thread = thread_find(requests->threads, request->tid);
	const struct timeline *timeline = thread ? &thread->timeline : &nothing;

	blame_request(request, timeline, &requests->threads->culprits);
	if (request->net_ns > request->service.ns[CAUSE_OWN])
		request->net_ns = request->service.ns[CAUSE_OWN];
	struct replay_point point =
		request_replay(request, before, timeline, request_waited_for_collector(request));
	if (!thread)
		return point.replayed_ns;
	if (thread->damaged_ns > request->arrival_ns)
		request->flags |= REQUEST_LOSS;
	timeline_reach(&thread->timeline, request->end_ns - request->arrival_ns);
	if (point.end_ns >= thread->replay.end_ns) {
		thread->replay_earlier = thread->replay;
		thread->replay = point;
	}
	return point.replayed_ns;
}

static void request_finish(struct requests *requests, const struct request *request, uint64_t replayed_ns)
{
	requests->finished(requests->context, request, replayed_ns - request->arrival_ns);
}

static void request_finish_read(struct requests *requests, const struct sock *sock, const struct read *read,
				uint64_t end_ns)
{
	struct request request = request_of(requests, sock, read, end_ns);
	uint64_t replayed_ns = request_account(requests, &request, &read->before);

	request_finish(requests, &request, read->replayed_ns ? read->replayed_ns : replayed_ns);
}

/* ---- Exchanges: bytes in, bytes out. */

/* The answer of the oldest read is complete, or what looked like a request was never answered. */
static void exchange_finish(struct requests *requests, struct sock *sock)
{
	struct read *read = &sock->reads[0];

	read->flags |= REQUEST_EXCHANGE;
	if (read->answered_ns) {
		request_finish_read(requests, sock, read, read->answered_ns);
		sock->end_ns = read->answered_ns;
		sock->net_ns = 0;
	} else {
		requests->cut++;
	}
	sock_drop_reads(requests, sock, 1);
}

/* Requests that are final only later must move the replay on in order of service all the same. */
static void exchange_replay(struct requests *requests, const struct sock *sock, struct read *read)
{
	static const struct timeline nothing;
	struct thread *thread = thread_find(requests->threads, read->tid);
	struct request request = request_of(requests, sock, read, read->answered_ns);
	const struct timeline *timeline = thread ? &thread->timeline : &nothing;

	request.collector_ns = blame_collector_ns(timeline, request.begin_ns, request.end_ns);
	struct replay_point point = request_replay(&request, &read->before, timeline, 1);
	read->replayed_ns = point.replayed_ns;
	if (thread && point.end_ns >= thread->replay.end_ns)
		thread->replay = point;
}

/* No more of this socket: what was answered is an exchange, what was not is cut. */
static void sock_end(struct requests *requests, struct sock *sock)
{
	while (sock->read_count > 1 && !sock->reads[0].answered_ns)
		sock_drop_reads(requests, sock, 1);
	while (sock->read_count)
		exchange_finish(requests, sock);
}

static void sock_close(struct requests *requests, struct sock *sock)
{
	sock_end(requests, sock);
	sock_forget(requests, sock);
}

void requests_close(struct requests *requests, const struct record_close *record)
{
	struct sock *sock = sock_find(requests, record->sock);

	if (sock)
		sock_close(requests, sock);
}

/* ---- Edges. */

/* The target may have lost its CPU in the middle: that is no sending. */
static uint64_t thread_own_ns(const struct thread *thread, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t ns[TIMELINE_COLUMNS];

	if (from_ns >= to_ns)
		return 0;
	timeline_span(&thread->timeline, from_ns, to_ns, ns);
	return ns[CAUSE_OWN];
}

static struct read read_of(struct requests *requests, const struct thread *thread, const struct record_recv *record)
{
	struct read read = {
		.begin_ns = record->h.time_ns,
		.arrival_ns = record->arrival_ns,
		.tid = thread->tid,
		.epoch = thread->epoch,
		.before = thread->replay,
	};

	if (!read.arrival_ns) {
		read.arrival_ns = read.begin_ns;
		read.flags |= REQUEST_NO_ARRIVAL;
	} else if (read.arrival_ns > read.begin_ns) {
		requests->negative++;
		read.arrival_ns = read.begin_ns;
	}
	return read;
}

/* A newer read: the rest of the same request, or the next one. */
static void sock_make_room(struct requests *requests, struct sock *sock)
{
	if (requests->has_end_events && sock->read_count < READ_LIMIT)
		return;
	if (sock->reads[0].answered_ns)
		exchange_finish(requests, sock);
	else
		sock_drop_reads(requests, sock, 1);
}

int requests_recv(struct requests *requests, struct thread *thread, const struct record_recv *record)
{
	if (record->bytes == 0)
		return 0;
	struct sock *sock = sock_find(requests, record->sock);
	if (sock && sock->peer_port != record->peer_port)
		sock_close(requests, sock); /* its address is another connection's now; the close was lost */
	sock = sock_get(requests, record->sock, record->local_port, record->peer_port);
	if (!sock)
		return -ENOMEM;
	if (sock->read_count)
		sock_make_room(requests, sock);
	sock->reads[sock->read_count++] = read_of(requests, thread, record);
	sock->known = 1;
	sock->cut = 0;
	sock->heard_ns = record->h.time_ns;
	thread_outside(requests->threads, thread, record->h.time_ns);
	thread->last_sock = record->sock;
	thread->serves = 1;
	thread->collector = 0;
	read_opened(thread);
	return 0;
}

int requests_send(struct requests *requests, struct thread *thread, const struct record_send *record)
{
	struct sock *sock = sock_get(requests, record->sock, record->local_port, record->peer_port);

	if (!sock)
		return -ENOMEM;
	sock->heard_ns = sock->sent_ns = record->h.time_ns;
	thread_outside(requests->threads, thread, record->h.time_ns);
	if (record->begin_ns)
		sock->net_ns += thread_own_ns(thread, record->begin_ns, record->h.time_ns);
	thread->last_sock = record->sock;
	if (sock->read_count) {
		struct read *read = &sock->reads[sock->read_count - 1];
		if (!requests->has_end_events && !read->answered_ns)
			read_closed(requests, read);
		read->answered_ns = record->h.time_ns;
		if (!requests->has_end_events)
			exchange_replay(requests, sock, read);
	} else if (!requests->has_end_events && !sock->known && !sock->cut) {
		sock->cut = 1;
		requests->cut++;
	}
	return 0;
}

/* ---- End events. */

static struct sock *sock_of_port(struct requests *requests, const struct thread *thread, uint16_t peer_port)
{
	struct sock *sock = sock_find(requests, thread->last_sock), *best = NULL;

	if (sock && sock->peer_port == peer_port)
		return sock;
	/* It was another thread that sent: the socket with this port that was heard of last. */
	for (uint32_t i = 0; i < requests->socks.capacity; i++) {
		sock = map_at(&requests->socks, i);
		if (sock && sock->peer_port == peer_port && (!best || sock->heard_ns > best->heard_ns))
			best = sock;
	}
	return best;
}

/* The read that made the request complete: the last that its service can have seen. */
static uint32_t sock_read_of(const struct sock *sock, uint64_t begin_ns)
{
	uint32_t at = 0;

	if (begin_ns == 0)
		return sock->read_count - 1;
	while (at + 1 < sock->read_count && sock->reads[at + 1].begin_ns <= begin_ns)
		at++;
	return at;
}

/* Reads before number `at` that were answered without an event; the others are earlier parts of the same request. */
static void sock_flush_before(struct requests *requests, struct sock *sock, uint32_t at)
{
	for (; at > 0; at--) {
		if (sock->reads[0].answered_ns)
			exchange_finish(requests, sock);
		else
			sock_drop_reads(requests, sock, 1);
	}
}

/* A request without a read of its own; returns 0 when there is nothing to hold on to. */
static int sock_read_made(struct requests *requests, const struct sock *sock, const struct thread *thread,
			  uint64_t begin_ns, struct read *read)
{
	int damaged = thread->damaged_ns && (!sock || thread->damaged_ns >= sock->end_ns);

	if (sock && sock->known && sock->end_ns && !damaged) {
		*read = sock->last;
		read->begin_ns = sock->end_ns;
		read->flags |= REQUEST_SHARED_READ;
		read->before = thread->replay;
		return 1;
	}
	if (!damaged || begin_ns <= requests->first_ns)
		return 0;
	*read = (struct read){
		.begin_ns = begin_ns,
		.arrival_ns = begin_ns,
		.tid = thread->tid,
		.flags = REQUEST_NO_ARRIVAL | REQUEST_LOSS,
		.before = thread->replay,
	};
	return 1;
}

static void request_describe(struct request *request, const struct record_event *record)
{
	request->has_service = 1;
	request->key = record->args[1];
	request->status = (uint16_t)record->args[2];
	request->path = record->args[2] >> 16 & 1;
	request->format = record->args[2] >> 17 & 1;
	request->allocs = record->args[3];
	request->alloc_bytes = record->args[4];
}

void requests_times_event(struct thread *thread, const struct record_event *record)
{
	thread->client = (struct client_times){.intended_ns = record->args[1],
					       .send_ns = record->args[2],
					       .told_ns = record->h.time_ns,
					       .epoch = thread->epoch,
					       .peer_port = (uint16_t)record->args[0]};
}

/*
 * The target's numbers are not trusted. What was told before the request began is of one whose end came to nothing: it was cut, or
 * no end followed. The next on that connection may say nothing itself.
 */
static void request_take_times(struct request *request, struct thread *thread)
{
	struct client_times times = thread->client;

	thread->client = (struct client_times){0};
	if (times.peer_port != request->peer_port || times.epoch != thread->epoch || times.told_ns < request->begin_ns)
		return;
	if (times.intended_ns > times.send_ns)
		return;
	request->intended_ns = times.intended_ns;
	request->send_ns = times.send_ns;
}

static void request_end(struct requests *requests, struct sock *sock, struct thread *thread, const struct read *read,
			const struct record_event *record)
{
	static const struct sock unknown;
	const struct sock *of = sock ? sock : &unknown;
	uint64_t end_ns = of->sent_ns > read->begin_ns ? of->sent_ns : record->h.time_ns;
	struct request request = request_of(requests, of, read, end_ns);

	request.peer_port = (uint16_t)record->args[0];
	request_describe(&request, record);
	request_take_times(&request, thread);
	uint64_t replayed_ns = request_account(requests, &request, &read->before);
	request_finish(requests, &request, replayed_ns);
	if (!sock)
		return;
	sock->last = *read;
	sock->end_ns = request.end_ns;
	sock->net_ns = 0;
}

void requests_end_event(struct requests *requests, struct thread *thread, const struct record_event *record)
{
	uint64_t begin_ns = record->args[5];
	struct sock *sock = sock_of_port(requests, thread, (uint16_t)record->args[0]);
	struct read read;

	if (sock && sock->read_count && (begin_ns == 0 || sock->reads[0].begin_ns <= begin_ns || !sock->end_ns)) {
		sock_flush_before(requests, sock, sock_read_of(sock, begin_ns));
		read = sock->reads[0];
		request_end(requests, sock, thread, &read, record);
		sock_drop_reads(requests, sock, 1);
	} else if (sock_read_made(requests, sock, thread, begin_ns, &read)) {
		request_end(requests, sock, thread, &read, record);
	} else {
		requests->cut++;
	}
}

/* ---- Whole requests. */

static uint32_t whole_flags(const struct record_request *record)
{
	uint32_t flags = 0;

	if (!record->arrival_ns)
		flags |= REQUEST_NO_ARRIVAL;
	if (record->flags & RECORD_REQUEST_SHARED)
		flags |= REQUEST_SHARED_READ;
	if (record->flags & RECORD_REQUEST_LOST)
		flags |= REQUEST_LOSS;
	return flags;
}

static struct request whole_of(struct requests *requests, const struct record_request *record)
{
	uint64_t begin_ns = record->begin_ns ? record->begin_ns : record->h.time_ns;
	uint64_t end_ns = clamp_ns(requests, record->h.time_ns, begin_ns);
	uint64_t arrival_ns = record->arrival_ns ? record->arrival_ns : begin_ns;

	return (struct request){
		.arrival_ns = arrival_ns < begin_ns ? arrival_ns : begin_ns,
		.begin_ns = begin_ns,
		.end_ns = end_ns,
		.sock = record->sock,
		.local_port = record->local_port,
		.peer_port = record->peer_port,
		.tid = record->h.tid,
		.flags = whole_flags(record),
		.has_service = 1,
		.key = record->key,
		.status = (uint16_t)record->info,
		.path = record->info >> 16 & 1,
		.format = record->info >> 17 & 1,
		.allocs = record->allocs,
		.alloc_bytes = record->alloc_bytes,
	};
}

/*
 * Some kernels do not report every switch (Note [unseen] in schedule.c). A thread that stood in a run queue and then woke up
 * from its wait for work has had the CPU since then.
 */
static void whole_awake(struct threads *threads, struct thread *thread, const struct record_request *record)
{
	if (thread->sched != SCHED_RUNNABLE || record->awake_ns < thread->runnable_ns)
		return;
	thread->called_ns = 0;
	thread_ran_since(threads, thread, thread->cpu, record->awake_ns);
}

void requests_whole(struct requests *requests, struct thread *thread, const struct record_request *record)
{
	struct request request = whole_of(requests, record);
	struct replay_point before = thread->replay;

	request_take_times(&request, thread);

	if (before.end_ns > request.begin_ns) /* they overlapped */
		before = thread->replay_earlier;
	thread->serves = 1;
	thread->collector = 0;
	thread_outside(requests->threads, thread, record->h.time_ns);
	whole_awake(requests->threads, thread, record);
	thread_appears(requests->threads, thread, request.begin_ns);
	uint64_t replayed_ns = request_account(requests, &request, &before);
	blame_waking(&request, &thread->timeline, record->asleep_ns, record->awake_ns);
	request_finish(requests, &request, replayed_ns);
}

/* ---- Ends that no record marks. */

static int sock_settle(struct requests *requests, struct sock *sock, uint64_t now_ns)
{
	uint64_t silence_ns = requests->has_end_events ? EVENT_SILENCE_NS : EXCHANGE_SILENCE_NS;

	if (sock->read_count && sock->reads[0].answered_ns && now_ns - sock->heard_ns > silence_ns)
		exchange_finish(requests, sock);
	return sock->read_count == 0 && now_ns - sock->heard_ns > SOCK_SILENCE_NS;
}

void requests_settle(struct requests *requests, uint64_t now_ns)
{
	if (now_ns < requests->settled_ns + SETTLE_STEP_NS)
		return;
	requests->settled_ns = now_ns;
	/* A removal may move another socket into the slot: look at it again. */
	for (uint32_t i = 0; i < requests->socks.capacity;) {
		struct sock *sock = map_at(&requests->socks, i);
		if (sock && sock_settle(requests, sock, now_ns))
			sock_forget(requests, sock);
		else
			i++;
	}
}

void requests_finish(struct requests *requests)
{
	for (uint32_t i = 0; i < requests->socks.capacity; i++) {
		struct sock *sock = map_at(&requests->socks, i);
		if (!sock || !sock->read_count)
			continue;
		if (requests->has_end_events) {
			requests->cut++;
			sock_drop_reads(requests, sock, sock->read_count);
		} else {
			sock_end(requests, sock);
		}
	}
}
