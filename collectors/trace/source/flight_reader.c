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

static void hand_over(const struct flight_place *place, uint32_t ring, const struct flight_entry *entry,
		      void (*take)(void *context, const struct record *record), void *context)
{
	struct record_event event = {
		.h = {.time_ns = entry->end_ns,
		      .seq = (uint32_t)entry->number,
		      .lost = place->lost,
		      .tid = place->tid,
		      .cpu = (uint16_t)(FLIGHT_CPU_FIRST + ring),
		      .kind = RECORD_EVENT,
		      .words = sizeof(event) / 8},
		.event = EVENT_request_end,
		.args = {entry->peer_port, entry->key, entry->info, entry->allocs, entry->alloc_bytes, entry->begin_ns},
	};
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
static int take_batch(struct flight_reader *reader, uint32_t ring, uint64_t head,
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
		if (after >= number + FLIGHT_ENTRIES - 1 || entry->number != number || entry->number_again != number) {
			give_up_to(reader, place, number);
			continue;
		}
		hand_over(place, ring, entry, take, context);
		place->tail = number;
		taken++;
	}
	reader->received += (uint64_t)taken;
	return taken;
}

static int drain_ring(struct flight_reader *reader, uint32_t ring,
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
	while (place->tail < head) {
		int taken = take_batch(reader, ring, head, take, context);
		if (taken < 0)
			return taken;
		total += taken;
	}
	return total;
}

int flight_drain(struct flight_reader *reader, void (*take)(void *context, const struct record *record), void *context)
{
	int total = 0;
	if (!reader->address)
		return 0;
	int result = read_directory(reader);
	for (uint32_t r = 0; r < FLIGHT_RINGS && result >= 0; r++) {
		result = drain_ring(reader, r, take, context);
		total += result > 0 ? result : 0;
	}
	return result < 0 ? result : total;
}
