/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: from socket edges and end events to complete requests.
 *
 * Each read of bytes is kept by its socket until it is answered. Two framings:
 *
 * - With end events (the service fires request_end): a request is final at its event. Its begin is the last read of its socket that the
 *   service can have seen (at or before the event's begin_ns); earlier unanswered reads are its earlier parts, later
 *   ones belong to the requests behind it. Its end is the last send before the event. An event
 *   without a read of its own is a pipelined request that came in the same read: it begins at the end before.
 *   A read that was answered but has no event before a later request's is an exchange.
 * - Without: bytes in, bytes out, called exchanges. The last send before the next read is the end; final at that
 *   read, at close, at finish, or when a second has passed.
 *
 * A client's own times come in an event of their own right before the end, and belong to it if thread and port are the same,
 * the request had begun by then, and nothing was lost between.
 *
 * In tail mode requests come whole (requests_whole), and none of this is needed.
 *
 * What was open when the tracer came, or when it left, is counted as cut.
 * One thread at a time. Memory: READ_LIMIT reads per socket; sockets silent for a minute are forgotten.
 */
#ifndef MEMLAB_ATTRIBUTION_REQUEST_H
#define MEMLAB_ATTRIBUTION_REQUEST_H

#include "../../../bpf/record.h"
#include "map.h"
#include "result.h"
#include "thread.h"

#define READ_LIMIT 16

struct read {
	uint64_t begin_ns, arrival_ns;
	uint64_t answered_ns; /* the last send while this was the newest read; 0: none yet */
	uint64_t replayed_ns; /* end of it in the replay, once answered (exchanges) */
	uint32_t tid;
	uint32_t flags; /* enum request_flag */
	uint32_t epoch; /* its thread's, when it was read */
	struct replay_point before; /* its thread's, when it was read */
};

struct sock {
	uint64_t sock;
	uint16_t local_port, peer_port;
	uint8_t known; /* a read has been seen */
	uint8_t cut;   /* an answer to an unseen read was counted */
	uint32_t read_count;
	struct read reads[READ_LIMIT]; /* oldest first */
	struct read last;              /* the last read that became a request */
	uint64_t sent_ns, end_ns;      /* last send, end of the last request */
	uint64_t net_ns;               /* on a CPU in the kernel's sending, since the last request's end */
	uint64_t heard_ns;
};

struct requests {
	struct map socks;
	struct sock *spare; /* the last one freed: addresses come and go */
	struct threads *threads;
	int has_end_events;
	uint64_t first_ns; /* of the first record: what began before was cut */
	uint64_t settled_ns;
	uint64_t cut, negative;
	/* A finished request, decomposed, and its server time in the replay. */
	void (*finished)(void *context, const struct request *request, uint64_t without_gc_ns);
	void *context;
};

void requests_free(struct requests *requests);

/* The thread is the one that acted. 0 or -ENOMEM. */
int requests_recv(struct requests *requests, struct thread *thread, const struct record_recv *record);
int requests_send(struct requests *requests, struct thread *thread, const struct record_send *record);
void requests_close(struct requests *requests, const struct record_close *record);
void requests_end_event(struct requests *requests, struct thread *thread, const struct record_event *record);
/* The client's times of the request that this thread ends next. */
void requests_times_event(struct thread *thread, const struct record_event *record);
void requests_whole(struct requests *requests, struct thread *thread, const struct record_request *record);

/* Time has passed. */
void requests_settle(struct requests *requests, uint64_t now_ns);
void requests_finish(struct requests *requests);

#endif
