/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrivals: joins "bytes were queued to a socket" (record_arrival) with the requests that the target
 * announces, per connection and in order, without a record of the read.
 *
 * A connection is named by its peer's port, which is all the target knows of it; of two at the same time with
 * the same port the younger counts. A request's arrival is the last stamp at or before its begin: a client that
 * waits for its answer cannot have sent the next request by then. Requests that came in the same bytes as
 * the one before have none of their own and share it, unless arrivals were lost. Pure; one thread at a time.
 */
#ifndef MEMLAB_ARRIVALS_H
#define MEMLAB_ARRIVALS_H

#include "../../../bpf/record.h"

/* Segments of one connection that wait for their request; of more the newest moves on. */
#define ARRIVALS_WAITING 4096u

struct connection {
	uint64_t sock;
	uint64_t last_ns; /* arrival of the request before; 0: none */
	uint32_t first, newest; /* its stamps, oldest first; 0: none */
	uint32_t count;
	uint32_t epoch; /* of arrivals.epoch, when the last stamp came */
	uint16_t local_port;
};

struct stamp {
	uint64_t time_ns;
	uint32_t next; /* 0: the last */
};

struct arrivals {
	uint32_t epoch; /* grows when arrivals were lost */
	struct stamp *stamps; /* number 0 is nobody's */
	uint32_t capacity, used, spare; /* spare: first of those given back */
	struct connection connections[65536]; /* by peer port */
};

struct arrivals *arrivals_new(void); /* NULL on lack of memory. Pages are touched with the ports. */
void arrivals_free(struct arrivals *arrivals);

void arrivals_add(struct arrivals *arrivals, const struct record_arrival *record);

/* Some were lost: nobody knows whose. */
void arrivals_lost(struct arrivals *arrivals);

/* Fills arrival_ns, sock, local_port and flags of a request whose peer_port and begin_ns stand. */
void arrivals_join(struct arrivals *arrivals, struct record_request *request);

#endif
