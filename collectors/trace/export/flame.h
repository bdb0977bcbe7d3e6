/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flame graph as one self-contained SVG: no network, no fonts of its own, readable without its script.
 *
 * The root is on top; width is the value. With the script (any browser): a click or Enter zooms in, Escape or
 * "reset" zooms out, "/" or "search" finds frames by a part of their name and says how much of the total they hold;
 * arrow keys walk the frames; a tooltip and a line of text tell name, place, value and share. `#search=TEXT` in the
 * address searches at once. With a base the colour tells the difference: red frames have a greater share than in the
 * base, blue a smaller one. The same tree gives the same bytes. Names are hostile and are escaped.
 */
#ifndef MEMLAB_TRACE_EXPORT_FLAME_H
#define MEMLAB_TRACE_EXPORT_FLAME_H

#include <stdio.h>

#include "tree.h"

struct flame_options {
	const char *title;
	const char *subtitle; /* NULL: none */
	const char *unit;     /* "bytes", "objects", "ns" or "samples" */
};

/* 0 or -EIO. An empty tree gives a picture that says so. */
int export_flame(FILE *file, const struct tree *tree, const struct flame_options *options);

#endif
