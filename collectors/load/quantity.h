/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as people write them on a command line. Each takes the whole text or fails with -EINVAL.
 */
#ifndef MEMLAB_LOAD_QUANTITY_H
#define MEMLAB_LOAD_QUANTITY_H

#include <stdint.h>

/* "20000", "60k", "1.5M": requests per second, above 0, at most 10 million. */
int quantity_rate(const char *text, double *rate);

/* "5k,20k,60k" */
int quantity_rates(const char *text, double *rates, uint32_t capacity, uint32_t *count);

/* "30s", "500ms", "2m", "1h", "10us"; a bare number is seconds. At most one week. */
int quantity_duration(const char *text, uint64_t *ns);

int quantity_u64(const char *text, uint64_t *value);

/* A decimal number, 0 or more, at most `limit`. */
int quantity_real(const char *text, double limit, double *value);

#endif
