/* SPDX-License-Identifier: Apache-2.0 */
/* See usage.h. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "usage.h"

void usage_read(struct usage *usage)
{
	struct timespec cpu;
	uint64_t on_cpu_ns, runqueue_ns;
	FILE *schedstat = fopen("/proc/thread-self/schedstat", "re");

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	usage->cpu_ns = (uint64_t)cpu.tv_sec * NS_PER_S + (uint64_t)cpu.tv_nsec;
	usage->runqueue_ns = 0;
	if (!schedstat)
		return;
	if (fscanf(schedstat, "%" SCNu64 " %" SCNu64, &on_cpu_ns, &runqueue_ns) == 2)
		usage->runqueue_ns = runqueue_ns;
	fclose(schedstat);
}
