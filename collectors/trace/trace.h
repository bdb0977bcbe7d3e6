/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trace: records flow from a source (a live process or a recording) to attribution; its summary goes to the
 * views. One thread; the ring is drained on a timer, never by wake-ups, because waking the reader for each record costs the
 * target more than the record.
 *
 * The report is printed before anything is detached, so that a second Ctrl-C loses nothing.
 */
#ifndef MEMLAB_TRACE_TRACE_H
#define MEMLAB_TRACE_TRACE_H

#include "options.h"

/* memlab-trace -p PID; memlab-trace record -o FILE -p PID. Returns the exit status. */
int trace_live(const struct trace_options *options);

/* memlab-trace report FILE. Returns the exit status. */
int trace_report(const struct trace_options *options);

/* One line on stderr: `memlab-trace: ...`. */
void trace_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
