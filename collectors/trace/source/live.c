/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live source. Opening goes in this order, and each step relies on the ones before:
 *
 *   1. look at the process (/proc), find its probes (ELF notes);
 *   2. load the programs; those that are not needed are not even loaded;
 *   3. run the task iterator once: the target's number in the initial PID namespace;
 *   4. attach scheduler and socket programs, which filter by that number;
 *   5. run the iterators: every thread's state into the ring, ports, open connections;
 *   6. attach the probes, whose semaphores wake up the target's slow side last.
 *
 * From step 4 on records flow into the ring. All links are descriptors; closing frees them in
 * reverse, and so does the kernel if the tracer is killed.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../../bpf/trace.h"
#include "../targets/event.h"
#include "../targets/kind.h"
#include "calibrate.h"
#include "decode.h"
#include "flight_reader.h"
#include "link.h"
#include "operations.h"
#include "probes.h"
#include "process.h"
#include "rights.h"
#include "trace.skel.h"

#define RING_BYTES_DEFAULT ((size_t)8 << 20)
#define RING_BYTES_MIN ((size_t)4096)
#define RING_BYTES_MAX ((size_t)1 << 30)
#define SEED_EVERY_NS 1000000000u
#define LINK_LIMIT 24

struct live {
	struct source source;
	struct source_options options;
	struct process process;
	struct probes probes;
	struct probes allocators;
	const struct target_kind *kind;
	struct flight_reader *flight; /* NULL: requests come by their probe */
	struct trace_bpf *bpf;
	struct bpf_link *links[LINK_LIMIT];
	size_t link_count;
	struct bpf_link *seed; /* the task iterator, read once a second */
	uint64_t seeded_ns;
	struct ring_buffer *ring;
	bool perf_links;
	int timing; /* descriptor that has the kernel time programs; -1: not now */
	uint64_t timing_since_ns, timed_ns;
	uint64_t load_ns, attach_ns, attached_at_ns;
	uint64_t received_of[RECORD_KIND_LIMIT];
	void (*take)(void *context, const struct record *record); /* during a drain */
	void *context;
	int drained;
	char run_json[1024];
};

/* ---- messages of libbpf */

static bool libbpf_verbose;

static int libbpf_message(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (!libbpf_verbose || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, arguments);
}

/* ---- rights and kernel */

static int check_rights(struct source_error *error)
{
	char missing[128];
	if (rights_to_load())
		return 0;
	rights_missing(missing, sizeof(missing));
	return source_error_set(error, SOURCE_NO_PERMISSION, -EPERM,
				"no permission to load BPF programs (missing: %s); run it with sudo", missing);
}

static int check_kernel(struct source_error *error)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		return 0;
	return source_error_set(error, SOURCE_FAILED, -ENOTSUP,
				"this kernel has no BTF (/sys/kernel/btf/vmlinux); use a kernel built with "
				"CONFIG_DEBUG_INFO_BTF, 6.6 or later");
}

static int check_cpus(struct source_error *error)
{
	int cpus = libbpf_num_possible_cpus();
	if (cpus > 0 && (unsigned int)cpus <= TRACE_CPU_LIMIT)
		return 0;
	return source_error_set(error, SOURCE_FAILED, -ENOTSUP,
				"cannot count for %d CPUs; rebuild with a larger TRACE_CPU_LIMIT", cpus);
}

/*
 * Before 6.10 a link for a process may see its first thread only; kernels differ by what was
 * backported to them, so it is tried.
 */
static bool link_filter_covers_threads(void)
{
	struct utsname name;
	struct calibration calibration = {0};
	unsigned int major = 0, minor = 0;
	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	if (major * 100 + minor >= 610)
		return true;
	return calibrate(&calibration) == 0 && calibration.threads_covered;
}

/* ---- loading */

static size_t ring_bytes(const struct source_options *options)
{
	size_t wanted = options->ring_bytes ? options->ring_bytes : RING_BYTES_DEFAULT;
	size_t bytes = RING_BYTES_MIN;
	while (bytes < wanted && bytes < RING_BYTES_MAX)
		bytes *= 2;
	return bytes;
}

static void choose_programs(struct live *live)
{
	struct trace_bpf *bpf = live->bpf;
	const struct source_options *options = &live->options;
	bool events = live->probes.place_count && !options->no_probes;
	struct bpf_program *sched[] = {bpf->progs.sched_switch, bpf->progs.sched_waking, bpf->progs.sched_wakeup,
				       bpf->progs.sched_wakeup_new, bpf->progs.sched_migrate_task};
	for (size_t p = 0; p < sizeof(sched) / sizeof(sched[0]); p++)
		bpf_program__set_autoload(sched[p], !options->no_sched);
	bpf_program__set_autoload(bpf->progs.page_fault_user, options->watch_faults);
	bpf_program__set_autoload(bpf->progs.page_fault_kernel, options->watch_faults);
	bpf_program__set_autoload(bpf->progs.runtime_event, events);
	bpf_program__set_autoload(bpf->progs.runtime_stack,
				  (events && options->watch_alloc) || live->allocators.place_count);
	if (live->perf_links)
		return;
	bpf_program__set_expected_attach_type(bpf->progs.runtime_event, LINK_UPROBE_MULTI);
	bpf_program__set_expected_attach_type(bpf->progs.runtime_stack, LINK_UPROBE_MULTI);
}

static int load(struct live *live, struct source_error *error)
{
	live->bpf = trace_bpf__open();
	if (!live->bpf)
		return source_error_set(error, SOURCE_FAILED, -errno,
					"cannot read the BPF programs: %s; this is a defect", strerror(errno));
	live->perf_links = live->options.perf_links || !link_uprobe_multi_supported();
	live->probes.everybody = live->perf_links || !link_filter_covers_threads();
	live->allocators.everybody = live->probes.everybody;
	choose_programs(live);
	for (uint32_t event = 0; event < TRACE_EVENT_LIMIT; event++)
		live->bpf->rodata->event_args[event] = (uint8_t)event_argc(event);
	bpf_map__set_max_entries(live->bpf->maps.ring, (uint32_t)ring_bytes(&live->options));
	int result = trace_bpf__load(live->bpf);
	if (!result)
		return 0;
	if (result == -EPERM || result == -EACCES)
		return source_error_set(error, SOURCE_NO_PERMISSION, result,
					"the kernel refused the BPF programs (%s); run `memlab-trace doctor`",
					strerror(-result));
	return source_error_set(
		error, SOURCE_FAILED, result,
		"the kernel refused the BPF programs (%s); run `memlab-trace doctor`, or again with --verbose",
		strerror(-result));
}

/* ---- iterators */

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

static int find_target(struct live *live, struct source_error *error)
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

/* ---- attaching */

static int attach(struct live *live, struct bpf_program *program)
{
	if (!bpf_program__autoload(program))
		return 0;
	struct bpf_link *link = bpf_program__attach(program);
	if (!link)
		return -errno;
	live->links[live->link_count++] = link;
	return 0;
}

static int attach_tracepoints(struct live *live, struct source_error *error)
{
	struct trace_bpf *bpf = live->bpf;
	struct bpf_program *programs[] = {
		bpf->progs.task_newtask,     bpf->progs.sched_process_exit, bpf->progs.sched_process_exec,
		bpf->progs.sched_switch,     bpf->progs.sched_migrate_task, bpf->progs.sched_waking,
		bpf->progs.sched_wakeup,     bpf->progs.sched_wakeup_new,   bpf->progs.inet_sock_set_state,
		bpf->progs.sk_data_ready,    bpf->progs.sock_recv_length,   bpf->progs.sock_send_length,
		bpf->progs.tcp_destroy_sock, bpf->progs.page_fault_user,    bpf->progs.page_fault_kernel,
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

static int seed(struct live *live, struct source_error *error)
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
#define POOL_EVENT (1ull << EVENT_gc_pool_miss)
#define END_EVENT (1ull << EVENT_request_end)
#define FLIGHT_EVENT (1ull << EVENT_request_flight)

/* Requests are announced by the probe or through the rings, never both; allocations have a program of their own. */
static uint64_t events_wanted(const struct live *live)
{
	uint64_t events = ~ALLOC_EVENT & ~(live->flight ? END_EVENT : FLIGHT_EVENT);
	return live->options.watch_all ? events : events & ~POOL_EVENT;
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
		return 0;
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
	if (!result)
		result = probes_attach(&live->probes, live->bpf->progs.runtime_event, events_wanted(live),
				       live->perf_links);
	if (!result && live->options.watch_alloc)
		result = probes_attach(&live->probes, live->bpf->progs.runtime_stack, ALLOC_EVENT, live->perf_links);
	return result;
}

static int attach_probes(struct live *live, struct source_error *error)
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

/* ---- draining */

/*
 * A probe before the function's own frame is made: the walk along frame pointers goes from the function straight
 * to its caller's caller, and the caller is put in from the return address.
 */
static const struct record *with_caller(const struct record_stack *record, struct record_stack *copy)
{
	uint64_t caller = record->args[1];
	if (record->event != EVENT_malloc || record->depth == 0 || record->frames[1] == caller)
		return &record->h;
	*copy = *record;
	copy->depth = record->depth < RECORD_STACK_DEPTH ? record->depth + 1 : RECORD_STACK_DEPTH;
	memmove(&copy->frames[2], &record->frames[1], (copy->depth - 2) * sizeof(copy->frames[0]));
	copy->frames[1] = caller;
	return &copy->h;
}

static int ring_take(void *context, void *data, size_t size)
{
	struct live *live = context;
	const struct record *record = data;
	if (!record_valid(record, size))
		return 0;
	live->received_of[record->kind]++;
	live->drained++;
	struct record_stack copy;
	if (record->kind == RECORD_STACK)
		record = with_caller((const struct record_stack *)record, &copy);
	if (record->kind == RECORD_TASK && live->flight)
		flight_learn_thread(live->flight, ((const struct record_task *)record)->ns_tid, record->tid);
	live->take(live->context, record);
	return 0;
}

static int open_ring(struct live *live, struct source_error *error)
{
	live->ring = ring_buffer__new(bpf_map__fd(live->bpf->maps.ring), ring_take, live, NULL);
	if (live->ring)
		return 0;
	return source_error_set(error, SOURCE_FAILED, -errno,
				"cannot map the ring of %zu bytes: %s; ask for a smaller one",
				ring_bytes(&live->options), strerror(errno));
}

static int live_drain(struct source *source, void (*take)(void *context, const struct record *record), void *context)
{
	struct live *live = (struct live *)source;
	uint64_t now_ns = source_now_ns();
	if (now_ns - live->seeded_ns >= SEED_EVERY_NS) {
		live->seeded_ns = now_ns;
		iterate(live->seed); /* fails when the target has ended, which source_target_alive tells */
	}
	live->take = take;
	live->context = context;
	live->drained = 0;
	int result = ring_buffer__consume(live->ring);
	if (result < 0)
		return result;
	result = live->flight ? flight_drain(live->flight, take, context) : 0;
	return live->drained + (result > 0 ? result : 0); /* a target that has ended gives nothing more */
}

/* ---- cost */

static int start_timing(struct live *live, struct source_error *error)
{
	if (!live->options.measure)
		return 0;
	live->timing = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (live->timing < 0)
		return source_error_set(
			error, SOURCE_NO_PERMISSION, -errno,
			"cannot have the kernel time the BPF programs: %s; run it with CAP_SYS_ADMIN or without timing",
			strerror(errno));
	live->timing_since_ns = source_now_ns();
	return 0;
}

static void live_measure_end(struct source *source)
{
	struct live *live = (struct live *)source;
	if (live->timing < 0)
		return;
	close(live->timing);
	live->timing = -1;
	live->timed_ns = source_now_ns() - live->timing_since_ns;
}

static void count_runs(const struct live *live, struct source_counts *counts)
{
	struct bpf_program *program;
	bpf_object__for_each_program(program, live->bpf->obj)
	{
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);
		int fd = bpf_program__fd(program);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
			continue;
		counts->bpf_run_ns += info.run_time_ns;
		counts->bpf_runs += info.run_cnt;
	}
	counts->bpf_timed_ns = live->timing >= 0 ? source_now_ns() - live->timing_since_ns : live->timed_ns;
}

/* ---- what is known */

static bool live_alive(const struct source *source)
{
	return process_alive(&((const struct live *)source)->process);
}

static void read_ports(const struct live *live, struct target_info *info)
{
	for (uint32_t port = 0; port < 65536; port++) {
		if (!(live->bpf->bss->ports[port / 64] >> (port % 64) & 1))
			continue;
		if (info->port_count < TARGET_PORTS)
			info->ports[info->port_count] = (uint16_t)port;
		info->port_count++;
	}
}

static const char *link_kind(const struct live *live)
{
	if (live->probes.link_count)
		return live->probes.everybody ? "uprobe_multi, all processes" : "uprobe_multi";
	return live->probes.perf_link_count ? "perf links" : "none";
}

static void live_info(const struct source *source, struct target_info *info)
{
	const struct live *live = (const struct live *)source;
	const struct process *process = &live->process;
	info->tgid = live->bpf->bss->target_tgid;
	info->pid = (uint32_t)process->pid;
	info->ns_pid = (uint32_t)process->ns_pid;
	memcpy(info->comm, process->comm, sizeof(info->comm));
	memcpy(info->exe, process->exe, sizeof(info->exe));
	info->kind = live->kind->name;
	info->missing = live->kind->missing;
	info->has_request_end = live->kind->has_request_end;
	info->no_sched = live->options.no_sched;
	info->link_kind = link_kind(live);
	info->probes_found = (uint32_t)live->probes.list_count;
	info->probes_attached = (uint32_t)live->probes.attached_count;
	info->probes = live->probes.list;
	info->flight = live->flight != NULL;
	info->malloc_functions = (uint32_t)live->allocators.attached_count;
	memcpy(info->malloc_refused, live->allocators.refused, sizeof(info->malloc_refused));
	info->load_ns = live->load_ns;
	info->attach_ns = live->attach_ns;
	info->attached_at_ns = live->attached_at_ns;
	memcpy(info->run_json, live->run_json, sizeof(info->run_json));
	read_ports(live, info);
}

/* As if the probe had fired, so that written, received and lost mean the same. */
static void count_flight(const struct flight_reader *flight, struct source_counts *counts)
{
	counts->written += flight->received;
	counts->written_of[RECORD_EVENT] += flight->received;
	counts->received += flight->received;
	counts->received_of[RECORD_EVENT] += flight->received;
	counts->lost += flight->lost + flight_without_ring(flight);
	counts->lost_of[RECORD_EVENT] += flight->lost + flight_without_ring(flight);
	counts->event_hits[EVENT_request_end] += flight->received + flight->lost;
}

static void live_counts(const struct source *source, struct source_counts *counts)
{
	const struct live *live = (const struct live *)source;
	for (uint32_t c = 0; c < TRACE_CPU_LIMIT; c++) {
		const struct trace_cpu *cpu = &live->bpf->bss->cpus[c];
		counts->cpus += cpu->seq != 0;
		counts->waiting += cpu->waiting;
		for (uint32_t kind = 0; kind < RECORD_KIND_LIMIT; kind++) {
			counts->written_of[kind] += cpu->written_of[kind];
			counts->lost_of[kind] += cpu->lost_of[kind];
		}
	}
	for (uint32_t kind = 0; kind < RECORD_KIND_LIMIT; kind++) {
		counts->written += counts->written_of[kind];
		counts->lost += counts->lost_of[kind];
		counts->received_of[kind] = live->received_of[kind];
		counts->received += live->received_of[kind];
	}
	_Static_assert(SOURCE_EVENTS == TRACE_EVENT_LIMIT, "one event id space");
	memcpy(counts->event_hits, live->bpf->bss->event_hits, sizeof(counts->event_hits));
	for (uint32_t event = 0; event < SOURCE_EVENTS; event++)
		counts->traps += counts->event_hits[event];
	counts->execs = live->bpf->bss->target_execs;
	if (live->flight)
		count_flight(live->flight, counts);
	if (!live->bpf->bss->target_has_read) {
		counts->stranger_tgid = live->bpf->bss->stranger_tgid;
		memcpy(counts->stranger_comm, live->bpf->bss->stranger_comm, sizeof(counts->stranger_comm));
	}
	if (live->options.measure)
		count_runs(live, counts);
}

/* ---- life */

static void live_close(struct source *source)
{
	struct live *live = (struct live *)source;
	live_measure_end(source);
	probes_close(&live->allocators);
	probes_close(&live->probes);
	for (size_t l = live->link_count; l > 0; l--)
		bpf_link__destroy(live->links[l - 1]);
	bpf_link__destroy(live->seed);
	ring_buffer__free(live->ring);
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
	.measure_end = live_measure_end,
};

static int look(struct live *live, struct source_error *error)
{
	int result = process_open(&live->process, live->options.pid, error);
	if (!result)
		result = check_rights(error);
	if (!result)
		result = check_kernel(error);
	if (!result)
		result = check_cpus(error);
	if (result)
		return result;
	if (probes_find(&live->probes, &live->process))
		return source_error_set(error, SOURCE_FAILED, -ENOMEM, "out of memory; close something");
	if (live->options.watch_malloc && probes_find_allocators(&live->allocators, &live->process))
		return source_error_set(error, SOURCE_FAILED, -ENOMEM, "out of memory; close something");
	live->kind = target_kind_of(live->options.no_probes ? 0 : live->probes.events);
	probes_run_info(&live->process, live->run_json, sizeof(live->run_json));
	return 0;
}

static int start(struct live *live, struct source_error *error)
{
	uint64_t begin_ns = source_now_ns();
	int result = load(live, error);
	if (!result)
		result = open_ring(live, error);
	if (!result)
		result = find_target(live, error);
	uint64_t loaded_ns = source_now_ns();
	live->load_ns = loaded_ns - begin_ns;
	if (!result)
		result = attach_tracepoints(live, error);
	if (!result)
		result = seed(live, error);
	if (!result)
		result = attach_probes(live, error);
	if (!result)
		result = start_timing(live, error);
	live->attached_at_ns = source_now_ns();
	live->attach_ns = live->attached_at_ns - loaded_ns;
	return result;
}

int source_open_live(const struct source_options *options, struct source **source, struct source_error *error)
{
	struct live *live = calloc(1, sizeof(*live));
	if (!live)
		return source_error_set(error, SOURCE_FAILED, -ENOMEM, "out of memory; close something");
	live->source.operations = &live_operations;
	live->options = *options;
	live->process = (struct process){.pidfd = -1, .memory = -1};
	live->timing = -1;
	libbpf_verbose = options->verbose;
	libbpf_set_print(libbpf_message);
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
