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

/*
 * What the hypervisor has taken from the thread's CPU so far, as the scheduler counts it and leaves it out of threads'
 * CPU time (CONFIG_PARAVIRT_TIME_ACCOUNTING). The low 32 bits; 0 where nobody counts, or where the
 * way to the run queue is closed (without CONFIG_FAIR_GROUP_SCHED).
 */
static __always_inline __u32 task_cpu_steal_ns(const struct task_struct *task)
{
	struct cfs_rq *queue = NULL;
	if (!bpf_core_field_exists(struct rq, prev_steal_time_rq) || !bpf_core_field_exists(struct sched_entity, cfs_rq))
		return 0;
	if (!bpf_core_field_exists(struct cfs_rq, rq))
		return 0;
	queue = task->se.cfs_rq;
	return queue && queue->rq ? (__u32)queue->rq->prev_steal_time_rq : 0;
}

/* The thread, which has just been enqueued, is alone on its CPU. */
static __always_inline bool task_cpu_free(const struct task_struct *task)
{
	if (!bpf_core_field_exists(struct sched_entity, cfs_rq) || !bpf_core_field_exists(struct cfs_rq, rq) ||
	    !bpf_core_field_exists(struct rq, nr_running))
		return false;
	struct cfs_rq *queue = task->se.cfs_rq;
	return queue && queue->rq && queue->rq->nr_running <= 1;
}

/* How long the thread, which comes onto its CPU now, has stood in the run queue, by the scheduler's own clock. */
static __always_inline __u64 task_waited_ns(const struct task_struct *task)
{
	if (!bpf_core_field_exists(task->sched_info.last_queued) || !bpf_core_field_exists(struct rq, clock) ||
	    !bpf_core_field_exists(struct sched_entity, cfs_rq) || !bpf_core_field_exists(struct cfs_rq, rq))
		return 0;
	struct cfs_rq *queue = task->se.cfs_rq;
	__u64 since = task->sched_info.last_queued;
	if (!queue || !queue->rq || !since)
		return 0;
	__u64 now = queue->rq->clock;
	return now > since ? now - since : 0;
}

/* The CPU a thread runs on, or will run on. */
static __always_inline __u32 task_cpu(const struct task_struct *task)
{
	return task->thread_info.cpu;
}

#endif
