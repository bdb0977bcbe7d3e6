/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../../bpf/trace.h"
#include "../targets/kind.h"
#include "calibrate.h"
#include "link.h"
#include "probes.h"
#include "process.h"
#include "rights.h"
#include "source.h"

struct checkup {
	struct feature *features;
	size_t count;
	bool can_load;
};

/* What is there; ok until feature_problem says otherwise. */
static struct feature *feature_add(struct checkup *checkup, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static struct feature *feature_add(struct checkup *checkup, const char *name, const char *format, ...)
{
	struct feature *feature = &checkup->features[checkup->count];
	if (checkup->count + 1 < FEATURE_LIMIT)
		checkup->count++;
	*feature = (struct feature){.name = name, .state = FEATURE_OK};
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(feature->found, sizeof(feature->found), format, arguments);
	va_end(arguments);
	return feature;
}

static void feature_problem(struct feature *feature, enum feature_state state, const char *fix)
{
	feature->state = state;
	snprintf(feature->fix, sizeof(feature->fix), "%s", fix);
}

/* The first line of a file; "" if it cannot be read. */
static void read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	line[0] = 0;
	if (!file)
		return;
	if (!fgets(line, (int)size, file))
		line[0] = 0;
	line[strcspn(line, "\n")] = 0;
	fclose(file);
}

/* ---- the kernel */

static void check_kernel(struct checkup *checkup)
{
	struct utsname name;
	unsigned int major = 0, minor = 0;
	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	struct feature *feature = feature_add(checkup, "kernel", "%s %s", name.sysname, name.release);
	if (major * 100 + minor < 606)
		feature_problem(
			feature, FEATURE_WARN,
			"6.6 or later is what memlab is tested on; before, probes attach one by one and slowly");
}

static void check_btf(struct checkup *checkup)
{
	bool there = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	struct feature *feature =
		feature_add(checkup, "BTF", "/sys/kernel/btf/vmlinux is %s", there ? "there" : "missing");
	if (!there)
		feature_problem(
			feature, FEATURE_FAIL,
			"boot a kernel built with CONFIG_DEBUG_INFO_BTF; in a container, mount the host's /sys");
}

static void check_jit(struct checkup *checkup)
{
	char value[16];
	read_line("/proc/sys/net/core/bpf_jit_enable", value, sizeof(value));
	bool off = value[0] == '0';
	struct feature *feature = feature_add(checkup, "BPF compiler", "%s", off ? "off" : "on");
	if (off)
		feature_problem(feature, FEATURE_WARN,
				"programs run several times slower: sysctl net.core.bpf_jit_enable=1");
}

static void check_lockdown(struct checkup *checkup)
{
	char value[128];
	read_line("/sys/kernel/security/lockdown", value, sizeof(value));
	struct feature *feature = feature_add(checkup, "lockdown", "%s", value[0] ? value : "not in this kernel");
	if (strstr(value, "[confidentiality]"))
		feature_problem(feature, FEATURE_FAIL,
				"this mode forbids BPF to read kernel memory; boot with lockdown=integrity or without");
}

static void check_clock(struct checkup *checkup)
{
	char value[64];
	read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", value, sizeof(value));
	bool slow = strcmp(value, "hpet") == 0 || strcmp(value, "acpi_pm") == 0;
	struct feature *feature = feature_add(checkup, "clock", "%s", value[0] ? value : "unknown");
	if (slow)
		feature_problem(feature, FEATURE_WARN,
				"reading it takes about a microsecond, and each record reads it; use tsc");
}

static void check_accounting(struct checkup *checkup)
{
	bool there = access("/proc/self/schedstat", R_OK) == 0;
	struct feature *feature = feature_add(checkup, "run-queue accounting", "%s", there ? "on" : "off");
	if (!there)
		feature_problem(feature, FEATURE_WARN,
				"waits in the run queue come from scheduler records alone and cannot be cross-checked; "
				"use a kernel with CONFIG_SCHED_INFO");
}

static void check_cpus(struct checkup *checkup)
{
	int cpus = libbpf_num_possible_cpus();
	struct feature *feature = feature_add(checkup, "CPUs", "%d", cpus);
	if (cpus < 0 || (unsigned int)cpus > TRACE_CPU_LIMIT)
		feature_problem(feature, FEATURE_FAIL,
				"more than this build counts for: raise TRACE_CPU_LIMIT in bpf/trace.h");
}

/* ---- ourselves */

static void check_rights(struct checkup *checkup)
{
	char missing[128];
	rights_missing(missing, sizeof(missing));
	checkup->can_load = rights_to_load();
	if (missing[0] == 0) {
		feature_add(checkup, "rights", "all that is needed (given up once attached)");
		return;
	}
	struct feature *feature = feature_add(checkup, "rights", "missing: %s", missing);
	if (!checkup->can_load)
		feature_problem(feature, FEATURE_FAIL,
				"run it with sudo; in a container: --privileged, or "
				"--cap-add=BPF,PERFMON,SYS_PTRACE,DAC_READ_SEARCH");
	else
		feature_problem(feature, FEATURE_WARN,
				"processes of other users can be looked into in part or not at all");
}

static void check_namespace(struct checkup *checkup)
{
	char line[256];
	bool nested = false;
	FILE *status = fopen("/proc/self/status", "re");
	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, "NSpid:", 6) == 0)
			nested = strchr(strchr(line, '\t') + 1, '\t') != NULL;
	if (status)
		fclose(status);
	/* The initial PID namespace has a fixed inode number. */
	char link[64];
	ssize_t length = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);
	link[length > 0 ? length : 0] = 0;
	bool own = nested || strcmp(link, "pid:[4026531836]") != 0;
	feature_add(checkup, "PID namespace", "%s", own ? "one of its own (pids are as seen here)" : "the machine's");
}

static void check_proc(struct checkup *checkup)
{
	bool there = access("/proc/self/exe", R_OK) == 0;
	struct feature *feature = feature_add(checkup, "/proc", "%s", there ? "mounted" : "missing");
	if (!there)
		feature_problem(feature, FEATURE_FAIL, "mount it: mount -t proc proc /proc");
}

static void check_descriptors(struct checkup *checkup)
{
	struct rlimit limit = {0};
	getrlimit(RLIMIT_NOFILE, &limit);
	struct feature *feature = feature_add(checkup, "open files", "up to %llu", (unsigned long long)limit.rlim_cur);
	if (limit.rlim_cur < 128)
		feature_problem(feature, FEATURE_FAIL, "one link each needs a descriptor: ulimit -n 1024");
}

/* ---- tried out */

static void check_links(struct checkup *checkup)
{
	if (!checkup->can_load)
		return;
	bool there = link_uprobe_multi_supported();
	struct feature *feature = feature_add(checkup, "uprobe_multi", "%s", there ? "works" : "not in this kernel");
	if (!there)
		feature_problem(feature, FEATURE_WARN,
				"probes attach through perf events, one by one: 0.1 s each to detach; "
				"use kernel 6.6 or later");
}

static void check_probe_price(struct checkup *checkup)
{
	struct calibration calibration = {0};
	if (!checkup->can_load || !link_uprobe_multi_supported())
		return;
	int result = calibrate(&calibration);
	if (result) {
		struct feature *failed =
			feature_add(checkup, "probe", "cannot attach one to itself: %s", strerror(-result));
		feature_problem(failed, FEATURE_FAIL,
				"uprobes are switched off in this kernel (CONFIG_UPROBES) or forbidden");
		return;
	}
	struct feature *feature =
		feature_add(checkup, "probe", "costs %.2f us per hit, %.2f us more with a stack; the clock %.0f ns",
			    calibration.trap_ns / 1000, calibration.stack_ns / 1000, calibration.clock_ns);
	if (calibration.trap_ns > 3000)
		feature_problem(feature, FEATURE_WARN,
				"far more than usual; a hypervisor in between? prefer few probes");
	if (!calibration.threads_covered)
		feature_problem(feature, FEATURE_WARN,
				"this kernel's link for a process sees its first thread only; "
				"every process that runs the program is watched instead");
}

/* Loads and attaches everything, on ourselves. */
static void check_programs(struct checkup *checkup)
{
	struct source *source = NULL;
	struct source_error error = {0};
	struct source_options options = {.pid = getpid(), .ring_bytes = 65536, .watch_faults = true};
	if (!checkup->can_load)
		return;
	uint64_t begin_ns = source_now_ns();
	int result = source_open_live(&options, &source, &error);
	uint64_t ready_ns = source_now_ns();
	if (result) {
		struct feature *failed =
			feature_add(checkup, "BPF programs", "%.*s", (int)strcspn(error.text, ";"), error.text);
		const char *next = strstr(error.text, "; in a container");
		feature_problem(failed, FEATURE_FAIL,
				next ? next + 2 : "run memlab-trace --verbose and report what the kernel says");
		return;
	}
	source_close(source);
	feature_add(checkup, "BPF programs", "all accepted and attached in %.0f ms, detached in %.0f ms",
		    (double)(ready_ns - begin_ns) / 1e6, (double)(source_now_ns() - ready_ns) / 1e6);
}

/* ---- the target */

static void check_probes(struct checkup *checkup, const struct process *process)
{
	struct probes probes;
	if (probes_find(&probes, process))
		return;
	const struct target_kind *kind = target_kind_of(probes.events);
	struct feature *feature =
		feature_add(checkup, "probes", "%zu of memlab's in it: %s", probes.list_count, kind->name);
	if (kind->missing)
		feature_problem(feature, FEATURE_WARN, kind->missing);
	probes_close(&probes);
}

static void check_target(struct checkup *checkup, pid_t pid)
{
	struct process process;
	struct source_error error = {0};
	if (process_open(&process, pid, &error)) {
		struct feature *failed =
			feature_add(checkup, "target", "%.*s", (int)strcspn(error.text, ";"), error.text);
		const char *next = strchr(error.text, ';');
		feature_problem(failed, FEATURE_FAIL, next ? next + 2 : "");
		return;
	}
	feature_add(checkup, "target", "%s[%d], %s%.128s", process.comm, process.pid,
		    process.ns_pid != process.pid ? "in a PID namespace of its own, " : "", process.exe);
	struct feature *memory =
		feature_add(checkup, "target's memory", "%s", process.memory >= 0 ? "readable" : "closed to us");
	if (process.memory < 0)
		feature_problem(memory, FEATURE_WARN,
				"the description of the run is missing and its flight rings are not used, so watching costs more; "
				"add CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH");
	check_probes(checkup, &process);
	process_close(&process);
}

const char *feature_state_name(enum feature_state state)
{
	static const char *const names[] = {"ok", "warn", "FAIL"};
	return names[state];
}

size_t features_check(pid_t pid, struct feature *features)
{
	struct checkup checkup = {.features = features};
	check_kernel(&checkup);
	check_btf(&checkup);
	check_lockdown(&checkup);
	check_jit(&checkup);
	check_clock(&checkup);
	check_accounting(&checkup);
	check_cpus(&checkup);
	check_proc(&checkup);
	check_rights(&checkup);
	check_namespace(&checkup);
	check_descriptors(&checkup);
	check_links(&checkup);
	check_probe_price(&checkup);
	check_programs(&checkup);
	if (pid > 0)
		check_target(&checkup, pid);
	return checkup.count;
}
