/* SPDX-License-Identifier: Apache-2.0 */
/* Arrivals: see arrivals.h. */
#include "arrivals.h"

#include <stdlib.h>

struct arrivals *arrivals_new(void)
{
	return calloc(1, sizeof(struct arrivals));
}

void arrivals_free(struct arrivals *arrivals)
{
	free(arrivals);
}

void arrivals_add(struct arrivals *arrivals, const struct record_arrival *record)
{
	struct connection *connection = &arrivals->connections[record->peer_port];

	if (connection->sock != record->sock)
		*connection = (struct connection){.sock = record->sock, .local_port = record->local_port};
	connection->epoch = arrivals->epoch;
	if (connection->count < ARRIVAL_STAMPS)
		connection->count++;
	uint32_t newest = connection->head + connection->count - 1u;
	connection->stamps[newest & (ARRIVAL_STAMPS - 1)] = record->h.time_ns;
}

void arrivals_lost(struct arrivals *arrivals)
{
	arrivals->epoch++;
}

void arrivals_join(struct arrivals *arrivals, struct record_request *request)
{
	struct connection *connection = &arrivals->connections[request->peer_port];
	uint64_t own_ns = 0;

	while (connection->count && connection->stamps[connection->head] <= request->begin_ns) {
		own_ns = connection->stamps[connection->head];
		connection->head = (connection->head + 1u) & (ARRIVAL_STAMPS - 1);
		connection->count--;
	}
	if (own_ns)
		connection->last_ns = own_ns;
	else if (connection->epoch != arrivals->epoch)
		request->flags |= RECORD_REQUEST_LOST;
	else if (connection->last_ns)
		request->flags |= RECORD_REQUEST_SHARED;
	request->arrival_ns = request->flags & RECORD_REQUEST_LOST ? 0 : connection->last_ns;
	request->sock = connection->sock;
	request->local_port = connection->local_port;
}
