/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of the live view, each drawn into lines: pure functions of what is known, so that a page
 * is tested as text. The last line of a page names the keys.
 */
#ifndef MEMLAB_TRACE_UI_PAGES_H
#define MEMLAB_TRACE_UI_PAGES_H

#include <stdio.h>

#include "../attribution/result.h"
#include "../core/info.h"
#include "../export/history.h"
#include "../export/tree.h"

/* PAGE(id, key, name) */
#define PAGE_LIST(PAGE)                 \
	PAGE(VERDICT, 'v', "verdict")   \
	PAGE(HEATMAP, 'h', "heatmap")   \
	PAGE(CAUSES, 'c', "causes")     \
	PAGE(REQUESTS, 'r', "requests") \
	PAGE(COLLECTOR, 'g', "gc")      \
	PAGE(FLAME, 'f', "flame")       \
	PAGE(HELP, '?', "help")

enum page {
#define PAGE_ENUM(id, key, name) PAGE_##id,
	PAGE_LIST(PAGE_ENUM)
#undef PAGE_ENUM
		PAGE_COUNT
};

const char *page_name(enum page page);

/* The page a key shows; PAGE_COUNT: none. */
enum page page_of_key(int key);

/*
 * Writes at most info->rows lines of at most info->columns, each followed by `end`. `paused`: the numbers stand still
 * and the last line says so. `flame`: the tail, for PAGE_FLAME; NULL elsewhere. 0, -ENOMEM or -EIO.
 */
int page_print(FILE *file, enum page page, const struct trace_info *info, const struct summary *summary,
	       const struct history *history, const struct tree *flame, int paused, const char *end);

#endif
