/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rejection-inversion, as zipf.h says. With h(x) = x^-s and H its integral from 1 (ranks counted from 1):
 *
 *  1. Draw u uniformly between H(1.5) - h(1) and H(count + 0.5), and take x = H^-1(u).
 *  2. Round x to the nearest rank k. The part of u's range that rounds to k is H(k - 0.5) .. H(k + 0.5),
 *     at least h(k) long because h is convex; for rank 1 it is cut to exactly h(1).
 *  3. Keep k if u >= H(k + 0.5) - h(k): the kept part is exactly h(k) long, so k has its exact weight.
 *  4. Squeeze: where k - x is at most a constant known in advance, step 3 always keeps.
 *
 * H and its inverse are written with expm1 and log1p, so that exponents at and near 1 lose no digits.
 */
#include <math.h>

#include "zipf.h"

/* (e^x - 1) / x, and its limit at 0 */
static double expm1_over(double x)
{
	return fabs(x) > 1e-8 ? expm1(x) / x : 1 + x / 2;
}

/* log(1 + x) / x, and its limit at 0 */
static double log1p_over(double x)
{
	return fabs(x) > 1e-8 ? log1p(x) / x : 1 - x / 2;
}

static double hat_weight(const struct zipf *zipf, double x)
{
	return exp(-zipf->exponent * log(x));
}

static double hat_integral(const struct zipf *zipf, double x)
{
	double log_x = log(x);

	return expm1_over((1 - zipf->exponent) * log_x) * log_x;
}

static double hat_inverse(const struct zipf *zipf, double area)
{
	double t = area * (1 - zipf->exponent);

	/* Rounding may carry t past the pole of the logarithm. */
	if (t < -1)
		t = -1;
	return exp(log1p_over(t) * area);
}

void zipf_init(struct zipf *zipf, uint64_t count, double exponent)
{
	zipf->count = count;
	zipf->exponent = exponent;
	zipf->hat_low = hat_integral(zipf, 1.5) - 1;
	zipf->hat_high = hat_integral(zipf, (double)count + 0.5);
	zipf->squeeze = 2 - hat_inverse(zipf, hat_integral(zipf, 2.5) - hat_weight(zipf, 2));
}

uint64_t zipf_next(const struct zipf *zipf, struct random *random)
{
	for (;;) {
		double u = zipf->hat_high + random_unit(random) * (zipf->hat_low - zipf->hat_high);
		double x = hat_inverse(zipf, u);
		double rank = floor(x + 0.5);

		rank = fmin(fmax(rank, 1), (double)zipf->count);
		if (rank - x <= zipf->squeeze || u >= hat_integral(zipf, rank + 0.5) - hat_weight(zipf, rank))
			return (uint64_t)rank - 1;
	}
}
