/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "source/features.h"
#include "source/probes.h"
#include "source/process.h"
#include "source/source.h"
#include "targets/event.h"
#include "targets/kind.h"

#define DRAIN_INTERVAL_NS 5000000

int doctor_print(FILE *out, pid_t pid)
{
	struct feature features[FEATURE_LIMIT];
	size_t count = features_check(pid, features);
	unsigned int warnings = 0, failures = 0;
	for (size_t f = 0; f < count; f++) {
		const struct feature *feature = &features[f];
		warnings += feature->state == FEATURE_WARN;
		failures += feature->state == FEATURE_FAIL;
		fprintf(out, "%-4s  %-22s %s\n", feature_state_name(feature->state), feature->name, feature->found);
		if (feature->fix[0])
			fprintf(out, "      -> %s\n", feature->fix);
	}
	if (failures)
		fprintf(out, "memlab-trace cannot work here: %u of %zu checks fail.\n", failures, count);
	else if (warnings)
		fprintf(out, "memlab-trace works here, with %u of %zu checks to look at.\n", warnings, count);
	else
		fprintf(out, "memlab-trace works here: %zu checks, all ok.\n", count);
	return failures ? 1 : 0;
}

/* ---- probes */

static void print_probe(FILE *out, const char *name, uint32_t event, uint64_t hits, const char *state)
{
	const char *doc = event_doc(event);
	fprintf(out, "%10" PRIu64 "  %-20s %s%s%s\n", hits, name, state, state[0] ? ": " : "",
		doc ? doc : "unknown to this version of memlab-trace");
}

static int fail(FILE *errors, const struct source_error *error)
{
	fprintf(errors, "memlab-trace: %s\n", error->text);
	return error->status;
}

static int no_probes(FILE *errors, const char *exe, pid_t pid)
{
	fprintf(errors, "memlab-trace: no memlab probes in process %d (%s); is this memlab-svc?\n", pid, exe);
	return SOURCE_NO_TARGET;
}

/* Without attaching, and so without rights beyond looking at the process. */
static int print_list(FILE *out, FILE *errors, pid_t pid)
{
	struct process process;
	struct probes probes;
	struct source_error error = {0};
	int status = 0;
	if (process_open(&process, pid, &error))
		return fail(errors, &error);
	if (probes_find(&probes, &process) || probes.list_count == 0)
		status = no_probes(errors, process.exe, pid);
	for (size_t p = 0; p < probes.list_count; p++)
		fprintf(out, "%-20s %s\n%-20s %s\n", probes.list[p].name,
			event_params(probes.list[p].event) ? event_params(probes.list[p].event) : "", "",
			event_doc(probes.list[p].event) ? event_doc(probes.list[p].event) : "unknown to this version");
	probes_close(&probes);
	process_close(&process);
	return status;
}

static void ignore(void *context, const struct record *record)
{
	(void)context;
	(void)record;
}

static void watch(struct source *source, double seconds)
{
	uint64_t end_ns = source_now_ns() + (uint64_t)(seconds * 1e9);
	while (source_now_ns() < end_ns && source_target_alive(source)) {
		struct timespec pause = {.tv_nsec = DRAIN_INTERVAL_NS};
		nanosleep(&pause, NULL);
		source_drain(source, ignore, NULL);
	}
}

static void print_hits(FILE *out, const struct source *source, double seconds)
{
	struct target_info info;
	struct source_counts counts;
	source_info(source, &info);
	source_counts(source, &counts);
	fprintf(out, "%s[%u], %s: %u probes, hits in %.1f s (%s)\n", info.comm, info.pid, info.kind, info.probes_found,
		seconds, info.link_kind);
	for (uint32_t p = 0; p < info.probes_found; p++)
		print_probe(out, info.probes[p].name, info.probes[p].event, counts.event_hits[info.probes[p].event],
			    info.probes[p].attached ? "" : "not attached");
}

int probes_print(FILE *out, FILE *errors, pid_t pid, double seconds)
{
	struct source *source = NULL;
	struct source_error error = {0};
	struct source_options options = {.pid = pid, .no_sched = true, .watch_all = true};
	struct target_info info;
	int status = 0;
	if (seconds <= 0)
		return print_list(out, errors, pid);
	if (source_open_live(&options, &source, &error))
		return fail(errors, &error);
	source_info(source, &info);
	if (info.probes_found == 0) {
		status = no_probes(errors, info.exe, pid);
	} else {
		watch(source, seconds);
		print_hits(out, source, seconds);
	}
	source_close(source);
	return status;
}
