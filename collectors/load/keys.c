/* SPDX-License-Identifier: Apache-2.0 */
/* See keys.h. */
#include "keys.h"

void keys_init(struct keys *keys, enum key_order order, uint64_t count, double exponent, uint64_t seed)
{
	keys->order = order;
	keys->count = count;
	keys->position = 0;
	random_seed(&keys->random, seed, 2);
	zipf_init(&keys->zipf, count, exponent);
	permutation_init(&keys->scatter, count, seed);
}

static uint64_t sequential_next(struct keys *keys)
{
	uint64_t key = keys->position++;

	if (keys->position == keys->count)
		keys->position = 0;
	return key;
}

uint64_t keys_next(struct keys *keys)
{
	switch (keys->order) {
	case KEYS_UNIFORM:
		return random_below(&keys->random, keys->count);
	case KEYS_SEQUENTIAL:
		return sequential_next(keys);
	case KEYS_ZIPF:
		break;
	}
	return permutation_map(&keys->scatter, zipf_next(&keys->zipf, &keys->random));
}

const char *key_order_name(enum key_order order)
{
	static const char *const names[] = {"zipf", "uniform", "sequential"};

	return names[order];
}
