/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEMLAB_TESTS_FIXTURE_CYCLE_H
#define MEMLAB_TESTS_FIXTURE_CYCLE_H

#include <string.h>

#include "../../../collectors/trace/export/cycles.h"
#include "../../../svc/probes/probes.h"

/* Records of one cycle: 30 ms of marking, 80 ms of sweeping, a handshake and an assist. */
static inline void fixture_cycle(struct cycles *cycles, uint64_t number, uint64_t begin_ns)
{
	const struct {
		uint64_t at_ns, args[4];
		uint32_t event, tid;
	} events[] = {{0, {number, 0, 60u << 20, 64u << 20}, EVENT_gc_cycle_begin, 1}, {1000, {number, 1}, EVENT_gc_handshake_begin, 2},
		      {13000, {number, 1}, EVENT_gc_handshake_end, 2}, {2000000, {number, 4096}, EVENT_gc_assist_begin, 3},
		      {2200000, {number, 4096}, EVENT_gc_assist_end, 3}, {30000000, {number, 31u << 20, 22000000, 64u << 20}, EVENT_gc_cycle_end, 1},
		      {110000000, {number, 0}, EVENT_gc_phase, 1}};
	for (unsigned i = 0; i < sizeof(events) / sizeof(*events); i++) {
		struct record_event record = {.h = {.kind = RECORD_EVENT, .tid = events[i].tid, .time_ns = begin_ns + events[i].at_ns}, .event = events[i].event};
		memcpy(record.args, events[i].args, sizeof(events[i].args));
		cycles_record(cycles, &record.h);
	}
}

#endif
