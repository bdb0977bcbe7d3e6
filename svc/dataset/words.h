/* SPDX-License-Identifier: Apache-2.0 */
/* The word tables of the records: 2^k - 1 words each, the frequent ones first (see dataset.h). Constant. */
#ifndef MEMLAB_DATASET_WORDS_H
#define MEMLAB_DATASET_WORDS_H

#include "dataset.h"

#define WORDS_NAME_OCTAVES 6 /* 63 words */
#define WORDS_CITY_OCTAVES 6
#define WORDS_PLAN_OCTAVES 3 /* 7 words */

struct words_city {
	struct dataset_word city, country;
};

extern const struct dataset_word words_given[(1 << WORDS_NAME_OCTAVES) - 1];
extern const struct dataset_word words_family[(1 << WORDS_NAME_OCTAVES) - 1];
extern const struct words_city words_cities[(1 << WORDS_CITY_OCTAVES) - 1];
extern const struct dataset_word words_plans[(1 << WORDS_PLAN_OCTAVES) - 1];

#endif
