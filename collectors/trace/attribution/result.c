/* SPDX-License-Identifier: Apache-2.0 */
/* Names of causes, as contract 3 lists them. Pure. */
#include "result.h"

const char *cause_name(enum cause cause)
{
	static const char *const names[CAUSE_COUNT] = {
#define CAUSE_NAME(id, name, doc) [CAUSE_##id] = #name,
		CAUSE_LIST(CAUSE_NAME)
#undef CAUSE_NAME
	};

	return (unsigned)cause < CAUSE_COUNT ? names[cause] : "";
}

uint64_t request_client_wait_ns(const struct request *request)
{
	return request->send_ns - request->intended_ns;
}

uint64_t request_response_ns(const struct request *request)
{
	uint64_t way_ns = request->arrival_ns - request->send_ns;
	int same_clock = request->arrival_ns >= request->send_ns && way_ns < 1000000000;

	return request_client_wait_ns(request) + (same_clock ? way_ns : 0) + request->end_ns - request->arrival_ns;
}

int summary_knows_without_gc(const struct summary *summary, double percent)
{
	double above = (double)summary->requests * (100 - percent) / 100;

	return 10 * ((double)summary->checks.lossy + (double)summary->lost) <= above;
}
