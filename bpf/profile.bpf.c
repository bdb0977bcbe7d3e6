/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Where the target's time goes, by stack: a clock tick on every CPU that asks what runs there, and the stack of each
 * thread of the target that leaves its CPU. Both are loaded only when a view of stacks was asked for.
 *
 * They are RECORD_STACK records whose event is a RECORD_SAMPLE_, no probe's. How long a thread stayed away is not
 * measured here: the record of the switch that brings it back says it.
 */
#include "sched.bpf.h"

/* Samples taken, lost records included. */
__u64 samples;

static __always_inline void sample_emit(void *context, __u32 event, __u32 tid, __u64 first)
{
	__sync_fetch_and_add(&samples, 1);
	struct record_stack *record = RECORD_RESERVE(record_stack, RECORD_STACK, tid);
	if (!record)
		return;
	record->event = event;
	record->args[0] = first;
	record->args[1] = record->args[2] = record->args[3] = record->args[4] = record->args[5] = 0;
	long bytes = bpf_get_stack(context, record->frames, sizeof(record->frames), BPF_F_USER_STACK);
	record->depth = bytes > 0 ? (__u32)bytes / 8 : 0;
	record_submit(record);
}

/* What a perf event's program gets begins with the registers. The kernel lives in the upper half of the addresses. */
SEC("perf_event")
int profile_cpu(struct pt_regs *regs)
{
	__u64 current = bpf_get_current_pid_tgid();
	if (current >> 32 != target_tgid)
		return 0;
	sample_emit(regs, RECORD_SAMPLE_CPU, (__u32)current, regs->ip >> 63);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(profile_offcpu, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int state)
{
	if (!is_target(prev))
		return 0;
	sample_emit(ctx, RECORD_SAMPLE_OFFCPU, prev->pid, switch_left(preempt, state));
	return 0;
}
