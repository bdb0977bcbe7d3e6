/* SPDX-License-Identifier: Apache-2.0 */
#include "flight_reader.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "../../../svc/probes/probes.h"
#include "probes.h"

#define BATCH (sizeof(((struct flight_reader *)0)->entries) / sizeof(struct flight_entry))

/* Before the first thread has a ring the directory is all zero, which is fine too. */
static bool flight_usable(const struct flight *directory)
{
	if (directory->magic == 0)
		return true;
	return directory->magic == FLIGHT_MAGIC && directory->entry_bytes == sizeof(struct flight_entry) &&
	       directory->entry_count == FLIGHT_ENTRIES && directory->ring_limit == FLIGHT_RINGS;
}

static int read_directory(struct flight_reader *reader)
{
	int result = process_read(reader->process, reader->address, &reader->directory, sizeof(reader->directory));
	if (!result && !flight_usable(&reader->directory))
		result = -EIO;
	return result;
}

bool flight_find(struct flight_reader *reader, const struct process *process)
{
	*reader = (struct flight_reader){.process = process};
	uint64_t size = 0;
	if (process_symbol(process, "memlab_flight", &reader->address, &size) || size != sizeof(struct flight) ||
	    read_directory(reader))
		reader->address = 0;
	return reader->address != 0;
}

void flight_start(struct flight_reader *reader)
{
	if (!reader->address || read_directory(reader))
		return;
	for (uint32_t r = 0; r < FLIGHT_RINGS; r++)
		reader->places[r].tail = reader->directory.rings[r].head;
	reader->without_ring_before = reader->directory.without_ring;
}

#define THREADS (sizeof(((struct flight_reader *)0)->threads) / sizeof(((struct flight_reader *)0)->threads[0]))

void flight_learn_thread(struct flight_reader *reader, uint32_t ns_tid, uint32_t tid)
{
	reader->threads[ns_tid % THREADS].ns_tid = ns_tid;
	reader->threads[ns_tid % THREADS].tid = tid;
}

static uint32_t thread_of(const struct flight_reader *reader, uint32_t ns_tid)
{
	return reader->threads[ns_tid % THREADS].ns_tid == ns_tid ? reader->threads[ns_tid % THREADS].tid : 0;
}

uint64_t flight_without_ring(const struct flight_reader *reader)
{
	return reader->directory.without_ring - reader->without_ring_before;
}

static void give_up_to(struct flight_reader *reader, struct flight_place *place, uint64_t tail)
{
	reader->lost += tail - place->tail;
	place->lost += (uint32_t)(tail - place->tail);
	place->tail = tail;
}

static struct record header_of(const struct flight_place *place, uint32_t ring, const struct flight_entry *entry)
{
	return (struct record){.time_ns = entry->end_ns,
			       .seq = (uint32_t)entry->number,
			       .lost = place->lost,
			       .tid = place->tid,
			       .cpu = (uint16_t)(FLIGHT_CPU_FIRST + ring)};
}

/* The target's numbers are not trusted: a sleep that did not end before the request is none. */
static struct record_request request_of(const struct flight_entry *entry)
{
	struct record_request request = {
		.begin_ns = entry->begin_ns < entry->end_ns ? entry->begin_ns : entry->end_ns,
		.key = entry->key,
		.alloc_bytes = entry->alloc_bytes,
		.allocs = entry->allocs,
		.info = entry->info,
		.peer_port = entry->peer_port,
	};
	if (entry->slept_ns && (uint64_t)entry->awake_ns + entry->slept_ns < request.begin_ns) {
		request.awake_ns = request.begin_ns - entry->awake_ns;
		request.asleep_ns = request.awake_ns - entry->slept_ns;
	}
	return request;
}

static struct record_event event_of(const struct flight_entry *entry)
{
	struct record_event event = {.event = entry->event};
	if (entry->event)
		memcpy(event.args, entry->args, sizeof(entry->args));
	else
		event = (struct record_event){.event = EVENT_request_end,
					      .args = {entry->peer_port, entry->key, entry->info, entry->allocs,
						       entry->alloc_bytes, entry->begin_ns}};
	return event;
}

static void hand_over(struct flight_reader *reader, uint32_t ring, const struct flight_entry *entry,
		      void (*take)(void *context, const struct record *record), void *context)
{
	const struct flight_place *place = &reader->places[ring];
	struct record_request request = request_of(entry);
	struct record_event event;
	reader->hits[(entry->event ? entry->event : EVENT_request_end) % 64]++;
	if (reader->arrivals && !entry->event)
		arrivals_join(reader->arrivals, &request);
	if (reader->tail_ns && !entry->event && request.begin_ns >= reader->tail_ns) {
		request.h = header_of(place, ring, entry);
		request.h.kind = RECORD_REQUEST;
		request.h.words = sizeof(request) / 8;
		reader->requests++;
		take(context, &request.h);
		return;
	}
	event = event_of(entry);
	event.h = header_of(place, ring, entry);
	event.h.kind = RECORD_EVENT;
	event.h.words = sizeof(event) / 8;
	take(context, &event.h);
}

static int read_head(const struct flight_reader *reader, uint32_t ring, uint64_t *head)
{
	uint64_t address = reader->address + offsetof(struct flight, rings) + ring * sizeof(struct flight_ring) +
			   offsetof(struct flight_ring, head);
	return process_read(reader->process, address, head, sizeof(*head));
}

/* Up to a batch of entries behind the tail, as far as they lie in one piece. */
static int read_entries(struct flight_reader *reader, uint32_t ring, uint64_t head, size_t *count)
{
	const struct flight_place *place = &reader->places[ring];
	uint64_t slot = place->tail % FLIGHT_ENTRIES, wanted = head - place->tail;
	uint64_t contiguous = FLIGHT_ENTRIES - slot;
	*count = wanted < contiguous ? wanted : contiguous;
	if (*count > BATCH)
		*count = BATCH;
	uint64_t address = reader->directory.rings[ring].entries + slot * sizeof(struct flight_entry);
	return process_read(reader->process, address, reader->entries, *count * sizeof(struct flight_entry));
}

/* Note [flight order] in svc/probes/flight.c: entry n is as it was if head < n + FLIGHT_ENTRIES - 1. */
static int take_batch(struct flight_reader *reader, uint32_t ring, uint64_t head, uint64_t until_ns,
		      void (*take)(void *context, const struct record *record), void *context)
{
	struct flight_place *place = &reader->places[ring];
	size_t count;
	uint64_t first = place->tail + 1, after;
	int result = read_entries(reader, ring, head, &count), taken = 0;
	if (!result)
		result = read_head(reader, ring, &after);
	if (result)
		return result;
	for (size_t e = 0; e < count; e++) {
		const struct flight_entry *entry = &reader->entries[e];
		uint64_t number = first + e;
		if (after >= number + FLIGHT_ENTRIES - 1 || entry->number != number ||
		    entry->number_again != (uint32_t)number || entry->event >= 64 || !(FLIGHT_EVENTS >> entry->event & 1)) {
			give_up_to(reader, place, number);
			continue;
		}
		if (entry->end_ns > until_ns)
			break;
		hand_over(reader, ring, entry, take, context);
		place->tail = number;
		taken++;
	}
	reader->received += (uint64_t)taken;
	return taken;
}

static int drain_ring(struct flight_reader *reader, uint32_t ring, uint64_t until_ns,
		      void (*take)(void *context, const struct record *record), void *context)
{
	struct flight_place *place = &reader->places[ring];
	uint64_t head = reader->directory.rings[ring].head;
	int total = 0;
	if (head == place->tail || reader->directory.rings[ring].entries == 0)
		return 0;
	if (place->tid == 0)
		place->tid = thread_of(reader, reader->directory.rings[ring].tid);
	if (place->tid == 0)
		return 0;
	if (head > place->tail && head - place->tail >= FLIGHT_ENTRIES)
		give_up_to(reader, place, head - FLIGHT_ENTRIES + 1);
	for (uint64_t before = place->tail - 1; place->tail < head && place->tail != before;) {
		before = place->tail;
		int taken = take_batch(reader, ring, head, until_ns, take, context);
		if (taken < 0)
			return taken;
		total += taken;
	}
	return total;
}

int flight_look(struct flight_reader *reader)
{
	return reader->address ? read_directory(reader) : 0;
}

int flight_drain(struct flight_reader *reader, uint64_t until_ns, void (*take)(void *context, const struct record *record),
		 void *context)
{
	int total = 0, result = 0;
	if (!reader->address)
		return 0;
	for (uint32_t r = 0; r < FLIGHT_RINGS && result >= 0; r++) {
		result = drain_ring(reader, r, until_ns, take, context);
		total += result > 0 ? result : 0;
	}
	return result < 0 ? result : total;
}
