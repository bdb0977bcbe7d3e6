/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files a run leaves, as the command line asked for them.
 *
 * Every function says on stderr what went wrong with which file and what to do, and returns an exit status; a file
 * that could not be written whole is an error, never silence.
 */
#ifndef MEMLAB_TRACE_OUTPUTS_H
#define MEMLAB_TRACE_OUTPUTS_H

#include "attribution/result.h"
#include "core/info.h"
#include "core/stacks.h"
#include "options.h"
#include "symbol/symbols.h"

/* --json */
int outputs_json(const struct trace_options *options, const struct trace_info *info, const struct summary *summary);

/* --flame, --folded, --pprof: the allocations' stacks. */
int outputs_stacks(const struct trace_options *options, const struct trace_info *info, const struct stacks *stacks,
		   struct symbols *symbols);

#endif
