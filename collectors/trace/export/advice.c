/* SPDX-License-Identifier: Apache-2.0 */
#include "advice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/json_reader.h"
#include "../core/text.h"

/* What is wrong, and what to try. `memory`: fewer allocations or a later collection helps. */
static const struct {
	const char *verdict;
	const char *remedy;
	int memory;
} table[CAUSE_COUNT] = {
	[CAUSE_OWN] = {"the program's own work fills the tail.",
		       "Do less per request, or add threads if the queue is the larger part", 0},
	[CAUSE_ALLOC] = {"the allocator's slow path fills the tail.", "Try pools (--pool on)", 1},
	[CAUSE_ASSIST] = {"requests mark because they allocate faster than the collector runs.", "", 1},
	[CAUSE_STOP] = {"requests wait for handshakes with the collector.", "Collect less often", 1},
	[CAUSE_GC_CPU] = {"marking shares the CPU with requests.", "", 1},
	[CAUSE_RUNQ] = {"other threads take the CPU.",
			"Give the service CPUs of its own (taskset, cpuset) or more weight", 0},
	[CAUSE_WAKE] = {"the CPUs sleep between requests.",
			"Normal at low rates; shallower idle states make waking faster", 0},
	[CAUSE_BLOCKED] = {"requests sleep on a lock or on I/O.", "Find it by the worst requests' times in --json FILE",
			   0},
	[CAUSE_FAULT] = {"page faults fill the tail.",
			 "Touch memory before it is needed, or keep it (GODEBUG=madvdontneed=0)", 0},
	[CAUSE_UNATTRIBUTED] = {"no record explains most of the tail.", "Run memlab-trace doctor", 0},
};

static double share_ns(const struct cohort *cohort, enum cause cause)
{
	return cohort->queue_ns[cause] + cohort->service_ns[cause];
}

unsigned advice_order(enum cause order[CAUSE_COUNT], const struct cohort *cohort)
{
	unsigned present = 0;
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
		unsigned at = cause;
		for (; at > 0 && share_ns(cohort, order[at - 1]) < share_ns(cohort, cause); at--)
			order[at] = order[at - 1];
		order[at] = cause;
		present += share_ns(cohort, cause) > 0;
	}
	return present;
}

/* The time of all culprits of that one's name and kind, and how many they are. */
static uint64_t culprit_total(const struct summary *summary, const struct culprit *like, unsigned *threads)
{
	uint64_t total = 0;
	*threads = 0;
	for (unsigned i = 0; i < summary->culprit_count && i < CULPRIT_COUNT; i++) {
		const struct culprit *culprit = &summary->culprits[i];
		if (culprit->own_collector != like->own_collector ||
		    strncmp(culprit->comm, like->comm, sizeof(like->comm)) != 0)
			continue;
		total += culprit->ns;
		++*threads;
	}
	return total;
}

const struct culprit *advice_culprit(const struct summary *summary, enum cause cause, unsigned *threads)
{
	const struct culprit *greatest = NULL;
	uint64_t most = 0;
	if (cause != CAUSE_RUNQ && cause != CAUSE_GC_CPU)
		return NULL;
	for (unsigned i = 0; i < summary->culprit_count && i < CULPRIT_COUNT; i++) {
		const struct culprit *culprit = &summary->culprits[i];
		unsigned count;
		uint64_t total = culprit_total(summary, culprit, &count);
		if ((culprit->own_collector != 0) != (cause == CAUSE_GC_CPU) || (greatest && total <= most))
			continue;
		greatest = culprit;
		most = total;
		if (threads)
			*threads = count;
	}
	return greatest;
}

const char *advice_no_requests(char out[ADVICE_BYTES], const struct trace_info *info, const struct summary *summary)
{
	char count[TEXT_NUMBER_BYTES];
	if (info->no_requests)
		text_clean(out, ADVICE_BYTES, info->no_requests, ADVICE_BYTES / 4, 0);
	else if (summary->lost)
		snprintf(out, ADVICE_BYTES, "all records of them may be among the %s lost",
			 text_count(count, summary->lost));
	else if (summary->cut)
		snprintf(out, ADVICE_BYTES, "%s were open at attach or detach and none ended in between; watch longer",
			 text_count(count, summary->cut));
	else
		snprintf(out, ADVICE_BYTES,
			 "no thread of %" PRIu32 " read from a TCP socket; is load running, and is it the right pid?",
			 info->pid);
	return out;
}

/* "Try GOGC=200, or --path opt: 12.0 allocations per request", as far as it applies. */
static void add_memory_remedy(char *out, size_t size, const struct trace_info *info, const struct summary *summary)
{
	char gogc[24] = "", path[24] = "", number[TEXT_NUMBER_BYTES], *end;
	if (info->run_json) {
		json_member(info->run_json, "gogc", gogc, sizeof(gogc));
		json_member(info->run_json, "path", path, sizeof(path));
	}
	long percent = strtol(gogc, &end, 10);
	if (end == gogc || *end || percent <= 0 || percent > 100000)
		percent = 0;
	int naive = strcmp(path, "naive") == 0;
	size_t used = 0;
	if (percent)
		used = (size_t)snprintf(out, size, "Try GOGC=%ld", percent * 2);
	if (naive)
		used += (size_t)snprintf(out + used, size - used, "%s--path opt", percent ? ", or " : "Try ");
	if (!used)
		used = (size_t)snprintf(out, size, "Allocate less, or collect less often");
	if (summary->alloc.requests)
		snprintf(out + used, size - used, ": %s allocations per request",
			 text_digits(number, (double)summary->alloc.total / (double)summary->alloc.requests));
}

const char *advice_text(char out[ADVICE_BYTES], const struct trace_info *info, const struct summary *summary)
{
	enum cause order[CAUSE_COUNT];
	const struct cohort *cohort = &summary->cohort[COHORT_P99];
	if (summary->requests == 0) {
		snprintf(out, ADVICE_BYTES,
			 "send requests, for example: memlab-load --url http://127.0.0.1:8080 --rate 1000");
		return out;
	}
	if (advice_order(order, cohort) == 0) {
		snprintf(out, ADVICE_BYTES, "watch longer: the slowest 1 %% are not known yet");
		return out;
	}
	if (order[0] == CAUSE_OWN && 2 * cohort->steal_ns > share_ns(cohort, CAUSE_OWN)) {
		snprintf(out, ADVICE_BYTES, "the hypervisor takes the CPU (steal). Use a less crowded host, or CPUs that are not shared");
		return out;
	}
	char remedy[200] = "";
	if (order[0] == CAUSE_UNATTRIBUTED && summary->lost)
		snprintf(remedy, sizeof(remedy),
			 "Records were lost: watch with --mode tail, or on a less busy machine");
	else if (table[order[0]].memory && !*table[order[0]].remedy)
		add_memory_remedy(remedy, sizeof(remedy), info, summary);
	else if (table[order[0]].memory) {
		size_t used = (size_t)snprintf(remedy, sizeof(remedy), "%s. ", table[order[0]].remedy);
		add_memory_remedy(remedy + used, sizeof(remedy) - used, info, summary);
	} else
		snprintf(remedy, sizeof(remedy), "%s", table[order[0]].remedy);
	const struct culprit *culprit = order[0] == CAUSE_RUNQ ? advice_culprit(summary, CAUSE_RUNQ, NULL) : NULL;
	if (culprit) {
		char raw[17] = "", name[40];
		memcpy(raw, culprit->comm, sizeof(culprit->comm));
		text_clean(name, sizeof(name), raw, 16, 0);
		snprintf(out, ADVICE_BYTES, "%s takes the CPU. %s", name, remedy);
	} else
		snprintf(out, ADVICE_BYTES, "%s %s", table[order[0]].verdict, remedy);
	return out;
}
