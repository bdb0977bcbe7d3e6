/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator.h"

#include "../../../bpf/trace.h"

const struct allocator_function allocator_functions[] = {
	{"malloc", TRACE_SIZE_FIRST, 1},         {"calloc", TRACE_SIZE_PRODUCT, 2},
	{"realloc", TRACE_SIZE_SECOND, 2},       {"memalign", TRACE_SIZE_SECOND, 2},
	{"aligned_alloc", TRACE_SIZE_SECOND, 2}, {"posix_memalign", TRACE_SIZE_THIRD, 3},
	{"_Znwm", TRACE_SIZE_FIRST, 1}, /* operator new, in libraries that replace it */
	{"_Znam", TRACE_SIZE_FIRST, 1},
};
const size_t allocator_function_count = sizeof(allocator_functions) / sizeof(allocator_functions[0]);
