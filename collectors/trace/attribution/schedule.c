/* SPDX-License-Identifier: Apache-2.0 */
/* Schedule: see schedule.h. */
#include "schedule.h"

#include <stddef.h>

#include "nest.h"

/* A task record may have been filled just before a switch that is already known; it is believed against the
 * records only when they have been silent for so long. */
#define SCHEDULE_SILENCE_NS 50000000u

/* A CPU comes out of its deepest halt in less. */
#define UNSEEN_WAKE_NS 200000u

/* Who held the CPU up to now was this one, whatever was guessed. */
static void cpu_confirm(struct threads *threads, struct cpu *cpu, uint32_t runner, uint64_t time_ns)
{
	if (cpu->runner == runner)
		return;
	cpu->runner = runner;
	for (struct thread *thread = cpu->waiting; thread; thread = thread->next_waiting) {
		const struct piece *open = timeline_open(&thread->timeline);
		if (!open || thread->nest.inside[SLOW_STOP])
			continue;
		uint64_t begin_ns = open->begin_ns;
		timeline_recast(&thread->timeline, (enum state)CAUSE_UNATTRIBUTED, CULPRIT_NOBODY);
		thread_refresh(threads, thread, begin_ns < time_ns ? begin_ns : time_ns);
	}
}

static enum state sleep_state(const struct threads *threads, const struct thread *thread, uint8_t left)
{
	if (left == RECORD_LEFT_FAULTING || (left == RECORD_LEFT_WAITING && thread->faulting))
		return (enum state)CAUSE_FAULT;
	/* In tail mode waits for work are not told, so one that is is none. */
	int busy = thread->open_requests || (threads->tail && thread->serves);
	return busy ? (enum state)CAUSE_BLOCKED : STATE_IDLE;
}

/*
 * Note [unseen]: some kernels do not report every switch (seen on a virtual machine: none away from one of its agent's
 * threads). A thread that stands in a run queue and then acts has been switched in between, and what it does carries the
 * kernel's sum of its run-queue waits: what that sum has grown by since it was last known is how long it waited. A thread that
 * stands in a run queue and then leaves the CPU has run for as long as its CPU time has grown. Where the sums do not fit,
 * the stretch is doubted as any other contradiction.
 */
static void thread_entered_unseen(struct threads *threads, struct thread *thread, uint16_t cpu, uint64_t waited_ns)
{
	const struct piece *open = timeline_open(&thread->timeline);

	/* Nobody was seen on its CPU, but an idle one does not let a thread wait so long. */
	if (open && open->state == CAUSE_WAKE && waited_ns > UNSEEN_WAKE_NS)
		timeline_recast(&thread->timeline, (enum state)CAUSE_RUNQ, CULPRIT_NOBODY);
	cputime_doubt(&thread->cputime);
	thread->called_ns = 0;
	thread_ran_since(threads, thread, cpu, thread->runnable_ns + waited_ns);
}

void schedule_acts(struct threads *threads, struct thread *thread, const struct record *record, uint32_t run_delay_ns)
{
	if (run_delay_ns == 0 || !thread->delay_known) /* a kernel that keeps no such account, or none was seen yet */
		return;
	uint32_t waited_ns = run_delay_ns - (uint32_t)thread->delay_ns;
	if (thread->sched == SCHED_RUNNABLE && waited_ns <= record->time_ns - thread->runnable_ns)
		thread_entered_unseen(threads, thread, record->cpu, waited_ns);
	thread->delay_ns += waited_ns;
}

void schedule_account(struct threads *threads, struct thread *thread, const struct record *record,
		      uint64_t run_delay_ns)
{
	if (run_delay_ns == 0)
		return;
	schedule_acts(threads, thread, record, (uint32_t)run_delay_ns);
	thread->delay_ns = run_delay_ns;
	thread->delay_known = 1;
}

/* It leaves a CPU on which it was not seen to come. */
static void schedule_left_unseen(struct threads *threads, struct thread *thread, const struct record_switch *record)
{
	uint64_t runnable_for_ns = record->h.time_ns - thread->runnable_ns;
	uint64_t ran_ns = record->prev_exec_ns - thread->cputime.mark_exec_ns;

	/* The two clocks differ by some microseconds a switch. */
	if (ran_ns > runnable_for_ns && ran_ns - runnable_for_ns < CPUTIME_SWITCH_NS)
		ran_ns = runnable_for_ns;
	if (thread->sched == SCHED_RUNNABLE && thread->cputime.marked && ran_ns <= runnable_for_ns)
		thread_entered_unseen(threads, thread, record->h.cpu, runnable_for_ns - ran_ns);
	thread->delay_known = 0;
}

static void thread_leaves(struct threads *threads, struct thread *thread, const struct record_switch *record)
{
	uint64_t time_ns = record->h.time_ns;
	uint16_t cpu = record->h.cpu;

	if (thread->sched == SCHED_GONE) {
		cputime_read(&thread->cputime, record->prev_exec_ns);
		return;
	}
	if (thread->sched == SCHED_RUNNABLE && !threads->tail)
		schedule_left_unseen(threads, thread, record);
	if ((thread->sched != SCHED_RUNNING || thread->cpu != cpu) && !thread_may_move(threads, thread))
		thread_doubt(threads, thread, time_ns);
	if (threads->tail)
		thread_appears(threads, thread, time_ns);
	else if (record->cpu_stolen_ns)
		thread_steal_told(threads, thread, record->cpu_stolen_ns, time_ns);
	thread->asleep_state = (uint8_t)sleep_state(threads, thread, record->prev_left);
	int in_fault = thread->asleep_state == CAUSE_FAULT;
	if (in_fault)
		thread_sleeps_in_fault(thread, time_ns);
	enum sched next = SCHED_ASLEEP;
	if (record->prev_left == RECORD_LEFT_PREEMPTED)
		next = SCHED_RUNNABLE;
	else if (thread->called_early)
		next = SCHED_WAKING;
	thread->called_early = 0;
	thread->heard_ns = time_ns;
	thread->faulting = in_fault || (thread->faulting && next == SCHED_RUNNABLE);
	thread_move(threads, thread, next, cpu, time_ns);
	if (threads->tail)
		cputime_read(&thread->cputime, record->prev_exec_ns);
	else
		cputime_leave(&thread->cputime, record->prev_exec_ns, thread->timeline.total[TIMELINE_ON_CPU],
		      record->cpu_steal_ns - thread->steal_ns);
}

/*
 * Tail mode: the thread was called while its CPU was idle, which is not told, and then had to wait: either behind
 * whoever leaves now, or for an idle CPU to come to itself.
 */
static void thread_has_waited(struct threads *threads, struct thread *thread, const struct record_switch *record)
{
	uint64_t waited_ns = record->next_waited_us * 1000ull, time_ns = record->h.time_ns;
	struct cpu *cpu = cpu_get(threads, record->h.cpu);

	if (!waited_ns || !cpu || !thread_may_move(threads, thread))
		return;
	thread_move(threads, thread, SCHED_RUNNABLE, record->h.cpu, waited_ns < time_ns ? time_ns - waited_ns : 0);
}

static void thread_enters(struct threads *threads, struct thread *thread, const struct record_switch *record)
{
	if (thread->sched != SCHED_RUNNABLE && !thread_may_move(threads, thread))
		thread_doubt(threads, thread, record->h.time_ns);
	thread->heard_ns = record->h.time_ns;
	thread->steal_ns = record->cpu_steal_ns;
	int preempts = record->prev_left == RECORD_LEFT_PREEMPTED && thread->called_ns;
	cputime_come(&thread->cputime, preempts ? record->h.time_ns - thread->called_ns : 0);
	thread->called_ns = 0;
	thread->delay_known = thread->sched == SCHED_RUNNABLE;
	thread->delay_ns = record->next_run_delay_ns + (record->h.time_ns - thread->runnable_ns);
	thread_move(threads, thread, SCHED_RUNNING, record->h.cpu, record->h.time_ns);
	if (record->cpu_stolen_ns)
		thread_steal_told(threads, thread, record->cpu_stolen_ns, record->h.time_ns);
	if (thread->faulting)
		thread_faults(threads, thread, record->h.time_ns);
}

/* A thread of the target: known as one, or said to be one. */
static struct thread *switch_thread(struct threads *threads, uint32_t tid, uint32_t tgid, uint32_t target)
{
	return tgid == target ? thread_get(threads, tid) : NULL;
}

void schedule_switch(struct threads *threads, uint32_t tgid, const struct record_switch *record)
{
	struct cpu *cpu = cpu_get(threads, record->h.cpu);
	struct thread *prev = switch_thread(threads, record->prev_tid, record->prev_tgid, tgid);
	struct thread *next = switch_thread(threads, record->next_tid, record->next_tgid, tgid);

	threads->switches_seen = 1;
	if (!cpu)
		return;
	if (next)
		thread_has_waited(threads, next, record);
	cpu_confirm(threads, cpu, culprit_named(&threads->culprits, record->prev_tid, record->prev_comm), record->h.time_ns);
	cpu->runner = culprit_named(&threads->culprits, record->next_tid, record->next_comm);
	if (next)
		thread_enters(threads, next, record);
	if (prev && prev != next)
		thread_leaves(threads, prev, record);
	cpu_refresh(threads, cpu, record->h.time_ns);
}

void schedule_waking(struct threads *threads, const struct record_wake *record)
{
	struct thread *thread = thread_get(threads, record->h.tid);

	if (!thread)
		return;
	if (thread->sched == SCHED_RUNNING)
		thread->called_early = 1;
	else if (thread->sched == SCHED_ASLEEP || thread->sched == SCHED_UNKNOWN)
		thread_move(threads, thread, SCHED_WAKING, thread->cpu, record->h.time_ns);
	thread->heard_ns = record->h.time_ns;
}

void schedule_wakeup(struct threads *threads, const struct record_wake *record)
{
	struct thread *thread = thread_get(threads, record->h.tid);
	struct cpu *cpu = cpu_get(threads, (uint16_t)record->target_cpu);
	enum sched next = record->running ? SCHED_RUNNING : SCHED_RUNNABLE;

	if (!thread || !cpu)
		return;
	thread->heard_ns = record->h.time_ns;
	thread->called_ns = record->h.time_ns;
	thread->called_early = 0;
	if (record->running && thread->sched == SCHED_RUNNING)
		return; /* it had not left its CPU yet, and need not */
	/* A thread that was preempted on its way to sleep is called while it is in a queue already. */
	int untold = threads->tail && (thread->sched == SCHED_ASLEEP || thread_may_move(threads, thread));
	int expected = thread->sched == SCHED_WAKING || thread->sched == SCHED_RUNNABLE;
	if ((!expected || record->running) && !untold)
		thread_doubt(threads, thread, record->h.time_ns);
	if (record->target_cpu == record->h.cpu)
		cpu_confirm(threads, cpu, culprit_number(&threads->culprits, record->current_tid), record->h.time_ns);
	thread_move(threads, thread, next, (uint16_t)record->target_cpu, record->h.time_ns);
}

static enum sched task_sched(const struct record_task *record)
{
	if (record->running)
		return SCHED_RUNNING;
	return record->runnable ? SCHED_RUNNABLE : SCHED_ASLEEP;
}

static int task_contradicts(const struct thread *thread, enum sched sched)
{
	if (thread->sched == SCHED_WAKING)
		return sched != SCHED_RUNNABLE;
	return thread->sched != sched;
}

/* A thread id that is used again begins anew. */
static void task_revive(struct threads *threads, struct thread *thread)
{
	struct culprit_entry *entry = &threads->culprits.entries[thread->culprit];

	thread->sched = SCHED_UNKNOWN;
	thread->collector = 0;
	entry->culprit.own_collector = 0;
	entry->marking = 0;
	cputime_doubt(&thread->cputime);
}

static void task_believe(struct threads *threads, struct thread *thread, const struct record_task *record)
{
	thread->asleep_state = (uint8_t)(threads->tail ? STATE_IDLE : sleep_state(threads, thread, RECORD_LEFT_SLEEPING));
	thread_move(threads, thread, task_sched(record), record->task_cpu, record->h.time_ns);
}

void schedule_task(struct threads *threads, const struct record_task *record)
{
	struct thread *thread = thread_get(threads, record->h.tid);
	uint64_t time_ns = record->h.time_ns;

	if (!thread)
		return;
	thread->culprit = culprit_named(&threads->culprits, thread->tid, record->comm);
	if (thread->sched == SCHED_GONE)
		task_revive(threads, thread);
	/* Told by itself: it came now, and the kernel has not reported that. */
	if (threads->tail && thread->sched == SCHED_RUNNABLE && record->running && record->h.cpu == record->task_cpu)
		thread_move(threads, thread, SCHED_RUNNING, record->h.cpu, time_ns);
	int silent = time_ns - thread->heard_ns > SCHEDULE_SILENCE_NS;
	if (!threads->no_sched && !threads->tail && silent && task_contradicts(thread, task_sched(record)))
		thread_doubt(threads, thread, time_ns);
	/* A thread that never ran is being created: its first wakeup will tell. */
	if (!threads->no_sched && thread->sched == SCHED_UNKNOWN && (record->exec_ns || record->running))
		task_believe(threads, thread, record);
	cputime_read(&thread->cputime, record->exec_ns);
}

void schedule_exit(struct threads *threads, const struct record_exit *record)
{
	struct thread *thread = thread_find(threads, record->h.tid);

	if (!thread)
		return;
	threads->unmatched += nest_close(&thread->nest);
	threads->culprits.entries[thread->culprit].marking = 0;
	cputime_read(&thread->cputime, record->exec_ns);
	thread->heard_ns = record->h.time_ns;
	thread_move(threads, thread, SCHED_GONE, thread->cpu, record->h.time_ns);
}
