/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What all programs share: whom they watch, the ring, and the one way to write a record.
 *
 * The target is a thread group of the initial PID namespace: task_struct's own
 * tgid, which is the same number wherever tracer and target live. The tracer learns it from
 * the task iterator (task.bpf.c) and sets it before it attaches anything else.
 *
 * Note [seq]: sequence number and time are taken after the ring gave the room, next to each
 * other, so that a program preempted while it reserves cannot carry an old time. Interrupts
 * can still come between the two lines; the reader orders by time. Counters are
 * changed atomically because a scheduler program can interrupt a probe's on the same CPU.
 *
 * Nobody is woken for a record: waking the reader costs 15 times the record. The tracer drains
 * the ring on a timer.
 */
#ifndef MEMLAB_COMMON_BPF_H
#define MEMLAB_COMMON_BPF_H

#include "vmlinux.h"

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "trace.h"

/* Set by the tracer before it attaches, constant afterwards. */
__u32 target_tgid;

/*
 * What is told, changed by the tracer at any time. `arrivals`: each arrival is a record; `tail`: what record_mode
 * says. Arrivals are switched on a little before tail, so that no request is without.
 */
__u32 mode_arrivals, mode_tail;

/* Set by the task iterator from the target: its network namespace (kernel address). */
__u64 target_net;

/* From the begin of a cache line: what a CPU counts here at each record must not lie beside what all others read. */
struct trace_cpu cpus[TRACE_CPU_LIMIT] __attribute__((aligned(64)));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); /* the tracer may choose another size */
} ring SEC(".maps");

static __always_inline bool is_target(const struct task_struct *task)
{
	return (__u32)task->tgid == target_tgid;
}

static __always_inline bool current_is_target(void)
{
	return (__u32)(bpf_get_current_pid_tgid() >> 32) == target_tgid;
}

/* Room for a record of `bytes` (a constant), its header filled; NULL: lost, and counted. */
static __always_inline void *record_reserve(__u64 bytes, __u8 kind, __u32 tid)
{
	__u32 number = bpf_get_smp_processor_id();
	struct trace_cpu *cpu = &cpus[number & (TRACE_CPU_LIMIT - 1)];
	struct record *record = bpf_ringbuf_reserve(&ring, bytes, 0);
	if (!record) {
		__sync_fetch_and_add(&cpu->seq, 1);
		__sync_fetch_and_add(&cpu->lost, 1);
		__sync_fetch_and_add(&cpu->lost_of[kind], 1);
		return NULL;
	}
	__sync_fetch_and_add(&cpu->written_of[kind], 1);
	record->tid = tid;
	record->cpu = number;
	record->kind = kind;
	record->words = bytes / 8;
	record->lost = cpu->lost;
	record->seq = __sync_fetch_and_add(&cpu->seq, 1) + 1; /* Note [seq] */
	record->time_ns = bpf_ktime_get_ns();
	return record;
}

#define RECORD_RESERVE(type, kind, tid) ((struct type *)record_reserve(sizeof(struct type), kind, tid))

static __always_inline void record_submit(void *record)
{
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

#endif
