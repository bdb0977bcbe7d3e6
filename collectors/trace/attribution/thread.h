/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread: all that is known of one thread of the target: where the scheduler has it, which of the runtime's
 * slow things it is inside of, and the timeline that follows from the two.
 *
 * The state at an instant, in order of precedence: stop (whatever the scheduler says); off the CPU; the innermost of the
 * runtime's states; own. thread_refresh writes it to the timeline and is called after every change.
 *
 * A thread whose records contradict each other is *doubted*: records must have been lost, whoever lost them. What was
 * believed of it since its last record becomes unattributed, its requests count as damaged, and it is
 * unknown until a record says where it is. After a doubt or a loss its slow things are not known either: an end
 * without a begin shows that it was inside something all the time, so that time becomes unattributed too. A thread
 * that reads or writes a socket is inside of nothing. One thread at a time.
 */
#ifndef MEMLAB_ATTRIBUTION_THREAD_H
#define MEMLAB_ATTRIBUTION_THREAD_H

#include <stdint.h>

#include "cputime.h"
#include "culprit.h"
#include "map.h"
#include "replay.h"
#include "timeline.h"

enum sched {
	SCHED_UNKNOWN, /* until a scheduler record or a task record tells */
	SCHED_RUNNING,
	SCHED_RUNNABLE, /* in the run queue of thread->cpu */
	SCHED_WAKING,
	SCHED_ASLEEP,
	SCHED_GONE
};

/* What a thread can be inside of, from begin and end events. */
enum slow {
	SLOW_STOP, /* handshake, stopped world, unpark */
	SLOW_ASSIST,
	SLOW_MARK, /* marking or sweeping for the collector with nothing else to do */
	SLOW_SWEEP,
	SLOW_ALLOC,
	SLOW_COUNT
};

/* What a thread in a run queue would be doing if it had the CPU; Note [turns] in thread.c. */
#define TURN_LIMIT 8
struct turn {
	uint64_t time_ns;
	uint32_t state;
};

#define NEST_LIMIT 16
struct nest {
	uint32_t depth;
	struct nest_level {
		uint64_t begin_ns;
		uint32_t event; /* id of the begin event; the end's is the next */
		uint32_t slow;
	} level[NEST_LIMIT];
	uint8_t inside[SLOW_COUNT]; /* levels of each kind */
};

/* What a client says of its request, until the request's end follows; send_ns 0: nothing. */
struct client_times {
	uint64_t intended_ns, send_ns;
	uint64_t told_ns; /* when the service passed it on: the request had begun */
	uint32_t epoch;   /* of the thread, then */
	uint16_t peer_port;
};

struct thread {
	uint32_t tid;
	uint32_t culprit; /* its own number */
	uint8_t sched;
	uint8_t asleep_state; /* CAUSE_BLOCKED, CAUSE_FAULT or STATE_IDLE, while asleep */
	uint8_t collector;    /* one of the collector's own; never one that serves */
	uint8_t serves;       /* has read requests */
	uint8_t called_early; /* the wakeup call came before the thread was off its CPU */
	uint8_t faulting;     /* in a page fault whose page has not come, as far as its records tell */
	uint16_t cpu;
	struct thread *next_waiting; /* of the same CPU's run queue */
	struct nest nest;
	struct turn turns[TURN_LIMIT]; /* the first is as of its coming into the queue */
	uint32_t turn_count;
	uint32_t open_requests;   /* read by this thread in this epoch, unanswered */
	uint32_t epoch;           /* a loss begins a new one: nobody knows what is still open */
	uint64_t fault_begin_ns;  /* of the piece on a CPU that belongs to a page fault */
	uint64_t fault_until_ns;  /* if no record ends it, it is taken to end here; 0: none */
	uint64_t heard_ns;        /* its last record */
	uint64_t called_ns;       /* its wakeup, until it has a CPU; 0: none */
	uint64_t runnable_ns;     /* since when it stands in a run queue, while it does */
	uint64_t delay_ns;        /* its run-queue wait so far by the kernel's account; Note [unseen] in schedule.c */
	uint8_t delay_known;
	uint64_t damaged_ns;      /* losses concern it up to here */
	uint64_t nest_unsure_ns;  /* since then its nest may lack begins that were lost; 0: it is known */
	uint64_t last_sock;       /* that it read or wrote */
	struct client_times client; /* of the request that it ends next */
	uint32_t steal_ns;        /* its CPU's count of steal when it came there, low 32 bits */
	uint32_t stolen_ns;       /* the same by the hypervisor's own word, as last told */
	uint64_t stolen_told_ns;  /* when that was, on the CPU where it has run ever since; 0: not known */
	uint64_t came_ns;         /* since when it has run there */
	struct timeline timeline;
	struct cputime cputime;
	struct replay_point replay, replay_earlier; /* the last, and the one before */
};

struct cpu {
	uint32_t runner; /* culprit number of who is on it, as far as known */
	struct thread *waiting;
};

/* All threads and CPUs of one attribution. */
struct threads {
	struct map by_tid;
	struct thread *recent; /* the last one asked for */
	struct cpu **cpus;     /* by number; NULL: never heard of */
	uint32_t cpu_limit;
	struct culprits culprits;
	uint64_t cycle;           /* the collection that runs, or the last that ran */
	uint64_t fault_minor_ns;  /* what a minor fault without an end is taken to cost; 0: not estimated */
	uint64_t fault_estimated_ns; /* time so estimated */
	uint64_t doubts;          /* contradictions */
	uint64_t unmatched;       /* ends without begins, begins without ends */
	uint8_t steal_told;       /* by a hypervisor, ever */
	uint8_t switches_seen;    /* scheduler records do come, so whoever acts is known to run until it is switched out */
	uint8_t no_sched;
	uint8_t tail; /* tail mode: a running thread may have slept in a wait for events, and come back elsewhere */
	struct cputime gone, gone_collector; /* of threads that were forgotten */
	uint64_t gone_assist_ns, gone_mark_ns;
};

int threads_init(struct threads *threads); /* 0 or -ENOMEM */
void threads_free(struct threads *threads);

struct thread *thread_find(struct threads *threads, uint32_t tid); /* or NULL */
struct thread *thread_get(struct threads *threads, uint32_t tid);  /* made when new; NULL: no memory */
struct cpu *cpu_get(struct threads *threads, uint16_t cpu);        /* the same; never NULL for a known one */
void thread_forget(struct threads *threads, struct thread *thread);

void thread_refresh(struct threads *threads, struct thread *thread, uint64_t time_ns);
void thread_move(struct threads *threads, struct thread *thread, enum sched sched, uint16_t cpu, uint64_t time_ns);
void thread_doubt(struct threads *threads, struct thread *thread, uint64_t time_ns);

/* Its nest has changed. */
void thread_turns(struct threads *threads, struct thread *thread, uint64_t time_ns);

/* A thread that was taken to stand in a run queue has had the CPU since then. */
void thread_ran_since(struct threads *threads, struct thread *thread, uint16_t cpu, uint64_t since_ns);

/* The thread did something itself on this CPU, so it runs there. */
void thread_acts(struct threads *threads, struct thread *thread, uint16_t cpu, uint64_t time_ns);

/* Records of the thread's own were lost between the two (its flight ring's). */
void thread_loses_events(struct threads *threads, struct thread *thread, uint64_t from_ns, uint64_t to_ns);

/* Tail mode does not tell how the thread came where it is: no contradiction. */
int thread_may_move(const struct threads *threads, const struct thread *thread);

/* The thread was running at that time, whatever CPU it was on. */
void thread_appears(struct threads *threads, struct thread *thread, uint64_t time_ns);

/*
 * It reads a request or answers one, so it is in the middle of nothing: what stands open has lost its end and is not known
 * (Note [outside]).
 */
void thread_outside(struct threads *threads, struct thread *thread, uint64_t time_ns);

/* A slow thing ended whose begin was not seen. */
void thread_end_unseen(struct threads *threads, struct thread *thread, uint64_t time_ns);

/*
 * A page fault began, or goes on on a CPU. It lasts fault_minor_ns, at most until the thread's next record. If its page comes
 * later, it lasts until then; and if the thread sleeps in it, until that in any case.
 */
void thread_faults(struct threads *threads, struct thread *thread, uint64_t time_ns);
void thread_paged(struct threads *threads, struct thread *thread, uint64_t time_ns);
void thread_sleeps_in_fault(struct thread *thread, uint64_t time_ns);

/* What the hypervisor says it has taken from the running thread's CPU so far is now count_ns (low 32 bits): see timeline_steal. */
void thread_steal_told(struct threads *threads, struct thread *thread, uint32_t count_ns, uint64_t time_ns);

/* Records of this CPU were lost between the two. */
void threads_damage(struct threads *threads, uint16_t cpu, uint64_t from_ns, uint64_t to_ns);

/* Every thread that waits on a CPU sees who runs there now. */
void cpu_refresh(struct threads *threads, struct cpu *cpu, uint64_t time_ns);

#endif
