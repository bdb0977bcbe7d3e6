/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0 */
/*
 * Flight rings: requests announced without a trap. A probe costs the target 0.5 us before it says
 * anything; at high rates that is more than a tracer may cost. So a thread writes
 * each finished request into a ring in the service's own memory, one cache line, some ten
 * nanoseconds, and a tracer reads the rings in bulk through /proc/PID/mem.
 *
 *   flight_note(&(struct flight_entry){.peer_port = ..., ...});
 *
 * It carries what the probe request_end carries, and when the thread last slept waiting for
 * work, which it tells by flight_sleep and flight_wake. Nothing is written unless a tracer
 * watches the probe request_flight, which fires only when a thread gets its ring, with its first request.
 * From then on the probes that fire on this thread (probes.h) write their events here too instead
 * of trapping, so that a request is followed by no trap at all.
 *
 * Invariant: a ring has one writer, its thread; entry number n (from 1) lies in slot (n - 1) modulo
 * FLIGHT_ENTRIES. While an entry is written its two numbers are 0, before and after they
 * are n. `head` is the number of the newest whole entry. A reader copies slots, then looks at `head` again:
 * entry n was not touched meanwhile if head < n + FLIGHT_ENTRIES - 1, and it is whole if both
 * numbers are n. What was overtaken is lost, and counted by the reader. Rings
 * are never unmapped or given to another thread.
 *
 * Readers find the directory at the dynamic symbol `memlab_flight`.
 */
#ifndef MEMLAB_FLIGHT_H
#define MEMLAB_FLIGHT_H

#include <stdint.h>

#define FLIGHT_MAGIC 0x32676c666c6d656dull /* "memlflg2" */
#define FLIGHT_ENTRIES 32768u              /* a power of two; 2 MiB a thread, half a second at 60,000 requests/s */
#define FLIGHT_RINGS 64u

struct flight_entry {
	uint64_t number; /* written by flight_note, as number_again, end_ns and the sleep */
	uint64_t end_ns; /* an event: when it happened */
	union {
		struct { /* event 0: a request */
			uint64_t begin_ns;
			uint64_t key;
			uint64_t alloc_bytes;
			uint32_t allocs, info; /* info as in request_end */
			uint32_t awake_ns;     /* from the end of the thread's last sleep to begin_ns */
			uint32_t slept_ns;     /* how long that was; 0: not known. Both at most 4.3 s */
		};
		uint64_t args[5];
	};
	uint16_t peer_port;
	uint16_t event;        /* id in probes.def; 0: a request */
	uint32_t number_again; /* the low half */
};

struct flight_ring {
	uint64_t entries; /* address of FLIGHT_ENTRIES entries; set once, before `head` leaves 0 */
	uint64_t head;    /* written by the ring's thread, read by anyone */
	uint32_t tid;     /* in the process's own PID namespace */
	uint32_t pad[11];
};

struct flight {
	uint64_t magic; /* set once, when there is a ring */
	uint32_t entry_bytes, entry_count, ring_limit;
	uint32_t ring_count;   /* only grows */
	uint64_t without_ring; /* requests of threads that got none */
	uint64_t pad[4];
	struct flight_ring rings[FLIGHT_RINGS];
};

_Static_assert(sizeof(struct flight_entry) == 64, "an entry is one cache line");
_Static_assert(sizeof(struct flight_ring) == 64, "heads do not share cache lines");
_Static_assert(sizeof(struct flight) == 64 * (FLIGHT_RINGS + 1), "the directory's size is part of the contract");

extern struct flight memlab_flight;

/* Any thread. What flight_note writes is filled in. */
void flight_note(const struct flight_entry *entry);

/* Around a wait for requests that may sleep. */
void flight_sleep(void);
void flight_wake(void);

#endif
