/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPU profile of this process: each thread's own CPU clock sends it SIGPROF 100 times a second of CPU time, and the
 * handler notes the stack by its frame pointers. Threads that take no signals (the collector's, jemalloc's) are not
 * disturbed: their CPU time over the whole profile stands as one sample each, under their names.
 *
 * One profile at a time in a process. The handler calls nothing but system calls; memory for samples is mapped
 * once and kept. Frames below code without frame pointers (most libraries) may be missing.
 */
#ifndef MEMLAB_SVC_CPU_PROFILE_H
#define MEMLAB_SVC_CPU_PROFILE_H

#include "buffer.h"

#define CPU_PROFILE_SECONDS_MAX 300

/* -EBUSY: one is running. -ENOMEM, -EAGAIN (no timer to be had). Any thread; so is cpu_profile_end. */
int cpu_profile_begin(void);
/* Ends it and adds the gzipped profile.proto, or its functions as text. */
void cpu_profile_end(struct buffer *buffer, int text);

#endif
