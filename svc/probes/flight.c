/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Note [flight order]. Writer and reader, of the slot of entry n, which held entry m = n - FLIGHT_ENTRIES:
 *
 *   writer                                  reader of m
 *   1. both numbers = 0                     a. head, at least m
 *   2. the fields                           b. the slot, in any order
 *   3. both numbers = n                     c. head again
 *   4. head = n
 *
 * If b saw anything of 1 to 3, then the writer had passed 4 of entry n - 1 before, so c sees head >= n - 1 =
 * m + FLIGHT_ENTRIES - 1, and the reader drops m. The stores are released in this order; x86
 * keeps the order of the reader's loads.
 */
#include "flight.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "probes.h"

__attribute__((visibility("default"), aligned(64))) struct flight memlab_flight;

static _Thread_local struct flight_ring *own_ring;
static _Thread_local bool own_ring_tried;

/* The thread's ring at its first request while somebody watches. */
static struct flight_ring *ring_new(void)
{
	struct flight *flight = &memlab_flight;
	size_t bytes = FLIGHT_ENTRIES * sizeof(struct flight_entry);
	void *entries = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (entries == MAP_FAILED)
		return NULL;
	uint32_t number = __atomic_fetch_add(&flight->ring_count, 1, __ATOMIC_RELAXED);
	if (number >= FLIGHT_RINGS) {
		__atomic_store_n(&flight->ring_count, FLIGHT_RINGS, __ATOMIC_RELAXED);
		munmap(entries, bytes);
		return NULL;
	}
	struct flight_ring *ring = &flight->rings[number];
	ring->tid = (uint32_t)syscall(SYS_gettid);
	__atomic_store_n(&ring->entries, (uint64_t)(uintptr_t)entries, __ATOMIC_RELEASE);
	flight->entry_bytes = sizeof(struct flight_entry);
	flight->entry_count = FLIGHT_ENTRIES;
	flight->ring_limit = FLIGHT_RINGS;
	__atomic_store_n(&flight->magic, FLIGHT_MAGIC, __ATOMIC_RELEASE);
	PROBE_FIRE(request_flight, number);
	return ring;
}

static struct flight_ring *ring_of_thread(void)
{
	if (!own_ring && !own_ring_tried) {
		own_ring_tried = true;
		own_ring = ring_new();
	}
	return own_ring;
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void slot_number(struct flight_entry *slot, uint64_t number)
{
	__atomic_store_n(&slot->number, number, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->number_again, number, __ATOMIC_RELEASE);
}

static void ring_write(struct flight_ring *ring, const struct flight_entry *entry)
{
	struct flight_entry *entries = (struct flight_entry *)(uintptr_t)ring->entries;
	uint64_t number = ring->head + 1; /* nobody else writes it */
	struct flight_entry *slot = &entries[(number - 1) % FLIGHT_ENTRIES];
	slot_number(slot, 0);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	slot->end_ns = now_ns();
	slot->begin_ns = entry->begin_ns;
	slot->key = entry->key;
	slot->alloc_bytes = entry->alloc_bytes;
	slot->allocs = entry->allocs;
	slot->info = entry->info;
	slot->peer_port = entry->peer_port;
	slot_number(slot, number);
	__atomic_store_n(&ring->head, number, __ATOMIC_RELEASE);
}

void flight_note(const struct flight_entry *entry)
{
	if (!PROBE_WATCHED(request_flight))
		return;
	struct flight_ring *ring = ring_of_thread();
	if (ring)
		ring_write(ring, entry);
	else
		__atomic_fetch_add(&memlab_flight.without_ring, 1, __ATOMIC_RELAXED);
}
