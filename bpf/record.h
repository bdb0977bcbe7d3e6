/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Contract 2: what the BPF programs write into the ring, and what a recording holds.
 *
 * Every record starts with struct record: when, where, which kind. `time_ns` is
 * CLOCK_MONOTONIC, taken after the ring gave the room, so that within one CPU records
 * are in order of both `seq` and `time_ns`. `seq` counts the records a CPU tried to
 * write, `lost` how many of those found no room: a gap in `seq` is a growth of `lost`,
 * and the damage is bounded by the two neighbouring records of that CPU.
 * Records of different CPUs arrive mixed; who needs the order merges by
 * (time_ns, cpu, seq) behind a watermark.
 *
 * Thread and process ids are those of the initial PID namespace (task_struct's own);
 * record_task carries the target's name for the thread as well. Sockets are named by
 * `sock`, unique while the socket lives (its kernel address), and by ports in host order.
 *
 * Sizes are fixed and asserted. Change a layout only together with RECORD_VERSION.
 */
#ifndef MEMLAB_RECORD_H
#define MEMLAB_RECORD_H

#ifdef __bpf__
typedef __u8 record_u8;
typedef __u16 record_u16;
typedef __u32 record_u32;
typedef __u64 record_u64;
#else
#include <stdint.h>
typedef uint8_t record_u8;
typedef uint16_t record_u16;
typedef uint32_t record_u32;
typedef uint64_t record_u64;
#endif

#define RECORD_VERSION 5
#define RECORD_COMM_BYTES 16
#define RECORD_STACK_DEPTH 48
#define RECORD_CPU_LIMIT 1024 /* numbers from here on are no CPUs but flight rings, each with its own seq and lost */

enum record_kind {
	RECORD_SWITCH = 1,  /* a CPU changed from one thread to another */
	RECORD_WAKING = 2,  /* somebody called for a sleeping thread of the target */
	RECORD_WAKEUP = 3,  /* the thread stands in a run queue */
	RECORD_RECV = 4,    /* a thread of the target read request bytes from a socket */
	RECORD_SEND = 5,    /* a thread of the target wrote answer bytes to a socket */
	RECORD_CLOSE = 6,   /* the socket is gone */
	RECORD_EVENT = 7,   /* a probe of probes.def fired */
	RECORD_STACK = 8,   /* the same, with the user stack */
	RECORD_FAULT = 9,   /* a page fault began or ended */
	/*
	 * A thread's state and counters as they are now: at attach, on creation, every second. In tail mode also told by the
	 * thread itself (h.cpu is task_cpu), with the time at which it came onto its CPU, if nobody has reported that.
	 */
	RECORD_TASK = 10,
	RECORD_EXIT = 11,   /* a thread of the target ended */
	RECORD_ARRIVAL = 12, /* bytes were queued to a socket; in the ring only, the source makes requests of them */
	RECORD_REQUEST = 13, /* a whole request, made by the source in tail mode */
	RECORD_MODE = 14,    /* from here on records are those of this mode; made by the source */
	RECORD_COMPLETE = 15, /* a struct record alone: all of before its time have been handed over; made by the source */
	RECORD_KIND_LIMIT = 16
};
#define RECORD_RING_LIMIT 13 /* the kinds below are those that BPF programs write */

struct record {
	record_u64 time_ns;
	record_u32 seq;  /* of this CPU, from 1 */
	record_u32 lost; /* of this CPU, so far */
	record_u32 tid;  /* the thread it is about; 0 for RECORD_SWITCH */
	record_u16 cpu;
	record_u8 kind;  /* enum record_kind */
	record_u8 words; /* length of the whole record in 8-byte words */
};

/* How a switched-out thread left its CPU. */
enum record_left {
	RECORD_LEFT_PREEMPTED = 0, /* still runnable */
	RECORD_LEFT_SLEEPING = 1,  /* interruptible */
	RECORD_LEFT_WAITING = 2,   /* uninterruptible: disk, page, lock */
	RECORD_LEFT_ENDED = 3,     /* exited, stopped or traced */
	RECORD_LEFT_FAULTING = 4   /* uninterruptible, in a page fault of the program's own: for its page */
};

/*
 * Written when the thread that leaves or the one that comes belongs to the target, and for
 * foreign pairs while a thread of the target waits in this CPU's run queue.
 */
struct record_switch {
	struct record h;
	record_u32 prev_tid, prev_tgid;
	record_u32 next_tid, next_tgid;
	record_u64 prev_exec_ns;      /* CPU time of prev so far (sum_exec_runtime); some us short if a wakeup preempted it */
	record_u64 next_run_delay_ns; /* run-queue wait of next (sched_info), without the one that ends here */
	record_u8 prev_left;          /* enum record_left */
	record_u8 pad;
	record_u16 next_waited_us; /* of next, whose wait for the CPU nobody has told; 0: it was told, or short */
	record_u32 cpu_steal_ns;      /* taken from this CPU by the hypervisor so far, as the scheduler counts it, low 32 bits; 0: it does not */
	char prev_comm[RECORD_COMM_BYTES], next_comm[RECORD_COMM_BYTES]; /* of strangers nothing else tells the name */
	record_u32 cpu_stolen_ns; /* the same by the hypervisor's own word; 0: it does not tell */
	record_u32 pad2;
};

/* h.tid is the thread that is woken; the rest names who holds the CPU it will wait for. */
struct record_wake { /* RECORD_WAKING, RECORD_WAKEUP */
	struct record h;
	record_u32 target_cpu;
	record_u32 current_tid, current_tgid; /* on the CPU where this happens, not on target_cpu */
	record_u32 running; /* WAKEUP only: the thread had not left its CPU yet and just goes on */
};

struct record_recv {
	struct record h;
	record_u64 sock;
	record_u64 arrival_ns; /* when the segment that holds the last byte read was queued; 0: unknown (before attach) */
	record_u64 exec_ns;      /* the thread's CPU time and run-queue wait so far; */
	record_u64 run_delay_ns; /* exec_ns is brought up to date only at ticks and switches */
	record_u32 bytes;
	record_u16 local_port, peer_port;
	record_u32 cpu_stolen_ns; /* taken from this CPU so far, by the hypervisor's own word, low 32 bits; 0: it does not tell */
	record_u32 pad;
};

struct record_send {
	struct record h;
	record_u64 sock;
	record_u64 run_delay_ns; /* the thread's run-queue wait so far */
	record_u64 begin_ns;     /* the kernel began to take the bytes; what it has sent of them by h.time_ns; 0: not watched */
	record_u32 bytes;
	record_u16 local_port, peer_port;
	record_u32 cpu_stolen_ns; /* as in record_recv */
	record_u32 pad;
};

struct record_close {
	struct record h;
	record_u64 sock;
	record_u16 local_port, peer_port;
	record_u32 pad;
};

struct record_event {
	struct record h;
	record_u32 event; /* id in probes.def */
	record_u32 run_delay_ns; /* the thread's run-queue wait so far, low 32 bits; 0: unknown */
	record_u64 args[6];
};

/* Events of record_stack that are no probes': samples of where the target's time goes (profile.bpf.c). */
enum record_sample {
	RECORD_SAMPLE_CPU = 0x100, /* a tick found the thread on a CPU; args[0]: 1 in the kernel, 0 in its own code */
	RECORD_SAMPLE_OFFCPU = 0x101 /* the thread leaves its CPU; args[0]: enum record_left */
};

struct record_stack {
	struct record h;
	record_u32 event;
	record_u32 depth; /* frames that are valid; RECORD_STACK_DEPTH: maybe cut short */
	record_u64 args[6];
	record_u64 frames[RECORD_STACK_DEPTH]; /* user addresses, innermost first */
};

/* Not every fault has an end: one that only changes the rights of a page, or copies it, has none. */
enum record_fault_what {
	RECORD_FAULT_USER = 0,   /* began in the program */
	RECORD_FAULT_KERNEL = 1, /* began in the kernel, on the program's memory */
	RECORD_FAULT_PAGED = 2   /* the page is there: all but the return is done; address 0 */
};

struct record_fault {
	struct record h;
	record_u64 address;
	record_u32 what;         /* enum record_fault_what */
	record_u32 run_delay_ns; /* as in record_event */
};

struct record_task {
	struct record h;
	record_u32 tgid;
	record_u32 ns_tid;  /* the thread's number in the target's own PID namespace */
	record_u8 running;  /* on a CPU now (h.cpu is the CPU that wrote this, task_cpu the thread's) */
	record_u8 runnable; /* in a run queue, not on a CPU */
	record_u16 task_cpu;
	record_u32 pad;
	record_u64 exec_ns;
	record_u64 run_delay_ns;
	record_u64 minor_faults, major_faults;
	char comm[RECORD_COMM_BYTES];
};

struct record_exit {
	struct record h;
	record_u64 exec_ns;
	record_u64 run_delay_ns;
};

/* Numbered apart from the others (trace_cpu.arrivals), because the source keeps it to itself. */
struct record_arrival {
	struct record h; /* h.tid 0 */
	record_u64 sock;
	record_u32 end; /* stream position after the last byte that has arrived */
	record_u16 local_port, peer_port;
};

enum record_request_flag {
	RECORD_REQUEST_SHARED = 1, /* came in the same bytes as the one before: has its arrival */
	RECORD_REQUEST_LOST = 2    /* arrivals were lost: arrival_ns is 0 for that reason */
};

struct record_request { /* h.time_ns: the end; h.tid: who served it */
	struct record h;
	record_u64 arrival_ns; /* of its last byte; 0: unknown */
	record_u64 begin_ns;   /* its handler began */
	record_u64 asleep_ns, awake_ns; /* the thread's last sleep before it, waiting for work; 0: not known */
	record_u64 sock; /* 0: unknown, as the arrival */
	record_u64 key, alloc_bytes;
	record_u32 allocs, info; /* info as in request_end */
	record_u16 local_port, peer_port;
	record_u32 flags; /* enum record_request_flag */
};

/*
 * In tail mode requests are RECORD_REQUEST, reads and sends are not told, and of the scheduler only what can make a
 * request wait: sleeps in a wait for events (poll and its kin) and wakeups to an idle CPU are left out.
 */
struct record_mode {
	struct record h;
	record_u32 tail; /* 0: exact */
	record_u32 pad;
};

#define RECORD_SIZE_CHECK(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type " changed its size")
RECORD_SIZE_CHECK(record, 24);
RECORD_SIZE_CHECK(record_switch, 104);
RECORD_SIZE_CHECK(record_wake, 40);
RECORD_SIZE_CHECK(record_recv, 72);
RECORD_SIZE_CHECK(record_send, 64);
RECORD_SIZE_CHECK(record_close, 40);
RECORD_SIZE_CHECK(record_event, 80);
RECORD_SIZE_CHECK(record_stack, 80 + 8 * RECORD_STACK_DEPTH);
RECORD_SIZE_CHECK(record_fault, 40);
RECORD_SIZE_CHECK(record_task, 88);
RECORD_SIZE_CHECK(record_exit, 40);
RECORD_SIZE_CHECK(record_arrival, 40);
RECORD_SIZE_CHECK(record_request, 96);
RECORD_SIZE_CHECK(record_mode, 32);

#endif
