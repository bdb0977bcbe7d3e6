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
	if (arrivals)
		free(arrivals->stamps);
	free(arrivals);
}

/* A stamp's number; 0: no memory. */
static uint32_t stamp_new(struct arrivals *arrivals, uint64_t time_ns)
{
	uint32_t number = arrivals->spare;

	if (number) {
		arrivals->spare = arrivals->stamps[number].next;
	} else if (arrivals->used + 1 < arrivals->capacity) {
		number = ++arrivals->used;
	} else {
		uint32_t capacity = arrivals->capacity ? 2 * arrivals->capacity : 1024;
		struct stamp *stamps = realloc(arrivals->stamps, capacity * sizeof(*stamps));
		if (!stamps)
			return 0;
		arrivals->stamps = stamps;
		arrivals->capacity = capacity;
		number = ++arrivals->used;
	}
	arrivals->stamps[number] = (struct stamp){.time_ns = time_ns};
	return number;
}

static void stamp_drop_first(struct arrivals *arrivals, struct connection *connection)
{
	uint32_t number = connection->first;
	struct stamp *stamp = &arrivals->stamps[number];

	connection->first = stamp->next;
	if (!connection->first)
		connection->newest = 0;
	connection->count--;
	stamp->next = arrivals->spare;
	arrivals->spare = number;
}

static void connection_renew(struct arrivals *arrivals, struct connection *connection, const struct record_arrival *record)
{
	while (connection->first)
		stamp_drop_first(arrivals, connection);
	*connection = (struct connection){.sock = record->sock, .local_port = record->local_port};
}

void arrivals_add(struct arrivals *arrivals, const struct record_arrival *record)
{
	struct connection *connection = &arrivals->connections[record->peer_port];

	if (connection->sock != record->sock)
		connection_renew(arrivals, connection, record);
	connection->epoch = arrivals->epoch;
	if (connection->count == ARRIVALS_WAITING) {
		arrivals->stamps[connection->newest].time_ns = record->h.time_ns;
		return;
	}
	uint32_t number = stamp_new(arrivals, record->h.time_ns);
	if (!number) {
		arrivals_lost(arrivals);
		return;
	}
	if (connection->newest)
		arrivals->stamps[connection->newest].next = number;
	else
		connection->first = number;
	connection->newest = number;
	connection->count++;
}

void arrivals_lost(struct arrivals *arrivals)
{
	arrivals->epoch++;
}

void arrivals_join(struct arrivals *arrivals, struct record_request *request)
{
	struct connection *connection = &arrivals->connections[request->peer_port];
	uint64_t own_ns = 0;

	while (connection->first && arrivals->stamps[connection->first].time_ns <= request->begin_ns) {
		own_ns = arrivals->stamps[connection->first].time_ns;
		stamp_drop_first(arrivals, connection);
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
