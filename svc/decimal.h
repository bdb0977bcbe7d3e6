/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal numbers out of text that a client wrote. Pure; any thread. */
#ifndef MEMLAB_SVC_DECIMAL_H
#define MEMLAB_SVC_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

/* Moves *text behind its digits. False: there is none, or the number does not fit. */
static inline bool decimal_take(const char **text, uint64_t *number)
{
	const char *begin = *text;

	*number = 0;
	for (; **text >= '0' && **text <= '9'; ++*text)
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(**text - '0'), number))
			return false;
	return *text > begin;
}

#endif
