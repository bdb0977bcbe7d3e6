/* SPDX-License-Identifier: Apache-2.0 */
/* Feistel network with cycle walking: see permutation.h. */
#include "permutation.h"
#include "random.h"

void permutation_init(struct permutation *permutation, uint64_t count, uint64_t seed)
{
	struct random random;

	permutation->count = count;
	permutation->half_bits = 1;
	while (permutation->half_bits < 31 && (1ull << (2 * permutation->half_bits)) < count)
		permutation->half_bits++;
	random_seed(&random, seed, 1);
	for (int round = 0; round < PERMUTATION_ROUNDS; round++)
		permutation->keys[round] = random_u64(&random);
}

static uint64_t network(const struct permutation *permutation, uint64_t value)
{
	uint64_t mask = (1ull << permutation->half_bits) - 1;
	uint64_t left = value >> permutation->half_bits, right = value & mask;

	for (int round = 0; round < PERMUTATION_ROUNDS; round++) {
		uint64_t mixed = left ^ (random_mix(right + permutation->keys[round]) & mask);

		left = right;
		right = mixed;
	}
	return left << permutation->half_bits | right;
}

uint64_t permutation_map(const struct permutation *permutation, uint64_t value)
{
	do
		value = network(permutation, value);
	while (value >= permutation->count);
	return value;
}
