/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenes: what the serving thread and the collector did while each of the worst requests was in the server.
 *
 * The collector's doings (cycles, phases, waits for handshakes, slices of marking and sweeping, and the mutators' own
 * parts: handshakes, stops, assists) are read from its events as they come and kept for some seconds; when one
 * of the worst requests so far becomes final, the part of them that lies in its time is kept with it. Everything is bounded, and what did
 * not fit is counted. Pure, one thread at a time.
 */
#ifndef MEMLAB_TRACE_EXPORT_SCENE_H
#define MEMLAB_TRACE_EXPORT_SCENE_H

#include <stdbool.h>

#include "../../../bpf/record.h"
#include "../attribution/result.h"

#define SCENE_STRETCHES 512
#define SCENE_DOINGS 512

enum doing_kind {
	DOING_CYCLE, DOING_ACKS, /* of the whole collector */
	DOING_MARK, DOING_SWEEP, /* of one thread, for the collector */
	DOING_HANDSHAKE, DOING_STOP, DOING_ASSIST, /* of one mutator */
	DOING_KIND_COUNT
};

const char *doing_name(enum doing_kind kind);

struct doing {
	uint64_t begin_ns, end_ns; /* end_ns UINT64_MAX: not over when it was last looked at */
	uint64_t cycle;            /* 0: not known */
	uint32_t tid;
	enum doing_kind kind;
};

struct scene {
	uint64_t arrival_ns, end_ns; /* of the request */
	uint32_t tid;
	unsigned stretch_count, doing_count;
	unsigned left_out; /* doings that did not fit */
	struct stretch stretches[SCENE_STRETCHES];
	struct doing doings[SCENE_DOINGS]; /* in order of their ends */
};

struct scenes;

struct scenes *scenes_new(void); /* NULL on lack of memory */
void scenes_free(struct scenes *scenes); /* NULL allowed */

/* Any record, in the order the source hands them over. */
void scenes_record(struct scenes *scenes, const struct record *record);

/* One of the worst so far (among_worst) and its thread's stretches, from arrival to end. It takes the place of the shortest. */
void scenes_request(struct scenes *scenes, const struct request *request, const struct stretch *stretches, unsigned count);

/* NULL: there is none of this request. */
const struct scene *scenes_find(const struct scenes *scenes, const struct request *request);

#endif
