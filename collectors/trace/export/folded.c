/* SPDX-License-Identifier: Apache-2.0 */
#include "folded.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../core/text.h"

static void write_name(FILE *file, const char *name)
{
	char clean[512];
	text_clean(clean, sizeof(clean), name, sizeof(clean), 0);
	for (char *at = clean; *at; at++)
		if (*at == ';')
			*at = ':';
	fputs(clean, file);
}

static void write_path(FILE *file, const struct tree_node *node)
{
	if (node->parent && node->parent->parent) {
		write_path(file, node->parent);
		fputc(';', file);
	}
	write_name(file, node->name);
}

static void write_node(FILE *file, const struct tree_node *node)
{
	if (node->self) {
		write_path(file, node);
		fprintf(file, " %" PRIu64 "\n", node->self);
	}
	for (const struct tree_node *child = node->child; child; child = child->next)
		write_node(file, child);
}

int export_folded(FILE *file, const struct tree *tree)
{
	write_node(file, tree_root(tree));
	return ferror(file) ? -EIO : 0;
}
