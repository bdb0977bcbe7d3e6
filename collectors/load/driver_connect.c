/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a connection: closed -> connecting -> open -> closed. A connection that is lost is opened anew at once;
 * one that cannot be opened is tried again after a pause that doubles.
 *
 * Sockets are edge-triggered for reading and writing, so that nothing is re-armed. A new socket gets the connection's
 * next generation, by which events of the old one are told apart.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver_internal.h"

#define BACKOFF_MIN_NS (10 * NS_PER_MS)
#define BACKOFF_MAX_NS NS_PER_S

void driver_list_if_ready(struct driver *driver, struct connection *connection)
{
	if (connection->state == CONNECTION_OPEN && !connection->listed && !connection->ending &&
	    connection->unsent_begin == connection->unsent_end && connection->flight_count < driver->options->pipeline)
		ready_add(&driver->ready, connection);
}

void driver_socket_close(struct driver *driver, struct connection *connection)
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

void driver_flights_fail(struct driver *driver, struct connection *connection, enum error_kind first)
{
	uint32_t pipeline = driver->options->pipeline;

	while (connection->flight_count) {
		driver_count_error(driver, connection_flight(connection, pipeline, 0)->step, first);
		connection_pop(connection, pipeline);
		driver->outstanding--;
		first = first == ERROR_TIMEOUT ? ERROR_TIMEOUT : ERROR_CLOSED;
	}
}

void driver_connect_failed(struct driver *driver, struct connection *connection, int error, uint64_t now)
{
	driver->connect_error = error;
	driver_count_error(driver, driver->schedule.step, ERROR_CONNECT);
	driver_socket_close(driver, connection);
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
	driver_list_if_ready(driver, connection);
}

int driver_connect_begin(struct driver *driver, struct connection *connection, uint64_t now)
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

void driver_connect_again(struct driver *driver, struct connection *connection, uint64_t now)
{
	int error = driver_connect_begin(driver, connection, now);

	if (error)
		driver_connect_failed(driver, connection, error, now);
}

void driver_connect_event(struct driver *driver, struct connection *connection, uint32_t events, uint64_t now)
{
	int error = 0;
	socklen_t error_bytes = sizeof(error);

	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes);
	if (error || events & (EPOLLERR | EPOLLHUP))
		driver_connect_failed(driver, connection, error ? -error : -ECONNREFUSED, now);
	else if (events & EPOLLOUT)
		connect_done(driver, connection, now);
}

void driver_connection_lost(struct driver *driver, struct connection *connection, enum error_kind kind, uint64_t now)
{
	driver_flights_fail(driver, connection, kind);
	driver_socket_close(driver, connection);
	if (driver->closing)
		return;
	driver->outcome.reconnects++;
	driver_connect_again(driver, connection, now);
}
