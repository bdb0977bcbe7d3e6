/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 256
#define NAME_BYTES 512

struct tree {
	struct tree_node *root;
	unsigned depth;
};

static struct tree_node *node_new(struct tree_node *parent, const char *name, const char *place)
{
	struct tree_node *node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->parent = parent;
	node->name = strdup(name);
	node->place = place ? strdup(place) : NULL;
	if (node->name && (node->place || !place))
		return node;
	free(node->name);
	free(node->place);
	free(node);
	return NULL;
}

struct tree *tree_new(void)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	if (!tree)
		return NULL;
	tree->root = node_new(NULL, "all", NULL);
	if (!tree->root) {
		free(tree);
		return NULL;
	}
	return tree;
}

/* Depth is bounded by DEPTH_MAX, so is the recursion; siblings are walked. */
static void node_free(struct tree_node *node)
{
	while (node) {
		struct tree_node *next = node->next;
		node_free(node->child);
		free(node->name);
		free(node->place);
		free(node);
		node = next;
	}
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	node_free(tree->root);
	free(tree);
}

/* Another place under the same name: the same file keeps its name without the line, different files are no place. */
static void place_join(struct tree_node *node, const char *place)
{
	if (!node->place || (place && strcmp(node->place, place) == 0))
		return;
	size_t file = strcspn(node->place, ":");
	if (place && strcspn(place, ":") == file && strncmp(node->place, place, file) == 0) {
		node->place[file] = '\0';
		return;
	}
	free(node->place);
	node->place = NULL;
}

/* The child of that name, made if need be; siblings stay in order of name. */
static struct tree_node *node_child(struct tree_node *parent, const char *name, const char *place)
{
	struct tree_node **link = &parent->child;
	int order = -1;
	while (*link && (order = strcmp((*link)->name, name)) < 0)
		link = &(*link)->next;
	if (*link && order == 0) {
		struct tree_node *node = *link;
		place_join(node, place);
		return node;
	}
	struct tree_node *node = node_new(parent, name, place);
	if (!node)
		return NULL;
	node->next = *link;
	*link = node;
	return node;
}

int tree_add(struct tree *tree, const char *const *names, const char *const *places, unsigned depth, uint64_t value,
	     uint64_t base)
{
	struct tree_node *node = tree->root;
	for (unsigned i = 0; i < depth && i < DEPTH_MAX; i++) {
		node = node_child(node, names[i], places ? places[i] : NULL);
		if (!node)
			return -ENOMEM; /* empty nodes may stay behind: they weigh nothing */
	}
	tree->depth = depth > tree->depth ? depth : tree->depth;
	node->self += value;
	node->base_self += base;
	for (; node; node = node->parent) {
		node->value += value;
		node->base += base;
	}
	return 0;
}

/* Names of one stack, outermost first, while it is added. */
struct path {
	char names[DEPTH_MAX][NAME_BYTES];
	char places[DEPTH_MAX][NAME_BYTES];
	const char *name_list[DEPTH_MAX];
	const char *place_list[DEPTH_MAX];
	unsigned depth;
};

static void path_add(struct path *path, const char *name, const char *place)
{
	if (path->depth >= DEPTH_MAX)
		return;
	unsigned at = path->depth++;
	snprintf(path->names[at], NAME_BYTES, "%s", name);
	path->name_list[at] = path->names[at];
	path->place_list[at] = NULL;
	if (!place)
		return;
	snprintf(path->places[at], NAME_BYTES, "%s", place);
	path->place_list[at] = path->places[at];
}

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	return slash ? slash + 1 : file;
}

static void path_add_frame(struct path *path, struct frame_name frame)
{
	char name[NAME_BYTES], place[NAME_BYTES];
	if (frame.function)
		snprintf(name, sizeof(name), "%s", frame.function);
	else if (frame.module) /* the kernel's own are in brackets already: [vdso] */
		snprintf(name, sizeof(name), frame.module[0] == '[' ? "%s" : "[%s]", frame.module);
	else
		snprintf(name, sizeof(name), "[unknown]");
	if (frame.file)
		snprintf(place, sizeof(place), "%s:%u", base_name(frame.file), frame.line);
	else if (frame.module)
		snprintf(place, sizeof(place), "%s", frame.module);
	path_add(path, name, frame.file || frame.module ? place : NULL);
}

/* The function at an address and those inlined in it, but for the `skip` innermost ones. */
static void path_add_address(struct path *path, const struct frame_namer *namer, uint64_t address, unsigned skip)
{
	const struct frame_name *inlined = NULL;
	unsigned count = namer->inlined ? namer->inlined(namer->context, address, &inlined) : 0;
	path_add_frame(path, namer->name(namer->context, address));
	while (count-- > skip)
		path_add_frame(path, inlined[count]);
}

/*
 * Does the outermost frame begin a thread? Where a function has no frame pointer the walk ends early, or at an address
 * that is none. A stack that ends inside a library, or nowhere, was cut there.
 */
static int stack_is_whole(const struct stack *stack, const struct frame_namer *namer)
{
	static const char *const begins[] = {"start_thread", "clone", "__clone", "clone3", "__clone3", "__libc_start_call_main", "__libc_start_main"};
	struct frame_name frame = namer->name(namer->context, stack_address(stack, stack->depth - 1));
	if (!frame.function && !frame.module)
		return 0;
	for (unsigned i = 0; frame.function && i < sizeof(begins) / sizeof(*begins); i++)
		if (strncmp(frame.function, begins[i], strlen(begins[i])) == 0)
			return 1;
	return !frame.module || !strstr(frame.module, ".so");
}

static int frame_known(const struct frame_namer *namer, uint64_t address)
{
	struct frame_name frame = namer->name(namer->context, address);
	return frame.function || frame.module;
}

static void path_add_stack(struct path *path, const struct stack *stack, const struct frame_namer *namer)
{
	if (stack->flags & STACK_OVERFLOW)
		path_add(path, "[further stacks]", NULL);
	else if (!stack->depth)
		path_add(path, "[no stack]", NULL);
	else if (stack->flags & STACK_CUT)
		path_add(path, "[cut short]", NULL);
	else if (!stack_is_whole(stack, namer))
		path_add(path, "[no frame pointer]", NULL);
	uint32_t depth = stack->depth;
	while (depth > 1 && !frame_known(namer, stack_address(stack, depth - 1)))
		depth--; /* addresses of nothing, where the walk went astray */
	struct stack_site site = stack_site(stack, namer);
	for (uint32_t i = depth; i-- > site.frame;)
		path_add_address(path, namer, stack_address(stack, i), i == site.frame ? site.inlined : 0);
	if (stack->flags & STACK_KERNEL)
		path_add(path, "[kernel]", NULL);
}

int tree_add_stack(struct tree *tree, const char *const *outer, unsigned outer_count, const struct stack *stack,
		   const char *leaf, const struct frame_namer *namer, uint64_t value, uint64_t base)
{
	struct path *path = malloc(sizeof(*path));
	if (!path)
		return -ENOMEM;
	path->depth = 0;
	for (unsigned i = 0; i < outer_count; i++)
		path_add(path, outer[i], NULL);
	path_add_stack(path, stack, namer);
	if (leaf)
		path_add(path, leaf, NULL);
	int error = tree_add(tree, path->name_list, path->place_list, path->depth, value, base);
	free(path);
	return error;
}

int tree_add_stacks(struct tree *tree, const struct stacks *stacks, enum tree_weight weight,
		    const struct frame_namer *namer, int as_base)
{
	int error = 0;
	for (size_t i = 0; !error && i < stacks_size(stacks); i++) {
		const struct stack *stack = stacks_at(stacks, i);
		uint64_t value = weight == TREE_COUNT ? stack->count : stack->amount;
		const char *label = namer->label && stack->label ? namer->label(namer->context, stack->label) : NULL;
		error = tree_add_stack(tree, &label, label != NULL, stack, NULL, namer, as_base ? 0 : value,
				       as_base ? value : 0);
	}
	return error;
}

const struct tree_node *tree_root(const struct tree *tree)
{
	return tree->root;
}

unsigned tree_depth(const struct tree *tree)
{
	return tree->depth < DEPTH_MAX ? tree->depth : DEPTH_MAX;
}
