/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The target's threads: their state at attach and every second (an iterator that the
 * tracer reads), when they are created and when they end.
 *
 * The iterator is bound to the target by the pid that the tracer was given; the kernel translates
 * it from the tracer's PID namespace, so this is also how the tracer learns the
 * target's number in the initial namespace. What the iterator reads is not one instant:
 * a thread may change its state meanwhile, and the scheduler's own records say so.
 */
#include "sched.bpf.h"

#define TASK_RUNNING 0

/* Written by the first run of the iterator, before anything is attached. */
__u32 found_tgid;
__u32 found_threads;

/* Counted by sched_process_exec: the program in the target has been replaced. */
__u32 target_execs;

/* The innermost number. Its place is computed: an index into an array of the kernel's would use our element's size. */
static __always_inline __u32 task_ns_tid(const struct task_struct *task)
{
	struct pid *pid = task->thread_pid;
	unsigned int level = 0;
	int number = 0;
	bpf_core_read(&level, sizeof(level), &pid->level);
	const char *upid = (const char *)__builtin_preserve_access_index(&pid->numbers[0]);
	upid += level * bpf_core_type_size(struct upid);
	bpf_core_read(&number, sizeof(number), &((const struct upid *)upid)->nr);
	return number;
}

/* `came_ns` 0: the record tells of now. */
static __always_inline void task_emit(struct task_struct *task, __u64 came_ns)
{
	struct record_task *record = RECORD_RESERVE(record_task, RECORD_TASK, task->pid);
	if (!record)
		return;
	if (came_ns)
		record->h.time_ns = came_ns;
	record->tgid = task->tgid;
	record->ns_tid = task_ns_tid(task);
	record->running = task->on_cpu != 0;
	record->runnable = !task->on_cpu && task->on_rq && task->__state == TASK_RUNNING;
	record->task_cpu = task_cpu(task);
	record->pad = 0;
	record->exec_ns = task->se.sum_exec_runtime;
	record->run_delay_ns = task_run_delay_ns(task);
	record->minor_faults = task->min_flt;
	record->major_faults = task->maj_flt;
	__builtin_memcpy(record->comm, task->comm, sizeof(record->comm));
	record_submit(record);
}

/* A reader holds records back for long enough to put one of this age in its place. */
#define UNSEEN_AGE_NS 50000000u

/*
 * Called where a thread of the target is at work. If it stands in a run queue all the same, the kernel has not reported the
 * switch with which it came (docs/decisions/005): the thread tells it, dated back by the scheduler's account of its wait.
 */
static __always_inline void task_acts(void)
{
	const struct trace_cpu *cpu = &cpus[bpf_get_smp_processor_id() & (TRACE_CPU_LIMIT - 1)];
	if (!cpu->waiting || cpu->runner == (__u32)bpf_get_current_pid_tgid() || !current_is_target())
		return;
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_state *state = bpf_task_storage_get(&tasks, task, NULL, 0);
	if (!state || !state->waiting)
		return;
	wait_set(state, 0);
	__u64 came_ns = state->since_ns + (task_run_delay_ns(task) - state->delay_ns);
	__u64 age_ns = bpf_ktime_get_ns() - came_ns;
	if (state->since_ns && age_ns < UNSEEN_AGE_NS)
		task_emit(task, came_ns);
}

/* The first run looks only: nothing is known of the target yet. */
SEC("iter/task")
int task_find(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	if (!task || task->exit_state)
		return 0;
	found_tgid = task->tgid;
	found_threads++;
	struct nsproxy *namespaces = task->nsproxy;
	if (namespaces)
		target_net = (__u64)namespaces->net_ns;
	return 0;
}

SEC("iter/task")
int task_seed(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	if (!task || !is_target(task) || task->exit_state)
		return 0;
	wait_learn(task, !task->on_cpu && task->on_rq && task->__state == TASK_RUNNING);
	task_emit(task, 0);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(task_newtask, struct task_struct *task)
{
	if (!is_target(task))
		return 0;
	wait_learn(task, false);
	task_emit(task, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	if (!is_target(task))
		return 0;
	struct record_exit *record = RECORD_RESERVE(record_exit, RECORD_EXIT, task->pid);
	if (!record)
		return 0;
	record->exec_ns = task->se.sum_exec_runtime;
	record->run_delay_ns = task_run_delay_ns(task);
	record_submit(record);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task)
{
	if (is_target(task))
		__sync_fetch_and_add(&target_execs, 1);
	return 0;
}
