/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The consumer's position lies in the map's first page, the producers' in the second. */
static const unsigned long *map_position(int map_fd, size_t page)
{
	void *memory = mmap(NULL, page_bytes(), PROT_READ, MAP_SHARED, map_fd, (off_t)(page * page_bytes()));
	return memory == MAP_FAILED ? NULL : memory;
}

static void unmap_position(const unsigned long *position)
{
	if (position)
		munmap((void *)(unsigned long)position, page_bytes());
}

int ring_open(struct ring *ring, int map_fd, int (*take)(void *context, void *data, size_t size), void *context)
{
	ring->buffer = ring_buffer__new(map_fd, take, context, NULL);
	if (!ring->buffer)
		return -errno;
	ring->consumed = map_position(map_fd, 0);
	ring->reserved = map_position(map_fd, 1);
	return ring->consumed && ring->reserved ? 0 : -errno;
}

void ring_close(struct ring *ring)
{
	ring_buffer__free(ring->buffer);
	unmap_position(ring->consumed);
	unmap_position(ring->reserved);
	*ring = (struct ring){0};
}

int ring_consume(struct ring *ring)
{
	return ring_buffer__consume(ring->buffer);
}

unsigned long ring_place(const struct ring *ring)
{
	return __atomic_load_n(ring->reserved, __ATOMIC_ACQUIRE);
}

bool ring_passed(const struct ring *ring, unsigned long place)
{
	return __atomic_load_n(ring->consumed, __ATOMIC_ACQUIRE) >= place;
}
