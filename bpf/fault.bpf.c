/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Page faults of the target: where they begin, and where the page has come. The kernel announces no end of a fault,
 * but it counts the page into the process's resident set right before it maps it (rss_stat), small or huge, from
 * memory or from a disk. A fault that changes no such count has no end; the reader bounds it.
 */
#include "sched.bpf.h"

static __always_inline int fault_emit(__u64 address, __u32 what)
{
	struct record_fault *record = RECORD_RESERVE(record_fault, RECORD_FAULT, (__u32)bpf_get_current_pid_tgid());
	if (!record)
		return 0;
	record->address = address;
	record->what = what;
	record->run_delay_ns = (__u32)task_run_delay_ns(bpf_get_current_task_btf());
	record_submit(record);
	return 0;
}

static __always_inline int fault_begin(__u64 address, __u32 what)
{
	if (!current_is_target())
		return 0;
	struct task_state *state = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), NULL, 0);
	if (state)
		state->faulting = 1;
	return fault_emit(address, what);
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user, unsigned long address)
{
	return fault_begin(address, RECORD_FAULT_USER);
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(page_fault_kernel, unsigned long address)
{
	return fault_begin(address, RECORD_FAULT_KERNEL);
}

/* Also called where pages are given back: then nobody is faulting. */
SEC("tp_btf/rss_stat")
int BPF_PROG(rss_stat)
{
	if (!current_is_target())
		return 0;
	struct task_state *state = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), NULL, 0);
	if (!state || !state->faulting)
		return 0;
	state->faulting = 0;
	return fault_emit(0, RECORD_FAULT_PAGED);
}
