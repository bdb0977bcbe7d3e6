/* SPDX-License-Identifier: Apache-2.0 */
/* limit: see limit.h. */
#include "limit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "scavenge.h"

#define LIMITER_SPAN_PART 32 /* what spans cannot use of their pages */

/* Without stdio, so that nothing is allocated near the limit. */
uint64_t gc_limit_rss_bytes(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n;
	char *end;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	strtoull(text, &end, 10);
	return strtoull(end, NULL, 10) * GC_OS_PAGE_BYTES;
}

void gc_limit_measure(struct gc_heap *heap)
{
	uint64_t rss, ours;

	if (gc_get_relaxed(&heap->memory_limit) == GC_LIMIT_OFF)
		return;
	rss = gc_limit_rss_bytes();
	ours = gc_resident_bytes(heap);
	gc_set_relaxed(&heap->other_bytes, rss > ours ? rss - ours : 0);
}

uint64_t gc_limit_heap_bytes(struct gc_heap *heap)
{
	uint64_t limit = gc_get_relaxed(&heap->memory_limit), other = gc_get_relaxed(&heap->other_bytes);

	if (limit == GC_LIMIT_OFF)
		return GC_LIMIT_OFF;
	/* Side tables take at most 1/48 of the pages they describe; see gc_resident_bytes. */
	return limit > other ? (limit - other) / 49 * 48 : 0;
}

bool gc_limit_allows(struct gc_heap *heap, uint32_t pages)
{
	uint64_t in_use, allowed = gc_limit_heap_bytes(heap), limiter = gc_get_relaxed(&heap->limiter_bytes);

	if (gc_get_relaxed(&heap->memory_limit) == GC_LIMIT_OFF || gc_get_relaxed(&heap->limit_lifted))
		return true;
	in_use = heap->pages_touched - (uint64_t)heap->released_chunks * (GC_OS_HUGE_BYTES / GC_PAGE_BYTES);
	/* Its goal is one of objects, what is in use are pages. */
	limiter += limiter / LIMITER_SPAN_PART;
	return (in_use + pages) << GC_PAGE_SHIFT <= (limiter > allowed ? limiter : allowed);
}
