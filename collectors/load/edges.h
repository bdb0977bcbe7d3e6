/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --edges: one CSV line per answered request, warm-up included, in the order of receipt:
 * local port, number of the answer on that connection (from 0), intended start, send, receipt (ns), status.
 * Lets tests compare request by request with what a tracer saw.
 */
#ifndef MEMLAB_LOAD_EDGES_H
#define MEMLAB_LOAD_EDGES_H

#include <stdio.h>

#include "connection.h"

void edges_begin(FILE *file);

/* The oldest flight of `connection` was answered. `file` may be NULL. */
void edges_write(FILE *file, const struct connection *connection, const struct flight *flight, uint64_t receipt_ns);

#endif
