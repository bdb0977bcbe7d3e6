/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes one profile.proto, which `go tool pprof` reads: begin, value types, then locations and the samples that name
 * them, in any order, and finish. Text is not copied: it stays valid until profile_finish. One owner, no locks.
 */
#ifndef MEMLAB_SVC_PROFILE_PROTO_H
#define MEMLAB_SVC_PROFILE_PROTO_H

#include "buffer.h"

struct profile {
	struct buffer out;
	const char **strings;
	uint64_t string_count, string_room;
	uint64_t location_count, mapping_count;
};

void profile_begin(struct profile *profile);
/* What a sample's next value is. */
void profile_sample_type(struct profile *profile, const char *type, const char *unit);
/* Every how much of what a sample was taken. */
void profile_period(struct profile *profile, const char *type, const char *unit, uint64_t period);
void profile_duration(struct profile *profile, uint64_t duration_ns);
/* A file in memory from `start` to `end`, which begins at `offset` of the file; returns its number. */
uint64_t profile_mapping(struct profile *profile, uint64_t start, uint64_t end, uint64_t offset, const char *file);
/* A place with a function of its own; returns its number. `address` and `mapping` may be 0. */
uint64_t profile_location(struct profile *profile, uint64_t address, uint64_t mapping, const char *function,
			  const char *file, uint64_t line);
/* The leaf's location first. */
void profile_sample(struct profile *profile, const uint64_t *locations, unsigned location_count, const uint64_t *values,
		    unsigned value_count);
/* Adds the profile, gzipped, and frees what it held. */
void profile_finish(struct profile *profile, struct buffer *to);

#endif
