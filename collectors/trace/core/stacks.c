/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing over an array of entries; the frames of all entries lie in one growing
 * array, so an entry keeps an offset and gets its pointer when it is looked at.
 */
#include "stacks.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT 65536
#define NO_ENTRY UINT32_MAX

struct entry {
	struct stack stack; /* .frames unset */
	uint64_t hash;
	size_t offset;
};

struct stacks {
	size_t limit, size, room;
	struct entry *entries;
	uint32_t *slots; /* power of two; index into entries or NO_ENTRY */
	size_t slot_count;
	uint64_t *frames;
	size_t frames_used, frames_room;
	double count_rest, amount_rest; /* of sampled allocations: what has not made a whole number yet */
};

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static uint64_t stack_hash(uint32_t label, const uint64_t *frames, uint32_t depth, uint32_t flags)
{
	uint64_t hash = mix(mix(depth, label), flags);
	for (uint32_t i = 0; i < depth; i++)
		hash = mix(hash, frames[i]);
	return hash;
}

struct stacks *stacks_new(size_t limit)
{
	struct stacks *stacks = calloc(1, sizeof(*stacks));
	if (!stacks)
		return NULL;
	stacks->limit = limit ? limit : DEFAULT_LIMIT;
	stacks->slot_count = 64;
	while (stacks->slot_count < 2 * stacks->limit + 2)
		stacks->slot_count *= 2;
	stacks->slots = malloc(stacks->slot_count * sizeof(*stacks->slots));
	if (!stacks->slots) {
		free(stacks);
		return NULL;
	}
	stacks_clear(stacks);
	return stacks;
}

void stacks_free(struct stacks *stacks)
{
	if (!stacks)
		return;
	free(stacks->entries);
	free(stacks->slots);
	free(stacks->frames);
	free(stacks);
}

void stacks_clear(struct stacks *stacks)
{
	memset(stacks->slots, 0xff, stacks->slot_count * sizeof(*stacks->slots));
	stacks->size = 0;
	stacks->frames_used = 0;
	stacks->count_rest = stacks->amount_rest = 0;
}

static int entry_is(const struct stacks *stacks, const struct entry *entry, uint64_t hash, uint32_t label,
		    const uint64_t *frames, uint32_t depth, uint32_t flags)
{
	return entry->hash == hash && entry->stack.label == label && entry->stack.depth == depth &&
	       entry->stack.flags == flags &&
	       (depth == 0 || memcmp(stacks->frames + entry->offset, frames, depth * sizeof(*frames)) == 0);
}

/* The slot that holds the stack, or the empty one where it belongs. */
static uint32_t *find_slot(struct stacks *stacks, uint64_t hash, uint32_t label, const uint64_t *frames, uint32_t depth,
			   uint32_t flags)
{
	for (size_t at = hash & (stacks->slot_count - 1);; at = (at + 1) & (stacks->slot_count - 1)) {
		uint32_t *slot = &stacks->slots[at];
		if (*slot == NO_ENTRY || entry_is(stacks, &stacks->entries[*slot], hash, label, frames, depth, flags))
			return slot;
	}
}

static int grow(void **array, size_t *room, size_t needed, size_t item_bytes)
{
	size_t want = *room ? *room : 64;
	while (want < needed)
		want *= 2;
	if (want == *room)
		return 0;
	void *grown = realloc(*array, want * item_bytes);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = want;
	return 0;
}

static int make_room(struct stacks *stacks, uint32_t depth)
{
	int error = grow((void **)&stacks->entries, &stacks->room, stacks->size + 1, sizeof(*stacks->entries));
	if (error)
		return error;
	return grow((void **)&stacks->frames, &stacks->frames_room, stacks->frames_used + depth,
		    sizeof(*stacks->frames));
}

long stacks_put(struct stacks *stacks, uint32_t label, const uint64_t *frames, uint32_t depth, uint32_t flags,
		uint64_t count, uint64_t amount)
{
	uint64_t hash = stack_hash(label, frames, depth, flags);
	uint32_t *slot = find_slot(stacks, hash, label, frames, depth, flags);
	if (*slot == NO_ENTRY && stacks->size >= stacks->limit && !(flags & STACK_OVERFLOW))
		return stacks_put(stacks, 0, NULL, 0, STACK_OVERFLOW, count, amount);
	if (*slot == NO_ENTRY) {
		int error = make_room(stacks, depth);
		if (error)
			return error;
		struct entry *entry = &stacks->entries[stacks->size];
		*entry = (struct entry){.hash = hash, .offset = stacks->frames_used};
		entry->stack = (struct stack){.label = label, .flags = flags, .depth = depth};
		if (depth)
			memcpy(stacks->frames + stacks->frames_used, frames, depth * sizeof(*frames));
		stacks->frames_used += depth;
		*slot = (uint32_t)stacks->size++;
	}
	stacks_more(stacks, *slot, count, amount);
	return (long)*slot;
}

int stacks_add(struct stacks *stacks, uint32_t label, const uint64_t *frames, uint32_t depth, uint32_t flags,
	       uint64_t count, uint64_t amount)
{
	long index = stacks_put(stacks, label, frames, depth, flags, count, amount);
	return index < 0 ? (int)index : 0;
}

void stacks_more(struct stacks *stacks, size_t index, uint64_t count, uint64_t amount)
{
	stacks->entries[index].stack.count += count;
	stacks->entries[index].stack.amount += amount;
}

int stacks_add_allocation(struct stacks *stacks, uint32_t label, const struct record_stack *record, uint64_t sample_bytes)
{
	if (record->h.kind != RECORD_STACK || record->depth > RECORD_STACK_DEPTH)
		return -EINVAL;
	double size = (double)record->args[0], weight = 1;
	/* A sampler that draws one byte in sample_bytes hits an object of this size with this probability. */
	if (sample_bytes && size > 0)
		weight = 1 / -expm1(-size / (double)sample_bytes);
	uint32_t flags = STACK_ALLOCATION | (record->depth == RECORD_STACK_DEPTH ? STACK_CUT : 0);
	/* What whole numbers cut off is given to the next one, so that no rounding adds up. */
	stacks->count_rest += weight;
	stacks->amount_rest += weight * size;
	uint64_t count = (uint64_t)stacks->count_rest, amount = (uint64_t)stacks->amount_rest;
	stacks->count_rest -= (double)count;
	stacks->amount_rest -= (double)amount;
	return stacks_add(stacks, label, record->frames, record->depth, flags, count, amount);
}

size_t stacks_size(const struct stacks *stacks)
{
	return stacks->size;
}

const struct stack *stacks_at(const struct stacks *stacks, size_t index)
{
	struct entry *entry = &stacks->entries[index];
	entry->stack.frames = stacks->frames + entry->offset;
	return &entry->stack;
}

/* The way from a public function of the heap to its probe is this long at most. */
#define ALLOCATOR_FRAMES_MAX 8

static int is_allocator(const char *name)
{
	static const char *const names[] = {"gc_", "memlab_probe_", "heap_profile_take", "site_sampled_"};
	for (unsigned i = 0; name && i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return 1;
	return 0;
}

uint64_t stack_address(const struct stack *stack, uint32_t i)
{
	return i ? stack->frames[i] - 1 : stack->frames[i];
}

struct stack_site stack_site(const struct stack *stack, const struct frame_namer *namer)
{
	struct stack_site site = {0};
	const struct frame_name *inlined;
	if (!(stack->flags & STACK_ALLOCATION))
		return site;
	for (uint32_t i = 0; i + 1 < stack->depth && i < ALLOCATOR_FRAMES_MAX; i++)
		if (is_allocator(namer->name(namer->context, stack_address(stack, i)).function))
			site.frame = i + 1;
	if (site.frame >= stack->depth || !namer->inlined)
		return site;
	unsigned count = namer->inlined(namer->context, stack_address(stack, site.frame), &inlined);
	for (unsigned i = 0; i < count; i++)
		if (is_allocator(inlined[i].function))
			site.inlined = i + 1;
	return site;
}
