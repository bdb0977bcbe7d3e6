/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an index gets its records: made from a seed, or read from a data file. Records come in the order of
 * their ids, 0 to count-1. One reader, one thread.
 */
#ifndef MEMLAB_DATASET_SOURCE_H
#define MEMLAB_DATASET_SOURCE_H

#include "dataset.h"

struct dataset_source;

/* NULL on lack of memory. */
struct dataset_source *dataset_source_seed(uint64_t seed, uint64_t count);
/* 0 or negative errno; on error `error` says what is wrong and where in the file. */
int dataset_source_open(const char *path, struct dataset_source **source, char *error, size_t error_bytes);
void dataset_source_close(struct dataset_source *source); /* NULL allowed */

uint64_t dataset_source_count(const struct dataset_source *source);
uint64_t dataset_source_seed_of(const struct dataset_source *source);
/* Bytes of all strings and payloads. From a seed this takes as long as reading all records. */
uint64_t dataset_source_text_bytes(const struct dataset_source *source);

/* The next record; its words are valid as long as the source. 1, 0 at the end, or -EBADMSG (dataset_source_error). */
int dataset_source_next(struct dataset_source *source, struct dataset_record *record);
const char *dataset_source_error(const struct dataset_source *source);

#endif
