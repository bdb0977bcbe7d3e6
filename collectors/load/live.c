/* SPDX-License-Identifier: Apache-2.0 */
/* See live.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "duration.h"
#include "live.h"

void live_init(struct live *live, uint64_t now_ns)
{
	memset(live, 0, sizeof(*live));
	live->on = isatty(STDERR_FILENO);
	live->begin_ns = now_ns;
	live->next_ns = now_ns + NS_PER_S;
}

void live_tick(struct live *live, uint64_t now_ns, uint64_t outstanding, uint64_t errors)
{
	char p99[DURATION_BYTES];

	if (!live->on || now_ns < live->next_ns)
		return;
	fprintf(stderr, "\r%4" PRIu64 " s  %7" PRIu64 "/s  p99 %9s  outstanding %5" PRIu64 "  errors %-6" PRIu64,
		(now_ns - live->begin_ns) / NS_PER_S, live->second.count,
		duration_text(p99, latency_percentile_ns(&live->second, 99)), outstanding, errors);
	memset(&live->second, 0, sizeof(live->second));
	live->next_ns += NS_PER_S;
	if (live->next_ns < now_ns)
		live->next_ns = now_ns + NS_PER_S;
}

void live_end(struct live *live)
{
	if (live->on)
		fputs("\r\033[K", stderr);
}
