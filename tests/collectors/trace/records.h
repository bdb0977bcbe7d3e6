/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hand-made records: a story is a list of records in the order told, which is played to an attribution.
 *
 * Threads 100 to 199 are the target's, 0 is the idle thread, all others are strangers. Times are nanoseconds; US and MS
 * make them readable. Each CPU numbers its records when the story is played, in order of time.
 */
#ifndef MEMLAB_TESTS_RECORDS_H
#define MEMLAB_TESTS_RECORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../../collectors/trace/attribution/attribution.h"
#include "../../../collectors/trace/attribution/merge.h"
#include "../../../svc/probes/probes.h"

#define US 1000ull
#define MS 1000000ull
#define SECOND 1000000000ull
#define TARGET 100u
#define STORY_CPUS 8

struct story {
	union merge_slot *records;
	uint32_t count, capacity;
	uint64_t *drop; /* records that are lost: they take a number and are not played */
	struct attribution_config config;
	struct request *requests; /* what came out */
	uint32_t request_count, request_capacity;
	struct summary summary;
};

static inline void story_take(void *context, const struct request *request)
{
	struct story *story = context;

	if (story->request_count == story->request_capacity) {
		story->request_capacity = story->request_capacity ? 2 * story->request_capacity : 64;
		story->requests = realloc(story->requests, story->request_capacity * sizeof(*story->requests));
		assert_non_null(story->requests);
	}
	story->requests[story->request_count++] = *request;
}

static inline struct story story_new(int has_end_events)
{
	return (struct story){.config = {.tgid = TARGET, .has_end_events = has_end_events}};
}

static inline void story_free(struct story *story)
{
	free(story->records);
	free(story->requests);
	free(story->drop);
	*story = (struct story){0};
}

static inline int is_target(uint32_t tid)
{
	return tid >= 100 && tid < 200;
}

static inline void story_comm(char comm[16], uint32_t tid)
{
	char name[24] = "swapper";

	if (tid)
		snprintf(name, sizeof(name), "%s-%u", is_target(tid) ? "svc" : "other", tid);
	name[15] = '\0'; /* as the kernel cuts it */
	memcpy(comm, name, 16);
}

static inline union merge_slot *story_add(struct story *story, enum record_kind kind, size_t bytes, uint64_t time_ns,
					  uint32_t cpu, uint32_t tid)
{
	if (story->count == story->capacity) {
		story->capacity = story->capacity ? 2 * story->capacity : 256;
		story->records = realloc(story->records, story->capacity * sizeof(*story->records));
		story->drop = realloc(story->drop, story->capacity * sizeof(*story->drop));
		assert_non_null(story->records);
		assert_non_null(story->drop);
	}
	union merge_slot *slot = &story->records[story->count];
	story->drop[story->count++] = 0;
	memset(slot, 0, sizeof(*slot));
	slot->h = (struct record){
		.time_ns = time_ns,
		.tid = tid,
		.cpu = (uint16_t)cpu,
		.kind = (uint8_t)kind,
		.words = (uint8_t)(bytes / 8),
	};
	return slot;
}

/* The record told last is lost. */
static inline void story_lose(struct story *story)
{
	story->drop[story->count - 1] = 1;
}

/* ---- What can happen. */

enum { ASLEEP, QUEUED, ON_CPU };

static inline void tell_task(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid, int state, uint64_t exec_ns)
{
	struct record_task *task =
		&story_add(story, RECORD_TASK, sizeof(*task), time_ns, cpu, tid)->as_task;

	task->tgid = TARGET;
	task->ns_tid = tid;
	task->running = state == ON_CPU;
	task->runnable = state == QUEUED;
	task->task_cpu = (uint16_t)cpu;
	task->exec_ns = exec_ns + 1; /* 0 is a thread that never ran */
	story_comm(task->comm, tid);
}

static inline struct record_switch *tell_switch(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t prev,
						enum record_left left, uint32_t next)
{
	struct record_switch *record =
		&story_add(story, RECORD_SWITCH, sizeof(*record), time_ns, cpu, 0)->as_switch;

	record->prev_tid = prev;
	record->prev_tgid = is_target(prev) ? TARGET : prev;
	record->next_tid = next;
	record->next_tgid = is_target(next) ? TARGET : next;
	record->prev_left = (uint8_t)left;
	story_comm(record->prev_comm, prev);
	story_comm(record->next_comm, next);
	return record;
}

/* The thread sleeps and the CPU turns to `next`. */
static inline struct record_switch *tell_sleep(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid,
					       uint32_t next)
{
	return tell_switch(story, time_ns, cpu, tid, RECORD_LEFT_SLEEPING, next);
}

static inline struct record_switch *tell_preempt(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid,
						 uint32_t next)
{
	return tell_switch(story, time_ns, cpu, tid, RECORD_LEFT_PREEMPTED, next);
}

static inline void tell_wake(struct story *story, enum record_kind kind, uint64_t time_ns, uint32_t cpu, uint32_t tid,
			     uint32_t target_cpu, uint32_t current)
{
	struct record_wake *wake = &story_add(story, kind, sizeof(*wake), time_ns, cpu, tid)->as_wake;

	wake->target_cpu = target_cpu;
	wake->current_tid = current;
	wake->current_tgid = is_target(current) ? TARGET : current;
}

static inline void tell_waking(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid)
{
	tell_wake(story, RECORD_WAKING, time_ns, cpu, tid, cpu, 900);
}

/* On the CPU where the thread will run, which `current` holds. */
static inline void tell_wakeup(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid, uint32_t current)
{
	tell_wake(story, RECORD_WAKEUP, time_ns, cpu, tid, cpu, current);
}

static inline uint16_t port_of(uint64_t sock)
{
	return (uint16_t)(30000 + sock % 30000);
}

static inline struct record_recv *tell_recv(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid, uint64_t sock,
					    uint64_t arrival_ns)
{
	struct record_recv *recv = &story_add(story, RECORD_RECV, sizeof(*recv), time_ns, cpu, tid)->as_recv;

	recv->sock = sock;
	recv->arrival_ns = arrival_ns;
	recv->bytes = 100;
	recv->local_port = 8080;
	recv->peer_port = port_of(sock);
	return recv;
}

static inline struct record_send *tell_send(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid, uint64_t sock)
{
	struct record_send *send = &story_add(story, RECORD_SEND, sizeof(*send), time_ns, cpu, tid)->as_send;

	send->sock = sock;
	send->bytes = 500;
	send->local_port = 8080;
	send->peer_port = port_of(sock);
	return send;
}

static inline void tell_close(struct story *story, uint64_t time_ns, uint32_t cpu, uint64_t sock)
{
	struct record_close *close = &story_add(story, RECORD_CLOSE, sizeof(*close), time_ns, cpu, 0)->as_close;

	close->sock = sock;
	close->local_port = 8080;
	close->peer_port = port_of(sock);
}

static inline struct record_event *tell(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid, uint32_t event,
					uint64_t first, uint64_t second)
{
	struct record_event *record =
		&story_add(story, RECORD_EVENT, sizeof(*record), time_ns, cpu, tid)->as_event;

	record->event = event;
	record->args[0] = first;
	record->args[1] = second;
	return record;
}

/* The service says that it answered; its handler began at begin_ns. */
static inline struct record_event *tell_end(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid, uint64_t sock,
					    uint64_t begin_ns)
{
	struct record_event *record = tell(story, time_ns, cpu, tid, EVENT_request_end, port_of(sock), 7 * sock);

	record->args[2] = 200;
	record->args[3] = 12;
	record->args[4] = 4096;
	record->args[5] = begin_ns;
	return record;
}

/* What the client of the request says that ends next. */
static inline struct record_event *tell_times(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid, uint64_t sock,
					      uint64_t intended_ns, uint64_t send_ns)
{
	struct record_event *record = tell(story, time_ns, cpu, tid, EVENT_request_times, port_of(sock), intended_ns);

	record->args[2] = send_ns;
	return record;
}

static inline void tell_fault(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid)
{
	story_add(story, RECORD_FAULT, sizeof(struct record_fault), time_ns, cpu, tid);
}

/* The page has come. */
static inline void tell_paged(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid)
{
	story_add(story, RECORD_FAULT, sizeof(struct record_fault), time_ns, cpu, tid)->as_fault.what = RECORD_FAULT_PAGED;
}

static inline void tell_exit(struct story *story, uint64_t time_ns, uint32_t cpu, uint32_t tid, uint64_t exec_ns)
{
	struct record_exit *record = &story_add(story, RECORD_EXIT, sizeof(*record), time_ns, cpu, tid)->as_exit;

	record->exec_ns = exec_ns;
}

/* ---- Playing it. */

/* In order of time, those told first first: numbers are given, the lost taken out. */
static inline int story_before(const struct story *story, uint32_t a, uint32_t b)
{
	uint64_t x = story->records[a].h.time_ns, y = story->records[b].h.time_ns;

	return x != y ? x < y : a < b;
}

static const struct story *story_sorted;
static inline int story_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return story_before(story_sorted, x, y) ? -1 : 1;
}

static inline void story_number(struct story *story)
{
	uint32_t seq[STORY_CPUS] = {0}, lost[STORY_CPUS] = {0}, kept = 0;
	uint32_t *order = malloc((story->count + 1) * sizeof(*order));
	union merge_slot *sorted = malloc((story->count + 1) * sizeof(*sorted));

	assert_non_null(order);
	assert_non_null(sorted);
	for (uint32_t i = 0; i < story->count; i++)
		order[i] = i;
	story_sorted = story;
	qsort(order, story->count, sizeof(*order), story_compare);
	for (uint32_t i = 0; i < story->count; i++) {
		union merge_slot *slot = &story->records[order[i]];
		slot->h.seq = ++seq[slot->h.cpu];
		lost[slot->h.cpu] += (uint32_t)story->drop[order[i]];
		slot->h.lost = lost[slot->h.cpu];
		if (!story->drop[order[i]])
			sorted[kept++] = *slot;
	}
	free(story->records);
	free(order);
	story->records = sorted;
	story->count = kept;
	story->capacity = kept + 1;
	memset(story->drop, 0, kept * sizeof(*story->drop));
}

/* Feeds the records as they lie and keeps requests and summary. */
static inline void story_feed(struct story *story)
{
	story->config.on_request = story_take;
	story->config.context = story;
	story->request_count = 0;
	struct attribution *attribution = attribution_new(&story->config);
	assert_non_null(attribution);
	for (uint32_t i = 0; i < story->count; i++)
		assert_int_equal(attribution_feed(attribution, &story->records[i].h), 0);
	attribution_finish(attribution);
	attribution_summary(attribution, &story->summary);
	attribution_free(attribution);
}

static inline void story_play(struct story *story)
{
	story_number(story);
	story_feed(story);
}

/* ---- Checking it. */

static inline uint64_t blame_total(const struct blame *blame)
{
	uint64_t sum = 0;

	for (int c = 0; c < CAUSE_COUNT; c++)
		sum += blame->ns[c];
	return sum;
}

#define assert_sums(request)                                                                                           \
	do {                                                                                                           \
		assert_int_equal(blame_total(&(request)->queue), (request)->begin_ns - (request)->arrival_ns);         \
		assert_int_equal(blame_total(&(request)->service), (request)->end_ns - (request)->begin_ns);           \
	} while (0)

#endif
