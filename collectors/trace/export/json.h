/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The summary as one JSON object on one line: the document scripts and tests rely on. Every number
 * of the screen is in it. Its keys stand in docs/outputs.md, and are only ever added.
 */
#ifndef MEMLAB_TRACE_EXPORT_JSON_H
#define MEMLAB_TRACE_EXPORT_JSON_H

#include <stdio.h>

#include "../attribution/result.h"
#include "../core/info.h"

/* Ends with a newline. 0 or -EIO. */
int export_json(FILE *file, const struct trace_info *info, const struct summary *summary);

#endif
