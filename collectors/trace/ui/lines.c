/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <stdarg.h>
#include <string.h>

#include "../core/text.h"

static const char *const style_codes[] = {"", "\033[1m", "\033[2m", "\033[31m", "\033[33m", "\033[1;33m"};

void lines_start(struct lines *lines, const struct trace_info *info)
{
	lines->columns = info->columns > 0 ? (unsigned)info->columns : 80;
	if (lines->columns > LINES_COLUMNS_MAX)
		lines->columns = LINES_COLUMNS_MAX;
	lines->ascii = info->ascii;
	lines->color = info->color;
	lines->count = 0;
}

struct line *line_new(struct lines *lines, enum style style)
{
	struct line *line = &lines->line[lines->count < LINES_MAX ? lines->count++ : LINES_MAX - 1];
	line->text[0] = '\0';
	line->style = style;
	return line;
}

void line_add(struct line *line, const char *format, ...)
{
	size_t used = strlen(line->text);
	va_list args;
	va_start(args, format);
	vsnprintf(line->text + used, sizeof(line->text) - used, format, args);
	va_end(args);
}

void line_add_fitting(const struct lines *lines, struct line *line, const char *words)
{
	if (text_columns(line->text) + text_columns(words) <= lines->columns)
		line_add(line, "%s", words);
}

void line_pad(struct line *line, unsigned columns)
{
	for (unsigned at = text_columns(line->text); at < columns; at++)
		line_add(line, " ");
}

void line_add_right(struct line *line, const char *text, unsigned columns)
{
	unsigned wide = text_columns(text);
	line_add(line, "%*s%s", wide < columns ? (int)(columns - wide) : 0, "", text);
}

void lines_wrap(struct lines *lines, const char *label, const char *text, unsigned rows)
{
	unsigned indent = text_columns(label);
	struct line *line = line_new(lines, STYLE_PLAIN);
	line_add(line, "%s", label);
	const char *word = text;
	while (*word) {
		size_t length = strcspn(word, " ");
		char one[LINE_BYTES];
		snprintf(one, sizeof(one), "%.*s", (int)length, word);
		unsigned at = text_columns(line->text);
		if (at > indent && at + 1 + text_columns(one) > lines->columns && rows > 1) {
			rows--;
			line = line_new(lines, STYLE_PLAIN);
			line_pad(line, indent);
			at = indent;
		}
		line_add(line, "%s%s", at > indent ? " " : "", one);
		word += length + strspn(word + length, " ");
	}
}

void lines_clean_comm(const struct lines *lines, char out[64], const char comm[16])
{
	char raw[17] = "";
	memcpy(raw, comm, 16);
	text_clean(out, 64, raw, 16, lines->ascii);
}

void line_add_bar(struct line *line, double share, unsigned columns, int ascii)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	unsigned full = (unsigned)(share * columns * 8 + 0.5);
	if (full == 0 && share > 0)
		full = 1;
	if (full > columns * 8)
		full = columns * 8;
	if (ascii)
		full = (full + 7) / 8 * 8;
	for (unsigned i = 0; i < full / 8; i++)
		line_add(line, "%s", ascii ? "#" : "█");
	line_add(line, "%s", eighths[full % 8]);
}

void line_add_percent(struct line *line, double part, double whole, unsigned columns)
{
	char text[TEXT_NUMBER_BYTES];
	double percent = whole > 0 ? 100 * part / whole : 0;
	if (percent > 0 && percent < 0.05)
		snprintf(text, sizeof(text), "<0.1 %%");
	else
		snprintf(text, sizeof(text), "%.1f %%", percent);
	line_add_right(line, text, columns);
}

void lines_write(const struct lines *lines, FILE *file, const char *end)
{
	for (unsigned i = 0; i < lines->count; i++) {
		const struct line *line = &lines->line[i];
		char text[LINE_BYTES];
		/* Everything in a line is clean by now; this cuts to the width and is a second wall against control
		 * bytes. */
		text_clean(text, sizeof(text), line->text, lines->columns, lines->ascii);
		int color = lines->color && line->style != STYLE_PLAIN;
		fprintf(file, "%s%s%s%s", color ? style_codes[line->style] : "", text, color ? "\033[0m" : "", end);
	}
}
