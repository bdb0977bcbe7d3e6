/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of process memlab knows, told apart by the events they announce, and what
 * cannot be seen of each. Pure tables.
 */
#ifndef MEMLAB_KIND_H
#define MEMLAB_KIND_H

#include <stdbool.h>
#include <stdint.h>

struct target_kind {
	const char *name;
	const char *missing; /* one line: which causes cannot be seen, and why; NULL: all can */
	bool has_request_end;
};

/* `events`: bit n is set if the process has a probe for event n. */
const struct target_kind *target_kind_of(uint64_t events);

#endif
