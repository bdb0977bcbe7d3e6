/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worst requests as a Chrome trace: Perfetto, chrome://tracing and speedscope read it.
 *
 * Every request is a track of its own on the common time axis: its queue and its service, and inside each the causes. A
 * request's causes are known by their sums, so inside a span they stand in order of size, not of time, and their
 * category says so ("sums, not in order").
 */
#ifndef MEMLAB_TRACE_EXPORT_TIMELINE_H
#define MEMLAB_TRACE_EXPORT_TIMELINE_H

#include <stdio.h>

#include "../attribution/result.h"
#include "../core/info.h"

/* 0 or -EIO. */
int export_timeline(FILE *file, const struct trace_info *info, const struct summary *summary);

#endif
