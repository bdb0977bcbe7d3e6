/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call tree by name: what folded stacks, flame graphs and the page draw.
 *
 * The outermost frame is the root's child. Nodes carry two weights: `value`, and `base`, that of an ordinary
 * population to compare with (0 when there is none). Children are in order of name, so the same input
 * gives the same picture. value == self + the children's values; the same for base.
 */
#ifndef MEMLAB_TRACE_EXPORT_TREE_H
#define MEMLAB_TRACE_EXPORT_TREE_H

#include <stdint.h>

#include "../core/stacks.h"

struct tree_node {
	char *name;  /* hostile */
	char *place; /* "file.c:88", or "file.c" when there are several lines; NULL: several files or not known; hostile
		      */
	uint64_t value, self;
	uint64_t base, base_self;
	struct tree_node *parent, *child, *next;
};

struct tree;

enum tree_weight { TREE_COUNT, TREE_AMOUNT };

struct tree *tree_new(void);
void tree_free(struct tree *tree); /* NULL allowed */

/* `names` from the outermost; places may be NULL, or have NULLs. 0 or -ENOMEM. */
int tree_add(struct tree *tree, const char *const *names, const char *const *places, unsigned depth, uint64_t value,
	     uint64_t base);

/* One stack inside the frames `outer` (outermost first), with a frame `leaf` inside it (NULL: none). 0 or -ENOMEM. */
int tree_add_stack(struct tree *tree, const char *const *outer, unsigned outer_count, const struct stack *stack,
		   const char *leaf, const struct frame_namer *namer, uint64_t value, uint64_t base);

/* Adds every stack of the set, to `base` instead of `value` when `as_base`. 0 or -ENOMEM. */
int tree_add_stacks(struct tree *tree, const struct stacks *stacks, enum tree_weight weight,
		    const struct frame_namer *namer, int as_base);

/* Named "all"; never NULL. */
const struct tree_node *tree_root(const struct tree *tree);
unsigned tree_depth(const struct tree *tree); /* levels below the root */

#endif
