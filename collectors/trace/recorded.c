/* SPDX-License-Identifier: Apache-2.0 */
#include "recorded.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACKS_NAME "stacks"
#define SYMBOLS_NAME "symbols"

static void look_up_all(struct symbols *symbols, const struct stacks *stacks)
{
	for (size_t i = 0; stacks && i < stacks_size(stacks); i++) {
		const struct stack *stack = stacks_at(stacks, i);
		for (uint32_t frame = 0; frame < stack->depth; frame++)
			symbols_find(symbols, stack_address(stack, frame));
	}
}

static int attach_symbols(struct recording *recording, struct symbols *symbols)
{
	char *bytes = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&bytes, &size);
	if (!file)
		return -ENOMEM;
	int error = symbols_write(symbols, file);
	if (fclose(file) && !error)
		error = -ENOMEM;
	if (!error)
		error = recording_attach(recording, SYMBOLS_NAME, bytes, size);
	free(bytes);
	return error;
}

int recorded_attach(struct recording *recording, const struct recorded *recorded, struct symbols *symbols, const struct stacks *allocations,
		    const struct stacks *samples)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "%d %d %.15s", recorded->allocations, recorded->samples, recorded->alloc_mode);
	look_up_all(symbols, allocations);
	look_up_all(symbols, samples);
	int error = recording_attach(recording, STACKS_NAME, line, (size_t)length);
	return error ? error : attach_symbols(recording, symbols);
}

int recorded_read(const struct source *source, struct recorded *recorded, struct symbols **symbols)
{
	size_t size;
	char line[64] = "";
	int allocations, samples;
	*recorded = (struct recorded){.alloc_mode = "counters"};
	const char *bytes = source_attachment(source, STACKS_NAME, &size);
	if (!bytes)
		return 0;
	memcpy(line, bytes, size < sizeof(line) ? size : sizeof(line) - 1);
	if (sscanf(line, "%d %d %15s", &allocations, &samples, recorded->alloc_mode) != 3)
		return -EBADMSG;
	recorded->allocations = allocations != 0;
	recorded->samples = samples != 0;
	bytes = source_attachment(source, SYMBOLS_NAME, &size);
	return bytes ? symbols_read(symbols, bytes, size) : -EBADMSG;
}
