/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind of source must offer; source.c passes every call on. Private to source/.
 */
#ifndef MEMLAB_SOURCE_OPERATIONS_H
#define MEMLAB_SOURCE_OPERATIONS_H

#include "source.h"

struct source_operations {
	void (*close)(struct source *source);
	int (*drain)(struct source *source, void (*take)(void *context, const struct record *record), void *context);
	bool (*target_alive)(const struct source *source);
	void (*info)(const struct source *source, struct target_info *info);
	void (*counts)(const struct source *source, struct source_counts *counts);
	int (*tail)(struct source *source);                                                     /* NULL: cannot */
	const char *(*trouble)(const struct source *source);                                    /* NULL: never any */
	const void *(*attachment)(const struct source *source, const char *name, size_t *size); /* NULL: has none */
};

/* First member of every source. */
struct source {
	const struct source_operations *operations;
	uint64_t complete_ns; /* source_complete_ns */
};

#endif
