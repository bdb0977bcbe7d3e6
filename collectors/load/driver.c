/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See driver.h. Sockets are edge-triggered for reading and writing, so that nothing is re-armed; hence every
 * reader goes on until the socket gave less than asked for (epoll(7)), or to the end when the peer hung up.
 *
 * Times: `send` is taken right before the system call that sends, `receipt` right after the one that received the
 * answer's last byte.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "driver.h"
#include "edges.h"
#include "live.h"
#include "ready.h"

#define EVENTS_MAX 256
#define RECEIVE_BYTES 65536
#define SEND_BURST 16      /* then a look at the sockets */
#define CONNECTING_MAX 128 /* handshakes at a time: fewer than any listen backlog */
#define TICK_NS (20 * NS_PER_MS)
#define TICK_PARTS 8 /* a tick looks at this part of the connections */
#define BACKOFF_MIN_NS (10 * NS_PER_MS)
#define BACKOFF_MAX_NS NS_PER_S
#define GONE_NS NS_PER_S    /* nothing listens for this long: the target is gone */
#define LEAD_NS NS_PER_MS   /* from the start of the loop to the first start */
#define WAITED_NS NS_PER_MS /* a wait for a connection worth counting */
#define SPARE_FILES 64
#define PAGE_BYTES 4096

struct driver {
	const struct load_options *options;
	const struct target *target;
	FILE *edges;
	int epoll;
	struct schedule schedule;
	struct keys keys;
	struct request request; /* the next one, prepared */
	uint64_t key;           /* of the next request */
	struct ready ready;
	struct connection *connections;
	struct flight *flights;
	char *bodies; /* --check: one body for each connection */
	uint32_t open_count, connecting_count;
	uint32_t tick_place; /* connection where the next tick goes on */
	uint32_t window;     /* step whose measured window the clock is in, or will be next */
	bool closing;        /* the run is over: no reconnecting */
	int connect_error;   /* the last */
	uint64_t outstanding;
	uint64_t down_since_ns; /* no connection is open since; 0: some are */
	uint64_t next_tick_ns;
	struct live live;
	struct outcome outcome;
	struct epoll_event events[EVENTS_MAX];
	char received[RECEIVE_BYTES];
};

/* ------------------------------------------------------------ counting */

static struct tally *tally_of(struct driver *driver, uint32_t step)
{
	return &driver->outcome.tallies[step];
}

static void count_error(struct driver *driver, uint32_t step, enum error_kind kind)
{
	tally_of(driver, step)->errors[kind]++;
}

/* Throughput is counted by the time of receipt, whichever step asked. */
static void count_receipt(struct driver *driver, uint64_t now)
{
	const struct schedule *schedule = &driver->schedule;

	while (driver->window + 1 < schedule->step_count && now >= schedule->steps[driver->window].end_ns)
		driver->window++;
	const struct schedule_step *step = &schedule->steps[driver->window];

	if (now >= step->measured_ns && now < step->end_ns)
		tally_of(driver, driver->window)->received_in_window++;
}

static void count_times(struct tally *tally, const struct flight *flight, uint64_t now)
{
	latency_add(&tally->response_ns, now - flight->intended_ns);
	latency_add(&tally->uncorrected_ns, now - flight->send_ns);
	latency_add(&tally->client_wait_ns, flight->send_ns - flight->intended_ns);
	latency_add(&tally->send_lag_ns, flight->lag_ns);
	tally->waited += flight->send_ns - flight->intended_ns - flight->lag_ns > WAITED_NS;
}

static bool answer_good(struct driver *driver, const struct connection *connection, const struct flight *flight)
{
	const struct load_options *options = driver->options;

	if (connection->response.status >= 400) {
		count_error(driver, flight->step, ERROR_STATUS);
		return false;
	}
	if (options->check && !check_body(options->format, options->seed, flight->key, &connection->body)) {
		count_error(driver, flight->step, ERROR_CHECK);
		return false;
	}
	return true;
}

/* The oldest flight of `connection` was answered. */
static void count_answer(struct driver *driver, struct connection *connection, uint64_t now)
{
	const struct flight *flight = connection_flight(connection, driver->options->pipeline, 0);
	struct tally *tally = tally_of(driver, flight->step);
	bool measured = schedule_measured(&driver->schedule, flight->step, flight->intended_ns);

	driver->outcome.answered_total++;
	count_receipt(driver, now);
	live_add(&driver->live, now - flight->intended_ns);
	edges_write(driver->edges, connection, flight, now);
	tally->answered += measured;
	if (answer_good(driver, connection, flight) && measured)
		count_times(tally, flight, now);
}

/* --------------------------------------------------------- connections */

static void list_if_ready(struct driver *driver, struct connection *connection)
{
	if (connection->state == CONNECTION_OPEN && !connection->listed && !connection->ending &&
	    connection->unsent_begin == connection->unsent_end && connection->flight_count < driver->options->pipeline)
		ready_add(&driver->ready, connection);
}

static void socket_close(struct driver *driver, struct connection *connection)
{
	if (connection->state == CONNECTION_CLOSED)
		return;
	ready_remove(&driver->ready, connection);
	if (connection->state == CONNECTION_OPEN)
		driver->open_count--;
	else
		driver->connecting_count--;
	connection->state = CONNECTION_CLOSED;
	connection->generation++;
	close(connection->fd);
	connection->fd = -1;
}

/* Requests outstanding on a connection that is lost have failed: the oldest as `first`, the rest as closed. */
static void flights_fail(struct driver *driver, struct connection *connection, enum error_kind first)
{
	uint32_t pipeline = driver->options->pipeline;

	while (connection->flight_count) {
		count_error(driver, connection_flight(connection, pipeline, 0)->step, first);
		connection_pop(connection, pipeline);
		driver->outstanding--;
		first = first == ERROR_TIMEOUT ? ERROR_TIMEOUT : ERROR_CLOSED;
	}
}

static void connect_failed(struct driver *driver, struct connection *connection, int error, uint64_t now)
{
	driver->connect_error = error;
	count_error(driver, driver->schedule.step, ERROR_CONNECT);
	socket_close(driver, connection);
	connection->backoff_ns = connection->backoff_ns ? connection->backoff_ns * 2 : BACKOFF_MIN_NS;
	if (connection->backoff_ns > BACKOFF_MAX_NS)
		connection->backoff_ns = BACKOFF_MAX_NS;
	connection->retry_ns = now + connection->backoff_ns;
}

static void connect_done(struct driver *driver, struct connection *connection, uint64_t now)
{
	struct sockaddr_storage local;
	socklen_t local_bytes = sizeof(local);

	driver->connecting_count--;
	driver->open_count++;
	connection->state = CONNECTION_OPEN;
	connection->backoff_ns = 0;
	connection->ending = false;
	connection->sequence = 0;
	connection->unsent_begin = connection->unsent_end = 0;
	connection->free_ns = now;
	connection->body.length = 0;
	response_begin(&connection->response);
	if (!getsockname(connection->fd, (struct sockaddr *)&local, &local_bytes))
		connection->local_port = ntohs(local.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&local)->sin6_port
									   : ((struct sockaddr_in *)&local)->sin_port);
	list_if_ready(driver, connection);
}

/* Begins to open a closed connection; epoll tells when it is open. 0 or negative errno. */
static int connect_begin(struct driver *driver, struct connection *connection, uint64_t now)
{
	const struct target *target = driver->target;
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
	int one = 1;

	connection->fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		return -errno;
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	event.data.u64 = (uint64_t)(connection - driver->connections) | (uint64_t)connection->generation << 32;
	connection->state = CONNECTION_CONNECTING;
	connection->retry_ns = now;
	driver->connecting_count++;
	if (epoll_ctl(driver->epoll, EPOLL_CTL_ADD, connection->fd, &event))
		return -errno;
	if (connect(connection->fd, (const struct sockaddr *)&target->address, target->address_bytes) &&
	    errno != EINPROGRESS)
		return -errno;
	return 0;
}

static void connect_again(struct driver *driver, struct connection *connection, uint64_t now)
{
	int error = connect_begin(driver, connection, now);

	if (error)
		connect_failed(driver, connection, error, now);
}

static void connect_event(struct driver *driver, struct connection *connection, uint32_t events, uint64_t now)
{
	int error = 0;
	socklen_t error_bytes = sizeof(error);

	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes);
	if (error || events & (EPOLLERR | EPOLLHUP))
		connect_failed(driver, connection, error ? -error : -ECONNREFUSED, now);
	else if (events & EPOLLOUT)
		connect_done(driver, connection, now);
}

/* An open connection is of no more use: its flights fail as `kind`, and it is opened anew. */
static void connection_lost(struct driver *driver, struct connection *connection, enum error_kind kind, uint64_t now)
{
	flights_fail(driver, connection, kind);
	socket_close(driver, connection);
	if (driver->closing)
		return;
	driver->outcome.reconnects++;
	connect_again(driver, connection, now);
}

/* --------------------------------------------------------------- sending */

static void prepare_next(struct driver *driver)
{
	driver->key = keys_next(&driver->keys);
	request_prepare(&driver->request, driver->key);
}

/* Keeps what the socket did not take; the connection is not ready until it is out. */
static int unsent_keep(struct connection *connection, const char *bytes, size_t length)
{
	if (length == 0)
		return 0;
	if (!connection->unsent)
		connection->unsent = malloc(sizeof(((struct request *)NULL)->bytes));
	if (!connection->unsent)
		return -ENOMEM;
	memcpy(connection->unsent, bytes, length);
	connection->unsent_begin = 0;
	connection->unsent_end = (uint32_t)length;
	return 0;
}

static int unsent_flush(struct connection *connection)
{
	while (connection->unsent_begin < connection->unsent_end) {
		ssize_t sent = send(connection->fd, connection->unsent + connection->unsent_begin,
				    connection->unsent_end - connection->unsent_begin, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		connection->unsent_begin += (uint32_t)sent;
	}
	return 0;
}

/* What of the wait was the generator's own: since the request was due and the connection had room. */
static uint64_t lag_ns(const struct connection *connection, uint64_t intended_ns, uint64_t send_ns)
{
	uint64_t possible_ns = intended_ns > connection->free_ns ? intended_ns : connection->free_ns;

	return send_ns > possible_ns ? send_ns - possible_ns : 0;
}

static void flight_begin(struct driver *driver, struct connection *connection, uint64_t send_ns)
{
	struct flight *flight;

	ready_remove(&driver->ready, connection);
	flight = connection_push(connection, driver->options->pipeline);
	flight->intended_ns = driver->schedule.next_ns;
	flight->send_ns = send_ns;
	flight->key = driver->key;
	flight->lag_ns = lag_ns(connection, flight->intended_ns, send_ns);
	flight->step = driver->schedule.step;
	driver->outstanding++;
	driver->outcome.sent_total++;
}

/* Sends the next request of the schedule on a ready connection. False when the connection turned out dead. */
static bool send_next(struct driver *driver, struct connection *connection)
{
	struct request *request = &driver->request;
	uint64_t send_ns = clock_ns();

	request_stamp(request, driver->schedule.next_ns, send_ns);
	ssize_t sent = send(connection->fd, request->bytes, request->total_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	size_t taken = sent < 0 ? 0 : (size_t)sent;

	if (unsent_keep(connection, request->bytes + taken, request->total_bytes - taken))
		return false;
	flight_begin(driver, connection, send_ns);
	list_if_ready(driver, connection);
	return true;
}

/* A request that waited for a connection as long as any may wait for an answer is given up unsent. */
static void give_up_waiting(struct driver *driver, uint64_t now)
{
	struct schedule *schedule = &driver->schedule;

	while (schedule->next_ns != SCHEDULE_OVER && schedule->next_ns + driver->options->timeout_ns < now) {
		count_error(driver, schedule->step, ERROR_TIMEOUT);
		schedule_advance(schedule);
	}
}

/* Sends what is due, one burst at most. */
static void send_due(struct driver *driver, uint64_t now)
{
	struct schedule *schedule = &driver->schedule;

	for (int burst = 0; burst < SEND_BURST && schedule->next_ns <= now; burst++) {
		struct connection *connection = ready_first(&driver->ready);

		if (!connection)
			return;
		if (!send_next(driver, connection)) {
			connection_lost(driver, connection, ERROR_CLOSED, now);
			continue;
		}
		schedule_advance(schedule);
		prepare_next(driver);
	}
}

/* -------------------------------------------------------------- receiving */

/* The oldest flight is answered; false when that was the connection's last. */
static bool answer_take(struct driver *driver, struct connection *connection, uint64_t now)
{
	uint32_t pipeline = driver->options->pipeline;

	count_answer(driver, connection, now);
	ready_remove(&driver->ready, connection);
	if (connection->flight_count == pipeline)
		connection->free_ns = now;
	connection_pop(connection, pipeline);
	driver->outstanding--;
	connection->sequence++;
	connection->ending = !connection->response.keep_alive;
	connection->body.length = 0;
	response_begin(&connection->response);
	list_if_ready(driver, connection);
	return !connection->ending;
}

/* False when the connection was given up. */
static bool bytes_take(struct driver *driver, struct connection *connection, size_t length, uint64_t now)
{
	struct response_body *body = driver->options->check ? &connection->body : NULL;
	const char *at = driver->received;

	while (length) {
		size_t used = 0;
		enum response_result result = connection->flight_count == 0
						      ? RESPONSE_BAD
						      : response_feed(&connection->response, at, length, &used, body);

		at += used;
		length -= used;
		if (result == RESPONSE_BAD) {
			/* Bytes that nobody asked for belong to no request, so they are counted here. */
			if (connection->flight_count == 0)
				count_error(driver, driver->schedule.step, ERROR_PARSE);
			connection_lost(driver, connection, ERROR_PARSE, now);
			return false;
		}
		if (result == RESPONSE_DONE && !answer_take(driver, connection, now)) {
			connection_lost(driver, connection, ERROR_CLOSED, now);
			return false;
		}
	}
	return true;
}

static void peer_closed(struct driver *driver, struct connection *connection, uint64_t now)
{
	if (connection->flight_count && response_close(&connection->response) == RESPONSE_DONE)
		answer_take(driver, connection, now);
	connection_lost(driver, connection, ERROR_CLOSED, now);
}

static void receive(struct driver *driver, struct connection *connection, uint32_t events)
{
	for (;;) {
		ssize_t got = recv(connection->fd, driver->received, sizeof(driver->received), MSG_DONTWAIT);
		uint64_t now = clock_ns();

		if (got > 0) {
			if (!bytes_take(driver, connection, (size_t)got, now))
				return;
			if ((size_t)got < sizeof(driver->received) && !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
				return;
		} else if (got < 0 && errno == EAGAIN) {
			return;
		} else if (got == 0 || errno != EINTR) {
			peer_closed(driver, connection, now);
			return;
		}
	}
}

static void open_event(struct driver *driver, struct connection *connection, uint32_t events, uint64_t now)
{
	if (connection->unsent_begin < connection->unsent_end) {
		if (unsent_flush(connection)) {
			connection_lost(driver, connection, ERROR_CLOSED, now);
			return;
		}
		list_if_ready(driver, connection);
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		receive(driver, connection, events);
}

static void socket_event(struct driver *driver, const struct epoll_event *event, uint64_t now)
{
	struct connection *connection = &driver->connections[(uint32_t)event->data.u64];

	/* An event of a socket that was closed earlier in this batch. */
	if (connection->generation != (uint32_t)(event->data.u64 >> 32))
		return;
	if (connection->state == CONNECTION_CONNECTING)
		connect_event(driver, connection, event->events, now);
	else if (connection->state == CONNECTION_OPEN)
		open_event(driver, connection, event->events, now);
}

/* ------------------------------------------------------------------ ticks */

static void connection_tick(struct driver *driver, struct connection *connection, uint64_t now)
{
	uint64_t timeout_ns = driver->options->timeout_ns;

	switch (connection->state) {
	case CONNECTION_CLOSED:
		if (!driver->closing && now >= connection->retry_ns)
			connect_again(driver, connection, now);
		break;
	case CONNECTION_CONNECTING:
		if (now > connection->retry_ns + timeout_ns)
			connect_failed(driver, connection, -ETIMEDOUT, now);
		break;
	case CONNECTION_OPEN:
		if (connection->flight_count &&
		    connection_flight(connection, driver->options->pipeline, 0)->send_ns + timeout_ns < now)
			connection_lost(driver, connection, ERROR_TIMEOUT, now);
		break;
	}
}

static uint64_t errors_now(const struct driver *driver)
{
	uint64_t sum = 0;

	for (uint32_t step = 0; step < driver->outcome.step_count; step++)
		sum += tally_errors(&driver->outcome.tallies[step]);
	return sum;
}

static void note_down(struct driver *driver, uint64_t now)
{
	if (driver->open_count) {
		driver->down_since_ns = 0;
		driver->connect_error = 0;
	} else if (!driver->down_since_ns) {
		driver->down_since_ns = now;
	}
	driver->outcome.target_gone = driver->down_since_ns && driver->connect_error == -ECONNREFUSED &&
				      now - driver->down_since_ns > GONE_NS;
}

/* Slow housekeeping, a part of the connections at a time. */
static void tick(struct driver *driver, uint64_t now)
{
	uint32_t count = driver->options->connections, part = count / TICK_PARTS + 1;

	if (now < driver->next_tick_ns)
		return;
	driver->next_tick_ns = now + TICK_NS;
	for (uint32_t i = 0; i < part; i++) {
		connection_tick(driver, &driver->connections[driver->tick_place], now);
		driver->tick_place = (driver->tick_place + 1) % count;
	}
	give_up_waiting(driver, now);
	note_down(driver, now);
	live_tick(&driver->live, now, driver->outstanding, driver->live.on ? errors_now(driver) : 0);
}

/* --------------------------------------------------------------- the loop */

static uint64_t wait_ns(const struct driver *driver, uint64_t now)
{
	uint64_t until = driver->next_tick_ns;

	if (driver->options->spin)
		return 0;
	if (driver->schedule.next_ns < until && ready_first(&driver->ready))
		until = driver->schedule.next_ns;
	return until > now ? until - now : 0;
}

/* One turn: waits at most `timeout_ns` and handles what the sockets have. 0 or negative errno. */
static int turn(struct driver *driver, uint64_t timeout_ns)
{
	struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S), .tv_nsec = (long)(timeout_ns % NS_PER_S)};
	int count = epoll_pwait2(driver->epoll, driver->events, EVENTS_MAX, &timeout, NULL);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		uint64_t now = clock_ns();

		send_due(driver, now);
		socket_event(driver, &driver->events[i], now);
	}
	return 0;
}

static bool run_over(const struct driver *driver, uint64_t now)
{
	if (driver->outcome.target_gone)
		return true;
	if (driver->schedule.next_ns == SCHEDULE_OVER && driver->outstanding == 0 &&
	    now >= schedule_end_ns(&driver->schedule))
		return true;
	return now > schedule_end_ns(&driver->schedule) + driver->options->timeout_ns;
}

static int loop(struct driver *driver, const volatile sig_atomic_t *stop)
{
	int error = 0;

	for (uint64_t now = clock_ns(); !error && !run_over(driver, now); now = clock_ns()) {
		if (*stop && !driver->outcome.interrupted) {
			driver->outcome.interrupted = true;
			schedule_stop(&driver->schedule, now);
		}
		send_due(driver, now);
		tick(driver, now);
		error = turn(driver, wait_ns(driver, clock_ns()));
	}
	return error;
}

/* What the drain did not bring in has failed. */
static void fail_the_rest(struct driver *driver)
{
	driver->closing = true;
	for (uint32_t i = 0; i < driver->options->connections; i++)
		flights_fail(driver, &driver->connections[i], ERROR_TIMEOUT);
	for (; driver->schedule.next_ns != SCHEDULE_OVER; schedule_advance(&driver->schedule)) {
		if (driver->schedule.next_ns < driver->outcome.end_ns)
			count_error(driver, driver->schedule.step, ERROR_TIMEOUT);
	}
}

int driver_run(struct driver *driver, const volatile sig_atomic_t *stop)
{
	const struct load_options *options = driver->options;
	struct outcome *outcome = &driver->outcome;
	struct usage before;

	/* Sleep to the nanosecond asked for instead of the default 50 us more. */
	prctl(PR_SET_TIMERSLACK, 1ul);
	usage_read(&before);
	outcome->begin_ns = clock_ns() + LEAD_NS;
	schedule_init(&driver->schedule, options->arrivals, options->rates, options->rate_count, options->warmup_ns,
		      options->duration_ns, options->seed, outcome->begin_ns);
	live_init(&driver->live, outcome->begin_ns);
	prepare_next(driver);
	int error = loop(driver, stop);

	live_end(&driver->live);
	outcome->end_ns = clock_ns();
	usage_read(&outcome->usage);
	outcome->usage.cpu_ns -= before.cpu_ns;
	outcome->usage.runqueue_ns -= before.runqueue_ns;
	fail_the_rest(driver);
	outcome->step_count = driver->schedule.step_count;
	memcpy(outcome->steps, driver->schedule.steps, sizeof(outcome->steps));
	return error;
}

int driver_connect(struct driver *driver)
{
	uint32_t count = driver->options->connections, begun = 0;
	uint64_t deadline = clock_ns() + driver->options->timeout_ns;
	int error = 0;

	while (driver->open_count < count && !driver->connect_error && !error) {
		uint64_t now = clock_ns();

		if (now > deadline)
			return -ETIMEDOUT;
		if (begun < count && driver->connecting_count < CONNECTING_MAX)
			error = connect_begin(driver, &driver->connections[begun++], now);
		else
			error = turn(driver, 10 * NS_PER_MS);
	}
	return error ? error : driver->connect_error;
}

/* ------------------------------------------------------------ life and death */

static int files_allow(uint32_t connections)
{
	struct rlimit limit;
	rlim_t needed = connections + SPARE_FILES;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= needed)
		return 0;
	if (limit.rlim_max < needed)
		return -EMFILE;
	limit.rlim_cur = needed;
	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

/* Faults memory in before the run, where a page fault would delay a send. */
static void touch(void *memory, size_t bytes)
{
	for (size_t at = 0; memory && at < bytes; at += PAGE_BYTES)
		((volatile char *)memory)[at] = 0;
}

static int connections_create(struct driver *driver)
{
	const struct load_options *options = driver->options;
	uint32_t count = options->connections;

	driver->connections = calloc(count, sizeof(*driver->connections));
	driver->flights = calloc((size_t)count * options->pipeline, sizeof(*driver->flights));
	touch(driver->flights, (size_t)count * options->pipeline * sizeof(*driver->flights));
	if (options->check)
		driver->bodies = calloc(count, CHECK_BODY_BYTES);
	if (!driver->connections || !driver->flights || (options->check && !driver->bodies))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct connection *connection = &driver->connections[i];

		connection->fd = -1;
		connection->flights = driver->flights + (size_t)i * options->pipeline;
		connection->body.bytes = driver->bodies ? driver->bodies + (size_t)i * CHECK_BODY_BYTES : NULL;
		connection->body.capacity = CHECK_BODY_BYTES;
	}
	return 0;
}

static int driver_init(struct driver *driver)
{
	const struct load_options *options = driver->options;
	int error = files_allow(options->connections);

	if (error)
		return error;
	driver->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (driver->epoll < 0)
		return -errno;
	driver->outcome.tallies = calloc(options->rate_count, sizeof(*driver->outcome.tallies));
	driver->outcome.step_count = options->rate_count;
	touch(driver->outcome.tallies, options->rate_count * sizeof(*driver->outcome.tallies));
	if (!driver->outcome.tallies)
		return -ENOMEM;
	/* Until driver_run there is a schedule that is over, so that connecting sends nothing. */
	driver->schedule.next_ns = SCHEDULE_OVER;
	driver->schedule.step_count = 1;
	keys_init(&driver->keys, options->key_order, options->keys, options->zipf_exponent, options->seed);
	request_init(&driver->request, options);
	ready_init(&driver->ready, options->pipeline);
	return connections_create(driver);
}

int driver_create(const struct load_options *options, const struct target *target, FILE *edges, struct driver **out)
{
	struct driver *driver = calloc(1, sizeof(*driver));

	if (!driver)
		return -ENOMEM;
	driver->options = options;
	driver->target = target;
	driver->edges = edges;
	driver->epoll = -1;
	edges_begin(edges);
	int error = driver_init(driver);

	if (error)
		driver_destroy(driver);
	else
		*out = driver;
	return error;
}

const struct outcome *driver_outcome(const struct driver *driver)
{
	return &driver->outcome;
}

void driver_destroy(struct driver *driver)
{
	if (!driver)
		return;
	for (uint32_t i = 0; driver->connections && i < driver->options->connections; i++) {
		socket_close(driver, &driver->connections[i]);
		free(driver->connections[i].unsent);
	}
	if (driver->epoll >= 0)
		close(driver->epoll);
	free(driver->connections);
	free(driver->flights);
	free(driver->bodies);
	free(driver->outcome.tallies);
	free(driver);
}
