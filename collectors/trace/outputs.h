/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files a trace leaves, as the command line asked for them.
 *
 * They are opened once the target is found and before the tracer gives up its rights: a bad path is said at once, and
 * a folder of another user can still be written to. Every function says on stderr what went wrong with which file and
 * what to do, and returns an exit status; a file that could not be written whole is an error, never silence.
 */
#ifndef MEMLAB_TRACE_OUTPUTS_H
#define MEMLAB_TRACE_OUTPUTS_H

#include <stdio.h>

#include "attribution/result.h"
#include "export/scene.h"
#include "export/views.h"
#include "options.h"
#include "ui/board.h"

struct output {
	const char *option, *path;
	FILE *file; /* NULL: not asked for */
	int error;  /* the first one; a negative errno */
};

struct outputs {
	struct output json, html, timeline, requests;
	struct output flame[FLAME_KIND_COUNT], folded[FLAME_KIND_COUNT], pprof[PPROF_KIND_COUNT];
};

int outputs_open(struct outputs *outputs, const struct trace_options *options);

/* One line of --requests. */
void outputs_request(struct outputs *outputs, const struct request *request);

/* Writes and closes all of them. `board` NULL unless html was asked for; `scenes` may be NULL. */
int outputs_write(struct outputs *outputs, const struct story *story, const struct scenes *scenes, struct board *board);

#endif
