/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of probes.def as a table: name, arguments, words. Pure and constant.
 */
#ifndef MEMLAB_EVENT_H
#define MEMLAB_EVENT_H

#include <stdint.h>

#include "../../../svc/probes/probes.h"

/*
 * An allocation by a function of the process's malloc library; not a probe, and so not in probes.def. Comes as
 * record_stack: args[0] bytes asked for, args[1] the caller.
 */
#define EVENT_malloc 48u

/* All return NULL or 0 for an id that is not in probes.def. */
const char *event_name(uint32_t event);
const char *event_doc(uint32_t event);
const char *event_params(uint32_t event); /* "(uint64_t cycle, ...)" */
unsigned int event_argc(uint32_t event);

/* 0: no event of this name. */
uint32_t event_find(const char *name);

#endif
