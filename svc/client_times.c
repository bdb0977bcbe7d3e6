/* SPDX-License-Identifier: Apache-2.0 */
/* See client_times.h. */
#include "client_times.h"

#include "decimal.h"

bool client_times_parse(const char *text, uint64_t *intended_ns, uint64_t *send_ns)
{
	uint64_t intended, send;

	if (!decimal_take(&text, &intended) || *text++ != ' ' || !decimal_take(&text, &send) || *text)
		return false;
	if (send < intended || send == 0)
		return false;
	*intended_ns = intended;
	*send_ns = send;
	return true;
}
