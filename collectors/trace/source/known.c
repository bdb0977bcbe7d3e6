/* SPDX-License-Identifier: Apache-2.0 */
/* What can be asked of a live source: read from the programs' variables, without a system call. */
#include <string.h>

#include "../targets/kind.h"
#include "live_internal.h"

bool live_alive(const struct source *source)
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

void live_info(const struct source *source, struct target_info *info)
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
	info->sends_begin = live->bpf->rodata->sends_begin;
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

void live_counts(const struct source *source, struct source_counts *counts)
{
	const struct live *live = (const struct live *)source;
	for (uint32_t c = 0; c < live->cpus; c++) {
		const struct trace_cpu *cpu = &live->bpf->bss->cpus[c];
		counts->cpus += cpu->seq != 0;
		counts->waiting += cpu->waiting;
		for (uint32_t kind = 0; kind < RECORD_RING_LIMIT; kind++) {
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
	counts->bpf_ns = live->run_time.found.ns;
	counts->bpf_runs = live->run_time.found.count;
	counts->bpf_over_ns = live->run_time.over_ns;
	if (live->flight)
		count_flight(live->flight, counts);
	if (!live->bpf->bss->target_has_read) {
		counts->stranger_tgid = live->bpf->bss->stranger_tgid;
		memcpy(counts->stranger_comm, live->bpf->bss->stranger_comm, sizeof(counts->stranger_comm));
	}
}
