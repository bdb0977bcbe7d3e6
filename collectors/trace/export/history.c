/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include <string.h>

void history_add(struct history *history, const struct request *request)
{
	uint64_t second = request->end_ns / 1000000000, server_ns = request->end_ns - request->arrival_ns;
	if (second + HISTORY_SECONDS <= history->newest)
		return;
	if (second > history->newest)
		history->newest = second;
	struct history_second *slot = &history->ring[second % HISTORY_SECONDS];
	if (slot->second != second) {
		memset(slot, 0, sizeof(*slot));
		slot->second = second;
	}
	int tail = history->tail_floor_ns && server_ns >= history->tail_floor_ns;
	slot->requests++;
	slot->counts[metrics_bucket(server_ns)]++;
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
		uint64_t ns = request->queue.ns[cause] + request->service.ns[cause];
		slot->cause_ns[cause] += ns;
		slot->tail_cause_ns[cause] += tail ? ns : 0;
	}
}

const struct history_second *history_at(const struct history *history, unsigned age)
{
	if (age >= HISTORY_SECONDS || age > history->newest)
		return NULL;
	const struct history_second *slot = &history->ring[(history->newest - age) % HISTORY_SECONDS];
	return slot->requests && slot->second == history->newest - age ? slot : NULL;
}
