/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames are <g> elements in the order of the tree, each with its left edge and width in parts per ten
 * million of the whole (data-x, data-w); the pixels written beside them are for viewers without script. The
 * script (flame.js) lays the same frames out for the window's width and for the zoomed frame.
 */
#include "flame.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "../core/text.h"
#include "flame_asset.h"

#define WIDTH 1200
#define MARGIN 10
#define ROW 18
#define TOP 78
#define CHARACTER 7.2             /* of 12 px monospace */
#define WHOLE 10000000            /* data-x and data-w are parts of this */
#define NARROWEST (WHOLE / 20000) /* frames below 1/20000 of the whole are left out, and counted */

struct picture {
	FILE *file;
	const struct flame_options *options;
	const struct tree_node *root;
	uint64_t narrow; /* frames left out */
};

static uint64_t parts(const struct picture *picture, uint64_t value)
{
	return (uint64_t)((double)value / (double)picture->root->value * WHOLE + 0.5);
}

static double pixels(uint64_t part)
{
	return (double)part * (WIDTH - 2 * MARGIN) / WHOLE;
}

static unsigned name_hash(const char *name)
{
	unsigned hash = 2166136261u;
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash ^ hash >> 15;
}

/* Frames of the collected heap stand out, synthetic frames are grey, the rest is warm and differs by name. */
static void write_color(const struct picture *picture, const struct tree_node *node)
{
	unsigned hash = name_hash(node->name);
	if (picture->root->base) {
		double share = (double)node->value / (double)picture->root->value;
		double ordinary = (double)node->base / (double)picture->root->base;
		double change = share + ordinary > 0 ? (share - ordinary) / (share + ordinary) : 0;
		int pale = 250 - (int)(fabs(change) * 140);
		fprintf(picture->file, "rgb(%d,%d,%d)", change >= 0 ? 250 : pale, pale, change >= 0 ? pale : 250);
	} else if (node->name[0] == '[' || !node->parent)
		fprintf(picture->file, "hsl(40,8%%,%u%%)", 76 + hash % 8);
	else if (strncmp(node->name, "gc_", 3) == 0)
		fprintf(picture->file, "hsl(%u,55%%,%u%%)", 190 + hash % 30, 66 + (hash >> 8) % 10);
	else
		fprintf(picture->file, "hsl(%u,82%%,%u%%)", 14 + hash % 38, 62 + (hash >> 8) % 10);
}

static const char *value_text(char out[TEXT_NUMBER_BYTES], const struct picture *picture, uint64_t value)
{
	const char *unit = picture->options->unit;
	if (unit && strcmp(unit, "bytes") == 0)
		return text_bytes(out, (double)value);
	if (unit && strcmp(unit, "ns") == 0)
		return text_ns(out, (double)value);
	return text_count(out, value);
}

static void write_info(const struct picture *picture, const struct tree_node *node)
{
	char value[TEXT_NUMBER_BYTES];
	const char *unit = picture->options->unit ? picture->options->unit : "";
	text_write_xml(picture->file, node->name);
	if (node->place) {
		fputs(" (", picture->file);
		text_write_xml(picture->file, node->place);
		fputc(')', picture->file);
	}
	int has_unit = strcmp(unit, "bytes") == 0 || strcmp(unit, "ns") == 0;
	fprintf(picture->file, ": %s%s%s, %.2f %%", value_text(value, picture, node->value), has_unit ? "" : " ",
		has_unit ? "" : unit, 100.0 * (double)node->value / (double)picture->root->value);
	if (picture->root->base)
		fprintf(picture->file, " (ordinary: %.2f %%)",
			100.0 * (double)node->base / (double)picture->root->base);
}

/* As much of the name as fits; a script may write more or less of it later. */
static void write_label(const struct picture *picture, const struct tree_node *node, double width)
{
	char label[512];
	unsigned room = width > 6 ? (unsigned)((width - 6) / CHARACTER) : 0;
	label[0] = '\0';
	if (room >= 3)
		text_clean(label, sizeof(label), node->name, room, 0);
	text_write_xml(picture->file, label);
}

static void write_frame(struct picture *picture, const struct tree_node *node, uint64_t left, unsigned level)
{
	FILE *file = picture->file;
	uint64_t width = parts(picture, node->value);
	unsigned y = TOP + level * ROW;
	fprintf(file, "<g class=\"f\" tabindex=\"-1\" data-x=\"%" PRIu64 "\" data-w=\"%" PRIu64 "\" data-n=\"", left,
		width);
	text_write_xml(file, node->name);
	fputs("\"><title>", file);
	write_info(picture, node);
	fprintf(file, "</title><rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" rx=\"2\" fill=\"",
		MARGIN + pixels(left), y, pixels(width), ROW - 1);
	write_color(picture, node);
	fprintf(file, "\"/><text x=\"%.1f\" y=\"%u\">", MARGIN + pixels(left) + 3, y + 13);
	write_label(picture, node, pixels(width));
	fputs("</text></g>\n", file);
}

static void write_frames(struct picture *picture, const struct tree_node *node, uint64_t left_value, unsigned level)
{
	if (parts(picture, node->value) < NARROWEST) {
		picture->narrow++;
		return;
	}
	write_frame(picture, node, parts(picture, left_value), level);
	for (const struct tree_node *child = node->child; child; child = child->next) {
		write_frames(picture, child, left_value, level + 1);
		left_value += child->value;
	}
}

static void write_head(const struct picture *picture, unsigned height)
{
	FILE *file = picture->file;
	fprintf(file,
		"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\" "
		"aria-labelledby=\"title\">\n<style>\n%s</style>\n<rect class=\"paper\" width=\"100%%\" "
		"height=\"100%%\"/>\n",
		WIDTH, height, WIDTH, height, flame_style);
	fprintf(file, "<text id=\"title\" x=\"%d\" y=\"24\">", MARGIN);
	text_write_xml(file, picture->options->title ? picture->options->title : "");
	fprintf(file, "</text>\n<text id=\"subtitle\" x=\"%d\" y=\"44\">", MARGIN);
	text_write_xml(file, picture->options->subtitle ? picture->options->subtitle : "");
	fprintf(file,
		"</text>\n<text id=\"details\" x=\"%d\" y=\"66\" aria-live=\"polite\"> </text>\n"
		"<g id=\"search\" class=\"button\" tabindex=\"0\" role=\"button\"><text x=\"%d\" y=\"24\">search "
		"(/)</text></g>\n"
		"<g id=\"reset\" class=\"button\" tabindex=\"0\" role=\"button\"><text x=\"%d\" y=\"24\">reset zoom "
		"(Esc)</text></g>\n"
		"<text id=\"found\" x=\"%d\" y=\"44\"> </text>\n",
		MARGIN, WIDTH - 290, WIDTH - 150, WIDTH - 290);
}

int export_flame(FILE *file, const struct tree *tree, const struct flame_options *options)
{
	struct picture picture = {.file = file, .options = options, .root = tree_root(tree)};
	unsigned height = TOP + (tree_depth(tree) + 1) * ROW + 30;
	write_head(&picture, height);
	fputs("<g id=\"frames\">\n", file);
	if (picture.root->value)
		write_frames(&picture, picture.root, 0, 0);
	else
		fprintf(file, "<text x=\"%d\" y=\"%d\">nothing was recorded: no stack, no %s</text>\n", MARGIN,
			TOP + 13, options->unit ? options->unit : "value");
	fputs("</g>\n", file);
	if (picture.narrow)
		fprintf(file,
			"<text id=\"narrow\" x=\"%d\" y=\"%u\">%" PRIu64 " frames are too narrow to draw</text>\n",
			MARGIN, height - 10, picture.narrow);
	fprintf(file, "<script><![CDATA[\n%s]]></script>\n</svg>\n", flame_script);
	return ferror(file) ? -EIO : 0;
}
