/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Differences between kernels and configurations, each in one function.
 */
#ifndef MEMLAB_COMPAT_BPF_H
#define MEMLAB_COMPAT_BPF_H

#include "common.bpf.h"

/* sched_info exists with CONFIG_SCHED_INFO (schedstats or task delay accounting). */
static __always_inline __u64 task_run_delay_ns(const struct task_struct *task)
{
	if (bpf_core_field_exists(task->sched_info))
		return task->sched_info.run_delay;
	return 0;
}

/* The run queue of the thread's CPU; NULL: the way there is closed (without CONFIG_FAIR_GROUP_SCHED). */
static __always_inline struct rq *task_rq(const struct task_struct *task)
{
	if (!bpf_core_field_exists(struct sched_entity, cfs_rq) || !bpf_core_field_exists(struct cfs_rq, rq))
		return NULL;
	struct cfs_rq *queue = task->se.cfs_rq;
	return queue ? queue->rq : NULL;
}

/*
 * What the hypervisor has taken from the thread's CPU so far, as the scheduler counts it and leaves it out of threads'
 * CPU time (CONFIG_PARAVIRT_TIME_ACCOUNTING): up to date at switches and ticks. The low 32 bits; 0 where nobody counts.
 */
static __always_inline __u32 task_cpu_steal_ns(const struct task_struct *task)
{
	struct rq *rq = task_rq(task);
	return rq && bpf_core_field_exists(struct rq, prev_steal_time_rq) ? (__u32)rq->prev_steal_time_rq : 0;
}

/* From a CPU's run queue to where KVM writes what it takes from that CPU (both are per-CPU variables); 0: not in this kernel. */
const volatile __s32 steal_place;

/* The same by the hypervisor's own word, up to date at any time; 0: it has none, or has never taken anything. */
static __always_inline __u32 task_cpu_stolen_ns(const struct task_struct *task)
{
	struct rq *rq = steal_place ? task_rq(task) : NULL;
	__u64 stolen = 0;
	if (rq)
		bpf_probe_read_kernel(&stolen, sizeof(stolen), (const char *)rq + steal_place);
	return (__u32)stolen;
}

/* The thread, which has just been enqueued, is alone on its CPU. */
static __always_inline bool task_cpu_free(const struct task_struct *task)
{
	struct rq *rq = task_rq(task);
	return rq && bpf_core_field_exists(struct rq, nr_running) && rq->nr_running <= 1;
}

/* How long the thread, which comes onto its CPU now, has stood in the run queue, by the scheduler's own clock. */
static __always_inline __u64 task_waited_ns(const struct task_struct *task)
{
	if (!bpf_core_field_exists(task->sched_info.last_queued) || !bpf_core_field_exists(struct rq, clock))
		return 0;
	struct rq *rq = task_rq(task);
	__u64 since = task->sched_info.last_queued;
	if (!rq || !since)
		return 0;
	__u64 now = rq->clock;
	return now > since ? now - since : 0;
}

/* The CPU a thread runs on, or will run on. */
static __always_inline __u32 task_cpu(const struct task_struct *task)
{
	return task->thread_info.cpu;
}

#endif
