/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a request, ready before they are due: everything constant is written once, the key when the
 * request is prepared, and only the times of --stamp at the moment of sending.
 *
 * GET <path>[key=N] HTTP/1.1 with Host, [X-Memlab-Times: INTENDED_NS SEND_NS] and nothing else.
 */
#ifndef MEMLAB_LOAD_REQUEST_H
#define MEMLAB_LOAD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

#define REQUEST_BYTES_MAX 1024

struct request {
	bool lookup, stamp;
	size_t head_bytes; /* up to the key */
	size_t tail_bytes;
	size_t fixed_bytes;           /* of the prepared request, up to the stamp */
	size_t total_bytes;           /* of the prepared request, stamp included */
	char tail[REQUEST_BYTES_MAX]; /* after the key */
	char bytes[2 * REQUEST_BYTES_MAX];
};

void request_init(struct request *request, const struct load_options *options);

/* The next request is for `key` (ignored when the url names a path). */
void request_prepare(struct request *request, uint64_t key);

/* With --stamp, completes the prepared request. */
void request_stamp(struct request *request, uint64_t intended_ns, uint64_t send_ns);

#endif
