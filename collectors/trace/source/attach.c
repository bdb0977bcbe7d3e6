/* SPDX-License-Identifier: Apache-2.0 */
/* Iterators over the target's threads and files, links to tracepoints, and the probes. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live_internal.h"

/* A link on an iterator program, bound to the target's threads. */
static struct bpf_link *iterate_target(const struct live *live, const struct bpf_program *program)
{
	union bpf_iter_link_info info = {.task = {.pid = (uint32_t)live->process.pid}};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof(info));
	return bpf_program__attach_iter(program, &options);
}

/* Lets the iterator run once from first to last. */
static int iterate(const struct bpf_link *link)
{
	int fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		return -errno;
	char nothing[64];
	ssize_t got;
	do
		got = read(fd, nothing, sizeof(nothing));
	while (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)));
	int result = got < 0 ? -errno : 0;
	close(fd);
	return result;
}

static int iterate_once(const struct live *live, const struct bpf_program *program)
{
	struct bpf_link *link = iterate_target(live, program);
	if (!link)
		return -errno;
	int result = iterate(link);
	bpf_link__destroy(link);
	return result;
}

int live_find_target(struct live *live, struct source_error *error)
{
	int result = iterate_once(live, live->bpf->progs.task_find);
	if (result && result != -ESRCH)
		return source_error_set(error, SOURCE_FAILED, result,
					"cannot walk the target's threads with BPF (%s); it needs kernel 6.6 or later",
					strerror(-result));
	if (result || live->bpf->bss->found_threads == 0)
		return source_error_set(error, SOURCE_TARGET_EXITED, -ESRCH, "process %d has ended; start it again",
					live->process.pid);
	live->bpf->bss->target_tgid = live->bpf->bss->found_tgid;
	return 0;
}


static int attach(struct live *live, struct bpf_program *program)
{
	if (!bpf_program__autoload(program))
		return 0;
	struct bpf_link *link = bpf_program__attach(program);
	if (!link)
		return -errno;
	live->programs[live->link_count] = program;
	live->links[live->link_count++] = link;
	return 0;
}

int live_attach_tracepoints(struct live *live, struct source_error *error)
{
	struct trace_bpf *bpf = live->bpf;
	struct bpf_program *programs[] = {
		bpf->progs.task_newtask,     bpf->progs.sched_process_exit, bpf->progs.sched_process_exec,
		bpf->progs.profile_offcpu, /* before the switch itself is told */
		bpf->progs.sched_switch,     bpf->progs.sched_migrate_task, bpf->progs.sched_waking,
		bpf->progs.sched_wakeup,     bpf->progs.sched_wakeup_new,   bpf->progs.inet_sock_set_state,
		bpf->progs.sk_data_ready,    bpf->progs.sock_recv_length,   bpf->progs.sock_send_length,
		bpf->progs.tcp_sendmsg_locked,
		bpf->progs.tcp_destroy_sock, bpf->progs.page_fault_user,    bpf->progs.page_fault_kernel,
		bpf->progs.rss_stat,
	};
	for (size_t p = 0; p < sizeof(programs) / sizeof(programs[0]); p++) {
		int result = attach(live, programs[p]);
		if (result)
			return source_error_set(error, SOURCE_FAILED, result,
						"cannot attach to the kernel's %s: %s; run `memlab-trace doctor`",
						bpf_program__name(programs[p]), strerror(-result));
	}
	return 0;
}

int live_seed(struct live *live, struct source_error *error)
{
	live->seed = iterate_target(live, live->bpf->progs.task_seed);
	int result = live->seed ? iterate(live->seed) : -errno;
	if (!result)
		result = iterate_once(live, live->bpf->progs.socket_ports);
	if (!result)
		result = iterate_once(live, live->bpf->progs.socket_seed);
	live->seeded_ns = source_now_ns();
	if (result == -ESRCH)
		return source_error_set(error, SOURCE_TARGET_EXITED, result,
					"process %d ended while attaching; start it again", live->process.pid);
	if (result)
		return source_error_set(error, SOURCE_FAILED, result,
					"cannot walk the target's threads and files: %s; run `memlab-trace doctor`",
					strerror(-result));
	return 0;
}

#define ALLOC_EVENT (1ull << EVENT_gc_alloc)
#define SAMPLE_EVENT (1ull << EVENT_alloc_sample)
#define POOL_EVENT (1ull << EVENT_gc_pool_miss)
#define END_EVENT (1ull << EVENT_request_end)
#define FLIGHT_EVENT (1ull << EVENT_request_flight)

/*
 * Requests are announced by the probe or through the rings, never both, and so are events, those that the rings carry;
 * allocations have a program of their own.
 */
static uint64_t events_wanted(const struct live *live)
{
	uint64_t events = ~ALLOC_EVENT & ~SAMPLE_EVENT & ~SLOW_EVENTS & ~(live->flight ? END_EVENT : FLIGHT_EVENT);
	return live->options.watch_all ? events : events & ~POOL_EVENT;
}

/* Of the wanted ones, those whose twins are attached. */
static uint64_t events_by_ring(const struct live *live)
{
	return live->flight ? live->twins.events & FLIGHT_EVENTS & ~POOL_EVENT : 0;
}

static int find_flight(struct live *live)
{
	if (!live->options.flight || live->options.no_probes || !(live->probes.events & FLIGHT_EVENT) ||
	    live->process.memory < 0)
		return 0;
	live->flight = calloc(1, sizeof(*live->flight));
	if (!live->flight)
		return -ENOMEM;
	if (flight_find(live->flight, &live->process)) {
		flight_start(live->flight);
		int result = probes_find_twins(&live->twins, &live->process);
		live->twins.everybody = live->probes.everybody;
		return result;
	}
	free(live->flight);
	live->flight = NULL;
	return 0;
}

static int attach_own_probes(struct live *live)
{
	if (live->options.no_probes || !live->probes.place_count)
		return 0;
	int result = find_flight(live);
	uint64_t wanted = events_wanted(live), by_ring = events_by_ring(live);
	if (!result)
		result = probes_attach(&live->probes, live->bpf->progs.runtime_event, wanted & ~by_ring, live->perf_links);
	uint64_t stacks = (live->options.watch_alloc ? ALLOC_EVENT : 0) | (live->options.watch_alloc_samples ? SAMPLE_EVENT : 0);
	if (!result && stacks)
		result = probes_attach(&live->probes, live->bpf->progs.runtime_stack, stacks, live->perf_links);
	if (!result && by_ring)
		result = probes_attach(&live->twins, live->bpf->progs.runtime_event, wanted & by_ring, live->perf_links);
	live->slow_mark = probes_mark(&live->twins);
	if (!result && !live->options.tail)
		result = probes_attach(by_ring ? &live->twins : &live->probes, live->bpf->progs.runtime_event, SLOW_EVENTS,
				       live->perf_links);
	if (!result && by_ring)
		probes_mark_attached(&live->probes, by_ring & (live->options.tail ? wanted : wanted | SLOW_EVENTS));
	return result;
}

int live_start_sampling(struct live *live, struct source_error *error)
{
	int result = live->options.sample_cpu ? sampling_start(&live->sampling, live->bpf->progs.profile_cpu) : 0;
	if (!result)
		return 0;
	return source_error_set(error, result == -EPERM || result == -EACCES ? SOURCE_NO_PERMISSION : SOURCE_FAILED, result,
				"cannot sample the CPUs (%s); it needs CAP_PERFMON, or leave out --flame and --folded of cpu, tail and diff",
				strerror(-result));
}

int live_attach_probes(struct live *live, struct source_error *error)
{
	int result = attach_own_probes(live);
	if (!result && live->allocators.place_count)
		result = probes_attach(&live->allocators, live->bpf->progs.runtime_stack, ~0ull, live->perf_links);
	if (!result)
		return 0;
	if (!process_alive(&live->process))
		return source_error_set(error, SOURCE_TARGET_EXITED, result,
					"process %d ended while attaching; start it again", live->process.pid);
	return source_error_set(error, result == -EPERM || result == -EACCES ? SOURCE_NO_PERMISSION : SOURCE_FAILED,
				result, "cannot attach to the probes in %s: %s; run `memlab-trace doctor`",
				live->process.exe, strerror(-result));
}

void live_renew(struct live *live)
{
	if (!live->run_json[0]) /* a program that has just started says it a little later */
		probes_run_info(&live->process, &live->run_info, live->run_json, sizeof(live->run_json));
	iterate(live->seed); /* fails when the target has ended, which source_target_alive tells */
}
