/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run counted. One tally per step; the driver is the only writer, reports read it afterwards.
 *
 * Invariant: response_ns, uncorrected_ns, client_wait_ns and send_lag_ns hold the same requests: those whose
 * intended start lies in the measured window and whose answer was good. Failed requests are counted by kind over
 * the whole step, warm-up included, and are in no distribution.
 */
#ifndef MEMLAB_LOAD_TALLY_H
#define MEMLAB_LOAD_TALLY_H

#include "latency.h"

enum error_kind {
	ERROR_CONNECT, /* a connection could not be opened (not a request) */
	ERROR_TIMEOUT, /* no answer, or never sent, within the time allowed */
	ERROR_STATUS,  /* answered with a status other than 2xx or 3xx */
	ERROR_PARSE,   /* what came back is not an HTTP answer */
	ERROR_CLOSED,  /* the connection ended before the answer did */
	ERROR_CHECK,   /* --check: the body is not the record asked for */
	ERROR_KINDS
};

struct tally {
	uint64_t answered;           /* of the measured window, whatever the status */
	uint64_t received_in_window; /* answers that arrived during the measured window, whenever asked */
	uint64_t waited;             /* requests in the distributions that waited over 1 ms for a free connection */
	uint64_t errors[ERROR_KINDS];
	struct latency response_ns;    /* intended start to receipt: what a user feels */
	struct latency uncorrected_ns; /* send to receipt: blind to the time before the send */
	struct latency client_wait_ns; /* intended start to send */
	struct latency send_lag_ns; /* the part of client_wait_ns that is the generator's own: a connection was free */
};

const char *error_kind_name(enum error_kind kind);
uint64_t tally_errors(const struct tally *tally);
void tally_merge(struct tally *into, const struct tally *from);

#endif
