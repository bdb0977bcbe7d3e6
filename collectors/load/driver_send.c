/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is due goes out, on connections that are ready. The request's bytes were prepared while there was time;
 * when it is due, only the clock (and the stamp) stands before the system call. `send` is the time right before it.
 *
 * A send that fails before anything left costs no request: it stays next on the schedule and takes another connection.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "driver_internal.h"

#define SEND_BURST 16 /* then a look at the sockets */

void driver_prepare_next(struct driver *driver)
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

int driver_unsent_flush(struct connection *connection)
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
	driver_list_if_ready(driver, connection);
	return true;
}

void driver_give_up_waiting(struct driver *driver, uint64_t now)
{
	struct schedule *schedule = &driver->schedule;

	while (schedule->next_ns != SCHEDULE_OVER && schedule->next_ns + driver->options->timeout_ns < now) {
		driver_count_error(driver, schedule->step, ERROR_TIMEOUT);
		schedule_advance(schedule);
	}
}

void driver_send_due(struct driver *driver, uint64_t now)
{
	struct schedule *schedule = &driver->schedule;

	for (int burst = 0; burst < SEND_BURST && schedule->next_ns <= now; burst++) {
		struct connection *connection = ready_first(&driver->ready);

		if (!connection)
			return;
		if (!send_next(driver, connection)) {
			driver_connection_lost(driver, connection, ERROR_CLOSED, now);
			continue;
		}
		schedule_advance(schedule);
		driver_prepare_next(driver);
	}
}
