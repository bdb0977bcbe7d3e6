/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Page faults of the target begin. The kernel announces no end: the reader bounds it by the
 * thread's next record.
 */
#include "common.bpf.h"

static __always_inline int fault_emit(__u64 address, __u32 from_kernel)
{
	__u64 current = bpf_get_current_pid_tgid();
	if (current >> 32 != target_tgid)
		return 0;
	struct record_fault *record = RECORD_RESERVE(record_fault, RECORD_FAULT, (__u32)current);
	if (!record)
		return 0;
	record->address = address;
	record->from_kernel = from_kernel;
	record->pad = 0;
	record_submit(record);
	return 0;
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user, unsigned long address)
{
	return fault_emit(address, 0);
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(page_fault_kernel, unsigned long address)
{
	return fault_emit(address, 1);
}
