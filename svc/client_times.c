/* SPDX-License-Identifier: Apache-2.0 */
/* See client_times.h. */
#include "client_times.h"

/* Moves *text behind a number of at least one digit. */
static bool take_number(const char **text, uint64_t *number)
{
	const char *begin = *text;

	*number = 0;
	for (; **text >= '0' && **text <= '9'; ++*text)
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(**text - '0'), number))
			return false;
	return *text > begin;
}

bool client_times_parse(const char *text, uint64_t *intended_ns, uint64_t *send_ns)
{
	uint64_t intended, send;

	if (!take_number(&text, &intended) || *text++ != ' ' || !take_number(&text, &send) || *text)
		return false;
	if (send < intended || send == 0)
		return false;
	*intended_ns = intended;
	*send_ns = send;
	return true;
}
