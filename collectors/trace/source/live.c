/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live source. Opening goes in this order, and each step relies on the ones before:
 *
 *   1. look at the process (/proc), find its probes (ELF notes);
 *   2. load the programs; those that are not needed are not even loaded;
 *   3. run the task iterator once: the target's number in the initial PID namespace;
 *   4. attach scheduler and socket programs, which filter by that number;
 *   5. run the iterators: every thread's state into the ring, ports, open connections;
 *   6. attach the probes, whose semaphores wake up the target's slow side last;
 *   7. for a tenth of a second, count what the programs take.
 *
 * From step 4 on records flow into the ring. All links are descriptors; closing frees them in
 * reverse, and so does the kernel if the tracer is killed.
 */
#include <errno.h>
#include <stdlib.h>

#include "../targets/kind.h"
#include "fault_cost.h"
#include "link.h"
#include "live_internal.h"
#include "rights.h"

static void close_all_probes(struct live *live)
{
	struct probes *probes[] = {&live->probes, &live->twins, &live->allocators};
	const size_t count = sizeof(probes) / sizeof(*probes);
	size_t links = 0;
	for (size_t p = 0; p < count; p++)
		links += probes[p]->link_count;
	int *all = calloc(links + 1, sizeof(*all)), *next = all;
	for (size_t p = 0; p < count && all; p++)
		while (probes[p]->link_count)
			*next++ = probes[p]->links[--probes[p]->link_count];
	links_close(all, all ? links : 0);
	free(all);
	for (size_t p = 0; p < count; p++)
		probes_close(probes[p]);
}

static void live_close(struct source *source)
{
	struct live *live = (struct live *)source;
	run_time_close(&live->run_time);
	sampling_stop(&live->sampling);
	close_all_probes(live);
	for (size_t l = live->link_count; l > 0; l--)
		bpf_link__destroy(live->links[l - 1]);
	bpf_link__destroy(live->seed);
	ring_close(&live->ring);
	arrivals_free(live->arrivals);
	trace_bpf__destroy(live->bpf);
	process_close(&live->process);
	free(live->flight);
	free(live);
}

static const struct source_operations live_operations = {
	.close = live_close,
	.drain = live_drain,
	.target_alive = live_alive,
	.info = live_info,
	.counts = live_counts,
	.tail = live_tail,
};

static int look(struct live *live, struct source_error *error)
{
	int result = process_open(&live->process, live->options.pid, error);
	if (!result)
		result = live_check(live, error);
	if (result)
		return result;
	if (probes_find(&live->probes, &live->process))
		return source_error_set(error, SOURCE_FAILED, -ENOMEM, "out of memory; close something");
	if (live->options.watch_malloc && probes_find_allocators(&live->allocators, &live->process))
		return source_error_set(error, SOURCE_FAILED, -ENOMEM, "out of memory; close something");
	live->kind = target_kind_of(live->options.no_probes ? 0 : live->probes.events);
	live->run_info = probes_find_run_info(&live->process);
	probes_run_info(&live->process, &live->run_info, live->run_json, sizeof(live->run_json));
	return 0;
}

static int tail_from_start(struct live *live, struct source_error *error)
{
	int result = live_tail(&live->source);
	if (!result)
		return 0;
	return source_error_set(error, SOURCE_FAILED, result,
				result == -ENOTSUP ? "process %d keeps no flight rings, which tail mode is made of; use --mode exact"
						   : "out of memory; close something",
				live->process.pid);
}

static int start(struct live *live, struct source_error *error)
{
	live->fault_ns = fault_cost_ns();
	uint64_t begin_ns = source_now_ns();
	int result = live_load(live, error);
	if (!result)
		result = live_open_ring(live, error);
	if (!result)
		result = live_find_target(live, error);
	uint64_t loaded_ns = source_now_ns();
	live->load_ns = loaded_ns - begin_ns;
	if (!result)
		result = live_attach_tracepoints(live, error);
	if (!result)
		result = live_seed(live, error);
	if (!result)
		result = live_attach_probes(live, error);
	if (!result && live->options.tail)
		result = tail_from_start(live, error);
	if (!result)
		result = live_start_sampling(live, error);
	live->attached_at_ns = source_now_ns();
	live->attach_ns = live->attached_at_ns - loaded_ns;
	if (!result && live->options.count_run_time)
		run_time_begin(&live->run_time, live->bpf->obj, live->attached_at_ns);
	return result;
}

int source_open_live(const struct source_options *options, struct source **source, struct source_error *error)
{
	struct live *live = calloc(1, sizeof(*live));
	if (!live)
		return source_error_set(error, SOURCE_FAILED, -ENOMEM, "out of memory; close something");
	live->source.operations = &live_operations;
	live->options = *options;
	live->options.flight |= options->tail;
	live->process = (struct process){.pidfd = -1, .memory = -1};
	live->run_time.statistics = -1;
	live_messages(options->verbose);
	int result = look(live, error);
	if (!result)
		result = start(live, error);
	if (result) {
		live_close(&live->source);
		return result;
	}
	*source = &live->source;
	return 0;
}
