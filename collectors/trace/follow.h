/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --follow: from one life of a service to the next. The process that was started stays small and does nothing but wait: the
 * watching is done by a child of its own, which gives up its rights as always. When the target has ended and its story is told, the
 * opener, which keeps what attaching takes, looks for a process that runs the same file and starts another child on it.
 */
#ifndef MEMLAB_TRACE_FOLLOW_H
#define MEMLAB_TRACE_FOLLOW_H

#include "options.h"

/* The exit status of the last story. */
int trace_follow(const struct trace_options *options);

#endif
