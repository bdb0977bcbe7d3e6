/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where records come from: a live process or a recording. Both are opened, drained on
 * a timer and closed the same way, and what follows cannot tell them apart.
 *
 * Live: BPF programs write into a ring that nobody is woken for; call source_drain every few
 * tens of milliseconds. Nothing of the target is stopped or traced with ptrace. Everything is held by
 * descriptors: when the tracer ends in whatever way, nothing stays behind.
 *
 * One thread at a time per source. Functions return 0 (or a count) or a negative errno; those that
 * open explain a failure in *error.
 */
#ifndef MEMLAB_SOURCE_H
#define MEMLAB_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../../bpf/record.h"
#include "error.h"

struct source;

/* CPU samples: about a thousand a second on each CPU, out of step with whatever else does things every millisecond. */
#define SOURCE_SAMPLE_PERIOD_NS 1003009u

struct source_options {
	pid_t pid;         /* in the tracer's PID namespace; any thread of the target */
	bool watch_alloc;  /* every allocation of the collected heap, with its stack */
	bool watch_alloc_samples; /* those that the target samples, with their stacks */
	bool watch_malloc; /* every call of the process's malloc library, with its stack; works for any program */
	bool flight;    /* take finished requests from the target's flight rings, if it has them, instead of trapping */
	bool watch_all; /* also the probes no result needs and that may fire often: gc_pool_miss */
	bool watch_faults; /* page faults, user and kernel */
	bool tail;       /* tail mode from the start (see source_tail); implies flight */
	bool sample_cpu;    /* the stacks of what runs, every SOURCE_SAMPLE_PERIOD_NS on each CPU */
	bool sample_offcpu; /* the stack of each thread that leaves its CPU */
	bool no_sched;     /* withhold the scheduler's records */
	bool withhold_arrivals; /* and when bytes were queued to sockets */
	bool no_probes;    /* withhold the probes: what a process without any would show */
	uint16_t client_of; /* the target is a client: its sockets are those connected to this port; 0: a server */
	bool watch_sends;  /* when the kernel began each send (needs kernel 6.16; else not told) */
	bool count_run_time; /* what the BPF programs take, for the first tenth of a second (run_time.h) */
	bool perf_links;   /* attach probes the old way even where uprobe_multi works */
	bool verbose;      /* libbpf's own messages on stderr */
	size_t ring_bytes; /* 0: 8 MiB; rounded up to a power of two */
};

/* A probe of the target, in the order of the file. */
struct target_probe {
	uint32_t event; /* id in probes.def; 0: the target has it, this tracer does not know it */
	char name[64];
	bool attached;
};

#define TARGET_PORTS 16

struct target_info {
	uint32_t tgid;   /* initial PID namespace: what records carry */
	uint32_t pid;    /* as the tracer names it */
	uint32_t ns_pid; /* as it names itself */
	char comm[16];
	char exe[256];
	const char *kind;      /* "memlab-svc", "process", ... (targets/kind.c) */
	const char *missing;   /* one line: causes that cannot be seen; NULL: none */
	bool has_request_end;  /* requests are framed by the program's own end probe */
	bool no_sched;         /* the scheduler's records are withheld */
	const char *link_kind; /* "uprobe_multi", "perf links", "none" */
	uint32_t probes_found, probes_attached;
	const struct target_probe *probes; /* probes_found of them, valid until source_close */
	bool flight;                       /* requests come from the flight rings */
	bool sends_begin;                  /* when the kernel begins each send is told */
	bool tail;                         /* tail mode has begun */
	uint32_t malloc_functions;         /* watched for watch_malloc */
	char malloc_refused[192];          /* the first function that has no cheap place for a probe, and why; "" */
	uint64_t load_ns;        /* from opening until the kernel had checked the programs: nothing is touched yet */
	uint64_t attach_ns;      /* from the first link to the last */
	uint64_t attached_at_ns; /* CLOCK_MONOTONIC */
	uint64_t fault_ns;       /* what a page fault without an end costs there (fault_cost.h); 0: not known */
	uint16_t ports[TARGET_PORTS]; /* listened on, as of this call, lowest first */
	uint32_t port_count;          /* of all, also beyond TARGET_PORTS */
	char run_json[1024];          /* the target's description of its run; "" if it gives none */
};

#define SOURCE_EVENTS 64 /* event ids are below */

struct source_counts {
	uint64_t written, lost, received; /* records; written - received are still in the ring */
	uint64_t written_of[RECORD_KIND_LIMIT], lost_of[RECORD_KIND_LIMIT], received_of[RECORD_KIND_LIMIT];
	uint64_t event_hits[SOURCE_EVENTS]; /* by event id, losses included */
	uint64_t samples;                   /* of sample_cpu and sample_offcpu, losses included */
	uint64_t traps;                     /* hits of probes: event_hits without what came from flight rings */
	uint64_t flights;                   /* entries of flight rings, losses included */
	uint64_t bpf_ns, bpf_runs, bpf_over_ns; /* of BPF programs in whatever process, over how long (run_time.h); 0: not known, or not yet */
	uint32_t cpus;                      /* that wrote anything */
	uint32_t execs;                     /* the target has replaced its program since attach */
	uint32_t
		stranger_tgid; /* the target has read nothing, but this process has, from the target's ports; 0: none */
	char stranger_comm[16];
	uint32_t waiting;              /* threads of the target in run queues now */
};

/* On failure *source is untouched. */
int source_open_live(const struct source_options *options, struct source **source, struct source_error *error);

/* A file made by recording.h. */
int source_open_recording(const char *path, struct source **source, struct source_error *error);

void source_close(struct source *source); /* NULL allowed */

/*
 * Hands over every record that is there now, and behind them, uncounted, how far that goes (RECORD_COMPLETE); the pointer is valid only inside
 * `take`. Returns their number. Live: also renews the threads' states once a second. A recording hands over
 * a block per call and returns 0 at its end, or a negative errno where it is damaged (source_trouble).
 */
int source_drain(struct source *source, void (*take)(void *context, const struct record *record), void *context);

/*
 * Up to when every record there is has been handed over, as RECORD_COMPLETE told last; of a recording 0. It stands still while the
 * kernel keeps a record back that it has begun to write.
 */
uint64_t source_complete_ns(const struct source *source);

/* The clock of the records: CLOCK_MONOTONIC. */
uint64_t source_now_ns(void);

/* False once the target has ended; a recording's target is dead when all is read. */
bool source_target_alive(const struct source *source);

void source_info(const struct source *source, struct target_info *info);
void source_counts(const struct source *source, struct source_counts *counts);

/*
 * Tail mode, from a moment later on and for good: requests come whole as record_request, of the scheduler only what can
 * have delayed one is told (bpf/record.h), and a record_mode says from when. -ENOTSUP: the target keeps no
 * flight rings, or this is a recording.
 */
int source_tail(struct source *source);

/* What is wrong with the records, "cause; next step": a recording cut short or damaged. "": nothing. */
const char *source_trouble(const struct source *source);

/* A recording's attachment (symbols, say), valid until source_close; NULL: there is none of this name. */
const void *source_attachment(const struct source *source, const char *name, size_t *size);

#endif
