/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table is indexed by id; ids that are not given away have no name.
 */
#include "event.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name, *params, *doc;
	unsigned int argc;
} events[] = {
#define PROBE(id, name, argc, params, doc) [id] = {#name, #params, doc, argc},
#include "../../../svc/probes/probes.def"
	[EVENT_malloc] = {"malloc", "(uint64_t size_bytes, uint64_t caller)",
			  "a function of the malloc library was called", 2},
};

#define EVENT_COUNT (sizeof(events) / sizeof(events[0]))

const char *event_name(uint32_t event)
{
	return event < EVENT_COUNT ? events[event].name : NULL;
}

const char *event_doc(uint32_t event)
{
	return event < EVENT_COUNT ? events[event].doc : NULL;
}

const char *event_params(uint32_t event)
{
	return event < EVENT_COUNT ? events[event].params : NULL;
}

unsigned int event_argc(uint32_t event)
{
	return event < EVENT_COUNT ? events[event].argc : 0;
}

uint32_t event_find(const char *name)
{
	for (uint32_t event = 1; event < EVENT_ID_LIMIT; event++)
		if (events[event].name && strcmp(events[event].name, name) == 0)
			return event;
	return 0;
}
