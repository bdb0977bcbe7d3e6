/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <stdlib.h>
#include <string.h>

#include "../../../svc/probes/probes.h"

#define DOINGS_KEPT (1u << 15) /* three seconds of 10,000 slices each; a power of two */
#define OPEN_LIMIT 1024u       /* doings that are going on at one time; a power of two */
#define STILL_ON UINT64_MAX

struct scenes {
	struct doing kept[DOINGS_KEPT]; /* a ring of those that are over */
	uint32_t next;
	struct doing open[OPEN_LIMIT];  /* hashed by thread and kind; begin_ns 0: free. The later of two in one place wins */
	uint32_t count;
	struct scene *scenes[WORST_COUNT]; /* in no order */
};

const char *doing_name(enum doing_kind kind)
{
	static const char *const names[DOING_KIND_COUNT] = {"cycle", "waits for handshakes", "mark", "sweep", "handshake", "stop", "assist"};
	return names[kind];
}

struct scenes *scenes_new(void)
{
	return calloc(1, sizeof(struct scenes));
}

void scenes_free(struct scenes *scenes)
{
	if (!scenes)
		return;
	for (uint32_t i = 0; i < scenes->count; i++)
		free(scenes->scenes[i]);
	free(scenes);
}

/* ---- the collector's doings */

/* The cycle's coordinator is the collector, whichever thread it is. */
static struct doing *open_place(struct scenes *scenes, uint32_t tid, enum doing_kind kind)
{
	uint32_t key = kind <= DOING_ACKS ? (uint32_t)kind : tid * DOING_KIND_COUNT + (uint32_t)kind;
	return &scenes->open[(key * 2654435761u >> 16) & (OPEN_LIMIT - 1)];
}

static void begin(struct scenes *scenes, const struct record_event *record, enum doing_kind kind, uint64_t cycle)
{
	*open_place(scenes, record->h.tid, kind) = (struct doing){record->h.time_ns, STILL_ON, cycle, record->h.tid, kind};
}

static void end(struct scenes *scenes, const struct record_event *record, enum doing_kind kind)
{
	struct doing *open = open_place(scenes, record->h.tid, kind);
	if (!open->begin_ns || open->kind != kind || (kind > DOING_ACKS && open->tid != record->h.tid))
		return; /* its begin was not seen */
	open->end_ns = record->h.time_ns;
	scenes->kept[scenes->next++ & (DOINGS_KEPT - 1)] = *open;
	open->begin_ns = 0;
}

void scenes_record(struct scenes *scenes, const struct record *record)
{
	static const struct { uint8_t event, ends; enum doing_kind kind; } events[] = {
		{EVENT_gc_cycle_begin, 0, DOING_CYCLE}, {EVENT_gc_cycle_end, 1, DOING_CYCLE},
		{EVENT_gc_acks_begin, 0, DOING_ACKS}, {EVENT_gc_acks_end, 1, DOING_ACKS},
		{EVENT_gc_mark_begin, 0, DOING_MARK}, {EVENT_gc_mark_end, 1, DOING_MARK},
		{EVENT_gc_sweep_begin, 0, DOING_SWEEP}, {EVENT_gc_sweep_end, 1, DOING_SWEEP},
		{EVENT_gc_handshake_begin, 0, DOING_HANDSHAKE}, {EVENT_gc_handshake_end, 1, DOING_HANDSHAKE},
		{EVENT_gc_stop_begin, 0, DOING_STOP}, {EVENT_gc_stop_end, 1, DOING_STOP},
		{EVENT_gc_assist_begin, 0, DOING_ASSIST}, {EVENT_gc_assist_end, 1, DOING_ASSIST},
	};
	const struct record_event *event = (const struct record_event *)record;
	if (record->kind != RECORD_EVENT)
		return;
	for (unsigned i = 0; i < sizeof(events) / sizeof(*events); i++) {
		if (events[i].event != event->event)
			continue;
		if (events[i].ends)
			end(scenes, event, events[i].kind);
		else
			begin(scenes, event, events[i].kind, events[i].kind == DOING_STOP ? 0 : event->args[0]);
		return;
	}
}

/* ---- scenes */

static uint64_t length_ns(const struct scene *scene)
{
	return scene->end_ns - scene->arrival_ns;
}

/* The place of a new scene: a free one, or that of the shortest. */
static uint32_t place_of_new(const struct scenes *scenes)
{
	uint32_t shortest = 0;
	if (scenes->count < WORST_COUNT)
		return scenes->count;
	for (uint32_t i = 1; i < scenes->count; i++)
		if (length_ns(scenes->scenes[i]) < length_ns(scenes->scenes[shortest]))
			shortest = i;
	return shortest;
}

static void scene_add(struct scene *scene, const struct doing *doing)
{
	if (!doing->begin_ns || doing->begin_ns >= scene->end_ns || doing->end_ns <= scene->arrival_ns)
		return;
	if (scene->doing_count == SCENE_DOINGS)
		scene->left_out++;
	else
		scene->doings[scene->doing_count++] = *doing;
}

void scenes_request(struct scenes *scenes, const struct request *request, const struct stretch *stretches, unsigned count)
{
	uint32_t place = place_of_new(scenes);
	struct scene *scene = place < scenes->count ? scenes->scenes[place] : malloc(sizeof(*scene));
	if (!scene)
		return;
	memset(scene, 0, sizeof(*scene));
	scene->arrival_ns = request->arrival_ns;
	scene->end_ns = request->end_ns;
	scene->tid = request->tid;
	scene->stretch_count = count < SCENE_STRETCHES ? count : SCENE_STRETCHES;
	memcpy(scene->stretches, stretches, scene->stretch_count * sizeof(*stretches));
	for (uint32_t i = 0; i < DOINGS_KEPT; i++)
		scene_add(scene, &scenes->kept[(scenes->next + i) & (DOINGS_KEPT - 1)]);
	for (uint32_t i = 0; i < OPEN_LIMIT; i++)
		scene_add(scene, &scenes->open[i]);
	scenes->scenes[place] = scene;
	if (place == scenes->count)
		scenes->count++;
}

const struct scene *scenes_find(const struct scenes *scenes, const struct request *request)
{
	for (uint32_t i = 0; i < scenes->count; i++)
		if (scenes->scenes[i]->tid == request->tid && scenes->scenes[i]->arrival_ns == request->arrival_ns &&
		    scenes->scenes[i]->end_ns == request->end_ns)
			return scenes->scenes[i];
	return NULL;
}
