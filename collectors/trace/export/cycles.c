/* SPDX-License-Identifier: Apache-2.0 */
#include "cycles.h"

#include <stdlib.h>
#include <string.h>

#include "../../../svc/probes/probes.h"

enum { PHASE_OFF = 0 }; /* of gc_phase */

/* The cycle of that number; NULL: so old that its place has gone to another. */
static struct cycle *cycle_of(struct cycles *cycles, uint64_t number)
{
	struct cycle *cycle = &cycles->ring[number % CYCLES_KEPT];
	if (!number || number + CYCLES_KEPT <= cycles->newest)
		return NULL;
	if (number > cycles->newest)
		cycles->newest = number;
	if (cycle->number != number)
		*cycle = (struct cycle){.number = number};
	return cycle;
}

const struct cycle *cycles_at(const struct cycles *cycles, unsigned back)
{
	if (back >= CYCLES_KEPT || back >= cycles->newest)
		return NULL;
	const struct cycle *cycle = &cycles->ring[(cycles->newest - back) % CYCLES_KEPT];
	return cycle->number == cycles->newest - back ? cycle : NULL;
}

const char *cycle_reason(const struct cycle *cycle)
{
	static const char *const reasons[] = {"trigger", "forced", "memory limit"};
	return cycle->reason < 3 ? reasons[cycle->reason] : "?";
}

/* ---- what mutators feel: each begins and ends on its own thread */

static void begin(struct cycles *cycles, const struct record_event *record)
{
	for (unsigned i = 0; i < CYCLES_OPEN; i++) {
		if (cycles->open[i].begin_ns)
			continue;
		cycles->open[i].tid = record->h.tid;
		cycles->open[i].event = record->event;
		cycles->open[i].begin_ns = record->h.time_ns;
		return;
	}
}

/* How long what the event before this one in probes.def began has lasted; 0: its begin was not seen. */
static uint64_t end(struct cycles *cycles, const struct record_event *record)
{
	for (unsigned i = 0; i < CYCLES_OPEN; i++) {
		uint64_t begin_ns = cycles->open[i].begin_ns;
		if (!begin_ns || cycles->open[i].tid != record->h.tid || cycles->open[i].event != record->event - 1)
			continue;
		cycles->open[i].begin_ns = 0;
		return record->h.time_ns > begin_ns ? record->h.time_ns - begin_ns : 0;
	}
	return 0;
}

static void felt(struct cycles *cycles, const struct record_event *record)
{
	uint64_t ns = end(cycles, record);
	/* A stop does not say which cycle it is for. */
	struct cycle *cycle = cycle_of(cycles, record->event == EVENT_gc_stop_end ? cycles->newest : record->args[0]);
	if (!cycle)
		return;
	if (record->event == EVENT_gc_handshake_end) {
		cycle->handshakes++;
		cycle->handshake_ns_max = ns > cycle->handshake_ns_max ? ns : cycle->handshake_ns_max;
	} else if (record->event == EVENT_gc_assist_end) {
		cycle->assists++;
		cycle->assist_ns += ns;
	} else {
		cycle->stops++;
		cycle->stop_ns += ns;
	}
}

/* ---- the cycle itself */

static void cycle_begin(struct cycle *cycle, const struct record_event *record)
{
	cycle->begin_ns = record->h.time_ns;
	cycle->reason = record->args[1];
	cycle->heap_bytes = record->args[2];
	cycle->goal_bytes = record->args[3];
}

static void cycle_marked(struct cycle *cycle, const struct record_event *record)
{
	cycle->marked_ns = record->h.time_ns;
	cycle->marked_bytes = record->args[1];
	cycle->mark_cpu_ns = record->args[2];
}

void cycles_record(struct cycles *cycles, const struct record *any)
{
	const struct record_event *record = (const struct record_event *)any;
	struct cycle *cycle;
	if (any->kind != RECORD_EVENT)
		return;
	switch (record->event) {
	case EVENT_gc_cycle_begin:
		cycle = cycle_of(cycles, record->args[0]);
		if (cycle)
			cycle_begin(cycle, record);
		return;
	case EVENT_gc_cycle_end:
		cycle = cycle_of(cycles, record->args[0]);
		if (cycle)
			cycle_marked(cycle, record);
		return;
	case EVENT_gc_phase:
		cycle = record->args[1] == PHASE_OFF ? cycle_of(cycles, record->args[0]) : NULL;
		if (cycle)
			cycle->end_ns = record->h.time_ns;
		return;
	case EVENT_gc_handshake_begin:
	case EVENT_gc_assist_begin:
	case EVENT_gc_stop_begin:
		begin(cycles, record);
		return;
	case EVENT_gc_handshake_end:
	case EVENT_gc_assist_end:
	case EVENT_gc_stop_end:
		felt(cycles, record);
		return;
	default:
		return;
	}
}
