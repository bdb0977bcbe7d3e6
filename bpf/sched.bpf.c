/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The scheduler's side of the story: who left a CPU and how, who came, who was called.
 *
 * A switch is recorded when it concerns the target, and when it is between strangers
 * while a thread of the target waits on that CPU (sched.bpf.h): only so can the wait be
 * blamed on the one who ran. Times of CPU and of waiting come along from task_struct, for
 * nothing, so that the reader can check its sums.
 *
 * In tail mode a thread that sleeps waiting for events (poll and its kin) leaves and comes
 * without a record, if its CPU was idle when it was called: nothing can have delayed it but the waking itself.
 * If it had to wait all the same, for longer than UNSEEN_WAIT_NS, the switch is told with the length of the wait.
 * Preemptions, sleeps in anything else, and calls to a CPU that is busy are told as always.
 */
#include "sched.bpf.h"

#define UNSEEN_WAIT_NS 20000

static __always_inline void switch_emit(struct task_struct *prev, struct task_struct *next, __u8 left, __u64 waited)
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
	record->pad = 0;
	record->next_waited_us = waited / 1000 < 65535 ? waited / 1000 : 65535;
	record->cpu_steal_ns = task_cpu_steal_ns(next);
	record->cpu_stolen_ns = task_cpu_stolen_ns(next);
	record->pad2 = 0;
	__builtin_memcpy(record->prev_comm, prev->comm, sizeof(record->prev_comm));
	__builtin_memcpy(record->next_comm, next->comm, sizeof(record->next_comm));
	record_submit(record);
}

/* The thread is inside a system call that waits for events. */
static __always_inline bool task_polls(struct task_struct *task)
{
	const struct pt_regs *regs = (const struct pt_regs *)bpf_task_pt_regs(task);
	switch (regs->orig_ax) {
	case 7:   /* poll */
	case 23:  /* select */
	case 232: /* epoll_wait */
	case 270: /* pselect6 */
	case 271: /* ppoll */
	case 281: /* epoll_pwait */
	case 441: /* epoll_pwait2 */
		return true;
	}
	return false;
}

/*
 * A thread that sleeps uninterruptibly and not in a system call is in a page fault. Pages around the wanted one may have been
 * counted before it sleeps, so the end is still to come (fault.bpf.c).
 */
static __always_inline __u8 left_faulting(struct task_struct *task)
{
	const struct pt_regs *regs = (const struct pt_regs *)bpf_task_pt_regs(task);
	if ((long)regs->orig_ax != -1)
		return RECORD_LEFT_WAITING;
	struct task_state *state = bpf_task_storage_get(&tasks, task, NULL, 0);
	if (state)
		state->faulting = 1;
	return RECORD_LEFT_FAULTING;
}

static __always_inline bool leaving_matters(struct task_struct *prev, __u8 left)
{
	return !mode_tail || left != RECORD_LEFT_SLEEPING || !task_polls(prev);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int state)
{
	bool leaves = is_target(prev);
	bool comes = is_target(next);
	__u32 cpu = bpf_get_smp_processor_id();
	__u8 left = switch_left(preempt, state);
	if (leaves && left == RECORD_LEFT_WAITING)
		left = left_faulting(prev);
	struct trace_cpu *here = &cpus[cpu & (TRACE_CPU_LIMIT - 1)];
	bool waiting = here->waiting;
	__u64 waited = 0;
	if (comes && mode_tail && !waiting) {
		waited = task_waited_ns(next);
		if (waited < UNSEEN_WAIT_NS)
			waited = 0;
	}
	if (leaves)
		task_acts();
	here->runner = comes ? next->pid : 0;
	if (!waiting && !waited && !(comes && !mode_tail) && !(leaves && leaving_matters(prev, left)))
		return 0;
	switch_emit(prev, next, left, waited);
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
	if (!mode_tail && is_target(task))
		wake_emit(task, RECORD_WAKING, 0);
	return 0;
}

/* A thread can be woken before it has left its CPU: then it goes on and waits for nothing. */
static __always_inline void wakeup(struct task_struct *task)
{
	if (!is_target(task))
		return;
	__u32 running = task->on_cpu != 0;
	if (mode_tail && task_polls(task) && (running || task_cpu_free(task)))
		return;
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
