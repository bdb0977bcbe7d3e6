/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flame graph in lines of text: the root on top, a line per level, each frame as wide as its share. A frame begins with '|' and
 * bears as much of its name as fits; what is narrower than two columns is left blank. Pure.
 */
#ifndef MEMLAB_TRACE_UI_ICICLE_H
#define MEMLAB_TRACE_UI_ICICLE_H

#include "../export/tree.h"
#include "lines.h"

/* Adds at most `rows` lines. Deeper levels are left out, and the last line says how many. */
void icicle_draw(struct lines *lines, const struct tree *tree, unsigned rows);

#endif
