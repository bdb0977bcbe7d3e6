/* SPDX-License-Identifier: Apache-2.0 */
/* Thread: see thread.h. */
#include "thread.h"

#include "nest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int threads_init(struct threads *threads)
{
	*threads = (struct threads){0};
	return culprits_init(&threads->culprits);
}

static void thread_free(struct thread *thread)
{
	timeline_free(&thread->timeline);
	free(thread);
}

void threads_free(struct threads *threads)
{
	for (uint32_t i = 0; i < threads->by_tid.capacity; i++)
		if (map_at(&threads->by_tid, i))
			thread_free(map_at(&threads->by_tid, i));
	for (uint32_t i = 0; i < threads->cpu_limit; i++)
		free(threads->cpus[i]);
	free(threads->cpus);
	map_free(&threads->by_tid);
	culprits_free(&threads->culprits);
	*threads = (struct threads){0};
}

struct thread *thread_find(struct threads *threads, uint32_t tid)
{
	if (threads->recent && threads->recent->tid == tid)
		return threads->recent;
	struct thread *thread = map_get(&threads->by_tid, tid);
	if (thread)
		threads->recent = thread;
	return thread;
}

struct thread *thread_get(struct threads *threads, uint32_t tid)
{
	struct thread *thread = thread_find(threads, tid);

	if (thread || tid == 0)
		return thread;
	thread = calloc(1, sizeof(*thread));
	if (!thread || map_put(&threads->by_tid, tid, thread) < 0) {
		free(thread);
		return NULL;
	}
	thread->tid = tid;
	thread->culprit = culprit_number(&threads->culprits, tid);
	thread->nest_unsure_ns = 1; /* it may be in the middle of something */
	threads->recent = thread;
	return thread;
}

static int cpus_grow(struct threads *threads, uint32_t limit)
{
	struct cpu **cpus = realloc(threads->cpus, limit * sizeof(*cpus));

	if (!cpus)
		return -ENOMEM;
	memset(cpus + threads->cpu_limit, 0, (limit - threads->cpu_limit) * sizeof(*cpus));
	threads->cpus = cpus;
	threads->cpu_limit = limit;
	return 0;
}

struct cpu *cpu_get(struct threads *threads, uint16_t cpu)
{
	if (cpu >= threads->cpu_limit && cpus_grow(threads, cpu + 8u) < 0)
		return NULL;
	if (!threads->cpus[cpu])
		threads->cpus[cpu] = calloc(1, sizeof(*threads->cpus[cpu]));
	return threads->cpus[cpu];
}

/* ---- States. */

static struct piece state_waiting(const struct threads *threads, const struct thread *thread)
{
	uint32_t runner = threads->cpus[thread->cpu]->runner;

	/* Named, so that it is a piece of its own: who held the CPU may yet turn out to be another. */
	if (runner == CULPRIT_IDLE)
		return (struct piece){.state = CAUSE_WAKE, .culprit = runner};
	return (struct piece){
		.state = culprit_collects(&threads->culprits, runner) ? CAUSE_GC_CPU : CAUSE_RUNQ,
		.culprit = runner,
	};
}

static struct piece state_running(const struct thread *thread)
{
	static const uint8_t states[SLOW_COUNT] = {
		[SLOW_ASSIST] = CAUSE_ASSIST, [SLOW_MARK] = STATE_MARK,
		[SLOW_SWEEP] = STATE_SWEEP,   [SLOW_ALLOC] = CAUSE_ALLOC,
	};

	for (uint32_t slow = SLOW_ASSIST; slow < SLOW_COUNT; slow++)
		if (thread->nest.inside[slow] && !thread->collector)
			return (struct piece){.state = states[slow]};
	return (struct piece){.state = CAUSE_OWN};
}

static struct piece thread_state(const struct threads *threads, const struct thread *thread)
{
	if (thread->nest.inside[SLOW_STOP] && thread->sched != SCHED_GONE)
		return (struct piece){.state = CAUSE_STOP};
	switch ((enum sched)thread->sched) {
	case SCHED_RUNNING:
		return state_running(thread);
	case SCHED_RUNNABLE:
		return state_waiting(threads, thread);
	case SCHED_WAKING:
		return (struct piece){.state = CAUSE_WAKE};
	case SCHED_ASLEEP:
		return (struct piece){.state = thread->asleep_state};
	case SCHED_UNKNOWN:
	case SCHED_GONE:
		break;
	}
	return (struct piece){.state = CAUSE_UNATTRIBUTED};
}

/* No record has ended the fault: it is taken to have ended before now. */
static void thread_end_fault(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	const struct piece *open = timeline_open(&thread->timeline);
	uint64_t until_ns = thread->fault_until_ns;

	thread->fault_until_ns = 0;
	if (!open || open->state != CAUSE_FAULT || !open->on_cpu)
		return;
	threads->fault_estimated_ns += (until_ns < time_ns ? until_ns : time_ns) - open->begin_ns;
	if (until_ns >= time_ns)
		return;
	struct piece piece = *open;
	piece.state = CAUSE_OWN;
	piece.begin_ns = until_ns;
	timeline_set(&thread->timeline, piece);
}

void thread_refresh(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	struct piece piece = thread_state(threads, thread);

	if (thread->fault_until_ns)
		thread_end_fault(threads, thread, time_ns);
	piece.begin_ns = time_ns;
	piece.cpu = thread->cpu;
	piece.on_cpu = thread->sched == SCHED_RUNNING;
	thread->timeline.cycle = threads->cycle;
	timeline_set(&thread->timeline, piece);
}

static void thread_leave_queue(struct threads *threads, struct thread *thread)
{
	struct thread **link = &threads->cpus[thread->cpu]->waiting;

	while (*link && *link != thread)
		link = &(*link)->next_waiting;
	if (*link)
		*link = thread->next_waiting;
	thread->next_waiting = NULL;
}

/*
 * Note [turns]: a switch that is not reported (Note [unseen] in schedule.c) is found out when the thread reads or writes. What it
 * began and ended in between, told by its flight ring, came while it was taken to stand in a run queue. It is kept,
 * so that the stretch is put together as it was: of an assist that was interrupted the rest is still an assist.
 */
static void turn_add(struct thread *thread, uint64_t time_ns)
{
	if (thread->turn_count < TURN_LIMIT)
		thread->turns[thread->turn_count++] = (struct turn){time_ns, state_running(thread).state};
}

void thread_move(struct threads *threads, struct thread *thread, enum sched sched, uint16_t cpu, uint64_t time_ns)
{
	struct cpu *queue = cpu_get(threads, cpu);

	if (thread->sched == SCHED_RUNNABLE)
		thread_leave_queue(threads, thread);
	else if (sched == SCHED_RUNNABLE)
		thread->runnable_ns = time_ns;
	if (thread->sched == SCHED_UNKNOWN && thread->damaged_ns)
		thread->damaged_ns = time_ns; /* a loss lasts until it is known again where the thread is */
	if (!queue)
		sched = SCHED_UNKNOWN;
	thread->sched = sched;
	thread->cpu = cpu;
	thread->came_ns = time_ns;
	thread->stolen_told_ns = 0;
	if (sched == SCHED_RUNNABLE) {
		thread->next_waiting = queue->waiting;
		queue->waiting = thread;
		thread->turn_count = 0;
		turn_add(thread, time_ns);
	}
	thread_refresh(threads, thread, time_ns);
}

void thread_turns(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	if (thread->sched == SCHED_RUNNABLE)
		turn_add(thread, time_ns);
	thread_refresh(threads, thread, time_ns);
}

void thread_ran_since(struct threads *threads, struct thread *thread, uint16_t cpu, uint64_t since_ns)
{
	uint64_t time_ns = since_ns;

	for (uint32_t i = 0; i < thread->turn_count; i++) {
		const struct turn *turn = &thread->turns[i];
		if (i + 1 < thread->turn_count && turn[1].time_ns <= since_ns)
			continue;
		time_ns = turn->time_ns > since_ns ? turn->time_ns : since_ns;
		timeline_set(&thread->timeline, (struct piece){.begin_ns = time_ns, .cpu = cpu, .state = (uint8_t)turn->state, .on_cpu = 1});
	}
	thread_move(threads, thread, SCHED_RUNNING, cpu, time_ns);
}

static void thread_damaged(struct thread *thread, uint64_t time_ns)
{
	thread->damaged_ns = time_ns;
	thread->open_requests = 0;
	thread->epoch++;
	cputime_doubt(&thread->cputime);
}

/* Nothing is known of it any more from now on. */
static void thread_lose(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	thread_damaged(thread, time_ns);
	threads->unmatched += nest_close(&thread->nest);
	threads->culprits.entries[thread->culprit].marking = 0;
	thread->called_early = 0;
	thread->fault_until_ns = 0;
	thread->nest_unsure_ns = time_ns;
	thread_move(threads, thread, SCHED_UNKNOWN, thread->cpu, time_ns);
}

void thread_doubt(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	if (thread->sched == SCHED_UNKNOWN)
		return;
	threads->doubts++;
	if (!thread->nest.inside[SLOW_STOP])
		timeline_recast(&thread->timeline, (enum state)CAUSE_UNATTRIBUTED, CULPRIT_NOBODY);
	thread_lose(threads, thread, time_ns);
}

void thread_end_unseen(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	threads->unmatched++;
	if (!thread->nest_unsure_ns)
		return;
	timeline_void(&thread->timeline, thread->nest_unsure_ns, time_ns, TIMELINE_EVERY_CPU);
	cputime_doubt(&thread->cputime);
	thread->damaged_ns = time_ns;
	thread->nest_unsure_ns = time_ns;
}

void thread_loses_events(struct threads *threads, struct thread *thread, uint64_t from_ns, uint64_t to_ns)
{
	threads->unmatched += nest_close(&thread->nest);
	timeline_void(&thread->timeline, from_ns, to_ns, TIMELINE_EVERY_CPU);
	cputime_doubt(&thread->cputime);
	thread->damaged_ns = to_ns;
	thread->nest_unsure_ns = to_ns;
	thread_refresh(threads, thread, to_ns);
}

/*
 * Note [outside]: the two probes of a pair are not switched on at the same instant, so of what is under way at attach the begin may be told
 * and the end not. It would stand open for ever.
 */
void thread_outside(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	if (thread->nest.depth)
		thread_loses_events(threads, thread, thread->nest.level[0].begin_ns, time_ns);
	thread->nest_unsure_ns = 0;
}

int thread_may_move(const struct threads *threads, const struct thread *thread)
{
	if (!threads->tail)
		return 0;
	return thread->sched == SCHED_RUNNING || thread->sched == SCHED_UNKNOWN ||
	       (thread->sched == SCHED_ASLEEP && thread->asleep_state == STATE_IDLE);
}

void thread_appears(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	if (thread->sched == SCHED_RUNNING)
		return;
	if (!thread_may_move(threads, thread))
		thread_doubt(threads, thread, time_ns);
	thread_move(threads, thread, SCHED_RUNNING, thread->cpu, time_ns);
}

void thread_acts(struct threads *threads, struct thread *thread, uint16_t cpu, uint64_t time_ns)
{
	thread->heard_ns = time_ns;
	thread->faulting = 0;
	if (thread->fault_until_ns)
		thread_refresh(threads, thread, time_ns);
	if (thread->sched == SCHED_RUNNING && thread->cpu == cpu)
		return;
	if (!thread_may_move(threads, thread))
		thread_doubt(threads, thread, time_ns);
	if (threads->switches_seen)
		thread_move(threads, thread, SCHED_RUNNING, cpu, time_ns);
}

void thread_faults(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	const struct piece *open = timeline_open(&thread->timeline);

	thread->faulting = 1;
	if (!open || open->state != CAUSE_OWN || !open->on_cpu)
		return;
	struct piece piece = *open;
	piece.state = CAUSE_FAULT;
	piece.begin_ns = time_ns;
	timeline_set(&thread->timeline, piece);
	thread->fault_begin_ns = time_ns;
	thread->fault_until_ns = time_ns + threads->fault_minor_ns;
}

/* A long fault ends here; the way there and back of a short one costs more than what lies between the records. */
void thread_paged(struct threads *threads, struct thread *thread, uint64_t time_ns)
{
	const struct piece *open = timeline_open(&thread->timeline);

	thread->heard_ns = time_ns;
	thread->faulting = 0;
	if (!open || open->state != CAUSE_FAULT || !open->on_cpu || time_ns < thread->fault_until_ns)
		return;
	thread->fault_until_ns = 0;
	thread_refresh(threads, thread, time_ns);
}

/* A thread computes no longer than this between a fault that is over and a sleep for another reason that looks alike. */
#define FAULT_AWAKE_NS 2000000u

void thread_sleeps_in_fault(struct thread *thread, uint64_t time_ns)
{
	if (thread->fault_until_ns && time_ns - thread->fault_begin_ns < FAULT_AWAKE_NS)
		thread->fault_until_ns = 0;
}

void thread_steal_told(struct threads *threads, struct thread *thread, uint32_t count_ns, uint64_t time_ns)
{
	uint32_t taken_ns = count_ns - thread->stolen_ns;

	threads->steal_told = 1;
	if (thread->stolen_told_ns && taken_ns)
		timeline_steal(&thread->timeline, thread->stolen_told_ns, time_ns, taken_ns);
	thread->stolen_ns = count_ns;
	thread->stolen_told_ns = time_ns;
}

void cpu_refresh(struct threads *threads, struct cpu *cpu, uint64_t time_ns)
{
	for (struct thread *thread = cpu->waiting; thread; thread = thread->next_waiting)
		thread_refresh(threads, thread, time_ns);
}

/* ---- Losses and the end. */

static void thread_damage(struct threads *threads, struct thread *thread, uint16_t cpu, uint64_t from_ns, uint64_t to_ns)
{
	if (!threads->tail && thread->sched == SCHED_RUNNING && thread->cpu != cpu && thread->came_ns <= from_ns)
		return; /* it was elsewhere all the time */
	if (thread->sched == SCHED_GONE)
		return;
	timeline_void(&thread->timeline, from_ns, to_ns, threads->tail ? TIMELINE_EVERY_CPU : cpu);
	thread_damaged(thread, to_ns);
	if (threads->tail || thread->sched != SCHED_RUNNING || thread->cpu == cpu)
		thread_lose(threads, thread, to_ns);
}

void threads_damage(struct threads *threads, uint16_t cpu, uint64_t from_ns, uint64_t to_ns)
{
	struct cpu *damaged = cpu_get(threads, cpu);

	for (uint32_t i = 0; i < threads->by_tid.capacity; i++)
		if (map_at(&threads->by_tid, i))
			thread_damage(threads, map_at(&threads->by_tid, i), cpu, from_ns, to_ns);
	if (damaged)
		damaged->runner = CULPRIT_NOBODY;
}

/* Of a thread that is forgotten only what the sums need. */
static void cputime_gather(struct cputime *sum, const struct cputime *one)
{
	sum->last_exec_ns += cputime_used_ns(one);
	sum->steal_ns += one->steal_ns;
	sum->switch_ns += one->switch_ns;
	sum->switches += one->switches;
}

void thread_forget(struct threads *threads, struct thread *thread)
{
	if (thread->sched == SCHED_RUNNABLE)
		thread_leave_queue(threads, thread);
	cputime_gather(thread->collector ? &threads->gone_collector : &threads->gone, &thread->cputime);
	threads->gone_assist_ns += thread->timeline.total[CAUSE_ASSIST];
	threads->gone_mark_ns += thread->timeline.total[STATE_MARK];
	if (threads->recent == thread)
		threads->recent = NULL;
	map_remove(&threads->by_tid, thread->tid);
	thread_free(thread);
}
