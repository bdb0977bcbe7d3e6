/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Every probe of probes.def, with two programs: the attachment's cookie says which event it
 * is, and the arguments lie in the ABI's registers (svc/probes/probes.c puts them there). Functions of
 * foreign allocators (malloc and its kin) pass through the second one.
 */
#include "common.bpf.h"
#include "compat.bpf.h"

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
	__u32 event = TRACE_COOKIE_EVENT(bpf_get_attach_cookie(regs));
	__sync_fetch_and_add(&event_hits[event], 1);
	struct record_event *record = RECORD_RESERVE(record_event, RECORD_EVENT, (__u32)current);
	if (!record)
		return 0;
	record->event = event;
	record->run_delay_ns = (__u32)task_run_delay_ns(bpf_get_current_task_btf());
	event_read_args(regs, event, record->args);
	record_submit(record);
	return 0;
}

/*
 * A foreign allocator's function, near its entry: size and return address, which the walk along
 * frame pointers would miss before the function has made its own frame.
 */
static __always_inline void allocator_read_args(const struct pt_regs *regs, __u64 cookie, __u64 args[6])
{
	__u32 size = TRACE_COOKIE_SIZE(cookie);
	__u64 caller = 0, first = regs->di, second = regs->si, third = regs->dx;
	/* Loaded here, or the compiler chooses an address instead of a value, which the verifier refuses. */
	barrier_var(first);
	barrier_var(second);
	barrier_var(third);
	bpf_probe_read_user(&caller, sizeof(caller), (const void *)(regs->sp + TRACE_COOKIE_STACK(cookie)));
	if (size == TRACE_SIZE_PRODUCT)
		args[0] = first * second;
	else
		args[0] = size == TRACE_SIZE_FIRST ? first : size == TRACE_SIZE_SECOND ? second : third;
	args[1] = caller;
	args[2] = args[3] = args[4] = args[5] = 0;
}

/* The same with the user's stack, which costs a microsecond more. */
SEC("uprobe")
int runtime_stack(struct pt_regs *regs)
{
	__u64 current = bpf_get_current_pid_tgid();
	if (current >> 32 != target_tgid)
		return 0;
	__u64 cookie = bpf_get_attach_cookie(regs);
	__u32 event = TRACE_COOKIE_EVENT(cookie);
	__sync_fetch_and_add(&event_hits[event], 1);
	struct record_stack *record = RECORD_RESERVE(record_stack, RECORD_STACK, (__u32)current);
	if (!record)
		return 0;
	record->event = event;
	if (TRACE_COOKIE_SIZE(cookie))
		allocator_read_args(regs, cookie, record->args);
	else
		event_read_args(regs, event, record->args);
	long bytes = bpf_get_stack(regs, record->frames, sizeof(record->frames), BPF_F_USER_STACK);
	record->depth = bytes > 0 ? (__u32)bytes / 8 : 0;
	record_submit(record);
	return 0;
}
