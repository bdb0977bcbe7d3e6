/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the numbers of a run are not the target's alone. Pure: takes counts, returns lines.
 */
#ifndef MEMLAB_LOAD_WARNING_H
#define MEMLAB_LOAD_WARNING_H

#include "driver.h"

#define WARNINGS_MAX 8
#define WARNING_BYTES 240

struct warnings {
	uint32_t count;
	char lines[WARNINGS_MAX][WARNING_BYTES];
};

void warnings_find(const struct load_options *options, const struct outcome *outcome, struct warnings *warnings);

#endif
