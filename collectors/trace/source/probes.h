/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target's own probes: found in the notes of the files it runs, attached file by file,
 * each with its event's id as cookie.
 *
 * One thread at a time.
 */
#ifndef MEMLAB_SOURCE_PROBES_H
#define MEMLAB_SOURCE_PROBES_H

#include <stddef.h>
#include <stdint.h>

#include "notes.h"
#include "process.h"
#include "source.h"

struct bpf_link;
struct bpf_program;

/* One place; a probe that the compiler copied has several. */
struct probe_place {
	struct note note;
	size_t file;    /* index into the process's files */
	uint32_t event; /* 0: unknown */
	uint64_t cookie;
};

struct probes {
	const struct process *process;
	bool everybody; /* links watch every process that runs the file, and the program filters */
	struct probe_place *places;
	size_t place_count;
	struct target_probe *list; /* one per name */
	size_t list_count, attached_count;
	uint64_t events; /* bit n: event n was found */
	int *links;      /* descriptors of uprobe_multi links */
	size_t link_count;
	struct bpf_link **perf_links;
	size_t perf_link_count;
	size_t file;       /* being read */
	int result;        /* of reading: 0 or -ENOMEM */
	char refused[192]; /* allocators: the first function that got no probe, and why */
};

/* The provider all of memlab's probes carry. */
#define PROBES_PROVIDER "memlab"

/* That of their twins for readers of flight rings (svc/probes/probes.h). */
#define PROBES_RING_PROVIDER "memlab_ring"

/* `process` must outlive the probes. */
int probes_find(struct probes *probes, const struct process *process);
int probes_find_twins(struct probes *probes, const struct process *process);

/*
 * The functions of the malloc libraries the process runs (malloc, calloc, ...), each at a place where a probe is
 * cheap (targets/planner.h). Functions without such a place are left out, the first one explained in `refused`.
 */
int probes_find_allocators(struct probes *probes, const struct process *process);

void probes_close(struct probes *probes); /* detaches */

/*
 * Attaches `program` to all places of the events in `wanted` (bit n: event n). `perf`:
 * the old way. May be called again for other events and another program.
 */
int probes_attach(struct probes *probes, struct bpf_program *program, uint64_t wanted, bool perf);

/* As if attached: the events of `wanted` come in another way. */
void probes_mark_attached(struct probes *probes, uint64_t wanted);

/* How many links there are; and detaching what was attached since, the places of `events`. */
struct probes_mark {
	size_t links, perf_links;
};
struct probes_mark probes_mark(const struct probes *probes);
void probes_detach(struct probes *probes, struct probes_mark since, uint64_t events);

/* Address in the process of a probe's semaphore; 0: none. For tests and doctors. */
uint64_t probes_semaphore(const struct probes *probes, uint32_t event);

/* The address in the process of an exported symbol of its executable. 0 or a negative errno. */
int process_symbol(const struct process *process, const char *name, uint64_t *address, uint64_t *size);

/* Where the target describes its run (symbol memlab_run_info); bytes 0: nowhere. */
struct run_info_place {
	uint64_t address, bytes;
};
struct run_info_place probes_find_run_info(const struct process *process);

/* The description as it is now, as a string; "" if there is none. */
void probes_run_info(const struct process *process, const struct run_info_place *place, char *json, size_t size);

#endif
