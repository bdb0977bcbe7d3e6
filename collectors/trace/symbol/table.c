/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A written table is its version, the number of its symbols, and each of them: numbers of fixed width, strings ended by 0. Of a
 * symbol's functions the inlined ones come first, the one that has the code last.
 */
#include "table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_VERSION 1u
#define FRAMES_MAX 1024u

int table_init(struct table *table)
{
	*table = (struct table){.slot_count = 1024};
	table->slots = calloc(table->slot_count, sizeof(*table->slots));
	return table->slots ? 0 : -ENOMEM;
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->slot_count && table->slots; i++) {
		if (table->slots[i])
			free((void *)table->slots[i]->symbol.inlined);
		free(table->slots[i]);
	}
	free(table->slots);
	free(table->strings);
}

/* ---- the hash */

static size_t slot_of(uint64_t address, size_t slot_count)
{
	return (size_t)(address * 0x9e3779b97f4a7c15u >> 20) & (slot_count - 1);
}

static struct table_entry **find_slot(struct table_entry **slots, size_t slot_count, uint64_t address)
{
	size_t at = slot_of(address, slot_count);
	while (slots[at] && slots[at]->address != address)
		at = (at + 1) & (slot_count - 1);
	return &slots[at];
}

/* On lack of memory the old slots serve on, only slower. */
static void double_slots(struct table *table)
{
	size_t slot_count = table->slot_count * 2;
	struct table_entry **slots = calloc(slot_count, sizeof(*slots));
	if (!slots)
		return;
	for (size_t i = 0; i < table->slot_count; i++)
		if (table->slots[i])
			*find_slot(slots, slot_count, table->slots[i]->address) = table->slots[i];
	free(table->slots);
	table->slots = slots;
	table->slot_count = slot_count;
}

struct symbol *table_find(const struct table *table, uint64_t address)
{
	struct table_entry *entry = *find_slot(table->slots, table->slot_count, address);
	return entry ? &entry->symbol : NULL;
}

struct symbol *table_add(struct table *table, uint64_t address)
{
	if (2 * table->used >= table->slot_count)
		double_slots(table);
	if (table->used + 1 >= table->slot_count)
		return NULL;
	struct table_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->address = address;
	*find_slot(table->slots, table->slot_count, address) = entry;
	table->used++;
	return &entry->symbol;
}

/* ---- writing */

static void put_u32(FILE *file, uint32_t value)
{
	fwrite(&value, sizeof(value), 1, file);
}

static void put_u64(FILE *file, uint64_t value)
{
	fwrite(&value, sizeof(value), 1, file);
}

static void put_string(FILE *file, const char *text)
{
	fputs(text ? text : "", file);
	fputc(0, file);
}

static void put_frame(FILE *file, const struct frame_name *frame)
{
	put_u32(file, frame->line);
	put_string(file, frame->function);
	put_string(file, frame->file);
}

static void put_entry(FILE *file, const struct table_entry *entry)
{
	const struct symbol *symbol = &entry->symbol;
	put_u64(file, entry->address);
	put_u64(file, symbol->offset);
	put_u64(file, symbol->module_start);
	put_u64(file, symbol->module_end);
	put_string(file, symbol->path);
	put_string(file, symbol->build_id);
	put_u32(file, symbol->inlined_count);
	for (unsigned i = 0; i < symbol->inlined_count; i++)
		put_frame(file, &symbol->inlined[i]);
	put_frame(file, &symbol->name);
}

void table_write(const struct table *table, FILE *file)
{
	put_u32(file, TABLE_VERSION);
	put_u32(file, (uint32_t)table->used);
	for (size_t i = 0; i < table->slot_count; i++)
		if (table->slots[i])
			put_entry(file, table->slots[i]);
}

/* ---- reading */

struct reader {
	const char *at, *end;
	bool bad;
};

static void take(struct reader *reader, void *value, size_t size)
{
	reader->bad |= (size_t)(reader->end - reader->at) < size;
	memset(value, 0, size);
	if (reader->bad)
		return;
	memcpy(value, reader->at, size);
	reader->at += size;
}

static uint32_t take_u32(struct reader *reader)
{
	uint32_t value;
	take(reader, &value, sizeof(value));
	return value;
}

static uint64_t take_u64(struct reader *reader)
{
	uint64_t value;
	take(reader, &value, sizeof(value));
	return value;
}

/* NULL where nothing is written. */
static const char *take_string(struct reader *reader)
{
	const char *text = reader->at, *end = reader->bad ? NULL : memchr(text, 0, (size_t)(reader->end - text));
	reader->bad |= !end;
	if (!end)
		return NULL;
	reader->at = end + 1;
	return *text ? text : NULL;
}

static struct frame_name take_frame(struct reader *reader, const char *module)
{
	struct frame_name frame = {.module = module, .line = take_u32(reader)};
	frame.function = take_string(reader);
	frame.file = take_string(reader);
	return frame;
}

static int take_entry(struct table *table, struct reader *reader)
{
	uint64_t address = take_u64(reader);
	if (reader->bad || table_find(table, address))
		return -EBADMSG;
	struct symbol *symbol = table_add(table, address);
	if (!symbol)
		return -ENOMEM;
	symbol->offset = take_u64(reader);
	symbol->module_start = take_u64(reader);
	symbol->module_end = take_u64(reader);
	symbol->path = take_string(reader);
	symbol->build_id = take_string(reader);
	const char *module = symbol_module(symbol->path);
	uint32_t count = take_u32(reader);
	if (reader->bad || count > FRAMES_MAX)
		return -EBADMSG;
	struct frame_name *inlined = count ? calloc(count, sizeof(*inlined)) : NULL;
	if (count && !inlined)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		inlined[i] = take_frame(reader, module);
	symbol->inlined = inlined;
	symbol->inlined_count = count;
	symbol->name = take_frame(reader, module);
	return reader->bad ? -EBADMSG : 0;
}

int table_read(struct table *table, const void *bytes, size_t size)
{
	table->strings = malloc(size + 1);
	if (!table->strings)
		return -ENOMEM;
	memcpy(table->strings, bytes, size);
	struct reader reader = {table->strings, table->strings + size, false};
	if (take_u32(&reader) != TABLE_VERSION)
		return -EBADMSG;
	int result = 0;
	for (uint32_t left = take_u32(&reader); left && !result; left--)
		result = take_entry(table, &reader);
	return result ? result : reader.bad || reader.at != reader.end ? -EBADMSG : 0;
}
