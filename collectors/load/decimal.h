/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers to decimal digits, for the paths where printf would be most of the cost.
 */
#ifndef MEMLAB_LOAD_DECIMAL_H
#define MEMLAB_LOAD_DECIMAL_H

#include <stdint.h>
#include <string.h>

#define DECIMAL_BYTES_MAX 20

/* Appends the digits of `value` at `at`; returns the place after them. */
static inline char *decimal_append(char *at, uint64_t value)
{
	char digits[DECIMAL_BYTES_MAX];
	int first = DECIMAL_BYTES_MAX;

	do {
		digits[--first] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	memcpy(at, digits + first, (size_t)(DECIMAL_BYTES_MAX - first));
	return at + (DECIMAL_BYTES_MAX - first);
}

#endif
