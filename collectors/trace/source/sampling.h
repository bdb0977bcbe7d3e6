/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tick behind CPU samples: one timer per CPU, on the kernel's software clock (virtual machines rarely have a PMU).
 *
 * The timer interrupts whoever runs; the program looks whether that is the target and is done in 0.1 us if it is not.
 * Private to source/. One thread.
 */
#ifndef MEMLAB_SOURCE_SAMPLING_H
#define MEMLAB_SOURCE_SAMPLING_H

#include <stddef.h>

struct bpf_link;
struct bpf_program;

struct sampling {
	struct bpf_link **links; /* one per CPU that is online */
	size_t count;
};

/* 0 or a negative errno; then nothing is attached. */
int sampling_start(struct sampling *sampling, const struct bpf_program *program);
void sampling_stop(struct sampling *sampling); /* what was never started, too */

#endif
