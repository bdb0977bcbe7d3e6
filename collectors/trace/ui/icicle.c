/* SPDX-License-Identifier: Apache-2.0 */
#include "icicle.h"

#include <stdlib.h>
#include <string.h>

#include "../core/text.h"

struct icicle {
	struct lines *lines;
	double whole;    /* the root's value */
	unsigned width;  /* columns of the root */
	unsigned level;  /* that is drawn now */
	unsigned column; /* reached in its line */
	struct line *line;
};

static unsigned column_of(const struct icicle *icicle, double value)
{
	return (unsigned)(value / icicle->whole * icicle->width + 0.5);
}

static void draw_frame(struct icicle *icicle, const struct tree_node *node, unsigned from, unsigned to)
{
	char name[LINES_COLUMNS_MAX * 4 + 1], label[TEXT_NUMBER_BYTES + 512];
	if (to < from + 2)
		return;
	line_pad(icicle->line, 1 + from);
	if (!node->parent) /* the root says what the whole is */
		snprintf(label, sizeof(label), "%s", node->name);
	else
		snprintf(label, sizeof(label), "%.480s %.0f %%", node->name, 100.0 * (double)node->value / icicle->whole);
	/* The share only where it fits as a whole. */
	unsigned room = to - from - 1;
	text_clean(name, sizeof(name), strlen(label) <= room ? label : node->name, room, icicle->lines->ascii);
	line_add(icicle->line, "|%s", name);
	icicle->column = to;
}

/* Frames of the level, left to right. */
static void draw_level(struct icicle *icicle, const struct tree_node *node, double left, unsigned depth)
{
	unsigned from = column_of(icicle, left), to = column_of(icicle, left + (double)node->value);
	if (to < from + 2)
		return;
	if (depth == icicle->level) {
		draw_frame(icicle, node, from, to);
		return;
	}
	for (const struct tree_node *child = node->child; child; child = child->next) {
		draw_level(icicle, child, left, depth + 1);
		left += (double)child->value;
	}
}

void icicle_draw(struct lines *lines, const struct tree *tree, unsigned rows)
{
	const struct tree_node *root = tree_root(tree);
	struct icicle icicle = {.lines = lines, .whole = (double)root->value, .width = lines->columns - 2};
	unsigned levels = tree_depth(tree) + 1;
	if (!root->value) {
		line_add(line_new(lines, STYLE_PLAIN), " nothing yet");
		return;
	}
	for (icicle.level = 0; icicle.level < levels && icicle.level + (levels > rows) < rows; icicle.level++) {
		icicle.line = line_new(lines, STYLE_PLAIN);
		icicle.column = 0;
		draw_level(&icicle, root, 0, 0);
		if (icicle.column)
			line_pad(icicle.line, 1 + icicle.column);
	}
	if (icicle.level < levels)
		line_add(line_new(lines, STYLE_FAINT), " %u more levels: a larger window, or --flame", levels - icicle.level);
}
