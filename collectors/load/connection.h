/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One keep-alive connection and the requests outstanding on it. The driver's thread owns all of them.
 *
 * Invariant: answers come in the order of the requests (HTTP/1.1), so the oldest flight is the one whose answer
 * is being parsed. A connection is in its ready list exactly when it is open, has room in its pipeline, has
 * nothing unsent and was not asked to close.
 */
#ifndef MEMLAB_LOAD_CONNECTION_H
#define MEMLAB_LOAD_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "request.h"
#include "response.h"

enum connection_state { CONNECTION_CLOSED, CONNECTION_CONNECTING, CONNECTION_OPEN };

/* A request on the wire. */
struct flight {
	uint64_t intended_ns;
	uint64_t send_ns;
	uint64_t key;
	uint64_t lag_ns; /* what of send - intended is the generator's own */
	uint32_t step;
};

struct connection {
	int fd;
	enum connection_state state;
	uint32_t generation; /* tells events of an earlier socket apart */
	uint16_t local_port;
	bool listed; /* in a ready list */
	bool ending; /* the target will close after the current answer */
	uint32_t flight_first, flight_count;
	uint32_t unsent_begin, unsent_end;
	uint64_t sequence; /* answers on this socket so far */
	uint64_t free_ns;  /* since when there is room in the pipeline */
	uint64_t retry_ns; /* closed: when to connect again; connecting: since when */
	uint64_t backoff_ns;
	struct connection *next, *previous; /* ready list */
	struct flight *flights;             /* ring of `pipeline` entries */
	char *unsent;                       /* the rest of a request that the socket did not take; or NULL */
	struct response response;
	struct response_body body; /* --check: the answer's body so far */
};

/* The requests outstanding, oldest first: index 0 .. flight_count-1. */
static inline struct flight *connection_flight(const struct connection *connection, uint32_t pipeline, uint32_t index)
{
	return &connection->flights[(connection->flight_first + index) % pipeline];
}

static inline struct flight *connection_push(struct connection *connection, uint32_t pipeline)
{
	return connection_flight(connection, pipeline, connection->flight_count++);
}

static inline void connection_pop(struct connection *connection, uint32_t pipeline)
{
	connection->flight_first = (connection->flight_first + 1) % pipeline;
	connection->flight_count--;
}

#endif
