/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory profiles, each as a gzipped profile.proto that `go tool pprof` reads and as text (?debug=1). A site's
 * frames are its function, file and line, and its path (load, naive ..) as the caller.
 *
 *  - allocs: what was allocated on the collected heap since the start. Exact: the heap counts every allocation by site.
 *  - heap: sampled by bytes (heap_profile.h); allocated since the start, and in use as of the last cycle.
 */
#ifndef MEMLAB_SVC_PPROF_H
#define MEMLAB_SVC_PPROF_H

#include "buffer.h"
#include "heap/gc.h"

void pprof_allocs_add(struct buffer *buffer, struct gc_heap *heap);
void pprof_allocs_text_add(struct buffer *buffer, struct gc_heap *heap);
void pprof_heap_add(struct buffer *buffer);
void pprof_heap_text_add(struct buffer *buffer);

#endif
