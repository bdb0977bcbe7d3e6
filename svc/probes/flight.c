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
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "probes.h"

__attribute__((visibility("default"), aligned(64))) struct flight memlab_flight;

static _Thread_local struct flight_ring *own_ring;
static _Thread_local bool own_ring_tried;
static _Thread_local uint64_t sleep_ns, wake_ns; /* of the last sleep; 0: not known */

static bool ring_event(uint32_t event, const uint64_t *args);

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
	__atomic_store_n(&memlab_probe_by_ring, ring_event, __ATOMIC_RELAXED);
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

/* Where the entry behind number `head` goes. */
static struct flight_entry *slot_behind(const struct flight_ring *ring, uint64_t head)
{
	return (struct flight_entry *)(uintptr_t)ring->entries + head % FLIGHT_ENTRIES;
}

/* Only the owner's thread; the slot is whole again when slot_close has given it its number. */
static struct flight_entry *slot_open(const struct flight_ring *ring)
{
	struct flight_entry *slot = slot_behind(ring, ring->head);
	__atomic_store_n(&slot->number, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->number_again, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return slot;
}

/*
 * The line was last in the reader's cache. Fetched when it is written, it would hold up the next locked instruction, a mutex of the
 * server's say, for a tenth of a microsecond; fetched one entry ahead, nobody.
 */
static void slot_fetch(const struct flight_entry *slot)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*slot));
#else
	__builtin_prefetch(slot, 1);
#endif
}

static void slot_close(struct flight_ring *ring, struct flight_entry *slot)
{
	uint64_t number = ring->head + 1; /* nobody else writes it */
	__atomic_store_n(&slot->number, number, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->number_again, (uint32_t)number, __ATOMIC_RELEASE);
	__atomic_store_n(&ring->head, number, __ATOMIC_RELEASE);
	slot_fetch(slot_behind(ring, number));
}

static uint32_t at_most_32(uint64_t ns)
{
	return ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static void ring_write(struct flight_ring *ring, const struct flight_entry *entry)
{
	struct flight_entry *slot = slot_open(ring);
	bool slept = wake_ns && wake_ns <= entry->begin_ns;
	slot->end_ns = now_ns();
	slot->begin_ns = entry->begin_ns;
	slot->key = entry->key;
	slot->alloc_bytes = entry->alloc_bytes;
	slot->allocs = entry->allocs;
	slot->info = entry->info;
	slot->awake_ns = slept ? at_most_32(entry->begin_ns - wake_ns) : 0;
	slot->slept_ns = slept ? at_most_32(wake_ns - sleep_ns) : 0;
	slot->peer_port = entry->peer_port;
	slot->event = 0;
	slot_close(ring, slot);
}

/* Whose twin is watched (probes.h). */
static bool ring_event(uint32_t event, const uint64_t *args)
{
	if (!own_ring)
		return false;
	struct flight_entry *slot = slot_open(own_ring);
	slot->end_ns = now_ns();
	memcpy(slot->args, args, sizeof(slot->args));
	slot->peer_port = 0;
	slot->event = (uint16_t)event;
	slot_close(own_ring, slot);
	return true;
}

void flight_sleep(void)
{
	sleep_ns = PROBE_WATCHED(request_flight) ? now_ns() : 0;
}

void flight_wake(void)
{
	wake_ns = sleep_ns ? now_ns() : 0;
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
