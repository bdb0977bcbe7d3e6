/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as bytes: their sizes by kind, and whether bytes from a ring or a file are one. Pure.
 */
#ifndef MEMLAB_DECODE_H
#define MEMLAB_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "../../../bpf/record.h"

/* 0: no such kind. */
size_t record_kind_bytes(uint8_t kind);

/* "switch", "recv", ...; NULL: no such kind. */
const char *record_kind_name(uint8_t kind);

/* True if `available` bytes begin with a whole record whose length fits its kind. */
bool record_valid(const struct record *record, size_t available);

#endif
