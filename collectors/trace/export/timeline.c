/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../core/json_writer.h"
#include "../core/text.h"

struct timeline {
	struct json_writer json;
	uint32_t pid;
	uint64_t origin_ns; /* the earliest arrival is 0 */
};

/* A name for a process (track 0) or a track. */
static void write_name(struct timeline *timeline, const char *what, unsigned track, const char *name)
{
	struct json_writer *json = &timeline->json;
	json_object_begin(json, NULL);
	json_string(json, "ph", "M");
	json_string(json, "name", what);
	json_unsigned(json, "pid", timeline->pid);
	json_unsigned(json, "tid", track);
	json_object_begin(json, "args");
	json_string(json, "name", name);
	json_object_end(json);
	json_object_end(json);
}

/* A complete slice, left open for its arguments; microseconds, as the format has it. */
static void slice_begin(struct timeline *timeline, unsigned track, const char *name, const char *category,
			uint64_t from_ns, uint64_t length_ns)
{
	struct json_writer *json = &timeline->json;
	json_object_begin(json, NULL);
	json_string(json, "ph", "X");
	json_string(json, "name", name);
	json_string(json, "cat", category);
	json_unsigned(json, "pid", timeline->pid);
	json_unsigned(json, "tid", track);
	json_number(json, "ts", (double)(from_ns - timeline->origin_ns) / 1e3);
	json_number(json, "dur", (double)length_ns / 1e3);
}

static void write_causes(struct timeline *timeline, unsigned track, uint64_t from_ns, const struct blame *blame)
{
	struct blame rest = *blame;
	for (unsigned i = 0; i < CAUSE_COUNT; i++) {
		unsigned greatest = 0;
		for (unsigned cause = 1; cause < CAUSE_COUNT; cause++)
			if (rest.ns[cause] > rest.ns[greatest])
				greatest = cause;
		if (!rest.ns[greatest])
			return;
		slice_begin(timeline, track, cause_name(greatest), "sums, not in order", from_ns, rest.ns[greatest]);
		json_object_end(&timeline->json);
		from_ns += rest.ns[greatest];
		rest.ns[greatest] = 0;
	}
}

static void write_span(struct timeline *timeline, unsigned track, const char *name, uint64_t from_ns, uint64_t to_ns,
		       const struct request *request, const struct blame *blame)
{
	struct json_writer *json = &timeline->json;
	if (to_ns == from_ns)
		return;
	slice_begin(timeline, track, name, "span", from_ns, to_ns - from_ns);
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
	write_causes(timeline, track, from_ns, blame);
}

static void write_request(struct timeline *timeline, unsigned track, const struct request *request)
{
	char name[96], number[TEXT_NUMBER_BYTES], key[40] = "";
	if (request->has_service)
		snprintf(key, sizeof(key), "  key %" PRIu64, request->key);
	text_ns(number, (double)(request->end_ns - request->arrival_ns));
	snprintf(name, sizeof(name), "#%u  %s%s", track, number, key);
	write_name(timeline, "thread_name", track, name);
	write_span(timeline, track, "queue", request->arrival_ns, request->begin_ns, request, &request->queue);
	write_span(timeline, track, "service", request->begin_ns, request->end_ns, request, &request->service);
}

int export_timeline(FILE *file, const struct trace_info *info, const struct summary *summary)
{
	struct timeline timeline = {.pid = info->pid, .origin_ns = UINT64_MAX};
	unsigned count = summary->worst_count < WORST_COUNT ? summary->worst_count : WORST_COUNT;
	char comm[17] = "";
	memcpy(comm, info->comm, sizeof(info->comm));
	for (unsigned i = 0; i < count; i++)
		if (summary->worst[i].arrival_ns < timeline.origin_ns)
			timeline.origin_ns = summary->worst[i].arrival_ns;
	json_start(&timeline.json, file);
	json_object_begin(&timeline.json, NULL);
	json_string(&timeline.json, "displayTimeUnit", "ns");
	json_array_begin(&timeline.json, "traceEvents");
	write_name(&timeline, "process_name", 0, comm);
	for (unsigned i = 0; i < count; i++)
		write_request(&timeline, i + 1, &summary->worst[i]);
	json_array_end(&timeline.json);
	json_object_end(&timeline.json);
	fputc('\n', file);
	return ferror(file) ? -EIO : 0;
}
