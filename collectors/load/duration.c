/* SPDX-License-Identifier: Apache-2.0 */
/* See duration.h. */
#include <inttypes.h>
#include <stdio.h>

#include "duration.h"

const char *duration_text(char text[DURATION_BYTES], uint64_t ns)
{
	static const char *const units[] = {"us", "ms", "s"};
	double value = (double)ns / 1000;
	int unit = 0;

	if (ns < 1000) {
		snprintf(text, DURATION_BYTES, "%" PRIu64 " ns", ns);
		return text;
	}
	/* 999.5 would print as 1000. */
	while (value >= 999.5 && unit < 2) {
		value /= 1000;
		unit++;
	}
	snprintf(text, DURATION_BYTES, "%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[unit]);
	return text;
}
