/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Every probe of probes.def, with two programs: the attachment's cookie says which event it
 * is, and the arguments lie in the ABI's registers (svc/probes/probes.c puts them there).
 */
#include "common.bpf.h"

/* How many arguments each event has, from probes.def; registers beyond are not the event's business. */
const volatile __u8 event_args[TRACE_EVENT_LIMIT];

/* Hits per event, lost records included. */
__u64 event_hits[TRACE_EVENT_LIMIT];

static __always_inline void event_read_args(const struct pt_regs *regs, __u32 event, __u64 args[6])
{
	__u8 count = event_args[event];
	args[0] = count > 0 ? regs->di : 0;
	args[1] = count > 1 ? regs->si : 0;
	args[2] = count > 2 ? regs->dx : 0;
	args[3] = count > 3 ? regs->cx : 0;
	args[4] = count > 4 ? regs->r8 : 0;
	args[5] = count > 5 ? regs->r9 : 0;
}

SEC("uprobe")
int runtime_event(struct pt_regs *regs)
{
	__u64 current = bpf_get_current_pid_tgid();
	if (current >> 32 != target_tgid)
		return 0;
	__u32 event = bpf_get_attach_cookie(regs) & (TRACE_EVENT_LIMIT - 1);
	__sync_fetch_and_add(&event_hits[event], 1);
	struct record_event *record = RECORD_RESERVE(record_event, RECORD_EVENT, (__u32)current);
	if (!record)
		return 0;
	record->event = event;
	record->pad = 0;
	event_read_args(regs, event, record->args);
	record_submit(record);
	return 0;
}

/* The same with the user's stack, which costs a microsecond more. */
SEC("uprobe")
int runtime_stack(struct pt_regs *regs)
{
	__u64 current = bpf_get_current_pid_tgid();
	if (current >> 32 != target_tgid)
		return 0;
	__u32 event = bpf_get_attach_cookie(regs) & (TRACE_EVENT_LIMIT - 1);
	__sync_fetch_and_add(&event_hits[event], 1);
	struct record_stack *record = RECORD_RESERVE(record_stack, RECORD_STACK, (__u32)current);
	if (!record)
		return 0;
	record->event = event;
	event_read_args(regs, event, record->args);
	long bytes = bpf_get_stack(regs, record->frames, sizeof(record->frames), BPF_F_USER_STACK);
	record->depth = bytes > 0 ? (__u32)bytes / 8 : 0;
	record_submit(record);
	return 0;
}
