/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seeded permutation of 0..count-1 in O(1) memory: scatters popular ranks over all ids, so that
 * hot records do not lie side by side.
 *
 * A Feistel network permutes the next larger square domain whatever its round function; values that
 * fall outside 0..count-1 walk on along their cycle until they are inside (Black and Rogaway 2002),
 * fewer than four steps on average.
 */
#ifndef MEMLAB_LOAD_PERMUTATION_H
#define MEMLAB_LOAD_PERMUTATION_H

#include <stdint.h>

#define PERMUTATION_ROUNDS 6

struct permutation {
	uint64_t count;
	uint32_t half_bits; /* the domain is 2^(2 * half_bits), at least count, less than 4 * count + 4 */
	uint64_t keys[PERMUTATION_ROUNDS];
};

/* 1 <= count <= 2^62 */
void permutation_init(struct permutation *permutation, uint64_t count, uint64_t seed);

/* value < count */
uint64_t permutation_map(const struct permutation *permutation, uint64_t value);

#endif
