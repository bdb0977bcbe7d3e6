/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tail as a call tree: where the mean request of the slowest 1 % spends its time, by cause and span, with the
 * requests around p50 as the base. As a flame graph it is the tail flame graph, coloured by the difference to ordinary
 * requests.
 */
#ifndef MEMLAB_TRACE_EXPORT_TAIL_H
#define MEMLAB_TRACE_EXPORT_TAIL_H

#include "../attribution/result.h"
#include "flame.h"

/* 0 or -ENOMEM. Values are nanoseconds of one mean request. */
int tree_add_tail(struct tree *tree, const struct summary *summary);

extern const struct flame_options tail_flame_options;

#endif
