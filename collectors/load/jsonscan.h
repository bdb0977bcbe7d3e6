/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Just enough JSON reading for the one document memlab-load reads, the service's /debug/allocs: the value of the
 * first member of a given name, at any depth. Never reads outside the text; malformed text yields nothing or
 * something inside it.
 */
#ifndef MEMLAB_LOAD_JSONSCAN_H
#define MEMLAB_LOAD_JSONSCAN_H

#include <stddef.h>
#include <stdint.h>

/* The raw text of the value (a string with its quotes, an object with its braces), or NULL. */
const char *jsonscan_member(const char *text, size_t length, const char *name, size_t *value_length);

/* 0, -ENOENT without such a member, -EINVAL if it is not a whole number. */
int jsonscan_u64(const char *text, size_t length, const char *name, uint64_t *value);

#endif
