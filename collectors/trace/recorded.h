/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks in recordings: records carry addresses, and only the run itself can say what lies there. So a recording with stacks
 * ends with two attachments, which stacks were taken and the names of all their addresses; report needs no process then.
 */
#ifndef MEMLAB_TRACE_RECORDED_H
#define MEMLAB_TRACE_RECORDED_H

#include <stdbool.h>

#include "core/stacks.h"
#include "source/recording.h"
#include "symbol/symbols.h"

struct recorded {
	bool allocations, samples; /* which stacks there are */
	char alloc_mode[16];       /* as --alloc names it */
};

/* Looks up all addresses of both sets (NULL: none of that kind) and attaches what report needs. 0 or a negative errno. */
int recorded_attach(struct recording *recording, const struct recorded *recorded, struct symbols *symbols, const struct stacks *allocations,
		    const struct stacks *samples);

/* What a recording has. *symbols stays NULL where it has no stacks. 0, -EBADMSG or -ENOMEM. */
int recorded_read(const struct source *source, struct recorded *recorded, struct symbols **symbols);

#endif
