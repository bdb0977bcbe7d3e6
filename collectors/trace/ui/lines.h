/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A screen as lines of plain text: composed first, written last, so that one place cuts to the width and one
 * place adds colour. Widths are display columns.
 */
#ifndef MEMLAB_TRACE_UI_LINES_H
#define MEMLAB_TRACE_UI_LINES_H

#include <stdio.h>

#include "../core/info.h"

#define LINE_BYTES 1024
#define LINES_MAX 64
#define LINES_COLUMNS_MAX 240

/* What a line is about; colour repeats it. */
enum style { STYLE_PLAIN, STYLE_TITLE, STYLE_FAINT, STYLE_COLLECTOR, STYLE_CPU, STYLE_WARNING };

struct line {
	char text[LINE_BYTES];
	enum style style;
};

struct lines {
	unsigned columns, count;
	int ascii, color;
	struct line line[LINES_MAX];
};

void lines_start(struct lines *lines, const struct trace_info *info);

/* The next line, empty; when there is no room, the last one again. */
struct line *line_new(struct lines *lines, enum style style);

__attribute__((format(printf, 2, 3))) void line_add(struct line *line, const char *format, ...);
/* Adds the words only if they fit: the lesser facts of a line give way, the greater are never cut in the middle. */
void line_add_fitting(const struct lines *lines, struct line *line, const char *words);
void line_pad(struct line *line, unsigned columns);
/* Right-aligned in `columns`. */
void line_add_right(struct line *line, const char *text, unsigned columns);
/* "12.3 %" of `whole`, right-aligned. */
void line_add_percent(struct line *line, double part, double whole, unsigned columns);
/* `share` of `columns`, drawn in eighths of a column; what is not 0 is never invisible. */
void line_add_bar(struct line *line, double share, unsigned columns, int ascii);

/* `text` over as many lines as it takes up to `rows`, broken between words, later lines indented below the label's end.
 */
void lines_wrap(struct lines *lines, const char *label, const char *text, unsigned rows);

/* A thread's name made safe. */
void lines_clean_comm(const struct lines *lines, char out[64], const char comm[16]);

/* Writes all lines, each followed by `end`. */
void lines_write(const struct lines *lines, FILE *file, const char *end);

#endif
