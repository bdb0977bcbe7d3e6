/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of malloc libraries through which memory is asked for, and where each has the size. A table.
 */
#ifndef MEMLAB_ALLOCATOR_H
#define MEMLAB_ALLOCATOR_H

#include <stddef.h>
#include <stdint.h>

struct allocator_function {
	const char *name;
	uint32_t size;          /* enum trace_size */
	unsigned int arguments; /* how many must still be in their registers */
};

extern const struct allocator_function allocator_functions[];
extern const size_t allocator_function_count;

#endif
