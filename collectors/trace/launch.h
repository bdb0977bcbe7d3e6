/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that is started to be traced: memlab-trace -- CMD. It runs as the tracer's child, with the rights that the
 * tracer was started with, and is not stopped or ptraced: what it does in the milliseconds until the tracer is attached
 * is not seen.
 */
#ifndef MEMLAB_TRACE_LAUNCH_H
#define MEMLAB_TRACE_LAUNCH_H

#include <sys/types.h>

/* Starts it and returns its pid as soon as it has become that program; a negative errno: it cannot be started. */
pid_t launch(char *const *command);

/* Asks it to end, if it has not, and waits for that. pid 0: nothing was started. */
void launch_end(pid_t pid);

#endif
