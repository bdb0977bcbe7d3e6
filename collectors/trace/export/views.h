/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The views of stacks by name: every kind of flame graph and of pprof profile a run can give, so that the command
 * line, the page and the live view offer the same ones.
 */
#ifndef MEMLAB_TRACE_EXPORT_VIEWS_H
#define MEMLAB_TRACE_EXPORT_VIEWS_H

#include <stdbool.h>
#include <stdio.h>

#include "../attribution/result.h"
#include "../core/info.h"
#include "../core/roster.h"
#include "../core/stacks.h"
#include "../symbol/symbols.h"
#include "flame.h"
#include "profile.h"
#include "tree.h"

/* FLAME(id, name) */
#define FLAME_LIST(FLAME)                   \
	FLAME(TAIL, tail)                   \
	FLAME(DIFF, diff)                   \
	FLAME(CPU, cpu)                     \
	FLAME(OFFCPU, offcpu)               \
	FLAME(ALLOC_BYTES, alloc_bytes)     \
	FLAME(ALLOC_OBJECTS, alloc_objects)

enum flame_kind {
#define FLAME_ENUM(id, name) FLAME_##id,
	FLAME_LIST(FLAME_ENUM)
#undef FLAME_ENUM
	FLAME_KIND_COUNT
};

enum pprof_kind { PPROF_ALLOC, PPROF_CPU, PPROF_OFFCPU, PPROF_REQUESTS, PPROF_KIND_COUNT };

/* "tail", "alloc_bytes", ... */
const char *flame_kind_name(enum flame_kind kind);
const char *pprof_kind_name(enum pprof_kind kind);

/* What a run has; all are the owner's. */
struct story {
	const struct trace_info *info;
	const struct summary *summary;
	const struct stacks *stacks; /* allocations, labelled with threads of the roster; NULL: not recorded */
	struct profile *profile;     /* samples of time; NULL: not taken */
	struct symbols *symbols;     /* NULL only when both are */
	const struct roster *roster; /* NULL: threads have no names */
};

/* tail is always there: by cause, and by stack when samples were taken. */
bool story_has_flame(const struct story *story, enum flame_kind kind);
bool story_has_pprof(const struct story *story, enum pprof_kind kind);

/* NULL on lack of memory; free with tree_free. A kind that the story does not have gives an empty tree. */
struct tree *story_tree(const struct story *story, enum flame_kind kind);

#define STORY_SUBTITLE_BYTES 160
/* Title and unit for export_flame, and a line below the title, which is written to `subtitle` (STORY_SUBTITLE_BYTES). */
struct flame_options story_flame_options(const struct story *story, enum flame_kind kind, char *subtitle);

/* 0, -ENOMEM, -EIO; pprof: -ENOENT when the story does not have it. `wall_ns`: the time now. */
int story_flame(FILE *file, const struct story *story, enum flame_kind kind);
int story_folded(FILE *file, const struct story *story, enum flame_kind kind);
int story_pprof(FILE *file, const struct story *story, enum pprof_kind kind, uint64_t wall_ns);

#endif
