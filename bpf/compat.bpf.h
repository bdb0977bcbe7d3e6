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

/* The CPU a thread runs on, or will run on. */
static __always_inline __u32 task_cpu(const struct task_struct *task)
{
	return task->thread_info.cpu;
}

#endif
