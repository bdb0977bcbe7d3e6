/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring between the BPF programs and us. Beside reading it, one question: has everything been read that was
 * reserved up to some moment? A program that is kept from its CPU between reserve and submit holds up all
 * records behind its own, also those of other CPUs; who joins the ring with another source must know. One thread.
 */
#ifndef MEMLAB_RING_H
#define MEMLAB_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring_buffer;

struct ring {
	struct ring_buffer *buffer;
	const unsigned long *consumed, *reserved; /* positions, in pages that the kernel shares */
};

/* 0 or a negative errno. `take` as libbpf's. ring_close is fine in any case. */
int ring_open(struct ring *ring, int map_fd, int (*take)(void *context, void *data, size_t size), void *context);
void ring_close(struct ring *ring);

int ring_consume(struct ring *ring);

/* Where writers are now, and whether all before such a place has been read. */
unsigned long ring_place(const struct ring *ring);
bool ring_passed(const struct ring *ring, unsigned long place);

#endif
