/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nest: which of the runtime's slow things a thread is inside of, from the begin and end events it fires.
 *
 * Begins and ends nest properly when nothing is lost. An end without a begin (the probe was enabled between the two) is
 * dropped and counted; an end that skips inner levels closes them, counted; begins without ends are closed
 * by a loss or the thread's exit. Pure.
 */
#ifndef MEMLAB_ATTRIBUTION_NEST_H
#define MEMLAB_ATTRIBUTION_NEST_H

#include "thread.h"

/* 0, or -1 when there is no room. */
int nest_begin(struct nest *nest, uint32_t event, enum slow slow, uint64_t time_ns);

/* Ends the innermost level begun by `event` and all inside it: their number, 0 if there is none; *level: the one ended. */
uint32_t nest_end(struct nest *nest, uint32_t event, struct nest_level *level);

/* Closes everything; how many there were. */
uint32_t nest_close(struct nest *nest);

#endif
