/* SPDX-License-Identifier: Apache-2.0 */
/* Over to tail mode, for good. */
#include <errno.h>

#include "live_internal.h"

#define MODE_CPU (FLIGHT_CPU_FIRST + FLIGHT_RINGS) /* the lane of record_mode */

/* Arrivals are told for so long before the mode changes: hardly a request waits longer for its begin. */
#define TAIL_LEAD_NS 50000000u

/* Reads, sends and calls are no longer told, and the allocator's slow path: their programs go. */
static void detach_exact(struct live *live)
{
	const struct trace_bpf *bpf = live->bpf;
	for (size_t l = 0; l < live->link_count; l++) {
		const struct bpf_program *program = live->programs[l];
		if (program != bpf->progs.sock_recv_length && program != bpf->progs.sock_send_length &&
		    program != bpf->progs.sched_waking)
			continue;
		bpf_link__destroy(live->links[l]);
		live->links[l] = NULL;
	}
	probes_detach(&live->twins, live->slow_mark, SLOW_EVENTS);
}

/* All records from tail_ns on are those of tail mode, and some before the programs have heard of it more than that. */
void live_tail_begin(struct live *live)
{
	struct record_mode record = {
		.h = {.time_ns = live->tail_ns, .seq = 1, .cpu = MODE_CPU, .kind = RECORD_MODE, .words = sizeof(record) / 8},
		.tail = 1,
	};
	live->tail = true;
	live->flight->tail_ns = live->tail_ns;
	live->take(live->context, &record.h);
	live->bpf->bss->mode_tail = 1;
	if (!live->options.tail)
		live->run_time.over_ns = 0; /* that was exact mode's */
	detach_exact(live);
}

int live_tail(struct source *source)
{
	struct live *live = (struct live *)source;
	if (live->tail_ns)
		return 0;
	if (!live->flight)
		return -ENOTSUP;
	live->arrivals = arrivals_new();
	if (!live->arrivals)
		return -ENOMEM;
	live->flight->arrivals = live->arrivals;
	live->bpf->bss->mode_arrivals = 1;
	live->bpf->bss->mode_tail = live->options.tail; /* else from tail_begin on */
	live->tail_ns = source_now_ns() + (live->options.tail ? 0 : TAIL_LEAD_NS);
	return 0;
}
