/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index as a command line asks for it: the options that say which data in which layout, and the loading of it.
 * One module, so that memlab-loadindex builds exactly what memlab-svc serves. Main thread; failures end the program.
 */
#ifndef MEMLAB_SVC_INDEXING_H
#define MEMLAB_SVC_INDEXING_H

#include "config.h"
#include "options.h"

enum indexing_key {
	INDEXING_SIZE = 1024, /* beyond the programs' own */
	INDEXING_SEED,
	INDEXING_DATA,
	INDEXING_LAYOUT,
	INDEXING_RECORD,
	INDEXING_INTERN
};

/* Rows of a program's table of options. */
#define INDEXING_OPTIONS                                                                                       \
	{"index-size", INDEXING_SIZE, "SIZE", 0, "how much data (64MiB)", 0},                                  \
		{"seed", INDEXING_SEED, "N", 0, "which data (42)", 0},                                         \
		{"data", INDEXING_DATA, "FILE", 0, "the records of a file that memlab-gen wrote", 0},          \
		{"layout", INDEXING_LAYOUT, "map|flat|offheap", 0, "how the index lies in memory (map)", 0},   \
		{"record", INDEXING_RECORD, "packed|mispacked", 0, "how a record lies in memory (packed)", 0}, \
	{                                                                                                      \
		"intern", INDEXING_INTERN, "on|off", 0, "one object per distinct string (off)", 0              \
	}

void indexing_defaults(struct config *config);
/* True if `key` was one of the rows above. */
bool indexing_option(const struct option_table *table, struct config *config, int key, const char *value);

/* Where the records come from; with a file, its seed and size become the run's. Never NULL. */
struct dataset_source *indexing_source(struct config *config);
/* Loads the records and closes the source; a bar on stderr if that is a terminal. Never NULL. */
struct store *indexing_load(const struct config *config, struct gc_heap *heap, struct gc_mutator *m,
			    struct dataset_source *source, double *seconds);

#endif
