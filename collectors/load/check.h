/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check: the body of an answer against the record computed from the seed.
 */
#ifndef MEMLAB_LOAD_CHECK_H
#define MEMLAB_LOAD_CHECK_H

#include <stdbool.h>

#include "options.h"
#include "response.h"

/* Enough for any right body, and for one byte more, which shows that it is wrong. */
#define CHECK_BODY_BYTES 1025

bool check_body(enum lookup_format format, uint64_t seed, uint64_t key, const struct response_body *body);

#endif
