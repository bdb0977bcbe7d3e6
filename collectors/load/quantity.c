/* SPDX-License-Identifier: Apache-2.0 */
/* See quantity.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "quantity.h"

#define RATE_MAX 1e7
#define DURATION_MAX_S (7 * 24 * 3600)

struct unit {
	const char *name;
	double factor;
};

/* A plain decimal number (strtod alone would also take "inf", "0x1p3" and leading spaces) and what follows it. */
static int leading_number(const char *text, double *value, const char **rest)
{
	size_t length = strspn(text, "0123456789.");
	char *end;

	if (length == 0)
		return -EINVAL;
	*value = strtod(text, &end);
	*rest = end;
	return end == text + length ? 0 : -EINVAL;
}

static int with_unit(const char *text, const struct unit *units, double *value)
{
	const char *rest;
	int error = leading_number(text, value, &rest);

	if (error)
		return error;
	for (; units->name; units++) {
		if (!strcmp(rest, units->name)) {
			*value *= units->factor;
			return 0;
		}
	}
	return -EINVAL;
}

int quantity_rate(const char *text, double *rate)
{
	static const struct unit units[] = {{"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {NULL, 0}};
	double value;
	int error = with_unit(text, units, &value);

	if (error)
		return error;
	if (!(value > 0) || value > RATE_MAX)
		return -EINVAL;
	*rate = value;
	return 0;
}

int quantity_rates(const char *text, double *rates, uint32_t capacity, uint32_t *count)
{
	uint32_t found = 0;

	for (const char *at = text;;) {
		size_t length = strcspn(at, ",");
		char one[32];

		if (length >= sizeof(one) || found == capacity)
			return -EINVAL;
		memcpy(one, at, length);
		one[length] = '\0';
		if (quantity_rate(one, &rates[found]))
			return -EINVAL;
		found++;
		if (at[length] == '\0')
			break;
		at += length + 1;
	}
	*count = found;
	return 0;
}

int quantity_duration(const char *text, uint64_t *ns)
{
	static const struct unit units[] = {{"", 1},   {"s", 1},    {"ms", 1e-3}, {"us", 1e-6},
					    {"m", 60}, {"h", 3600}, {NULL, 0}};
	double seconds;
	int error = with_unit(text, units, &seconds);

	if (error)
		return error;
	if (seconds > DURATION_MAX_S)
		return -EINVAL;
	*ns = (uint64_t)llround(seconds * (double)NS_PER_S);
	return 0;
}

int quantity_u64(const char *text, uint64_t *value)
{
	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		return -EINVAL;
	errno = 0;
	unsigned long long number = strtoull(text, NULL, 10);

	if (errno)
		return -EINVAL;
	*value = number;
	return 0;
}

int quantity_real(const char *text, double limit, double *value)
{
	double number;
	const char *rest;
	int error = leading_number(text, &number, &rest);

	if (error)
		return error;
	if (*rest || number > limit)
		return -EINVAL;
	*value = number;
	return 0;
}
