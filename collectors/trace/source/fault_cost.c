/* SPDX-License-Identifier: Apache-2.0 */
/* See fault_cost.h. */
#include "fault_cost.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source.h"

#define PAGES 64u

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

uint64_t fault_cost_ns(void)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), bytes = PAGES * page_bytes;
	uint64_t costs[PAGES];
	volatile char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return 0;
	/* A kernel without huge pages refuses, and has none to avoid. */
	(void)madvise((void *)map, bytes, MADV_NOHUGEPAGE);
	for (size_t p = 0; p < PAGES; p++) {
		uint64_t begin_ns = source_now_ns();
		map[p * page_bytes] = 1;
		costs[p] = source_now_ns() - begin_ns;
	}
	munmap((void *)map, bytes);
	qsort(costs, PAGES, sizeof(*costs), compare);
	return costs[PAGES / 2];
}
