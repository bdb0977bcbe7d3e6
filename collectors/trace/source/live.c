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
#include "arrivals.h"
#include "calibrate.h"
#include "decode.h"
#include "fault_cost.h"
#include "flight_reader.h"
#include "link.h"
#include "operations.h"
#include "probes.h"
#include "process.h"
#include "rights.h"
#include "ring.h"
#include "sampling.h"
#include "timing.h"
#include "trace.skel.h"

#define RING_BYTES_DEFAULT ((size_t)8 << 20)
#define RING_BYTES_MIN ((size_t)4096)
#define RING_BYTES_MAX ((size_t)1 << 30)
#define SEED_EVERY_NS 1000000000u
#define LINK_LIMIT 24
#define MODE_CPU (FLIGHT_CPU_FIRST + FLIGHT_RINGS) /* the lane of record_mode */

/* Arrivals are told for so long before the mode changes: hardly a request waits longer for its begin. */
#define TAIL_LEAD_NS 50000000u

struct live {
	struct source source;
	struct source_options options;
	struct process process;
	struct probes probes;
	struct probes twins; /* of the probes, for readers of flight rings */
	struct probes allocators;
	const struct target_kind *kind;
	struct flight_reader *flight; /* NULL: requests come by their probe */
	struct arrivals *arrivals;    /* NULL: not in tail mode and not on the way there */
	uint64_t tail_ns;             /* tail mode begins; 0: it was not asked for */
	bool tail;
	uint64_t arrivals_lost;
	uint32_t cpus; /* that can be */
	struct probes_mark slow_mark; /* links from here on are those of SLOW_EVENTS */
	struct trace_bpf *bpf;
	struct bpf_link *links[LINK_LIMIT];
	const struct bpf_program *programs[LINK_LIMIT];
	size_t link_count;
	struct sampling sampling;
	struct bpf_link *seed; /* the task iterator, read once a second */
	uint64_t seeded_ns;
	struct ring ring;
	bool perf_links;
	struct timing timing;
	uint64_t load_ns, attach_ns, attached_at_ns;
	uint64_t fault_ns;
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

static int check_cpus(struct live *live, struct source_error *error)
{
	int cpus = libbpf_num_possible_cpus();
	live->cpus = cpus > 0 ? (uint32_t)cpus : 0;
	if (cpus > 0 && live->cpus <= TRACE_CPU_LIMIT)
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
	if (options->tail) { /* from the start: what it does without is not needed */
		bpf_program__set_autoload(bpf->progs.sched_waking, false);
		bpf_program__set_autoload(bpf->progs.sock_recv_length, false);
		bpf_program__set_autoload(bpf->progs.sock_send_length, false);
	}
	bpf_program__set_autoload(bpf->progs.sk_data_ready, !options->withhold_arrivals);
	bpf_program__set_autoload(bpf->progs.page_fault_user, options->watch_faults);
	bpf_program__set_autoload(bpf->progs.page_fault_kernel, options->watch_faults);
	bpf_program__set_autoload(bpf->progs.profile_cpu, options->sample_cpu);
	bpf_program__set_autoload(bpf->progs.profile_offcpu, options->sample_offcpu);
	bpf_program__set_autoload(bpf->progs.rss_stat, options->watch_faults);
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
	live->programs[live->link_count] = program;
	live->links[live->link_count++] = link;
	return 0;
}

static int attach_tracepoints(struct live *live, struct source_error *error)
{
	struct trace_bpf *bpf = live->bpf;
	struct bpf_program *programs[] = {
		bpf->progs.task_newtask,     bpf->progs.sched_process_exit, bpf->progs.sched_process_exec,
		bpf->progs.profile_offcpu, /* before the switch itself is told */
		bpf->progs.sched_switch,     bpf->progs.sched_migrate_task, bpf->progs.sched_waking,
		bpf->progs.sched_wakeup,     bpf->progs.sched_wakeup_new,   bpf->progs.inet_sock_set_state,
		bpf->progs.sk_data_ready,    bpf->progs.sock_recv_length,   bpf->progs.sock_send_length,
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

/* The allocator's slow path is a matter of half a microsecond, every few requests: tail mode does not tell it. */
#define SLOW_EVENTS (1ull << EVENT_gc_alloc_slow_begin | 1ull << EVENT_gc_alloc_slow_end)

/*
 * Requests are announced by the probe or through the rings, never both, and so are events, those that the rings carry;
 * allocations have a program of their own.
 */
static uint64_t events_wanted(const struct live *live)
{
	uint64_t events = ~ALLOC_EVENT & ~SLOW_EVENTS & ~(live->flight ? END_EVENT : FLIGHT_EVENT);
	return live->options.watch_all ? events : events & ~POOL_EVENT;
}

/* Of the wanted ones, those whose twins are attached. */
static uint64_t events_by_ring(const struct live *live)
{
	uint64_t heap_events = (1ull << EVENT_request_end) - 1;
	return live->flight ? live->twins.events & heap_events & ~POOL_EVENT : 0;
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
	if (!result && live->options.watch_alloc)
		result = probes_attach(&live->probes, live->bpf->progs.runtime_stack, ALLOC_EVENT, live->perf_links);
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

static int start_sampling(struct live *live, struct source_error *error)
{
	int result = live->options.sample_cpu ? sampling_start(&live->sampling, live->bpf->progs.profile_cpu) : 0;
	if (!result)
		return 0;
	return source_error_set(error, result == -EPERM || result == -EACCES ? SOURCE_NO_PERMISSION : SOURCE_FAILED, result,
				"cannot sample the CPUs (%s); it needs CAP_PERFMON, or leave out --flame and --folded of cpu, tail and diff",
				strerror(-result));
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
	if (record->kind == RECORD_ARRIVAL) {
		if (live->arrivals)
			arrivals_add(live->arrivals, (const struct record_arrival *)record);
		return 0;
	}
	if (record->kind == RECORD_STACK)
		record = with_caller((const struct record_stack *)record, &copy);
	if (record->kind == RECORD_TASK && live->flight)
		flight_learn_thread(live->flight, ((const struct record_task *)record)->ns_tid, record->tid);
	live->take(live->context, record);
	return 0;
}

static int open_ring(struct live *live, struct source_error *error)
{
	int result = ring_open(&live->ring, bpf_map__fd(live->bpf->maps.ring), ring_take, live);
	if (!result)
		return 0;
	return source_error_set(error, SOURCE_FAILED, result,
				"cannot map the ring of %zu bytes: %s; ask for a smaller one",
				ring_bytes(&live->options), strerror(-result));
}

/* ---- tail mode */

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
static void tail_begin(struct live *live)
{
	struct record_mode record = {
		.h = {.time_ns = live->tail_ns, .seq = 1, .cpu = MODE_CPU, .kind = RECORD_MODE, .words = sizeof(record) / 8},
		.tail = 1,
	};
	live->tail = true;
	live->flight->tail_ns = live->tail_ns;
	live->take(live->context, &record.h);
	live->bpf->bss->mode_tail = 1;
	detach_exact(live);
}

static int live_tail(struct source *source)
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

/* Arrivals that found no room: nobody knows whose they were. */
static void look_for_lost_arrivals(struct live *live)
{
	uint64_t lost = 0;
	for (uint32_t c = 0; c < live->cpus; c++)
		lost += live->bpf->bss->cpus[c].arrivals_lost;
	if (lost != live->arrivals_lost)
		arrivals_lost(live->arrivals);
	live->arrivals_lost = lost;
}

/*
 * Requests out of the rings. The arrivals of those that ended before the look were reserved in the
 * ring before: if all up to there has been read, they can be joined; if not, they wait for the next turn.
 */
static int drain_rings(struct live *live, void (*take)(void *context, const struct record *record), void *context)
{
	int looked = live->flight ? flight_look(live->flight) : 0;
	unsigned long place = ring_place(&live->ring);
	int result = ring_consume(&live->ring);
	if (result < 0 || !live->flight || looked < 0 || !ring_passed(&live->ring, place))
		return result;
	if (live->arrivals)
		look_for_lost_arrivals(live);
	result = flight_drain(live->flight, take, context);
	return result > 0 ? result : 0; /* a target that has ended gives nothing more */
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
	if (live->tail_ns && !live->tail && now_ns >= live->tail_ns)
		tail_begin(live);
	int result = drain_rings(live, take, context);
	return result < 0 ? result : live->drained + result;
}

/* ---- cost */

static int start_timing(struct live *live, struct source_error *error)
{
	if (!live->options.measure)
		return 0;
	int result = timing_start(&live->timing);
	if (!result)
		return 0;
	return source_error_set(error, SOURCE_NO_PERMISSION, result,
				"cannot have the kernel time the BPF programs: %s; run it with CAP_SYS_ADMIN or without timing",
				strerror(-result));
}

static void live_measure_end(struct source *source)
{
	timing_end(&((struct live *)source)->timing);
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
	info->tail = live->tail || live->options.tail;
	info->malloc_functions = (uint32_t)live->allocators.attached_count;
	memcpy(info->malloc_refused, live->allocators.refused, sizeof(info->malloc_refused));
	info->load_ns = live->load_ns;
	info->attach_ns = live->attach_ns;
	info->attached_at_ns = live->attached_at_ns;
	info->fault_ns = live->fault_ns;
	memcpy(info->run_json, live->run_json, sizeof(info->run_json));
	read_ports(live, info);
}

/* As if the probe had fired, so that written, received and lost mean the same. */
static void count_flight(const struct flight_reader *flight, struct source_counts *counts)
{
	counts->written += flight->received;
	counts->written_of[RECORD_EVENT] += flight->received - flight->requests;
	counts->written_of[RECORD_REQUEST] += flight->requests;
	counts->received += flight->received;
	counts->received_of[RECORD_EVENT] += flight->received - flight->requests;
	counts->received_of[RECORD_REQUEST] += flight->requests;
	counts->lost += flight->lost + flight_without_ring(flight);
	counts->lost_of[RECORD_EVENT] += flight->lost + flight_without_ring(flight);
	for (uint32_t event = 0; event < SOURCE_EVENTS; event++)
		counts->event_hits[event] += flight->hits[event];
	counts->event_hits[EVENT_request_end] += flight->lost;
	counts->flights = flight->received + flight->lost;
}

static void live_counts(const struct source *source, struct source_counts *counts)
{
	const struct live *live = (const struct live *)source;
	for (uint32_t c = 0; c < live->cpus; c++) {
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
	counts->samples = live->bpf->bss->samples;
	counts->execs = live->bpf->bss->target_execs;
	if (live->flight)
		count_flight(live->flight, counts);
	if (!live->bpf->bss->target_has_read) {
		counts->stranger_tgid = live->bpf->bss->stranger_tgid;
		memcpy(counts->stranger_comm, live->bpf->bss->stranger_comm, sizeof(counts->stranger_comm));
	}
	if (live->options.measure) {
		struct timing_sum sum;
		timing_sum(&live->timing, live->bpf->obj, &sum);
		counts->bpf_run_ns = sum.run_ns;
		counts->bpf_runs = sum.runs;
		counts->bpf_timed_ns = sum.timed_ns;
	}
}

/* ---- life */

static void live_close(struct source *source)
{
	struct live *live = (struct live *)source;
	live_measure_end(source);
	sampling_stop(&live->sampling);
	probes_close(&live->allocators);
	probes_close(&live->twins);
	probes_close(&live->probes);
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
	.measure_end = live_measure_end,
	.tail = live_tail,
};

static int look(struct live *live, struct source_error *error)
{
	int result = process_open(&live->process, live->options.pid, error);
	if (!result)
		result = check_rights(error);
	if (!result)
		result = check_kernel(error);
	if (!result)
		result = check_cpus(live, error);
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
	if (!result && live->options.tail)
		result = tail_from_start(live, error);
	if (!result)
		result = start_sampling(live, error);
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
	live->options.flight |= options->tail;
	live->process = (struct process){.pidfd = -1, .memory = -1};
	live->timing.fd = -1;
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
