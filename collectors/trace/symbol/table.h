/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The symbols that have been found, by address: a hash that doubles when half full. A table can be written into a recording
 * and read back there, where no process is left to ask. Symbols keep their place in memory. One thread at a time.
 */
#ifndef MEMLAB_TRACE_SYMBOL_TABLE_H
#define MEMLAB_TRACE_SYMBOL_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "symbols.h"

struct table {
	struct table_entry **slots; /* power of two */
	size_t slot_count, used;
	char *strings; /* of a table that was read: what its symbols point into */
};

struct table_entry {
	uint64_t address;
	struct symbol symbol; /* .inlined is the table's own */
};

int table_init(struct table *table); /* 0 or -ENOMEM */
void table_free(struct table *table);

struct symbol *table_find(const struct table *table, uint64_t address); /* NULL: not in it */
/* A symbol of that address, all 0, to be filled. NULL on lack of memory. The address must not be in the table. */
struct symbol *table_add(struct table *table, uint64_t address);

void table_write(const struct table *table, FILE *file);
/* Into an empty table; the bytes are not trusted and are copied. 0, -EBADMSG or -ENOMEM. */
int table_read(struct table *table, const void *bytes, size_t size);

#endif
