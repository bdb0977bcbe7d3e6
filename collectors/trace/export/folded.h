/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folded stacks: one line per stack, `outermost;...;innermost VALUE`: what flamegraph.pl, inferno, speedscope and
 * others read. Semicolons and control characters inside names are replaced.
 */
#ifndef MEMLAB_TRACE_EXPORT_FOLDED_H
#define MEMLAB_TRACE_EXPORT_FOLDED_H

#include <stdio.h>

#include "tree.h"

/* 0 or -EIO. */
int export_folded(FILE *file, const struct tree *tree);

#endif
