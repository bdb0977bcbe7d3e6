/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a target's flight rings (svc/probes/flight.h) out of its memory and hands every entry over
 * as the record_event that the probe would have made, so that what follows
 * cannot tell the difference; in tail mode requests as record_request, joined with their arrivals. The target's memory is not trusted: a strange directory is refused,
 * addresses are only ever handed to the kernel.
 *
 * Each ring looks like a CPU of its own: h.cpu is FLIGHT_CPU_FIRST + ring, h.seq the entry's number,
 * h.lost what was overtaken before it was read. One thread at a time.
 */
#ifndef MEMLAB_FLIGHT_READER_H
#define MEMLAB_FLIGHT_READER_H

#include <stdbool.h>

#include "../../../bpf/record.h"
#include "../../../svc/probes/flight.h"
#include "../../../svc/probes/probes.h"
#include "arrivals.h"
#include "image.h"
#include "process.h"

#define FLIGHT_CPU_FIRST RECORD_CPU_LIMIT
/* What rings carry, by event id; id 0 is a request's entry. */
#define FLIGHT_EVENTS (((1ull << EVENT_request_end) - 1) | 1ull << EVENT_request_times)

struct flight_place {
	uint64_t tail; /* entries read or lost */
	uint32_t lost;
	uint32_t tid; /* in records; 0: the thread is not known yet, and the ring waits */
};

struct flight_reader {
	const struct process *process;
	uint64_t address; /* of the directory in the target; 0: it has none */
	struct flight_place places[FLIGHT_RINGS];
	struct flight directory; /* last seen */
	struct flight_entry entries[256];
	struct {
		uint32_t ns_tid, tid;
	} threads[4096]; /* by ns_tid modulo; two threads in one place are told apart again within a second */
	struct arrivals *arrivals; /* NULL: nobody tells them. Owned by the caller */
	uint64_t tail_ns;          /* requests that begin from then on are record_request; 0: none */
	uint64_t received, lost;   /* entries */
	uint64_t requests;         /* of those received, as record_request */
	uint64_t hits[64];         /* of those received, by event */
	uint64_t without_ring_before; /* the directory's count when we came */
};

/* The directory's address from the target's files. False: it has none. */
bool flight_find(struct flight_reader *reader, const struct process *process);

/* What is in the rings already was before us. */
void flight_start(struct flight_reader *reader);

/* A thread of the target: its number in its own PID namespace and in records. */
void flight_learn_thread(struct flight_reader *reader, uint32_t ns_tid, uint32_t tid);

/* Requests of threads for which there was no ring, since flight_start. */
uint64_t flight_without_ring(const struct flight_reader *reader);

/* Looks how far the rings have come; 0, or -EIO as below. */
int flight_look(struct flight_reader *reader);

/*
 * Hands over what was new at the last look and ended by until_ns. Returns the number of records, or -EIO when the target's memory can no longer be
 * read (it has ended or replaced its program).
 */
int flight_drain(struct flight_reader *reader, uint64_t until_ns, void (*take)(void *context, const struct record *record),
		 void *context);

#endif
