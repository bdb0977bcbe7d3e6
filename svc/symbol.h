/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for code addresses of this very process: which file they lie in (/proc/self/maps) and which function (the
 * file's symbol table, else its dynamic one). A snapshot; text stays valid until symbols_free. One owner, no locks.
 */
#ifndef MEMLAB_SVC_SYMBOL_H
#define MEMLAB_SVC_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

struct symbols;

struct code_file {
	uint64_t start, end, offset; /* addresses, and where `start` lies in the file */
	const char *path;
};

/* NULL on lack of memory. */
struct symbols *symbols_read(void);
void symbols_free(struct symbols *symbols);
/* The executable mapping an address lies in, or NULL. */
const struct code_file *symbols_file(const struct symbols *symbols, uint64_t address);
/* The number of that mapping, for as many as symbols_count says. */
size_t symbols_index(const struct symbols *symbols, const struct code_file *file);
size_t symbols_count(const struct symbols *symbols);
/* A function's name, or NULL; reads the file's table on first use. */
const char *symbols_function(struct symbols *symbols, uint64_t address);

#endif
