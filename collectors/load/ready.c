/* SPDX-License-Identifier: Apache-2.0 */
/* See ready.h. */
#include <stddef.h>

#include "ready.h"

void ready_init(struct ready *ready, uint32_t pipeline)
{
	*ready = (struct ready){.pipeline = pipeline};
}

void ready_add(struct ready *ready, struct connection *connection)
{
	uint32_t outstanding = connection->flight_count;

	connection->listed = true;
	connection->next = NULL;
	connection->previous = ready->last[outstanding];
	if (connection->previous)
		connection->previous->next = connection;
	else
		ready->first[outstanding] = connection;
	ready->last[outstanding] = connection;
}

void ready_remove(struct ready *ready, struct connection *connection)
{
	uint32_t outstanding = connection->flight_count;

	if (!connection->listed)
		return;
	connection->listed = false;
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		ready->first[outstanding] = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	else
		ready->last[outstanding] = connection->previous;
}

struct connection *ready_first(const struct ready *ready)
{
	for (uint32_t outstanding = 0; outstanding < ready->pipeline; outstanding++) {
		if (ready->first[outstanding])
			return ready->first[outstanding];
	}
	return NULL;
}
