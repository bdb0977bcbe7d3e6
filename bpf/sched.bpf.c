/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The scheduler's side of the story: who left a CPU and how, who came, who was called.
 *
 * A switch is recorded when it concerns the target, and when it is between strangers
 * while a thread of the target waits on that CPU (sched.bpf.h): only so can the wait be
 * blamed on the one who ran. Times of CPU and of waiting come along from task_struct, for
 * nothing, so that the reader can check its sums.
 */
#include "sched.bpf.h"

#define STATE_INTERRUPTIBLE 0x1
#define STATE_UNINTERRUPTIBLE 0x2

/* `state` is prev's as the scheduler saw it; a preempted thread is runnable whatever it says. */
static __always_inline __u8 switch_left(bool preempt, unsigned int state)
{
	if (preempt || state == 0)
		return RECORD_LEFT_PREEMPTED;
	if (state & STATE_INTERRUPTIBLE)
		return RECORD_LEFT_SLEEPING;
	if (state & STATE_UNINTERRUPTIBLE)
		return RECORD_LEFT_WAITING;
	return RECORD_LEFT_ENDED;
}

static __always_inline void switch_emit(struct task_struct *prev, struct task_struct *next, __u8 left)
{
	struct record_switch *record = RECORD_RESERVE(record_switch, RECORD_SWITCH, 0);
	if (!record)
		return;
	record->prev_tid = prev->pid;
	record->prev_tgid = prev->tgid;
	record->next_tid = next->pid;
	record->next_tgid = next->tgid;
	record->prev_exec_ns = prev->se.sum_exec_runtime;
	record->next_run_delay_ns = task_run_delay_ns(next);
	record->prev_left = left;
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	record->cpu_steal_ns = task_cpu_steal_ns(next);
	__builtin_memcpy(record->next_comm, next->comm, sizeof(record->next_comm));
	record_submit(record);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int state)
{
	bool leaves = is_target(prev);
	bool comes = is_target(next);
	__u32 cpu = bpf_get_smp_processor_id();
	if (!leaves && !comes && !cpus[cpu & (TRACE_CPU_LIMIT - 1)].waiting)
		return 0;
	__u8 left = switch_left(preempt, state);
	switch_emit(prev, next, left);
	if (leaves && left == RECORD_LEFT_PREEMPTED)
		wait_begin(prev, cpu);
	if (comes)
		wait_end(next);
	return 0;
}

static __always_inline void wake_emit(struct task_struct *task, __u8 kind, __u32 running)
{
	struct record_wake *record = RECORD_RESERVE(record_wake, kind, task->pid);
	if (!record)
		return;
	__u64 current = bpf_get_current_pid_tgid();
	record->target_cpu = task_cpu(task);
	record->current_tid = (__u32)current;
	record->current_tgid = current >> 32;
	record->running = running;
	record_submit(record);
}

SEC("tp_btf/sched_waking")
int BPF_PROG(sched_waking, struct task_struct *task)
{
	if (is_target(task))
		wake_emit(task, RECORD_WAKING, 0);
	return 0;
}

/* A thread can be woken before it has left its CPU: then it goes on and waits for nothing. */
static __always_inline void wakeup(struct task_struct *task)
{
	if (!is_target(task))
		return;
	__u32 running = task->on_cpu != 0;
	wake_emit(task, RECORD_WAKEUP, running);
	if (!running)
		wait_begin(task, task_cpu(task));
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup, struct task_struct *task)
{
	wakeup(task);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new, struct task_struct *task)
{
	wakeup(task);
	return 0;
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(sched_migrate_task, struct task_struct *task, int cpu)
{
	if (!is_target(task))
		return 0;
	struct task_state *state = bpf_task_storage_get(&tasks, task, NULL, 0);
	if (state && state->waiting)
		wait_set(state, cpu + 1);
	return 0;
}
