/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one clock of memlab: CLOCK_MONOTONIC in nanoseconds, the axis that the service, the BPF
 * programs and the tracer use too.
 */
#ifndef MEMLAB_LOAD_CLOCK_H
#define MEMLAB_LOAD_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

#endif
