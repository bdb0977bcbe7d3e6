/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loops. libmicrohttpd runs without threads of its own: the loop polls its epoll descriptor and calls
 * MHD_run, which never blocks. (MHD's own epoll loop blocks for ever when exactly 128 n connections are ready: it asks
 * for events again, with its time-out, before it serves the 128 it has.)
 *
 * One turn: poll; MHD_run; before sleeping the loop marks slices for the collector, looking at the sockets in between.
 *
 * The collector: a loop is parked all the time but inside answer_unparked(). What libmicrohttpd keeps while the loop
 * sleeps (exchange, responses) is plain malloc memory and holds no reference.
 *
 * A request is answered on the second call of the handler; on the first, libmicrohttpd would close the
 * connection after the answer. Response objects are used again: libmicrohttpd fixes a response's length, so there is
 * a free list per length (reply), with one reply each from the start: a rare length would else call malloc hours later.
 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client_times.h"
#include "hangup.h"
#include "heap_profile.h"
#include "listener.h"
#include "probes/flight.h"
#include "probes/probes.h"

#define BACKLOG 4096
#define CONNECTIONS_MAX 20000u
#define CONNECTION_MEMORY_BYTES ((size_t)8192) /* limits the request line and headers */
#define UPLOAD_BYTES_MAX 65536
#define GRACE_NS 5000000000u /* for requests in flight when told to stop */
#define REPLY_BYTES_MAX 1024
#define REPLIES_FREE_MAX 64 /* per length */
/* Lengths of nearly all answers with a record, in both formats. */
#define REPLY_PREPARED_MIN (DATASET_BIN_HEADER_BYTES + DATASET_PAYLOAD_BYTES_MIN)
#define REPLY_PREPARED_MAX 512

/*
 * A connection that waits for a request, in its loop's list; those that are being answered are in none. A client must
 * deliver a whole request within the idle time-out: libmicrohttpd's own begins anew with every byte.
 */
struct waiting {
	struct waiting *previous, *next;
	uint64_t since_ns;
	int fd;
};

/* One request between its first line and its completion. Plain memory. */
struct exchange {
	uint64_t begin_ns, end_ns;
	uint64_t key, allocs, alloc_bytes;
	uint64_t upload_bytes;
	uint64_t intended_ns, send_ns;     /* the client's own times, read for tracers; both 0: not told */
	uint64_t due_ns;                   /* suspended: when to go on */
	struct MHD_Connection *connection; /* suspended */
	struct reply *reply;               /* to give back; NULL if libmicrohttpd has its own copy */
	struct exchange *next;             /* in the list of free or of suspended ones */
	uint16_t status;                   /* 0: not answered yet */
	bool begun; /* its header is complete; else libmicrohttpd is still reading it, or has refused it */
	bool resumed;
	bool lookup;
	enum format format;
};

/* A response object and the memory of its body, used again for bodies of the same length and type. */
struct reply {
	struct MHD_Response *response;
	struct reply *next_free;
	uint16_t length;
	uint16_t type; /* enum format */
	char body[];
};

struct reply_list {
	struct reply *first;
	unsigned count;
};

/* An event loop. Written by its own thread only, but for stop_event. */
struct loop {
	struct server *server;
	pthread_t thread;
	bool started;
	int listen_fd, stop_event, hangups;
	struct MHD_Daemon *daemon;
	struct handler handler;
	struct metrics *metrics;
	const uint64_t *malloc_bytes; /* jemalloc's count of this thread; NULL if there is none */
	struct exchange *free_exchanges;
	struct exchange *suspended; /* answers that take their time (a CPU profile) */
	struct waiting waiting;     /* head of a ring, the longest waiting first */
	uint64_t in_flight;
	bool stopping;  /* answers close their connection */
	bool hung_up;   /* some client has sent all it will */
	bool idle_work; /* the collector had something to do when last asked */
	struct reply_list replies[2][REPLY_BYTES_MAX + 1];
};

/* jemalloc's; missing in sanitizer builds. */
int mallctl(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes) __attribute__((weak));

struct server {
	const struct config *config;
	const struct service *service;
	uint16_t port;
	unsigned threads;
	struct loop loops[];
};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ----------------------------------------------- connections that wait */

static void waiting_remove(struct waiting *waiting)
{
	waiting->previous->next = waiting->next;
	waiting->next->previous = waiting->previous;
	waiting->previous = waiting->next = waiting;
}

static void waiting_append(struct loop *loop, struct waiting *waiting, uint64_t since_ns)
{
	waiting->since_ns = since_ns;
	waiting->previous = loop->waiting.previous;
	waiting->next = &loop->waiting;
	waiting->previous->next = waiting->next->previous = waiting;
}

static struct waiting *waiting_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **slot,
			  enum MHD_ConnectionNotificationCode code)
{
	struct loop *loop = context;
	struct waiting *waiting = *slot;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (waiting)
			waiting_remove(waiting);
		free(waiting);
		*slot = NULL;
		return;
	}
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	*slot = waiting = info ? malloc(sizeof(*waiting)) : NULL;
	if (!waiting)
		return;
	waiting->fd = info->connect_fd;
	hangup_watch(loop->hangups, waiting->fd);
	waiting_append(loop, waiting, now_ns());
}

/* Shut the sockets of those that took too long; libmicrohttpd then finds them closed. */
static void waiting_expire(struct loop *loop)
{
	const uint64_t timeout_ns = loop->server->config->idle_timeout_s * 1000000000ull;
	if (loop->waiting.next == &loop->waiting)
		return;
	uint64_t now = now_ns();
	while (loop->waiting.next != &loop->waiting && now - loop->waiting.next->since_ns > timeout_ns) {
		struct waiting *late = loop->waiting.next;
		shutdown(late->fd, SHUT_RDWR);
		waiting_remove(late);
	}
}

/* ---------------------------------------------------------- exchanges */

static struct exchange *exchange_new(struct loop *loop)
{
	struct exchange *exchange = loop->free_exchanges;
	if (exchange)
		loop->free_exchanges = exchange->next;
	else
		exchange = malloc(sizeof(*exchange));
	if (exchange)
		*exchange = (struct exchange){.begun = false};
	return exchange;
}

static void exchange_begin(struct loop *loop, struct exchange *exchange)
{
	exchange->begun = true;
	exchange->begin_ns = now_ns();
	loop->in_flight++;
}

static void exchange_free(struct loop *loop, struct exchange *exchange)
{
	loop->in_flight -= exchange->begun;
	exchange->next = loop->free_exchanges;
	loop->free_exchanges = exchange;
}

/* ----------------------------------------------- answers that take their time */

static enum MHD_Result suspend(struct loop *loop, struct MHD_Connection *connection, struct exchange *exchange,
			       uint64_t wait_ns)
{
	exchange->connection = connection;
	exchange->due_ns = now_ns() + wait_ns;
	exchange->next = loop->suspended;
	loop->suspended = exchange;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

/*
 * Those that are due, or all when the service stops: libmicrohttpd calls on_request again when it next runs. True if
 * there were any: its own descriptor does not tell.
 */
static bool resume_due(struct loop *loop)
{
	uint64_t now = now_ns();
	bool any = false;
	for (struct exchange **place = &loop->suspended; *place;) {
		struct exchange *exchange = *place;
		if (exchange->due_ns > now && !loop->stopping) {
			place = &exchange->next;
			continue;
		}
		*place = exchange->next;
		exchange->resumed = true;
		MHD_resume_connection(exchange->connection);
		any = true;
	}
	return any;
}

/* `timeout_ms`, or less if one of them is due before. */
static int suspended_timeout_ms(const struct loop *loop, int timeout_ms)
{
	uint64_t now = loop->suspended ? now_ns() : 0;
	for (const struct exchange *exchange = loop->suspended; exchange; exchange = exchange->next) {
		int rest_ms = exchange->due_ns > now ? (int)((exchange->due_ns - now) / 1000000) + 1 : 0;
		if (timeout_ms < 0 || rest_ms < timeout_ms)
			timeout_ms = rest_ms;
	}
	return timeout_ms;
}

/* ------------------------------------------------------------ replies */

static void reply_free(struct reply *reply)
{
	MHD_destroy_response(reply->response);
	free(reply);
}

static struct reply *reply_create(enum format type, size_t length)
{
	struct reply *reply = malloc(sizeof(*reply) + length);
	if (!reply)
		return NULL;
	*reply = (struct reply){.type = type, .length = (uint16_t)length};
	reply->response = MHD_create_response_from_buffer(length, reply->body, MHD_RESPMEM_PERSISTENT);
	if (!reply->response) {
		free(reply);
		return NULL;
	}
	MHD_add_response_header(reply->response, MHD_HTTP_HEADER_CONTENT_TYPE, format_content_type(type));
	return reply;
}

static struct reply *reply_get(struct loop *loop, enum format type, size_t length)
{
	struct reply_list *list = &loop->replies[type][length];
	struct reply *reply = list->first;
	metrics_add(reply ? &loop->metrics->replies_reused : &loop->metrics->replies_created, 1);
	if (!reply)
		return reply_create(type, length);
	list->first = reply->next_free;
	list->count--;
	return reply;
}

static void reply_put(struct loop *loop, struct reply *reply)
{
	struct reply_list *list = &loop->replies[reply->type][reply->length];
	if (list->count == REPLIES_FREE_MAX) {
		reply_free(reply);
		return;
	}
	reply->next_free = list->first;
	list->first = reply;
	list->count++;
}

/* What cannot be had now is made when it is needed. */
static void replies_prepare(struct loop *loop)
{
	for (size_t length = REPLY_PREPARED_MIN; length <= REPLY_PREPARED_MAX; length++)
		for (enum format type = FORMAT_JSON; type <= FORMAT_BIN; type++) {
			struct reply *reply = reply_create(type, length);
			if (reply)
				reply_put(loop, reply);
		}
}

static void replies_destroy(struct loop *loop)
{
	struct reply_list *lists = &loop->replies[0][0];
	for (size_t i = 0; i < sizeof(loop->replies) / sizeof(*lists); i++) {
		while (lists[i].first) {
			struct reply *reply = lists[i].first;
			lists[i].first = reply->next_free;
			reply_free(reply);
		}
	}
}

/* ------------------------------------------------------------ answering */

static bool reusable(const struct loop *loop, const struct response *response)
{
	return response->reusable && response->length <= REPLY_BYTES_MAX && !response->allow && !loop->stopping;
}

/* From a free list, with no allocation in the steady state. */
static enum MHD_Result queue_reply(struct loop *loop, struct MHD_Connection *connection, struct exchange *exchange,
				   const struct response *response)
{
	enum format type = strcmp(response->content_type, format_content_type(FORMAT_BIN)) ? FORMAT_JSON : FORMAT_BIN;
	struct reply *reply = reply_get(loop, type, response->length);
	if (!reply)
		return MHD_NO;
	memcpy(reply->body, response->body, response->length);
	exchange->reply = reply;
	return MHD_queue_response(connection, response->status, reply->response);
}

/* A response object for this answer alone, with libmicrohttpd's copy of the body. */
static enum MHD_Result queue_copy(struct loop *loop, struct MHD_Connection *connection, const struct response *response)
{
	struct MHD_Response *copy = MHD_create_response_from_buffer(response->length, (void *)(uintptr_t)response->body,
								    MHD_RESPMEM_MUST_COPY);
	if (!copy)
		return MHD_NO;
	MHD_add_response_header(copy, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
	if (response->allow)
		MHD_add_response_header(copy, MHD_HTTP_HEADER_ALLOW, response->allow);
	if (loop->stopping)
		MHD_add_response_header(copy, MHD_HTTP_HEADER_CONNECTION, "close");
	enum MHD_Result result = MHD_queue_response(connection, response->status, copy);
	MHD_destroy_response(copy);
	return result;
}

static const char *query_argument(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->context, MHD_GET_ARGUMENT_KIND, name);
}

static const char *header_field(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->context, MHD_HEADER_KIND, name);
}

static const struct sockaddr *peer_address(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	return info ? info->client_addr : NULL;
}

/* 127.0.0.0/8, ::1, and the former as an IPv6 address. */
static bool is_local(const struct request *request)
{
	const struct sockaddr *peer = peer_address(request->context);
	if (peer && peer->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)peer)->sin_addr.s_addr) >> 24 == 127;
	if (!peer || peer->sa_family != AF_INET6)
		return false;
	const struct in6_addr *address = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(address) || (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static enum MHD_Result answer(struct loop *loop, struct MHD_Connection *connection, struct exchange *exchange,
			      const struct request *request)
{
	struct response response;
	enum MHD_Result result;
	handler_answer(&loop->handler, request, &response);
	if (response.wait_ns)
		return suspend(loop, connection, exchange, response.wait_ns);
	if (reusable(loop, &response))
		result = queue_reply(loop, connection, exchange, &response);
	else
		result = queue_copy(loop, connection, &response);
	exchange->status = (uint16_t)response.status;
	exchange->key = response.key;
	exchange->lookup = response.lookup;
	exchange->format = response.format;
	return result;
}

/* The only place where a loop touches collected memory; all else, health checks above all, is answered parked. */
static enum MHD_Result answer_unparked(struct loop *loop, struct MHD_Connection *connection, struct exchange *exchange,
				       const struct request *request)
{
	struct gc_mutator *m = loop->handler.m;
	enum MHD_Result result;
	gc_unpark(m);
	uint64_t allocs = gc_mutator_allocs(m), alloc_bytes = gc_mutator_alloc_bytes(m);
	{
		GC_SCOPE(m);
		result = answer(loop, connection, exchange, request);
	}
	exchange->allocs = gc_mutator_allocs(m) - allocs;
	exchange->alloc_bytes = gc_mutator_alloc_bytes(m) - alloc_bytes;
	gc_park(m);
	return result;
}

static enum MHD_Result serve(struct loop *loop, struct MHD_Connection *connection, struct exchange *exchange,
			     const struct request *request)
{
	enum MHD_Result result = handler_needs_heap(request) ? answer_unparked(loop, connection, exchange, request)
							     : answer(loop, connection, exchange, request);
	if (!exchange->status)
		return result;
	uint64_t end_ns = now_ns();
	exchange->end_ns = end_ns;
	metrics_duration(loop->metrics, exchange->lookup ? &exchange->key : NULL, end_ns - exchange->begin_ns, end_ns);
	return result;
}

/* -------------------------------------------------------------- callbacks */

/* The first line has been read: from here on a refusal of libmicrohttpd's own is seen by on_completed. */
static void *on_first_line(void *context, const char *uri, struct MHD_Connection *connection)
{
	(void)uri;
	(void)connection;
	return exchange_new(context);
}

/* Looked for only when somebody wants to know. */
static void exchange_times(struct MHD_Connection *connection, struct exchange *exchange)
{
	if (!PROBE_WATCHED(request_times) && !PROBE_RING_WATCHED(request_times))
		return;
	const char *times = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Memlab-Times");
	if (times)
		client_times_parse(times, &exchange->intended_ns, &exchange->send_ns);
}

static bool has_large_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	return length && strtoull(length, NULL, 10) > UPLOAD_BYTES_MAX;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_bytes, void **slot)
{
	struct loop *loop = context;
	struct exchange *exchange = *slot;
	const struct request request = {.method = method,
					.path = url,
					.argument = query_argument,
					.header = header_field,
					.local = is_local,
					.resumed = exchange && exchange->resumed,
					.context = connection};
	(void)version;
	(void)upload;
	if (!exchange)
		return MHD_NO;
	if (!exchange->begun) {
		exchange_begin(loop, exchange);
		exchange_times(connection, exchange);
		struct waiting *waiting = waiting_of(connection);
		if (waiting)
			waiting_remove(waiting);
		/* Not worth reading: answered now, which closes the connection. */
		return has_large_body(connection) ? serve(loop, connection, exchange, &request) : MHD_YES;
	}
	if (*upload_bytes) {
		exchange->upload_bytes += *upload_bytes;
		*upload_bytes = 0;
		return exchange->upload_bytes <= UPLOAD_BYTES_MAX ? MHD_YES : MHD_NO;
	}
	return serve(loop, connection, exchange, &request);
}

static uint64_t peer_port(struct MHD_Connection *connection)
{
	const struct sockaddr *peer = peer_address(connection);
	if (!peer)
		return 0;
	if (peer->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)peer)->sin6_port);
	return ntohs(((const struct sockaddr_in *)(const void *)peer)->sin_port);
}

/* The answer was written: tell tracers, count. */
static void exchange_answered(struct loop *loop, struct MHD_Connection *connection, const struct exchange *exchange)
{
	uint64_t info = (uint64_t)exchange->status | (uint64_t)loop->server->config->path << 16 |
			(uint64_t)exchange->format << 17;
	if (exchange->send_ns)
		PROBE_FIRE(request_times, peer_port(connection), exchange->intended_ns, exchange->send_ns);
	PROBE_FIRE(request_end, peer_port(connection), exchange->key, info, exchange->allocs, exchange->alloc_bytes,
		   exchange->begin_ns);
	if (PROBE_WATCHED(request_flight))
		flight_note(&(struct flight_entry){.peer_port = (uint16_t)peer_port(connection),
						   .key = exchange->key,
						   .info = (uint32_t)info,
						   .allocs = (uint32_t)exchange->allocs,
						   .alloc_bytes = exchange->alloc_bytes,
						   .begin_ns = exchange->begin_ns});
	struct metrics *metrics = loop->metrics;
	metrics_add(&metrics->requests, 1);
	metrics_add(&metrics->status[exchange->status], 1);
	if (exchange->lookup) {
		metrics_add(&metrics->lookups, 1);
		metrics_add(&metrics->lookup_allocs, exchange->allocs);
		metrics_add(&metrics->lookup_alloc_bytes, exchange->alloc_bytes);
	}
}

/* By libmicrohttpd itself, with a page of its own: too long, or not HTTP. It was never ours; its time is not known. */
static void exchange_refused(struct MHD_Connection *connection, struct exchange *exchange)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS);
	exchange->status = info && info->http_status < 600 ? (uint16_t)info->http_status : 0;
	exchange->begin_ns = now_ns();
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
			 enum MHD_RequestTerminationCode code)
{
	struct loop *loop = context;
	struct exchange *exchange = *slot;
	if (!exchange)
		return;
	*slot = NULL;
	struct waiting *waiting = waiting_of(connection);
	if (waiting && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		waiting_append(loop, waiting, exchange->end_ns);
	if (!exchange->begun)
		exchange_refused(connection, exchange);
	if (exchange->status && (code == MHD_REQUEST_TERMINATED_COMPLETED_OK || !exchange->begun))
		exchange_answered(loop, connection, exchange);
	if (exchange->reply)
		reply_put(loop, exchange->reply);
	exchange_free(loop, exchange);
}

/* --------------------------------------------------------------- the loop */

/* Milliseconds until libmicrohttpd wants to run: -1 for never. */
static int wanted_timeout_ms(struct loop *loop)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;
	if (MHD_get_timeout(loop->daemon, &timeout_ms) != MHD_YES)
		return -1;
	return timeout_ms < 60000 ? (int)timeout_ms : 60000;
}

/* Wait for sockets or the stop event, at most timeout_ms; true if a socket is ready. */
static bool sockets_ready(struct loop *loop, int timeout_ms)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[3] = {{.fd = info->epoll_fd, .events = POLLIN},
				{.fd = loop->hangups, .events = POLLIN},
				{.fd = loop->stop_event, .events = POLLIN}};
	if (timeout_ms)
		flight_sleep();
	poll(fds, loop->stopping ? 2 : 3, timeout_ms);
	if (timeout_ms)
		flight_wake();
	if (fds[2].revents)
		loop->stopping = true;
	loop->hung_up |= fds[1].revents != 0;
	return fds[0].revents || fds[1].revents;
}

/* What the sockets have is taken; who hung up before that is told of it. */
static void loop_run(struct loop *loop)
{
	MHD_run(loop->daemon);
	if (__builtin_expect(loop->hung_up, 0))
		hangups_tell(loop->hangups);
	loop->hung_up = false;
}

/* While the collector has work, sockets are looked at after each slice of it, without sleeping. */
static void loop_turn(struct loop *loop, int timeout_ms_max)
{
	bool resumed = __builtin_expect(loop->suspended != NULL, 0) && resume_due(loop);
	int timeout_ms = resumed ? 0 : suspended_timeout_ms(loop, wanted_timeout_ms(loop));
	if (timeout_ms_max >= 0 && (timeout_ms < 0 || timeout_ms > timeout_ms_max))
		timeout_ms = timeout_ms_max;
	if (timeout_ms != 0 && !loop->idle_work)
		loop->idle_work = gc_idle(loop->handler.m);
	if (!sockets_ready(loop, loop->idle_work ? 0 : timeout_ms) && loop->idle_work && timeout_ms != 0) {
		loop->idle_work = gc_idle(loop->handler.m);
		return;
	}
	loop_run(loop);
	waiting_expire(loop);
	if (loop->malloc_bytes)
		__atomic_store_n(&loop->metrics->malloc_bytes, *loop->malloc_bytes, __ATOMIC_RELAXED);
}

/* Accept what has connected, stop listening, answer what is in flight. */
static void loop_drain(struct loop *loop)
{
	uint64_t deadline_ns = now_ns() + GRACE_NS;
	for (unsigned turns = 0; turns < 100 && sockets_ready(loop, 0); turns++)
		loop_run(loop);
	MHD_quiesce_daemon(loop->daemon);
	close(loop->listen_fd);
	loop->listen_fd = -1;
	while ((loop->in_flight || sockets_ready(loop, 0)) && now_ns() < deadline_ns)
		loop_turn(loop, 20);
}

static void *loop_main(void *context)
{
	struct loop *loop = context;
	loop->handler.m = gc_attach(loop->server->service->heap);
	if (!loop->handler.m) {
		fprintf(stderr, "memlab-svc: no memory for an event loop; free some\n");
		exit(1);
	}
	gc_park(loop->handler.m);
	size_t bytes = sizeof(loop->malloc_bytes);
	if (mallctl && mallctl("thread.allocatedp", &loop->malloc_bytes, &bytes, NULL, 0))
		loop->malloc_bytes = NULL;
	while (!loop->stopping)
		loop_turn(loop, -1);
	loop_drain(loop);
	MHD_stop_daemon(loop->daemon);
	loop->daemon = NULL;
	gc_unpark(loop->handler.m);
	gc_detach(loop->handler.m);
	heap_profile_thread_end();
	return NULL;
}

static struct MHD_Daemon *daemon_start(struct loop *loop)
{
	unsigned limit = CONNECTIONS_MAX;
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, loop, MHD_OPTION_LISTEN_SOCKET,
		loop->listen_fd, MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, loop->server->config->idle_timeout_s,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, loop, MHD_OPTION_NOTIFY_CONNECTION, on_connection, loop,
		MHD_OPTION_URI_LOG_CALLBACK, on_first_line, loop, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

static int bind_all(struct server *server)
{
	const struct config *config = server->config;
	bool shared = server->threads > 1;
	int error = shared ? listener_check_free(config) : 0;
	server->port = config->port;
	for (unsigned i = 0; i < server->threads && !error; i++) {
		int fd = listener_bind(config, server->port, shared);
		if (fd < 0)
			return fd;
		server->loops[i].listen_fd = fd;
		server->port = listener_port(fd);
	}
	return error;
}

/* ------------------------------------------------------------------ server */

int server_create(const struct config *config, struct metrics *loops, struct server **result)
{
	struct server *server = calloc(1, sizeof(*server) + config->threads * sizeof(server->loops[0]));
	if (!server)
		return -ENOMEM;
	server->config = config;
	server->threads = config->threads;
	int error = 0;
	for (unsigned i = 0; i < server->threads; i++) {
		struct loop *loop = &server->loops[i];
		loop->server = server;
		loop->metrics = &loops[i];
		loop->listen_fd = -1;
		loop->waiting.previous = loop->waiting.next = &loop->waiting;
		loop->stop_event = eventfd(0, EFD_CLOEXEC);
		loop->hangups = hangups_open();
		if (loop->stop_event < 0 || loop->hangups < 0)
			error = -errno;
	}
	if (!error)
		error = bind_all(server);
	if (error) {
		server_destroy(server);
		return error;
	}
	*result = server;
	return 0;
}

uint16_t server_port(const struct server *server)
{
	return server->port;
}

static int loop_start(struct loop *loop)
{
	loop->handler.service = loop->server->service;
	if (listen(loop->listen_fd, BACKLOG))
		return -errno;
	loop->daemon = daemon_start(loop);
	if (!loop->daemon)
		return -ENOMEM;
	replies_prepare(loop);
	int error = pthread_create(&loop->thread, NULL, loop_main, loop);
	if (error)
		return -error;
	loop->started = true;
	pthread_setname_np(loop->thread, "loop");
	return 0;
}

int server_start(struct server *server, const struct service *service)
{
	server->service = service;
	for (unsigned i = 0; i < server->threads; i++) {
		int error = loop_start(&server->loops[i]);
		if (error)
			return error;
	}
	return 0;
}

void server_stop(struct server *server)
{
	for (unsigned i = 0; i < server->threads; i++)
		eventfd_write(server->loops[i].stop_event, 1);
	for (unsigned i = 0; i < server->threads; i++) {
		if (server->loops[i].started)
			pthread_join(server->loops[i].thread, NULL);
		server->loops[i].started = false;
	}
}

static void loop_destroy(struct loop *loop)
{
	if (loop->daemon)
		MHD_stop_daemon(loop->daemon);
	replies_destroy(loop);
	while (loop->free_exchanges) {
		struct exchange *exchange = loop->free_exchanges;
		loop->free_exchanges = exchange->next;
		free(exchange);
	}
	buffer_free(&loop->handler.buffer);
	if (loop->listen_fd >= 0)
		close(loop->listen_fd);
	if (loop->stop_event >= 0)
		close(loop->stop_event);
	if (loop->hangups >= 0)
		close(loop->hangups);
}

void server_destroy(struct server *server)
{
	if (!server)
		return;
	for (unsigned i = 0; i < server->threads; i++)
		loop_destroy(&server->loops[i]);
	free(server);
}
