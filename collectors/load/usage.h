/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the generator itself used: tells whether it, and not the target, was the bottleneck.
 */
#ifndef MEMLAB_LOAD_USAGE_H
#define MEMLAB_LOAD_USAGE_H

#include <stdint.h>

struct usage {
	uint64_t cpu_ns;      /* of the calling thread */
	uint64_t runqueue_ns; /* time it was runnable without a CPU; 0 where the kernel does not say */
};

void usage_read(struct usage *usage);

#endif
