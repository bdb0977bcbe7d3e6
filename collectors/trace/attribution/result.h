/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract 3: what attribution yields: which cause, for how long.
 *
 * A request's server time (arrival to end) is queue (arrival to begin) plus service
 * (begin to end). At every instant its thread is in exactly one state, so each span is
 * the exact sum of its causes:  sum(queue.ns) == begin - arrival,  sum(service.ns) == end - begin.
 * What no record explains is CAUSE_UNATTRIBUTED, never hidden in CAUSE_OWN.
 *
 * All times are CLOCK_MONOTONIC nanoseconds. Plain values: copy them as you like.
 */
#ifndef MEMLAB_RESULT_H
#define MEMLAB_RESULT_H

#include <stdint.h>

/* CAUSE(id, name, "the thread is ...") */
#define CAUSE_LIST(CAUSE)                                                                                              \
	CAUSE(OWN, own, "on a CPU in the program's own code, interrupts included")                                     \
	CAUSE(ALLOC, alloc, "on a CPU in the allocator's slow path")                                                   \
	CAUSE(ASSIST, assist, "marking because it allocates")                                                          \
	CAUSE(STOP, stop, "waiting for the collector: handshake, stopped world, unpark")                               \
	CAUSE(GC_CPU, gc_cpu, "runnable, its CPU taken by the process's own collector")                                \
	CAUSE(RUNQ, runq, "runnable, its CPU taken by somebody else")                                                  \
	CAUSE(WAKE, wake, "being woken: from the arrival or the wakeup call until it can run")                                      \
	CAUSE(BLOCKED, blocked, "asleep inside a request: lock, I/O")                                                  \
	CAUSE(FAULT, fault, "in a page fault")                                                                         \
	CAUSE(UNATTRIBUTED, unattributed, "not explained by any record")

enum cause {
#define CAUSE_ENUM(id, name, doc) CAUSE_##id,
	CAUSE_LIST(CAUSE_ENUM)
#undef CAUSE_ENUM
	CAUSE_COUNT
};

/* "own", "alloc", ...; never NULL for cause < CAUSE_COUNT. */
const char *cause_name(enum cause cause);

struct blame {
	uint64_t ns[CAUSE_COUNT];
};

/* A stretch of a thread's time in one cause: what a request's blame is cut from. */
struct stretch {
	uint64_t begin_ns, end_ns;
	enum cause cause;
	uint16_t cpu; /* where on_cpu, or where it waits */
	uint8_t on_cpu;
};

enum request_flag {
	REQUEST_EXCHANGE = 1,    /* no framing known: bytes in, bytes out */
	REQUEST_NO_ARRIVAL = 2,  /* arrived before the tracer: arrival == begin */
	REQUEST_SHARED_READ = 4, /* pipelined: came in the same read as another */
	REQUEST_LOSS = 8         /* records were lost while it was served */
};

struct request {
	uint64_t arrival_ns, begin_ns, end_ns;
	uint64_t sock;
	uint16_t local_port, peer_port;
	uint32_t tid; /* the thread that read it */
	uint32_t flags;
	struct blame queue, service;
	uint64_t collector_ns; /* part of service: stop + assist + gc_cpu + sweep inside alloc (what the replay leaves out) */
	uint64_t sweep_ns;     /* part of service's alloc */
	uint64_t net_ns;       /* part of service's own: in the kernel, sending; 0 where the source does not tell when a send begins */
	uint64_t steal_ns;     /* part of own, of queue and service: the hypervisor had taken the CPU, by its own word; at least */
	uint64_t without_gc_ns; /* its server time in the replay without the collector */
	uint64_t cycle;        /* the collection that cost it most; 0: none */
	char culprit[16];      /* who held its CPU longest while it was in runq or gc_cpu; "" */
	uint32_t culprit_tid;
	/* From the service's own end probe; has_service 0: unknown. */
	uint32_t has_service;
	uint64_t key, allocs, alloc_bytes;
	uint16_t status;
	uint8_t path;   /* 0 naive, 1 opt */
	uint8_t format; /* 0 json, 1 bin */
	uint8_t among_worst; /* when it was finished (on_request): of summary.worst so far */
	uint64_t intended_ns, send_ns; /* by the client's clock, from the request itself; send_ns 0: it does not say */
};

/*
 * Of a request that carries its client's times: how long it waited in the client before it was sent, and its response time, from when it
 * was meant to be sent to its end here. The way from the client is in it if both go by the same clock, which is taken to
 * be so if it took less than a second.
 */
uint64_t request_client_wait_ns(const struct request *request);
uint64_t request_response_ns(const struct request *request);

struct quantiles { /* nanoseconds; of nothing: all 0 */
	uint64_t count;
	uint64_t p50, p90, p99, p999, p9999, max;
	double mean;
};

struct interval { /* 95 %; high_ns 0: too few requests to tell (interval.h) */
	uint64_t low_ns, high_ns;
};
#define INTERVAL_COUNT 5 /* of p50, p90, p99, p999, p9999 */

/* Requests near a percentile of server time, and their mean blame. */
enum cohort_id { COHORT_P50, COHORT_P99, COHORT_P999, COHORT_COUNT }; /* within one percentile of p50; at or above p99; p99.9 */
struct cohort {
	uint64_t count;
	uint64_t floor_ns; /* the smallest server time in it */
	double server_ns;
	double queue_ns[CAUSE_COUNT], service_ns[CAUSE_COUNT];
	double net_ns; /* part of service's own */
	double steal_ns; /* part of own, of queue and service */
	double share_error[CAUSE_COUNT]; /* how far a cause's share of the time may be off, 95 %, of 1; < 0: too few requests to tell */
};

struct culprit {
	char comm[16];
	uint32_t tid;
	uint32_t own_collector; /* 1: a collector thread of the target */
	uint64_t ns;            /* of requests' time, all requests */
};

#define WORST_COUNT 10
#define CULPRIT_COUNT 8
#define SERIES_SECONDS 60

struct summary {
	uint64_t first_ns, last_ns; /* of the requests' ends, or of the interval asked for */
	uint64_t requests, cut;     /* complete; open at attach or detach and not counted */
	uint64_t lost, late;        /* records */
	uint64_t negative;          /* lengths below 0 that were clamped */
	struct quantiles server, queue, service;
	struct interval server_interval[INTERVAL_COUNT];
	struct quantiles without_gc; /* by replay */
	struct quantiles client_wait, response; /* of the requests that carry their client's times */
	struct cohort cohort[COHORT_COUNT];
	double total_queue_ns[CAUSE_COUNT], total_service_ns[CAUSE_COUNT]; /* sums over all requests */
	double total_net_ns; /* part of total_service_ns[CAUSE_OWN]; 0: not told */
	double total_steal_ns; /* part of own in both totals; < 0: no hypervisor told */

	struct {
		uint64_t cycles;
		struct quantiles handshake, stop; /* one mutator's own part */
		uint64_t assist_ns;
		uint64_t worker_cpu_ns; /* CPU time of collector threads */
		double cpu_fraction;    /* worker + assist CPU, of the target's CPU time */
	} gc;

	struct {
		uint64_t requests; /* that carried counts */
		uint64_t total, total_bytes;
	} alloc;

	struct request worst[WORST_COUNT]; /* slowest first */
	uint32_t worst_count;
	struct culprit culprits[CULPRIT_COUNT]; /* greatest first */
	uint32_t culprit_count;

	struct {
		uint64_t p99_ns;
		uint64_t requests;
		uint32_t cycles;
	} series[SERIES_SECONDS]; /* the last seconds, oldest first */
	uint32_t series_count;

	struct {
		uint64_t sum_error_ns_max;     /* must be 0 */
		double unattributed_percent;   /* of all server time */
		double cpu_time_error_percent; /* worst thread: on-CPU states against sum_exec_runtime; < 0: not compared (tail mode) */
		double switch_ns_mean;         /* what a switch itself costs: inside it the two clocks may differ by so much */
		uint64_t steal_ns;             /* taken by the hypervisor while threads of the target were on a CPU */
		uint64_t doubts;               /* records that contradict each other: what they concern is unattributed */
		uint64_t without_arrival;      /* requests whose queue is not known: counted as 0 */
		uint64_t lossy;                /* requests during which records were lost (REQUEST_LOSS) */
		uint64_t unmatched;            /* ends without begins, begins without ends */
		uint64_t fault_estimated_ns;   /* of all threads' time in page faults: by calibration, not by records */
	} checks;
};

/*
 * Whether summary.without_gc is known at `percent`: a lost record may have been a request, or what delayed one, and each
 * shifts the replay of those behind it. Known while they are at most a tenth of the requests above the percentile.
 */
int summary_knows_without_gc(const struct summary *summary, double percent);

#endif
