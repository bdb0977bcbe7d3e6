/* SPDX-License-Identifier: Apache-2.0 */
/* Nest: see nest.h. */
#include "nest.h"

int nest_begin(struct nest *nest, uint32_t event, enum slow slow, uint64_t time_ns)
{
	if (nest->depth == NEST_LIMIT)
		return -1;
	nest->level[nest->depth++] = (struct nest_level){time_ns, event, slow};
	nest->inside[slow]++;
	return 0;
}

uint32_t nest_end(struct nest *nest, uint32_t event, struct nest_level *level)
{
	uint32_t at = nest->depth, closed = 0;

	while (at > 0 && nest->level[at - 1].event != event)
		at--;
	if (at == 0)
		return 0;
	*level = nest->level[at - 1];
	for (; nest->depth >= at; closed++)
		nest->inside[nest->level[--nest->depth].slow]--;
	return closed;
}

uint32_t nest_close(struct nest *nest)
{
	uint32_t closed = nest->depth;

	*nest = (struct nest){0};
	return closed;
}
