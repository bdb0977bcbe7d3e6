/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connection takes the next request: one with the fewest outstanding, and of those the one that has
 * waited longest (first in, first out).
 *
 * Why not last in, first out, which would be kinder to caches: at a modest rate it would use a handful of the
 * connections asked for and leave the rest idle, so that "512 connections" measured eight. First in, first out
 * spreads the load evenly, as many independent users would, and keeps every connection from idling out.
 */
#ifndef MEMLAB_LOAD_READY_H
#define MEMLAB_LOAD_READY_H

#include "connection.h"

struct ready {
	uint32_t pipeline;
	/* One list for each number of requests outstanding. */
	struct connection *first[OPTIONS_PIPELINE_MAX], *last[OPTIONS_PIPELINE_MAX];
};

void ready_init(struct ready *ready, uint32_t pipeline);

/* Puts a connection that is in no list last in its list. flight_count < pipeline. */
void ready_add(struct ready *ready, struct connection *connection);

/* Takes a connection out of its list, if it is in one; before its flight_count changes. */
void ready_remove(struct ready *ready, struct connection *connection);

/* The connection to use next, or NULL. It stays in its list. */
struct connection *ready_first(const struct ready *ready);

#endif
