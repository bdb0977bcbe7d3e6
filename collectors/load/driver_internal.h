/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the driver share; nobody else includes it. The driver's thread owns everything here.
 *
 *   driver_count.c    what an answer or a failure means for the tallies
 *   driver_connect.c  opening, losing and reopening connections
 *   driver_send.c     what is due goes out
 *   driver_receive.c  what a socket has is taken in
 *   driver.c          the loop, its ticks, beginning and end
 */
#ifndef MEMLAB_LOAD_DRIVER_INTERNAL_H
#define MEMLAB_LOAD_DRIVER_INTERNAL_H

#include <sys/epoll.h>

#include "clock.h"
#include "driver.h"
#include "live.h"
#include "ready.h"

#define EVENTS_MAX 256
#define RECEIVE_BYTES 65536

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
	uint64_t late_ns; /* how late sleeps usually end */
	struct live live;
	struct outcome outcome;
	struct epoll_event events[EVENTS_MAX];
	char received[RECEIVE_BYTES];
};

/* ------------------------------------------------------------ driver_count.c */

void driver_count_error(struct driver *driver, uint32_t step, enum error_kind kind);
/* The oldest flight of `connection` was answered. */
void driver_count_answer(struct driver *driver, struct connection *connection, uint64_t now);

/* ---------------------------------------------------------- driver_connect.c */

/* Puts a connection that may take a request into its ready list. */
void driver_list_if_ready(struct driver *driver, struct connection *connection);
/* Begins to open a closed connection; epoll tells when it is open. 0 or negative errno. */
int driver_connect_begin(struct driver *driver, struct connection *connection, uint64_t now);
/* The same for a connection that was open before: what goes wrong is counted and tried again later. */
void driver_connect_again(struct driver *driver, struct connection *connection, uint64_t now);
void driver_connect_failed(struct driver *driver, struct connection *connection, int error, uint64_t now);
/* Epoll's word on a connection that is being opened. */
void driver_connect_event(struct driver *driver, struct connection *connection, uint32_t events, uint64_t now);
/* An open connection is of no more use: its flights fail as `kind`, and it is opened anew. */
void driver_connection_lost(struct driver *driver, struct connection *connection, enum error_kind kind, uint64_t now);
/* Requests outstanding on a connection that is lost have failed: the oldest as `first`, the rest as closed. */
void driver_flights_fail(struct driver *driver, struct connection *connection, enum error_kind first);
void driver_socket_close(struct driver *driver, struct connection *connection);

/* ------------------------------------------------------------- driver_send.c */

/* Makes the bytes of the request that is next on the schedule. */
void driver_prepare_next(struct driver *driver);
/* Sends what is due, one burst at most. */
void driver_send_due(struct driver *driver, uint64_t now);
/* A request that waited for a connection as long as any may wait for an answer is given up unsent. */
void driver_give_up_waiting(struct driver *driver, uint64_t now);
/* Sends on what the socket did not take before. 0 or negative errno. */
int driver_unsent_flush(struct connection *connection);

/* ---------------------------------------------------------- driver_receive.c */

/* Handles one event of epoll. */
void driver_socket_event(struct driver *driver, const struct epoll_event *event, uint64_t now);

#endif
