/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first screen: who is watched at what cost, how slow requests are, why, the worst one, and what to do next.
 * At most 23 lines of at most 80 columns (or info->rows - 1 and info->columns), so that a terminal of 24 lines keeps
 * the whole verdict above its prompt. No escape codes unless info->color. Nothing the target chose reaches the terminal
 * unescaped.
 */
#ifndef MEMLAB_TRACE_UI_SCREEN_H
#define MEMLAB_TRACE_UI_SCREEN_H

#include <stdio.h>

#include "../attribution/result.h"
#include "../core/info.h"

#define SCREEN_ROWS 24
#define SCREEN_COLUMNS 80

/* 0 or -EIO. */
int screen_print(FILE *file, const struct trace_info *info, const struct summary *summary);

/* One line of at most 80 columns: how it stands so far, for those who read along where no live view can be drawn. 0 or -EIO. */
int screen_print_line(FILE *file, const struct trace_info *info, const struct summary *summary);

/*
 * Fills info->color, ascii, rows and columns for a screen on `file`. `color` is the option's value: "auto" (or NULL),
 * "always" or "never"; auto is off when the file is no terminal, NO_COLOR is set or TERM is dumb. -EINVAL: another
 * word.
 */
int screen_detect(struct trace_info *info, FILE *file, const char *color);

#endif
