/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded random numbers: a Weyl sequence through a 64-bit mixer (the construction of SplitMix64,
 * Steele, Lea and Flood 2014). The same seed gives the same run on every machine. Not for secrets.
 */
#ifndef MEMLAB_LOAD_RANDOM_H
#define MEMLAB_LOAD_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state;
};

/* A bijection of 64-bit words in which every input bit changes half of the output bits. */
static inline uint64_t random_mix(uint64_t word)
{
	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ull;
	word = (word ^ (word >> 27)) * 0x94d049bb133111ebull;
	return word ^ (word >> 31);
}

/* `stream` keeps the users of one seed (keys, arrivals) independent of each other. */
static inline void random_seed(struct random *random, uint64_t seed, uint64_t stream)
{
	random->state = random_mix(seed) ^ random_mix(stream + 0x6a09e667f3bcc909ull);
}

static inline uint64_t random_u64(struct random *random)
{
	random->state += 0x9e3779b97f4a7c15ull;
	return random_mix(random->state);
}

/* Uniform in the open interval (0, 1): safe for log(). */
static inline double random_unit(struct random *random)
{
	return ((double)(random_u64(random) >> 12) + 0.5) * 0x1p-52;
}

/* Uniform in 0..limit-1, without bias (multiply and reject). */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
	unsigned __int128 product = (unsigned __int128)random_u64(random) * limit;
	uint64_t threshold = -limit % limit;

	while ((uint64_t)product < threshold)
		product = (unsigned __int128)random_u64(random) * limit;
	return (uint64_t)(product >> 64);
}

#endif
