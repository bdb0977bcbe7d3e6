/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys against what they promise: Zipf ranks by a chi-square test on fixed seeds, the permutation as a bijection,
 * uniform keys evenly, sequential ones in order.
 */
#include <math.h>
#include <stdlib.h>

#include "../../../collectors/load/keys.h"
#include "cmocka_all.h"

#define RANKS 1000
#define DRAWS 1000000

static void weights_fill(double weights[RANKS], double exponent)
{
	double sum = 0;

	for (int rank = 0; rank < RANKS; rank++)
		sum += weights[rank] = pow(rank + 1, -exponent);
	for (int rank = 0; rank < RANKS; rank++)
		weights[rank] /= sum;
}

/*
 * Standard deviations by which chi-square exceeds its mean. Ranks are pooled from the rarest end until each
 * cell expects 20.
 */
static double chi_square_excess(const uint64_t counts[RANKS], const double weights[RANKS])
{
	double sum = 0, cell_expected = 0, cell_count = 0;
	int cells = 0;

	for (int rank = RANKS - 1; rank >= 0; rank--) {
		cell_expected += weights[rank] * DRAWS;
		cell_count += (double)counts[rank];
		if (cell_expected < 20)
			continue;
		sum += (cell_count - cell_expected) * (cell_count - cell_expected) / cell_expected;
		cells++;
		cell_expected = cell_count = 0;
	}
	return (sum - (cells - 1)) / sqrt(2.0 * (cells - 1));
}

static void zipf_draw(uint64_t counts[RANKS], double exponent, uint64_t seed)
{
	struct random random;
	struct zipf zipf;

	random_seed(&random, seed, 0);
	zipf_init(&zipf, RANKS, exponent);
	for (int i = 0; i < DRAWS; i++) {
		uint64_t rank = zipf_next(&zipf, &random);

		assert_in_range(rank, 0, RANKS - 1);
		counts[rank]++;
	}
}

static void zipf_has_its_distribution(void **state)
{
	static const double exponents[] = {0, 0.5, 0.99, 1, 1 + 1e-9, 1.1, 2, 5};
	double weights[RANKS];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(exponents); i++) {
		uint64_t counts[RANKS] = {0};

		zipf_draw(counts, exponents[i], 42 + i);
		weights_fill(weights, exponents[i]);
		double excess = chi_square_excess(counts, weights);

		if (fabs(excess) > 4)
			fail_msg("exponent %g: chi-square is %.1f standard deviations off", exponents[i], excess);
	}
}

/* The test above could tell an exponent of 1.1 from 1.13. */
static void zipf_test_has_power(void **state)
{
	uint64_t counts[RANKS] = {0};
	double weights[RANKS];

	(void)state;
	zipf_draw(counts, 1.1, 42);
	weights_fill(weights, 1.13);
	assert_true(chi_square_excess(counts, weights) > 10);
}

static void zipf_at_its_limits(void **state)
{
	static const uint64_t counts[] = {1, 2, 3, 231409, 1ull << 40};
	static const double exponents[] = {0, 1, 1.1, 20};
	struct random random;
	struct zipf zipf;

	(void)state;
	random_seed(&random, 7, 0);
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		for (size_t j = 0; j < COUNT_OF(exponents); j++) {
			zipf_init(&zipf, counts[i], exponents[j]);
			for (int draw = 0; draw < 20000; draw++)
				assert_true(zipf_next(&zipf, &random) < counts[i]);
		}
	}
}

static void permutation_is_a_bijection(void **state)
{
	static const uint64_t counts[] = {1, 2, 3, 4, 5, 15, 16, 17, 1000, 65536, 65537, 231409};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		struct permutation permutation;
		unsigned char *seen = calloc(counts[i], 1);

		permutation_init(&permutation, counts[i], 42);
		for (uint64_t value = 0; value < counts[i]; value++) {
			uint64_t mapped = permutation_map(&permutation, value);

			assert_true(mapped < counts[i]);
			assert_int_equal(seen[mapped], 0);
			seen[mapped] = 1;
		}
		free(seen);
	}
}

/* Neighbours land as far apart as random ids would (a third of the range on average), and the seed matters. */
static void permutation_scatters(void **state)
{
	struct permutation one, two;
	double distance = 0;
	int same = 0;

	(void)state;
	permutation_init(&one, 100000, 1);
	permutation_init(&two, 100000, 2);
	for (uint64_t value = 0; value < 1000; value++) {
		uint64_t mapped = permutation_map(&one, value);

		distance += fabs((double)mapped - (double)permutation_map(&one, value + 1));
		same += mapped == permutation_map(&two, value);
	}
	assert_true(distance / 1000 > 28000 && distance / 1000 < 39000);
	assert_true(same < 5);
}

static void zipf_keys_are_scattered_ranks(void **state)
{
	struct permutation permutation;
	uint64_t first = 0;
	struct keys keys;

	(void)state;
	keys_init(&keys, KEYS_ZIPF, 5000, 1.1, 42);
	permutation_init(&permutation, 5000, 42);
	for (int i = 0; i < 100000; i++)
		first += keys_next(&keys) == permutation_map(&permutation, 0);
	/* Rank 0 has 1 / sum(k^-1.1) = 0.1583 of all draws. */
	assert_in_range(first, 15300, 16400);
}

static void keys_repeat_for_a_seed(void **state)
{
	struct keys one, two, other;
	int same = 0;

	(void)state;
	keys_init(&one, KEYS_ZIPF, 100000, 1.1, 42);
	keys_init(&two, KEYS_ZIPF, 100000, 1.1, 42);
	keys_init(&other, KEYS_ZIPF, 100000, 1.1, 43);
	for (int i = 0; i < 1000; i++) {
		uint64_t key = keys_next(&one);

		assert_int_equal(key, keys_next(&two));
		same += key == keys_next(&other);
	}
	assert_true(same < 100);
}

static void uniform_keys_are_even(void **state)
{
	uint64_t counts[RANKS] = {0};
	double weights[RANKS];
	struct keys keys;

	(void)state;
	keys_init(&keys, KEYS_UNIFORM, RANKS, 0, 42);
	for (int i = 0; i < DRAWS; i++) {
		uint64_t key = keys_next(&keys);

		assert_true(key < RANKS);
		counts[key]++;
	}
	weights_fill(weights, 0);
	assert_true(fabs(chi_square_excess(counts, weights)) < 4);
}

static void sequential_keys_wrap(void **state)
{
	struct keys keys;

	(void)state;
	keys_init(&keys, KEYS_SEQUENTIAL, 3, 0, 42);
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(keys_next(&keys), i % 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zipf_has_its_distribution), cmocka_unit_test(zipf_test_has_power),
		cmocka_unit_test(zipf_at_its_limits),        cmocka_unit_test(permutation_is_a_bijection),
		cmocka_unit_test(permutation_scatters),      cmocka_unit_test(zipf_keys_are_scattered_ranks),
		cmocka_unit_test(keys_repeat_for_a_seed),    cmocka_unit_test(uniform_keys_are_even),
		cmocka_unit_test(sequential_keys_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
