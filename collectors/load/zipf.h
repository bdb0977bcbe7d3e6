/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zipf-distributed ranks: P(rank = k) is proportional to 1 / (k + 1)^exponent for k = 0..count-1.
 *
 * Exact, in O(1) memory and time: rejection-inversion (W. Hoermann, G. Derflinger,
 * "Rejection-inversion to generate variates from monotone discrete distributions", ACM TOMACS 6(3),
 * 1996). A continuous hat over the histogram of the distribution is inverted, the point is rounded to
 * the nearest rank and kept if it lies under the histogram; fewer than 1.2 tries on average.
 */
#ifndef MEMLAB_LOAD_ZIPF_H
#define MEMLAB_LOAD_ZIPF_H

#include "random.h"

struct zipf {
	uint64_t count;
	double exponent;
	double hat_low;  /* the hat's integral up to the first rank, less that rank's weight */
	double hat_high; /* ... and up to half a rank past the last */
	double squeeze;  /* a rank at most this far right of the point is under the histogram: no test needed */
};

/* count >= 1, exponent >= 0 (0 is uniform). */
void zipf_init(struct zipf *zipf, uint64_t count, double exponent);

/* A rank, 0 the most popular. */
uint64_t zipf_next(const struct zipf *zipf, struct random *random);

#endif
