/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the richest kind to the poorest: the first whose events are all there is taken.
 */
#include "kind.h"

#include <stddef.h>

#include "../../../svc/probes/probes.h"

#define BIT(event) (1ull << EVENT_##event)

static const struct {
	struct target_kind kind;
	uint64_t needs;
} kinds[] = {
	{{"memlab-svc", NULL, true}, BIT(request_end) | BIT(gc_cycle_begin)},
	{{"gc process", "requests are exchanges (bytes in, bytes out): the program announces no end of requests",
	  false},
	 BIT(gc_cycle_begin)},
	{{"request process",
	  "alloc, assist, stop and gc_cpu cannot be seen: the program has no heap of memlab's; they count as own, "
	  "blocked or runq",
	  true},
	 BIT(request_end)},
	{{"process",
	  "alloc, assist, stop and gc_cpu cannot be seen without memlab's probes: they count as own, blocked or runq",
	  false},
	 0},
};

const struct target_kind *target_kind_of(uint64_t events)
{
	size_t k = 0;
	while ((events & kinds[k].needs) != kinds[k].needs)
		k++;
	return &kinds[k].kind;
}
