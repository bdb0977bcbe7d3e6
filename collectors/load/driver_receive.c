/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a socket has is taken in. `receipt` is the time right after the system call that brought an answer's last byte.
 *
 * Edge-triggered, so every reader goes on until the socket gave less than asked for (epoll(7)), or to the end when the
 * peer hung up.
 */
#include <errno.h>
#include <sys/socket.h>

#include "driver_internal.h"

/* The oldest flight is answered; false when that was the connection's last. */
static bool answer_take(struct driver *driver, struct connection *connection, uint64_t now)
{
	uint32_t pipeline = driver->options->pipeline;

	driver_count_answer(driver, connection, now);
	ready_remove(&driver->ready, connection);
	if (connection->flight_count == pipeline)
		connection->free_ns = now;
	connection_pop(connection, pipeline);
	driver->outstanding--;
	connection->sequence++;
	connection->ending = !connection->response.keep_alive;
	connection->body.length = 0;
	response_begin(&connection->response);
	driver_list_if_ready(driver, connection);
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
				driver_count_error(driver, driver->schedule.step, ERROR_PARSE);
			driver_connection_lost(driver, connection, ERROR_PARSE, now);
			return false;
		}
		if (result == RESPONSE_DONE && !answer_take(driver, connection, now)) {
			driver_connection_lost(driver, connection, ERROR_CLOSED, now);
			return false;
		}
	}
	return true;
}

static void peer_closed(struct driver *driver, struct connection *connection, uint64_t now)
{
	if (connection->flight_count && response_close(&connection->response) == RESPONSE_DONE)
		answer_take(driver, connection, now);
	driver_connection_lost(driver, connection, ERROR_CLOSED, now);
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
		if (driver_unsent_flush(connection)) {
			driver_connection_lost(driver, connection, ERROR_CLOSED, now);
			return;
		}
		driver_list_if_ready(driver, connection);
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		receive(driver, connection, events);
}

void driver_socket_event(struct driver *driver, const struct epoll_event *event, uint64_t now)
{
	struct connection *connection = &driver->connections[(uint32_t)event->data.u64];

	/* An event of a socket that was closed earlier in this batch. */
	if (connection->generation != (uint32_t)(event->data.u64 >> 32))
		return;
	if (connection->state == CONNECTION_CONNECTING)
		driver_connect_event(driver, connection, event->events, now);
	else if (connection->state == CONNECTION_OPEN)
		open_event(driver, connection, event->events, now);
}
