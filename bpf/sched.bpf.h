/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Who waits where. Each CPU counts the target's threads in its run queue, so that switches
 * between strangers are recorded exactly while they make the target wait.
 *
 * Invariant: cpus[c].waiting is the number of target threads whose task_state.waiting
 * is c + 1. A thread begins to wait when it is enqueued (wakeup) or preempted, moves with a migration,
 * and ends when it is switched in. It cannot exit without having been switched in, so nothing is
 * left over. Threads the iterator has not met have no task_state and are not counted.
 */
#ifndef MEMLAB_SCHED_BPF_H
#define MEMLAB_SCHED_BPF_H

#include "common.bpf.h"
#include "compat.bpf.h"

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

struct task_state {
	__u32 waiting; /* 0: no; else the CPU + 1 */
	__u32 faulting; /* own thread only: in a page fault that has not brought its page yet (fault.bpf.c) */
	/* Tail mode: the wait began then, and the scheduler had counted so much waiting before. 0: not known. */
	__u64 since_ns, delay_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_state);
} tasks SEC(".maps");

static __always_inline void waiting_add(__u32 cpu, __u32 change)
{
	__sync_fetch_and_add(&cpus[cpu & (TRACE_CPU_LIMIT - 1)].waiting, change);
}

/* The thread waits for `place` (CPU + 1), or no longer (0). */
static __always_inline void wait_set(struct task_state *state, __u32 place)
{
	__u32 before = __sync_lock_test_and_set(&state->waiting, place);
	if (before == place)
		return;
	if (before)
		waiting_add(before - 1, (__u32)-1);
	if (place)
		waiting_add(place - 1, 1);
}

static __always_inline void wait_begin(struct task_struct *task, __u32 cpu)
{
	struct task_state *state = bpf_task_storage_get(&tasks, task, NULL, 0);
	if (!state)
		return;
	state->since_ns = mode_tail ? bpf_ktime_get_ns() : 0;
	state->delay_ns = mode_tail ? task_run_delay_ns(task) : 0;
	wait_set(state, cpu + 1);
}

static __always_inline void wait_end(struct task_struct *task)
{
	struct task_state *state = bpf_task_storage_get(&tasks, task, NULL, 0);
	if (state)
		wait_set(state, 0);
}

/*
 * Called by the iterator and for new threads: from now on the thread is counted. Only the first
 * meeting takes over the state seen; later ones would race with the scheduler, which knows better.
 */
static __always_inline void wait_learn(struct task_struct *task, bool runnable)
{
	struct task_state *state = bpf_task_storage_get(&tasks, task, NULL, 0);
	if (state)
		return;
	state = bpf_task_storage_get(&tasks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (state && runnable)
		wait_set(state, task_cpu(task) + 1);
}

#endif
