/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a page fault that stays in memory costs on this machine: measured on the tracer itself, in a fraction of a
 * millisecond. Only for faults whose end no record tells (bpf/fault.bpf.c).
 */
#ifndef MEMLAB_FAULT_COST_H
#define MEMLAB_FAULT_COST_H

#include <stdint.h>

/* Nanoseconds of the first touch of a small page, in the median; 0: could not be measured. */
uint64_t fault_cost_ns(void);

#endif
