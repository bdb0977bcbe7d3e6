/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live line: once a second, on standard error, only when that is a terminal.
 */
#ifndef MEMLAB_LOAD_LIVE_H
#define MEMLAB_LOAD_LIVE_H

#include <stdbool.h>

#include "latency.h"

struct live {
	bool on;
	uint64_t begin_ns, next_ns;
	struct latency second; /* response times since the last line, warm-up included */
};

void live_init(struct live *live, uint64_t now_ns);
static inline void live_add(struct live *live, uint64_t response_ns)
{
	if (live->on)
		latency_add(&live->second, response_ns);
}
void live_tick(struct live *live, uint64_t now_ns, uint64_t outstanding, uint64_t errors);
void live_end(struct live *live);

#endif
