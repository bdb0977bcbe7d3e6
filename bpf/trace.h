/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What the tracer and its BPF programs share besides the ring: the shape of the
 * programs' global variables, which the tracer reads through a mapping, without a system call.
 *
 * Written by BPF with atomic additions, read by the tracer at any time, except where said.
 */
#ifndef MEMLAB_BPF_TRACE_H
#define MEMLAB_BPF_TRACE_H

#include "record.h"

#define TRACE_CPU_LIMIT ((record_u32)RECORD_CPU_LIMIT) /* a power of two */
#define TRACE_EVENT_LIMIT 64u                          /* ids of probes.def, with room */
#define TRACE_PORT_WORDS (65536u / 64)

/*
 * A link's cookie: the event in bits 0-7; for functions of foreign allocators in bits 8-15 how the size
 * is found, and in bits 16-31 how much the stack has grown since the function's entry.
 */
enum trace_size {
	TRACE_SIZE_NONE = 0, /* arguments as they are */
	TRACE_SIZE_FIRST = 1,
	TRACE_SIZE_SECOND = 2,
	TRACE_SIZE_THIRD = 3,
	TRACE_SIZE_PRODUCT = 4 /* of the first two */
};
#define TRACE_COOKIE(event, size, stack) ((record_u64)(event) | (record_u64)(size) << 8 | (record_u64)(stack) << 16)
#define TRACE_COOKIE_EVENT(cookie) ((cookie) & (TRACE_EVENT_LIMIT - 1))
#define TRACE_COOKIE_SIZE(cookie) ((cookie) >> 8 & 0xff)
#define TRACE_COOKIE_STACK(cookie) ((cookie) >> 16 & 0xffff)

/* Per CPU. One writer CPU, except `waiting`, which lies on a line that nobody counts in. */
struct trace_cpu {
	record_u32 seq;  /* records tried */
	record_u32 lost; /* of those, without room in the ring */
	record_u64 written_of[RECORD_RING_LIMIT];
	record_u64 lost_of[RECORD_RING_LIMIT];
	record_u32 arrivals, arrivals_lost; /* the same two for RECORD_ARRIVAL, which has numbers of its own */
	record_u32 waiting __attribute__((aligned(64))); /* threads of the target that stand in this CPU's run queue */
	record_u32 runner; /* thread of the target that was seen to come last; 0: somebody else was */
};

_Static_assert(sizeof(struct trace_cpu) == 320, "struct trace_cpu: whole cache lines");
_Static_assert(RECORD_RING_LIMIT == RECORD_ARRIVAL + 1, "BPF programs write no kind beyond arrivals");

#endif
