/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that ends at the end of a page with nothing mapped after it: a reader that goes one byte too far dies.
 */
#ifndef MEMLAB_TESTS_PAGE_EDGE_H
#define MEMLAB_TESTS_PAGE_EDGE_H

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_EDGE_BYTES (64u * 4096)

static inline char *page_edge(void)
{
	static char *area;

	if (area)
		return area + PAGE_EDGE_BYTES;
	area = mmap(NULL, PAGE_EDGE_BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || mprotect(area + PAGE_EDGE_BYTES, 4096, PROT_NONE))
		__builtin_trap();
	return area + PAGE_EDGE_BYTES;
}

/* A copy of the text right before the hole; the next call overwrites it. */
static inline const char *page_edge_copy(const char *text, size_t length)
{
	return memcpy(page_edge() - length, text, length);
}

#endif
