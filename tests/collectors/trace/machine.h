/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated machine: CPUs, threads of the target, a collector thread, strangers, sockets. Random steps change its state;
 * it keeps the truth (what each thread did when, every request) and tells the records that the BPF programs would write.
 *
 * The truth is kept in the plainest way, one entry per change and summed by walking all of it, so that nothing of the
 * code under test is used to judge it. The same seed gives the same machine.
 */
#ifndef MEMLAB_TESTS_MACHINE_H
#define MEMLAB_TESTS_MACHINE_H

#include "records.h"

#define MACHINE_CPUS 2
#define MACHINE_THREADS 4 /* 101 to 104; 101 to 103 serve, 104 is the collector's */
#define MACHINE_SOCKS 3   /* per thread */
#define MACHINE_NEST 3
#define FIRST_TID 101u
#define COLLECTOR_TID 104u

enum { M_RUNNING, M_QUEUED, M_WAKING, M_ASLEEP };
enum { T_IDLE = CAUSE_COUNT }; /* a truth beside the causes: asleep, serving nobody */

struct moment {
	uint64_t time_ns;
	int what; /* enum cause or T_IDLE */
};

struct machine_sock {
	uint64_t arrival_ns, begin_ns; /* begin_ns 0: nothing open */
	uint64_t sent_ns;
	uint64_t requests;
};

struct machine_thread {
	int where, cpu, blocked, open;
	int nest[MACHINE_NEST], depth; /* begin events */
	uint64_t exec_ns, in_ns;
	struct moment *truth;
	uint32_t count, capacity;
	struct machine_sock socks[MACHINE_SOCKS];
};

struct truth {
	uint64_t sock, arrival_ns, begin_ns, end_ns;
	struct blame queue, service;
};

struct machine {
	struct story *story;
	uint64_t random, now_ns;
	uint32_t runner[MACHINE_CPUS]; /* tid; 0: idle */
	struct machine_thread threads[MACHINE_THREADS];
	struct truth *requests;
	uint32_t request_count, request_capacity;
};

static inline uint64_t machine_random(struct machine *machine, uint64_t below)
{
	machine->random = machine->random * 6364136223846793005ull + 1442695040888963407ull;
	return (machine->random >> 33) % below;
}

static inline struct machine_thread *machine_thread(struct machine *machine, uint32_t tid)
{
	return tid >= FIRST_TID && tid < FIRST_TID + MACHINE_THREADS ? &machine->threads[tid - FIRST_TID] : NULL;
}

static inline uint64_t machine_sock_number(uint32_t tid, int index)
{
	return tid * 10ull + (uint64_t)index;
}

static inline int thread_inside(const struct machine_thread *thread, int event)
{
	for (int i = 0; i < thread->depth; i++)
		if (thread->nest[i] == event)
			return 1;
	return 0;
}

static inline int truth_running(const struct machine_thread *thread)
{
	if (thread_inside(thread, EVENT_gc_assist_begin))
		return CAUSE_ASSIST;
	if (thread_inside(thread, EVENT_gc_mark_begin))
		return CAUSE_GC_CPU;
	return thread_inside(thread, EVENT_gc_alloc_slow_begin) ? CAUSE_ALLOC : CAUSE_OWN;
}

static inline int truth_queued(struct machine *machine, const struct machine_thread *thread)
{
	uint32_t runner = machine->runner[thread->cpu];
	struct machine_thread *other = machine_thread(machine, runner);

	if (runner == 0)
		return CAUSE_WAKE;
	if (runner == COLLECTOR_TID || (other && thread_inside(other, EVENT_gc_mark_begin)))
		return CAUSE_GC_CPU;
	return CAUSE_RUNQ;
}

static inline int truth_now(struct machine *machine, const struct machine_thread *thread)
{
	if (thread_inside(thread, EVENT_gc_stop_begin))
		return CAUSE_STOP;
	switch (thread->where) {
	case M_RUNNING:
		return truth_running(thread);
	case M_QUEUED:
		return truth_queued(machine, thread);
	case M_WAKING:
		return CAUSE_WAKE;
	}
	return thread->blocked ? (int)CAUSE_BLOCKED : (int)T_IDLE;
}

/* After every step: what is true of everybody from now on. */
static inline void machine_note(struct machine *machine)
{
	for (int i = 0; i < MACHINE_THREADS; i++) {
		struct machine_thread *thread = &machine->threads[i];
		if (thread->count == thread->capacity) {
			thread->capacity = thread->capacity ? 2 * thread->capacity : 256;
			thread->truth = realloc(thread->truth, thread->capacity * sizeof(*thread->truth));
			assert_non_null(thread->truth);
		}
		thread->truth[thread->count++] = (struct moment){machine->now_ns, truth_now(machine, thread)};
	}
}

static inline struct blame truth_blame(const struct machine_thread *thread, uint64_t from_ns, uint64_t to_ns, int idle_is)
{
	struct blame blame = {{0}};

	for (uint32_t i = 0; i < thread->count; i++) {
		uint64_t begin_ns = thread->truth[i].time_ns;
		uint64_t end_ns = i + 1 < thread->count ? thread->truth[i + 1].time_ns : UINT64_MAX;
		int what = thread->truth[i].what == T_IDLE ? idle_is : thread->truth[i].what;
		if (begin_ns < from_ns)
			begin_ns = from_ns;
		if (end_ns > to_ns)
			end_ns = to_ns;
		if (end_ns > begin_ns)
			blame.ns[what] += end_ns - begin_ns;
	}
	return blame;
}

static inline struct machine machine_new(struct story *story, uint64_t seed)
{
	struct machine machine = {.story = story, .random = seed * 2654435761u + 12345, .now_ns = SECOND};

	for (uint32_t i = 0; i < MACHINE_THREADS; i++) {
		machine.threads[i].where = M_ASLEEP;
		tell_task(story, SECOND - MS, 0, FIRST_TID + i, ASLEEP, 0);
	}
	tell(story, SECOND - MS, 1, COLLECTOR_TID, EVENT_gc_worker, 1, 1);
	tell_task(story, SECOND - MS + 1, 1, COLLECTOR_TID, ASLEEP, 0);
	tell(story, SECOND - MS + 1, 1, COLLECTOR_TID, EVENT_gc_cycle_begin, 1, 0);
	/* A first switch, so that acting threads are known to run. */
	tell_switch(story, SECOND - MS + 2, 1, COLLECTOR_TID, RECORD_LEFT_SLEEPING, 0);
	machine.now_ns = SECOND - MS;
	machine_note(&machine);
	machine.now_ns = SECOND;
	return machine;
}

static inline void machine_free(struct machine *machine)
{
	for (int i = 0; i < MACHINE_THREADS; i++)
		free(machine->threads[i].truth);
	free(machine->requests);
}

/* ---- Steps. */

static inline int machine_waits(const struct machine *machine, int cpu)
{
	for (int i = 0; i < MACHINE_THREADS; i++)
		if (machine->threads[i].where == M_QUEUED && machine->threads[i].cpu == cpu)
			return 1;
	return 0;
}

/* Who could run next: a queued thread of the target, a stranger, or nobody when nobody waits. */
static inline uint32_t machine_next(struct machine *machine, int cpu)
{
	uint32_t start = (uint32_t)machine_random(machine, MACHINE_THREADS);

	if (machine_random(machine, 4) == 0)
		return 900 + (uint32_t)machine_random(machine, 3);
	for (uint32_t i = 0; i < MACHINE_THREADS; i++) {
		uint32_t n = (start + i) % MACHINE_THREADS;
		if (machine->threads[n].where == M_QUEUED && machine->threads[n].cpu == cpu)
			return FIRST_TID + n;
	}
	return machine_random(machine, 2) ? 0 : 900 + (uint32_t)machine_random(machine, 3);
}

static inline void machine_switch(struct machine *machine, int cpu, int sleeps)
{
	uint32_t prev = machine->runner[cpu], next = machine_next(machine, cpu);
	struct machine_thread *leaves = machine_thread(machine, prev), *comes = machine_thread(machine, next);

	if (prev == next || (next == 0 && leaves && !sleeps))
		return;
	int told = leaves || comes || machine_waits(machine, cpu);
	if (leaves) {
		leaves->exec_ns += machine->now_ns - leaves->in_ns;
		leaves->where = sleeps ? M_ASLEEP : M_QUEUED;
		leaves->blocked = leaves->open > 0;
	}
	if (comes) {
		comes->where = M_RUNNING;
		comes->in_ns = machine->now_ns;
	}
	machine->runner[cpu] = next;
	if (!told)
		return;
	struct record_switch *record =
		tell_switch(machine->story, machine->now_ns, (uint32_t)cpu, prev,
			    leaves && sleeps ? RECORD_LEFT_SLEEPING : RECORD_LEFT_PREEMPTED, next);
	record->prev_exec_ns = leaves ? leaves->exec_ns : 0;
}

static inline void machine_wake(struct machine *machine, uint32_t tid)
{
	struct machine_thread *thread = machine_thread(machine, tid);
	uint32_t cpu = (uint32_t)machine_random(machine, MACHINE_CPUS);

	if (thread->where == M_ASLEEP) {
		thread->where = M_WAKING;
		tell_waking(machine->story, machine->now_ns, cpu, tid);
	} else if (thread->where == M_WAKING) {
		thread->where = M_QUEUED;
		thread->cpu = (int)machine_random(machine, MACHINE_CPUS);
		tell_wake(machine->story, RECORD_WAKEUP, machine->now_ns, cpu, tid, (uint32_t)thread->cpu,
			  machine->runner[cpu]);
	}
}

/* The hypervisor takes a little of all CPUs all the time, at most 2 %: no cause may change by that. */
static inline uint32_t machine_steal_ns(const struct machine *machine)
{
	return (uint32_t)(machine->now_ns / 50) + 1;
}

static inline void machine_recv(struct machine *machine, uint32_t tid, struct machine_thread *thread, int index)
{
	struct machine_sock *sock = &thread->socks[index];

	sock->begin_ns = machine->now_ns;
	sock->arrival_ns = machine->now_ns - machine_random(machine, 300 * US);
	thread->open++;
	tell_recv(machine->story, machine->now_ns, machine->runner[0] == tid ? 0 : 1, tid, machine_sock_number(tid, index),
		  sock->arrival_ns)->cpu_stolen_ns = machine_steal_ns(machine);
}

static inline void machine_answer(struct machine *machine, uint32_t tid, struct machine_thread *thread, int index)
{
	struct machine_sock *sock = &thread->socks[index];
	uint32_t cpu = machine->runner[0] == tid ? 0 : 1;
	uint64_t number = machine_sock_number(tid, index);

	if (machine->request_count == machine->request_capacity) {
		machine->request_capacity = machine->request_capacity ? 2 * machine->request_capacity : 64;
		machine->requests = realloc(machine->requests, machine->request_capacity * sizeof(*machine->requests));
		assert_non_null(machine->requests);
	}
	machine->requests[machine->request_count++] =
		(struct truth){.sock = number, .arrival_ns = sock->arrival_ns, .begin_ns = sock->begin_ns, .end_ns = machine->now_ns};
	tell_send(machine->story, machine->now_ns, cpu, tid, number)->cpu_stolen_ns = machine_steal_ns(machine);
	tell_end(machine->story, machine->now_ns, cpu, tid, number, sock->begin_ns);
	sock->begin_ns = 0;
	sock->requests++;
	thread->open--;
}

static inline void machine_begin(struct machine *machine, uint32_t tid, struct machine_thread *thread, uint32_t cpu)
{
	static const int events[] = {EVENT_gc_alloc_slow_begin, EVENT_gc_assist_begin, EVENT_gc_stop_begin,
				     EVENT_gc_mark_begin};

	if (thread->depth == MACHINE_NEST)
		return;
	thread->nest[thread->depth] = events[machine_random(machine, 4)];
	tell(machine->story, machine->now_ns, cpu, tid, (uint32_t)thread->nest[thread->depth++], 1, 4);
}

static inline void machine_end(struct machine *machine, uint32_t tid, struct machine_thread *thread, uint32_t cpu)
{
	tell(machine->story, machine->now_ns, cpu, tid, (uint32_t)thread->nest[--thread->depth] + 1, 1, 0);
}

/* A serving thread on a CPU does something. */
static inline void machine_act(struct machine *machine, uint32_t cpu)
{
	uint32_t tid = machine->runner[cpu];
	struct machine_thread *thread = machine_thread(machine, tid);
	int index = (int)machine_random(machine, MACHINE_SOCKS);

	if (!thread || tid == COLLECTOR_TID)
		return;
	switch (machine_random(machine, 4)) {
	case 0:
		machine_begin(machine, tid, thread, cpu);
		break;
	case 1:
		if (thread->depth)
			machine_end(machine, tid, thread, cpu);
		break;
	default:
		if (thread->depth)
			machine_end(machine, tid, thread, cpu);
		else if (thread->socks[index].begin_ns)
			machine_answer(machine, tid, thread, index);
		else
			machine_recv(machine, tid, thread, index);
	}
}

static inline void machine_step(struct machine *machine)
{
	uint32_t cpu = (uint32_t)machine_random(machine, MACHINE_CPUS);

	machine->now_ns += 1 + machine_random(machine, 20 * US);
	switch (machine_random(machine, 8)) {
	case 0:
		machine_switch(machine, (int)cpu, (int)machine_random(machine, 2));
		break;
	case 1:
	case 2:
		machine_wake(machine, FIRST_TID + (uint32_t)machine_random(machine, MACHINE_THREADS));
		break;
	default:
		machine_act(machine, cpu);
	}
	machine_note(machine);
}

static inline void machine_run(struct machine *machine, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++)
		machine_step(machine);
	for (uint32_t i = 0; i < machine->request_count; i++) {
		struct truth *truth = &machine->requests[i];
		struct machine_thread *thread = machine_thread(machine, (uint32_t)(truth->sock / 10));
		truth->queue = truth_blame(thread, truth->arrival_ns, truth->begin_ns, CAUSE_UNATTRIBUTED);
		/* Asleep for a moment after the arrival is the delivery of the wakeup. */
		struct blame delivery = truth_blame(thread, truth->arrival_ns, truth->begin_ns, CAUSE_WAKE);
		if (delivery.ns[CAUSE_WAKE] - truth->queue.ns[CAUSE_WAKE] <= 5 * US)
			truth->queue = delivery;
		truth->service = truth_blame(thread, truth->begin_ns, truth->end_ns, CAUSE_BLOCKED);
	}
}

#endif
