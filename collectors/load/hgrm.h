/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A distribution as HdrHistogram's percentile table (.hgrm), for its plotters: values in milliseconds, five levels for
 * each halving of the distance to 100 %. The last line is the maximum.
 */
#ifndef MEMLAB_LOAD_HGRM_H
#define MEMLAB_LOAD_HGRM_H

#include <stdio.h>

#include "latency.h"

void hgrm_write(const struct latency *latency, FILE *file);

#endif
