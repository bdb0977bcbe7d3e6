/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live view in a terminal: pages (pages.h) redrawn when there is news, once a second and at every key, on the alternate screen.
 *
 * live_open changes the terminal, live_close puts it back as it was; live_close may also be called from
 * atexit. The view never waits: call live_tick from the loop that drains records. One thread.
 */
#ifndef MEMLAB_TRACE_UI_LIVE_H
#define MEMLAB_TRACE_UI_LIVE_H

#include "../export/history.h"
#include "../export/views.h"

struct live;

/* 0, -ENOTTY when input or output is no terminal (print lines instead), -ENOMEM. */
int live_open(struct live **live);
void live_close(struct live *live); /* NULL allowed */

/* There is news: the next tick draws it. NULL allowed. */
void live_refresh(struct live *live);

/*
 * Takes keys and redraws when it is time; `now_ns` is CLOCK_MONOTONIC. The size is asked for anew each time. Returns 1
 * when the user wants to quit, else 0.
 */
int live_tick(struct live *live, uint64_t now_ns, const struct story *story, const struct history *history);

#endif
