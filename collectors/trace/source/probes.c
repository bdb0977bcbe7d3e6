/* SPDX-License-Identifier: Apache-2.0 */
#include "probes.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../bpf/trace.h"
#include "../targets/allocator.h"
#include "../targets/event.h"
#include "../targets/planner.h"
#include "link.h"

#define PLACES_LIMIT 1024
#define FUNCTION_BYTES_MAX 16384u

/* map_files needs a right that a container may lack; then the target's own root is tried. */
static int file_open(const struct process *process, struct process_file *file)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	char path[sizeof(file->name) + 32];
	snprintf(path, sizeof(path), "/proc/%d/root%s", process->pid, file->name);
	if (strlen(path) >= sizeof(file->path))
		return -errno;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	strcpy(file->path, path);
	return fd;
}

static struct target_probe *list_find(struct probes *probes, const char *name)
{
	for (size_t p = 0; p < probes->list_count; p++)
		if (strcmp(probes->list[p].name, name) == 0)
			return &probes->list[p];
	return NULL;
}

static int list_add(struct probes *probes, const struct note *note, uint32_t event)
{
	if (list_find(probes, note->name))
		return 0;
	struct target_probe *list = realloc(probes->list, (probes->list_count + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	probes->list = list;
	struct target_probe *probe = &list[probes->list_count++];
	*probe = (struct target_probe){.event = event};
	strcpy(probe->name, note->name);
	return 0;
}

static int place_add(struct probes *probes, const struct note *note, uint32_t event, uint64_t cookie)
{
	if (probes->place_count >= PLACES_LIMIT)
		return 0;
	struct probe_place *places = realloc(probes->places, (probes->place_count + 1) * sizeof(*places));
	if (!places)
		return -ENOMEM;
	probes->places = places;
	places[probes->place_count++] = (struct probe_place){*note, probes->file, event, cookie};
	if (event)
		probes->events |= 1ull << event;
	return list_add(probes, note, event);
}

static void place_take(void *context, const struct note *note)
{
	struct probes *probes = context;
	uint32_t event = event_find(note->name);
	if (!probes->result)
		probes->result = place_add(probes, note, event, TRACE_COOKIE(event, TRACE_SIZE_NONE, 0));
}

static void find_notes(struct probes *probes, const struct image *image)
{
	notes_read(image, PROBES_PROVIDER, place_take, probes);
}

static void find_twin_notes(struct probes *probes, const struct image *image)
{
	notes_read(image, PROBES_RING_PROVIDER, place_take, probes);
}

/* Files that cannot be opened or are no good ELF files have no probes. */
static void find_in_file(struct probes *probes, struct process_file *file,
			 void (*find)(struct probes *probes, const struct image *image))
{
	struct image image;
	int fd = file_open(probes->process, file);
	if (fd < 0)
		return;
	if (!image_open(&image, fd)) {
		find(probes, &image);
		image_close(&image);
	}
	close(fd);
}

static int find_in_files(struct probes *probes, const struct process *process,
			 void (*find)(struct probes *probes, const struct image *image))
{
	*probes = (struct probes){.process = process};
	for (size_t f = 0; f < process->file_count && !probes->result; f++) {
		probes->file = f;
		find_in_file(probes, &process->files[f], find);
	}
	return probes->result;
}

int probes_find(struct probes *probes, const struct process *process)
{
	return find_in_files(probes, process, find_notes);
}

int probes_find_twins(struct probes *probes, const struct process *process)
{
	return find_in_files(probes, process, find_twin_notes);
}

/* ---- allocators */

static int plan_function(const struct image *image, uint64_t offset, uint64_t size, unsigned int arguments,
			 struct plan *plan, char *why, size_t why_size)
{
	if (size > FUNCTION_BYTES_MAX)
		size = FUNCTION_BYTES_MAX;
	uint8_t *code = malloc(size);
	int result = code ? image_bytes(image, offset, code, size) : -ENOMEM;
	snprintf(why, why_size, "its code cannot be read");
	if (!result)
		result = plan_probe(code, size, arguments, plan, why, why_size);
	free(code);
	return result;
}

/* One function under two names would be counted twice. */
static bool place_known(const struct probes *probes, uint64_t offset)
{
	for (size_t p = 0; p < probes->place_count; p++)
		if (probes->places[p].file == probes->file && probes->places[p].note.offset == offset)
			return true;
	return false;
}

static void find_allocator(struct probes *probes, const struct image *image, const struct allocator_function *function)
{
	uint64_t address, size;
	char why[128];
	struct note note = {0};
	struct plan plan;
	if (image_function(image, function->name, &address, &size) || image_offset(image, address, &note.offset))
		return;
	if (plan_function(image, note.offset, size, function->arguments, &plan, why, sizeof(why))) {
		if (!probes->refused[0])
			snprintf(probes->refused, sizeof(probes->refused), "%s: %s", function->name, why);
		return;
	}
	note.offset += plan.offset;
	if (place_known(probes, note.offset))
		return;
	snprintf(note.name, sizeof(note.name), "%s", function->name);
	if (!probes->result)
		probes->result = place_add(probes, &note, EVENT_malloc,
					   TRACE_COOKIE(EVENT_malloc, function->size, plan.stack_bytes));
}

/* A file without a malloc of its own (libstdc++, say) only passes on to one that has. */
static void find_allocators(struct probes *probes, const struct image *image)
{
	uint64_t address, size;
	if (image_function(image, "malloc", &address, &size))
		return;
	for (size_t f = 0; f < allocator_function_count; f++)
		find_allocator(probes, image, &allocator_functions[f]);
}

int probes_find_allocators(struct probes *probes, const struct process *process)
{
	return find_in_files(probes, process, find_allocators);
}

void probes_close(struct probes *probes)
{
	for (size_t l = 0; l < probes->link_count; l++)
		close(probes->links[l]);
	for (size_t l = 0; l < probes->perf_link_count; l++)
		bpf_link__destroy(probes->perf_links[l]);
	free(probes->links);
	free(probes->perf_links);
	free(probes->places);
	free(probes->list);
	*probes = (struct probes){0};
}

static bool wanted_here(const struct probe_place *place, size_t file, uint64_t wanted)
{
	return place->file == file && place->event && wanted >> place->event & 1;
}

/* The wanted places of one file. */
static size_t places_of(const struct probes *probes, size_t file, uint64_t wanted, struct link_place *places)
{
	size_t count = 0;
	for (size_t p = 0; p < probes->place_count; p++) {
		const struct probe_place *place = &probes->places[p];
		if (wanted_here(place, file, wanted))
			places[count++] =
				(struct link_place){place->note.offset, place->note.semaphore_offset, place->cookie};
	}
	return count;
}

static int attach_multi(struct probes *probes, const struct bpf_program *program, const char *path,
			const struct link_place *places, size_t count)
{
	int *links = realloc(probes->links, (probes->link_count + 1) * sizeof(*links));
	if (!links)
		return -ENOMEM;
	probes->links = links;
	pid_t pid = probes->everybody ? 0 : probes->process->pid;
	int fd = link_uprobe_multi(bpf_program__fd(program), path, places, count, pid);
	if (fd < 0)
		return fd;
	links[probes->link_count++] = fd;
	return 0;
}

/*
 * Watches every process that runs the file (pid -1); the program filters. With a pid the kernel would switch
 * the events at each context switch of the target, hit or not.
 */
static int attach_perf(struct probes *probes, struct bpf_program *program, const char *path,
		       const struct link_place *place)
{
	struct bpf_link **links =
		realloc(probes->perf_links, (probes->perf_link_count + 1) * sizeof(struct bpf_link *));
	if (!links)
		return -ENOMEM;
	probes->perf_links = links;
	LIBBPF_OPTS(bpf_uprobe_opts, options, .ref_ctr_offset = place->semaphore_offset, .bpf_cookie = place->cookie);
	struct bpf_link *link = bpf_program__attach_uprobe_opts(program, -1, path, place->offset, &options);
	if (!link)
		return -errno;
	links[probes->perf_link_count++] = link;
	return 0;
}

static int attach_file(struct probes *probes, struct bpf_program *program, const char *path,
		       const struct link_place *places, size_t count, bool perf)
{
	if (!perf)
		return attach_multi(probes, program, path, places, count);
	int result = 0;
	for (size_t p = 0; p < count && !result; p++)
		result = attach_perf(probes, program, path, &places[p]);
	return result;
}

void probes_mark_attached(struct probes *probes, uint64_t wanted)
{
	for (size_t p = 0; p < probes->list_count; p++) {
		struct target_probe *probe = &probes->list[p];
		if (probe->attached || !probe->event || !(wanted >> probe->event & 1))
			continue;
		probe->attached = true;
		probes->attached_count++;
	}
}

int probes_attach(struct probes *probes, struct bpf_program *program, uint64_t wanted, bool perf)
{
	struct link_place *places = calloc(probes->place_count + 1, sizeof(*places));
	if (!places)
		return -ENOMEM;
	int result = 0;
	for (size_t f = 0; f < probes->process->file_count && !result; f++) {
		size_t count = places_of(probes, f, wanted, places);
		if (count)
			result = attach_file(probes, program, probes->process->files[f].path, places, count, perf);
	}
	free(places);
	if (!result)
		probes_mark_attached(probes, wanted);
	return result;
}

struct probes_mark probes_mark(const struct probes *probes)
{
	return (struct probes_mark){probes->link_count, probes->perf_link_count};
}

void probes_detach(struct probes *probes, struct probes_mark since, uint64_t events)
{
	while (probes->link_count > since.links)
		close(probes->links[--probes->link_count]);
	while (probes->perf_link_count > since.perf_links)
		bpf_link__destroy(probes->perf_links[--probes->perf_link_count]);
	for (size_t p = 0; p < probes->list_count; p++) {
		if (!probes->list[p].attached || !(events >> probes->list[p].event & 1))
			continue;
		probes->list[p].attached = false;
		probes->attached_count--;
	}
}

/* What must be added to the file's virtual addresses to get the process's. */
static int file_bias(const struct image *image, const struct process_file *file, uint64_t *bias)
{
	uint64_t address;
	int result = image_address(image, file->offset, &address);
	if (!result)
		*bias = file->start - address;
	return result;
}

uint64_t probes_semaphore(const struct probes *probes, uint32_t event)
{
	for (size_t p = 0; p < probes->place_count; p++) {
		const struct probe_place *place = &probes->places[p];
		if (place->event != event || !place->note.semaphore_address)
			continue;
		struct process_file *file = &probes->process->files[place->file];
		struct image image;
		uint64_t bias, address = 0;
		int fd = file_open(probes->process, file);
		if (fd >= 0 && !image_open(&image, fd)) {
			if (!file_bias(&image, file, &bias))
				address = place->note.semaphore_address + bias;
			image_close(&image);
		}
		if (fd >= 0)
			close(fd);
		return address;
	}
	return 0;
}

/* It is the target's word, printed by us: one line of plain text that looks like an object, or nothing. */
static void keep_plain(char *json, size_t size)
{
	json[size - 1] = 0;
	for (const char *c = json; *c; c++)
		if (*c < ' ' || *c > '~')
			json[0] = 0;
	if (json[0] != '{' || json[strlen(json) - 1] != '}')
		json[0] = 0;
}

static int executable_symbol(const struct process *process, const struct image *image, const char *name,
			     uint64_t *address, uint64_t *size)
{
	uint64_t bias = 0;
	int result = image_symbol(image, name, address, size);
	if (!result)
		result = file_bias(image, &process->files[0], &bias);
	*address += bias;
	return result;
}

int process_symbol(const struct process *process, const char *name, uint64_t *address, uint64_t *size)
{
	struct image image;
	if (process->file_count == 0)
		return -ENOENT;
	int fd = file_open(process, &process->files[0]);
	if (fd < 0)
		return fd;
	int result = image_open(&image, fd);
	if (!result) {
		result = executable_symbol(process, &image, name, address, size);
		image_close(&image);
	}
	close(fd);
	return result;
}

struct run_info_place probes_find_run_info(const struct process *process)
{
	struct run_info_place place = {0};
	if (process_symbol(process, "memlab_run_info", &place.address, &place.bytes))
		place.bytes = 0;
	return place;
}

void probes_run_info(const struct process *process, const struct run_info_place *place, char *json, size_t size)
{
	memset(json, 0, size);
	if (place->bytes == 0 || process_read(process, place->address, json, place->bytes < size ? place->bytes : size))
		json[0] = 0;
	keep_plain(json, size);
}
