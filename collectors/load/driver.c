/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of driver.h, its slow housekeeping, and the driver's beginning and end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"
#include "driver_internal.h"
#include "edges.h"

#define CONNECTING_MAX 128 /* handshakes at a time: fewer than any listen backlog */
#define TICK_NS (20 * NS_PER_MS)
#define TICK_PARTS 8      /* a tick looks at this part of the connections */
#define GONE_NS NS_PER_S  /* nothing listens for this long: the target is gone */
#define LEAD_NS NS_PER_MS /* from the start of the loop to the first start */
#define LATE_MAX_NS 20000 /* more is no wakeup but somebody else's turn on the CPU */
#define SPARE_FILES 64
#define PAGE_BYTES 4096

/* ------------------------------------------------------------------ ticks */

static void connection_tick(struct driver *driver, struct connection *connection, uint64_t now)
{
	uint64_t timeout_ns = driver->options->timeout_ns;

	switch (connection->state) {
	case CONNECTION_CLOSED:
		if (!driver->closing && now >= connection->retry_ns)
			driver_connect_again(driver, connection, now);
		break;
	case CONNECTION_CONNECTING:
		if (now > connection->retry_ns + timeout_ns)
			driver_connect_failed(driver, connection, -ETIMEDOUT, now);
		break;
	case CONNECTION_OPEN:
		if (connection->flight_count &&
		    connection_flight(connection, driver->options->pipeline, 0)->send_ns + timeout_ns < now)
			driver_connection_lost(driver, connection, ERROR_TIMEOUT, now);
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
	driver_give_up_waiting(driver, now);
	note_down(driver, now);
	live_tick(&driver->live, now, driver->outstanding, driver->live.on ? errors_now(driver) : 0);
}

/* --------------------------------------------------------------- the loop */

/*
 * A sleep ends late, by the timer's interrupt and the way back onto the CPU: 2 us on some machines, 10 on others. How late is learned from sleeps that
 * nothing but their time ended; a start's last stretch of that length is not slept but spent looking at the sockets.
 */
static void learn_late(struct driver *driver, uint64_t late_ns)
{
	late_ns = late_ns < LATE_MAX_NS ? late_ns : LATE_MAX_NS;
	driver->late_ns = (7 * driver->late_ns + late_ns) / 8;
}

/* Where all gaps are shorter than what was learned nothing more is learned: it fades, so that a sleep is tried again. */
static uint64_t wait_for_start(struct driver *driver, uint64_t wait_ns)
{
	if (wait_ns > driver->late_ns)
		return wait_ns - driver->late_ns;
	driver->late_ns -= driver->late_ns / 1024;
	return 0;
}

static uint64_t wait_ns(struct driver *driver, uint64_t now)
{
	bool start = driver->schedule.next_ns < driver->next_tick_ns && ready_first(&driver->ready);
	uint64_t until = start ? driver->schedule.next_ns : driver->next_tick_ns;

	if (driver->options->spin || until <= now)
		return 0;
	return start ? wait_for_start(driver, until - now) : until - now;
}

/* One turn: waits from `now` on, at most `timeout_ns`, and handles what the sockets have. 0 or negative errno. */
static int turn(struct driver *driver, uint64_t now, uint64_t timeout_ns)
{
	struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S), .tv_nsec = (long)(timeout_ns % NS_PER_S)};
	uint64_t until = now + timeout_ns;
	int count = epoll_pwait2(driver->epoll, driver->events, EVENTS_MAX, &timeout, NULL);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	if (count == 0 && timeout_ns)
		learn_late(driver, clock_ns() - until);
	else if (count == 0 && !driver->options->spin)
		driver->outcome.polled_ns += clock_ns() - until;
	for (int i = 0; i < count; i++) {
		now = clock_ns();
		driver_send_due(driver, now);
		driver_socket_event(driver, &driver->events[i], now);
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
		driver_send_due(driver, now);
		tick(driver, now);
		now = clock_ns();
		error = turn(driver, now, wait_ns(driver, now));
	}
	return error;
}

/* What the drain did not bring in has failed. */
static void fail_the_rest(struct driver *driver)
{
	driver->closing = true;
	for (uint32_t i = 0; i < driver->options->connections; i++)
		driver_flights_fail(driver, &driver->connections[i], ERROR_TIMEOUT);
	for (; driver->schedule.next_ns != SCHEDULE_OVER; schedule_advance(&driver->schedule)) {
		if (driver->schedule.next_ns < driver->outcome.end_ns)
			driver_count_error(driver, driver->schedule.step, ERROR_TIMEOUT);
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
	driver_prepare_next(driver);
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
			error = driver_connect_begin(driver, &driver->connections[begun++], now);
		else
			error = turn(driver, now, 10 * NS_PER_MS);
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
		driver_socket_close(driver, &driver->connections[i]);
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
