/* SPDX-License-Identifier: Apache-2.0 */
/* See tally.h. */
#include "tally.h"

const char *error_kind_name(enum error_kind kind)
{
	static const char *const names[ERROR_KINDS] = {"connect", "timeout", "status", "parse", "closed", "check"};

	return names[kind];
}

uint64_t tally_errors(const struct tally *tally)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < ERROR_KINDS; kind++)
		sum += tally->errors[kind];
	return sum;
}

void tally_merge(struct tally *into, const struct tally *from)
{
	into->answered += from->answered;
	into->received_in_window += from->received_in_window;
	into->waited += from->waited;
	for (int kind = 0; kind < ERROR_KINDS; kind++)
		into->errors[kind] += from->errors[kind];
	latency_merge(&into->response_ns, &from->response_ns);
	latency_merge(&into->uncorrected_ns, &from->uncorrected_ns);
	latency_merge(&into->client_wait_ns, &from->client_wait_ns);
	latency_merge(&into->send_lag_ns, &from->send_lag_ns);
}
