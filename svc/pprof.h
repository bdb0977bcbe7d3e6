/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /debug/pprof/allocs: what was allocated on the collected heap since the start, by site, as a gzipped profile.proto
 * that `go tool pprof` reads, or as text with ?debug=1. Exact, not sampled: the heap counts every allocation by
 * site. A site's frames are its function, file and line, and its path (load, naive ..) as the caller.
 */
#ifndef MEMLAB_SVC_PPROF_H
#define MEMLAB_SVC_PPROF_H

#include "buffer.h"
#include "heap/gc.h"

void pprof_allocs_add(struct buffer *buffer, struct gc_heap *heap);
void pprof_allocs_text_add(struct buffer *buffer, struct gc_heap *heap);

#endif
