/* SPDX-License-Identifier: Apache-2.0 */
#include "slice.h"

#include <sched.h>
#include <time.h>

#include "core/clock.h"

void slices_begin(struct slices *slices, uint64_t polite_ns)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	slices->polite_until_ns = now_ns + polite_ns;
	slices->due_ns = now_ns + SLICE_NS;
}

void slices_end(struct slices *slices)
{
	slices->polite_until_ns = 0;
}

void slices_look(struct slices *slices)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	if (now_ns < slices->due_ns)
		return;
	if (now_ns >= slices->polite_until_ns) {
		slices_end(slices);
		return;
	}
	sched_yield();
	slices->due_ns = clock_ns(CLOCK_MONOTONIC) + SLICE_NS;
}
