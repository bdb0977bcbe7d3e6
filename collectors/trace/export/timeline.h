/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worst requests as a Chrome trace: Perfetto, chrome://tracing and speedscope read it.
 *
 * Three groups of tracks on one time axis: the requests, each with its queue and its service; the threads that served
 * them, with the causes they were in, in order of time; and the collector: its cycles and waits for handshakes, and per thread
 * the slices of marking and sweeping and what mutators felt. Threads and collector are drawn where a worst request was in the server.
 *
 * Without a scene (a run that kept none) a request's causes are known by their sums only: inside a span they then stand in order of
 * size, and their category says so ("sums, not in order").
 */
#ifndef MEMLAB_TRACE_EXPORT_TIMELINE_H
#define MEMLAB_TRACE_EXPORT_TIMELINE_H

#include <stdio.h>

#include "../attribution/result.h"
#include "../core/info.h"
#include "../core/roster.h"
#include "scene.h"

/* `scenes` and `roster` may be NULL. 0, -ENOMEM or -EIO. */
int export_timeline(FILE *file, const struct trace_info *info, const struct summary *summary, const struct scenes *scenes,
		    const struct roster *roster);

#endif
