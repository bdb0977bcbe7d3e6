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

#define ARRIVAL_STAMPS 8u /* a power of two; more unread segments: the newest stamp moves on */

struct connection {
	uint64_t sock;
	uint64_t stamps[ARRIVAL_STAMPS];
	uint64_t last_ns; /* of the request before; 0: none */
	uint32_t epoch;   /* of arrivals.epoch, when the last stamp came */
	uint16_t local_port;
	uint8_t head, count;
};

struct arrivals {
	uint32_t epoch; /* grows when arrivals were lost */
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
