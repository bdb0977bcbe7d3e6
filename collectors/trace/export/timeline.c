/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenes of one backlog overlap: the same stretches of a thread, and the same doings of the collector, are in several of them.
 * They are gathered into one list of slices per group, sorted by track and time, and what was drawn already is cut off.
 */
#include "timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../core/json_writer.h"
#include "../core/text.h"

enum group { GROUP_REQUESTS = 1, GROUP_THREADS, GROUP_COLLECTOR }; /* the format's "processes" */

struct slice {
	uint64_t begin_ns, end_ns;
	uint32_t track;
	const char *name, *category;
	uint64_t cycle; /* 0: none */
	int cpu;        /* -1: none */
};

struct timeline {
	struct json_writer json;
	const struct roster *roster;
	uint64_t origin_ns; /* the earliest arrival is 0 */
	struct slice *slices;
	size_t count, room;
	int failed;
};

/* A name for a group (track 0) or a track. */
static void write_name(struct timeline *timeline, enum group group, const char *what, unsigned track, const char *name)
{
	struct json_writer *json = &timeline->json;
	json_object_begin(json, NULL);
	json_string(json, "ph", "M");
	json_string(json, "name", what);
	json_unsigned(json, "pid", group);
	json_unsigned(json, "tid", track);
	json_object_begin(json, "args");
	json_string(json, "name", name);
	json_object_end(json);
	json_object_end(json);
}

/* A complete slice, left open for its arguments; microseconds, as the format has it. */
static void slice_begin(struct timeline *timeline, enum group group, unsigned track, const char *name, const char *category,
			uint64_t from_ns, uint64_t length_ns)
{
	struct json_writer *json = &timeline->json;
	json_object_begin(json, NULL);
	json_string(json, "ph", "X");
	json_string(json, "name", name);
	json_string(json, "cat", category);
	json_unsigned(json, "pid", group);
	json_unsigned(json, "tid", track);
	json_number(json, "ts", (double)(from_ns - timeline->origin_ns) / 1e3);
	json_number(json, "dur", (double)length_ns / 1e3);
}

/* ---- requests */

static void write_sums(struct timeline *timeline, unsigned track, uint64_t from_ns, const struct blame *blame)
{
	struct blame rest = *blame;
	for (unsigned i = 0; i < CAUSE_COUNT; i++) {
		unsigned greatest = 0;
		for (unsigned cause = 1; cause < CAUSE_COUNT; cause++)
			if (rest.ns[cause] > rest.ns[greatest])
				greatest = cause;
		if (!rest.ns[greatest])
			return;
		slice_begin(timeline, GROUP_REQUESTS, track, cause_name(greatest), "sums, not in order", from_ns, rest.ns[greatest]);
		json_object_end(&timeline->json);
		from_ns += rest.ns[greatest];
		rest.ns[greatest] = 0;
	}
}

static void write_stretches(struct timeline *timeline, unsigned track, uint64_t from_ns, uint64_t to_ns, const struct scene *scene)
{
	for (unsigned i = 0; i < scene->stretch_count; i++) {
		const struct stretch *stretch = &scene->stretches[i];
		if (stretch->begin_ns < from_ns || stretch->begin_ns >= to_ns || stretch->end_ns <= stretch->begin_ns)
			continue;
		slice_begin(timeline, GROUP_REQUESTS, track, cause_name(stretch->cause), "cause", stretch->begin_ns,
			    stretch->end_ns - stretch->begin_ns);
		json_object_end(&timeline->json);
	}
}

static void write_span(struct timeline *timeline, unsigned track, const char *name, const struct request *request,
		       const struct scene *scene)
{
	struct json_writer *json = &timeline->json;
	int queue = strcmp(name, "queue") == 0;
	uint64_t from_ns = queue ? request->arrival_ns : request->begin_ns, to_ns = queue ? request->begin_ns : request->end_ns;
	if (to_ns == from_ns)
		return;
	slice_begin(timeline, GROUP_REQUESTS, track, name, "span", from_ns, to_ns - from_ns);
	json_object_begin(json, "args");
	json_unsigned(json, "thread", request->tid);
	json_unsigned(json, "cycle", request->cycle);
	json_string_bytes(json, "behind", request->culprit, strnlen(request->culprit, sizeof(request->culprit)));
	if (request->has_service) {
		json_unsigned(json, "key", request->key);
		json_unsigned(json, "status", request->status);
		json_unsigned(json, "allocations", request->allocs);
	}
	json_object_end(json);
	json_object_end(json);
	if (scene && scene->stretch_count)
		write_stretches(timeline, track, from_ns, to_ns, scene);
	else
		write_sums(timeline, track, from_ns, queue ? &request->queue : &request->service);
}

static void write_request(struct timeline *timeline, unsigned track, const struct request *request, const struct scene *scene)
{
	char name[96], number[TEXT_NUMBER_BYTES], key[40] = "";
	if (request->has_service)
		snprintf(key, sizeof(key), "  key %" PRIu64, request->key);
	text_ns(number, (double)(request->end_ns - request->arrival_ns));
	snprintf(name, sizeof(name), "#%u  %s%s", track, number, key);
	write_name(timeline, GROUP_REQUESTS, "thread_name", track, name);
	write_span(timeline, track, "queue", request, scene);
	write_span(timeline, track, "service", request, scene);
}

/* ---- threads and collector */

static void add_slice(struct timeline *timeline, const struct slice *slice)
{
	if (timeline->count == timeline->room) {
		size_t room = timeline->room ? 2 * timeline->room : 256;
		struct slice *slices = realloc(timeline->slices, room * sizeof(*slices));
		if (!slices) {
			timeline->failed = -ENOMEM;
			return;
		}
		timeline->slices = slices;
		timeline->room = room;
	}
	timeline->slices[timeline->count++] = *slice;
}

static void gather_stretches(struct timeline *timeline, const struct scene *scene)
{
	for (unsigned i = 0; i < scene->stretch_count; i++) {
		const struct stretch *stretch = &scene->stretches[i];
		add_slice(timeline, &(struct slice){stretch->begin_ns, stretch->end_ns, scene->tid, cause_name(stretch->cause), "thread", 0,
						    stretch->on_cpu ? stretch->cpu : -1});
	}
}

/* The whole collector's doings stand on track 0, cut to the request's time. */
static void gather_doings(struct timeline *timeline, const struct scene *scene)
{
	for (unsigned i = 0; i < scene->doing_count; i++) {
		const struct doing *doing = &scene->doings[i];
		uint64_t begin_ns = doing->begin_ns > scene->arrival_ns ? doing->begin_ns : scene->arrival_ns;
		uint64_t end_ns = doing->end_ns < scene->end_ns ? doing->end_ns : scene->end_ns;
		uint32_t track = doing->kind == DOING_CYCLE ? 0 : doing->kind == DOING_ACKS ? 1 : doing->tid;
		add_slice(timeline, &(struct slice){begin_ns, end_ns, track, doing_name(doing->kind), "collector", doing->cycle, -1});
	}
}

/* By track, then time; of two that begin together the longer first, so that the other lies inside it. */
static int slice_order(const void *left, const void *right)
{
	const struct slice *a = left, *b = right;
	if (a->track != b->track)
		return a->track < b->track ? -1 : 1;
	if (a->begin_ns != b->begin_ns)
		return a->begin_ns < b->begin_ns ? -1 : 1;
	return a->end_ns > b->end_ns ? -1 : a->end_ns < b->end_ns;
}

static void write_track_name(struct timeline *timeline, enum group group, uint32_t track)
{
	char name[64];
	const char *comm = "thread";
	for (uint32_t number = 1; timeline->roster && number <= ROSTER_LIMIT && roster_entry(timeline->roster, number)->tid; number++)
		if (roster_entry(timeline->roster, number)->tid == track)
			comm = roster_entry(timeline->roster, number)->comm;
	snprintf(name, sizeof(name), "%s[%" PRIu32 "]", comm, track);
	if (group == GROUP_COLLECTOR && track < 2)
		snprintf(name, sizeof(name), "%s", track == 0 ? "cycles" : "waits for handshakes");
	write_name(timeline, group, "thread_name", track, name);
}

static void write_slice(struct timeline *timeline, enum group group, const struct slice *slice)
{
	struct json_writer *json = &timeline->json;
	if (slice->begin_ns >= slice->end_ns)
		return;
	slice_begin(timeline, group, slice->track, slice->name, slice->category, slice->begin_ns, slice->end_ns - slice->begin_ns);
	json_object_begin(json, "args");
	if (slice->cycle)
		json_unsigned(json, "cycle", slice->cycle);
	if (slice->cpu >= 0)
		json_unsigned(json, "cpu", (uint64_t)slice->cpu);
	json_object_end(json);
	json_object_end(json);
}

/* Is it the same thing, seen from another scene or from the next part of the same request? */
static int slice_continues(const struct slice *slice, const struct slice *next)
{
	return next->track == slice->track && next->begin_ns <= slice->end_ns && strcmp(next->name, slice->name) == 0 &&
	       next->cycle == slice->cycle && next->cpu == slice->cpu;
}

/* Slices of different scenes that overlap show the same time: the later one is drawn from where the earlier ended. */
static void write_slices(struct timeline *timeline, enum group group)
{
	struct slice open = {.track = UINT32_MAX};
	if (timeline->count)
		qsort(timeline->slices, timeline->count, sizeof(*timeline->slices), slice_order);
	for (size_t i = 0; i < timeline->count; i++) {
		struct slice next = timeline->slices[i];
		if (slice_continues(&open, &next)) {
			open.end_ns = next.end_ns > open.end_ns ? next.end_ns : open.end_ns;
			continue;
		}
		if (open.track != UINT32_MAX)
			write_slice(timeline, group, &open);
		if (next.track != open.track)
			write_track_name(timeline, group, next.track);
		else if (next.begin_ns < open.end_ns)
			next.begin_ns = open.end_ns;
		if (next.track != open.track || next.begin_ns < next.end_ns)
			open = next;
		else
			open.begin_ns = open.end_ns; /* written; the rest of it is past */
	}
	if (open.track != UINT32_MAX)
		write_slice(timeline, group, &open);
	timeline->count = 0;
}

/* ---- all */

static void write_scenes(struct timeline *timeline, const struct summary *summary, const struct scenes *scenes, unsigned count)
{
	const struct scene *scene;
	write_name(timeline, GROUP_THREADS, "process_name", 0, "threads that served them");
	for (unsigned i = 0; i < count; i++)
		if ((scene = scenes_find(scenes, &summary->worst[i])))
			gather_stretches(timeline, scene);
	write_slices(timeline, GROUP_THREADS);
	write_name(timeline, GROUP_COLLECTOR, "process_name", 0, "the collector meanwhile");
	for (unsigned i = 0; i < count; i++)
		if ((scene = scenes_find(scenes, &summary->worst[i])))
			gather_doings(timeline, scene);
	write_slices(timeline, GROUP_COLLECTOR);
}

int export_timeline(FILE *file, const struct trace_info *info, const struct summary *summary, const struct scenes *scenes,
		    const struct roster *roster)
{
	struct timeline timeline = {.roster = roster, .origin_ns = UINT64_MAX};
	unsigned count = summary->worst_count < WORST_COUNT ? summary->worst_count : WORST_COUNT;
	char name[64];
	for (unsigned i = 0; i < count; i++)
		if (summary->worst[i].arrival_ns < timeline.origin_ns)
			timeline.origin_ns = summary->worst[i].arrival_ns;
	json_start(&timeline.json, file);
	json_object_begin(&timeline.json, NULL);
	json_string(&timeline.json, "displayTimeUnit", "ns");
	json_array_begin(&timeline.json, "traceEvents");
	snprintf(name, sizeof(name), "worst requests of %.16s[%" PRIu32 "]", info->comm, info->pid);
	write_name(&timeline, GROUP_REQUESTS, "process_name", 0, name);
	for (unsigned i = 0; i < count; i++)
		write_request(&timeline, i + 1, &summary->worst[i], scenes ? scenes_find(scenes, &summary->worst[i]) : NULL);
	if (scenes)
		write_scenes(&timeline, summary, scenes, count);
	json_array_end(&timeline.json);
	json_object_end(&timeline.json);
	fputc('\n', file);
	free(timeline.slices);
	return timeline.failed ? timeline.failed : ferror(file) ? -EIO : 0;
}
