/* SPDX-License-Identifier: Apache-2.0 */
/* Whether it can be done here at all, and the programs: those that are not needed are not even loaded. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "calibrate.h"
#include "link.h"
#include "live_internal.h"
#include "rights.h"

#define RING_BYTES_DEFAULT ((size_t)8 << 20)
#define RING_BYTES_MIN ((size_t)4096)
#define RING_BYTES_MAX ((size_t)1 << 30)

static bool libbpf_verbose;

static int libbpf_message(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (!libbpf_verbose || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, arguments);
}


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


size_t live_ring_bytes(const struct source_options *options)
{
	size_t wanted = options->ring_bytes ? options->ring_bytes : RING_BYTES_DEFAULT;
	size_t bytes = RING_BYTES_MIN;
	while (bytes < wanted && bytes < RING_BYTES_MAX)
		bytes *= 2;
	return bytes;
}

/* Where a per-CPU variable lies among the others; < 0: the kernel has none of that name. */
static long percpu_place(const struct btf *btf, const char *name)
{
	const struct btf_type *section = btf__type_by_id(btf, (uint32_t)btf__find_by_name_kind(btf, ".data..percpu", BTF_KIND_DATASEC));
	if (!section)
		return -1;
	for (uint32_t v = 0; v < btf_vlen(section); v++) {
		const struct btf_var_secinfo *place = &btf_var_secinfos(section)[v];
		if (strcmp(btf__name_by_offset(btf, btf__type_by_id(btf, place->type)->name_off), name) == 0)
			return place->offset;
	}
	return -1;
}

/* From a CPU's run queue to what KVM says it took from that CPU, the first word of its steal_time (compat.bpf.h); 0: the kernel has no such place. */
static int32_t steal_place(const struct btf *btf)
{
	long queues = percpu_place(btf, "runqueues"), steal = percpu_place(btf, "steal_time");
	return queues < 0 || steal < 0 ? 0 : (int32_t)(steal - queues);
}

static bool kernel_tells_sends(const struct btf *btf)
{
	return btf__find_by_name(btf, "btf_trace_tcp_sendmsg_locked") > 0;
}

/* btf: the kernel's; NULL: not needed, or not there. */
static void choose_programs(struct live *live, const struct btf *btf)
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
	bpf_program__set_autoload(bpf->progs.tcp_sendmsg_locked, options->watch_sends && btf && kernel_tells_sends(btf));
	bpf_program__set_autoload(bpf->progs.sk_data_ready, !options->withhold_arrivals);
	bpf_program__set_autoload(bpf->progs.page_fault_user, options->watch_faults);
	bpf_program__set_autoload(bpf->progs.page_fault_kernel, options->watch_faults);
	bpf_program__set_autoload(bpf->progs.profile_cpu, options->sample_cpu);
	bpf_program__set_autoload(bpf->progs.profile_offcpu, options->sample_offcpu);
	bpf_program__set_autoload(bpf->progs.rss_stat, options->watch_faults);
	bpf_program__set_autoload(bpf->progs.runtime_event, events);
	bpf_program__set_autoload(bpf->progs.runtime_stack,
				  (events && (options->watch_alloc || options->watch_alloc_samples)) || live->allocators.place_count);
	if (live->perf_links)
		return;
	bpf_program__set_expected_attach_type(bpf->progs.runtime_event, LINK_UPROBE_MULTI);
	bpf_program__set_expected_attach_type(bpf->progs.runtime_stack, LINK_UPROBE_MULTI);
}

/* The rights are there (check_rights), so what refuses under a filter is the filter: that of a container's engine, say. */
static int load_failed(int result, struct source_error *error)
{
	if (result != -EPERM && result != -EACCES)
		return source_error_set(
			error, SOURCE_FAILED, result,
			"the kernel refused the BPF programs (%s); run `memlab-trace doctor`, or again with --verbose",
			strerror(-result));
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER)
		return source_error_set(error, SOURCE_NO_PERMISSION, result,
					"a seccomp filter refuses bpf(2) although the capabilities are there; in a container add "
					"--cap-add=SYS_ADMIN, for which older engines' filters ask, or --security-opt seccomp=unconfined");
	return source_error_set(error, SOURCE_NO_PERMISSION, result,
				"the kernel refused the BPF programs (%s); run `memlab-trace doctor`", strerror(-result));
}

int live_load(struct live *live, struct source_error *error)
{
	live->bpf = trace_bpf__open();
	if (!live->bpf)
		return source_error_set(error, SOURCE_FAILED, -errno,
					"cannot read the BPF programs: %s; this is a defect", strerror(errno));
	live->perf_links = live->options.perf_links || !link_uprobe_multi_supported();
	live->probes.everybody = live->perf_links || !link_filter_covers_threads();
	live->allocators.everybody = live->probes.everybody;
	struct btf *btf = live->options.tail ? NULL : btf__load_vmlinux_btf(); /* of use to reads and sends only */
	choose_programs(live, btf);
	live->bpf->rodata->steal_place = btf ? steal_place(btf) : 0;
	btf__free(btf);
	for (uint32_t event = 0; event < TRACE_EVENT_LIMIT; event++)
		live->bpf->rodata->event_args[event] = (uint8_t)event_argc(event);
	live->bpf->rodata->sends_begin = bpf_program__autoload(live->bpf->progs.tcp_sendmsg_locked);
	live->bpf->rodata->served_port = live->options.client_of;
	bpf_map__set_max_entries(live->bpf->maps.ring, (uint32_t)live_ring_bytes(&live->options));
	int result = trace_bpf__load(live->bpf);
	return result ? load_failed(result, error) : 0;
}

void live_messages(bool verbose)
{
	libbpf_verbose = verbose;
	libbpf_set_print(libbpf_message);
}

int live_check(struct live *live, struct source_error *error)
{
	int result = check_rights(error);
	if (!result)
		result = check_kernel(error);
	return result ? result : check_cpus(live, error);
}
