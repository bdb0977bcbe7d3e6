/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Culprits: everybody who was seen on a CPU, by number: name, whether it is one of the target's own collector threads, and
 * how much of requests' time it has cost. A number stays valid; a thread id that is used again
 * takes over the number together with the new name. At most CULPRIT_LIMIT; whoever comes later is nobody.
 */
#ifndef MEMLAB_ATTRIBUTION_CULPRIT_H
#define MEMLAB_ATTRIBUTION_CULPRIT_H

#include <stdint.h>

#include "map.h"
#include "result.h"

#define CULPRIT_LIMIT 4096u

enum {
	CULPRIT_NOBODY = 0, /* not known who */
	CULPRIT_IDLE = 1,   /* the CPU slept */
};

struct culprit_entry {
	struct culprit culprit;
	uint8_t marking; /* doing the collector's work at this moment, on a thread that is not the collector's */
};

struct culprits {
	struct culprit_entry *entries; /* CULPRIT_LIMIT */
	uint32_t count;
	struct map by_tid;
};

int culprits_init(struct culprits *culprits); /* 0 or -ENOMEM */
void culprits_free(struct culprits *culprits);

/* The number of a thread; 0 is the idle thread's id. Until its name is told it is "?". */
uint32_t culprit_number(struct culprits *culprits, uint32_t tid);
/* The same, and this is its name now. */
uint32_t culprit_named(struct culprits *culprits, uint32_t tid, const char comm[16]);

/* Whether time taken by it is the collector's. */
static inline int culprit_collects(const struct culprits *culprits, uint32_t number)
{
	return culprits->entries[number].culprit.own_collector || culprits->entries[number].marking;
}

/* The CULPRIT_COUNT greatest, greatest first; returns how many there are. */
uint32_t culprits_greatest(const struct culprits *culprits, struct culprit out[CULPRIT_COUNT]);

#endif
