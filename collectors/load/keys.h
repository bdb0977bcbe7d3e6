/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which record each request asks for: a seeded sequence of ids 0..count-1, Zipf (ranks scattered by
 * a permutation), uniform, or one after the other.
 */
#ifndef MEMLAB_LOAD_KEYS_H
#define MEMLAB_LOAD_KEYS_H

#include "permutation.h"
#include "zipf.h"

enum key_order { KEYS_ZIPF, KEYS_UNIFORM, KEYS_SEQUENTIAL };

struct keys {
	enum key_order order;
	uint64_t count;
	uint64_t position; /* KEYS_SEQUENTIAL: the next id */
	struct random random;
	struct zipf zipf;
	struct permutation scatter;
};

/* count >= 1; `exponent` matters for KEYS_ZIPF only. */
void keys_init(struct keys *keys, enum key_order order, uint64_t count, double exponent, uint64_t seed);
uint64_t keys_next(struct keys *keys);
const char *key_order_name(enum key_order order);

#endif
