/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records out of a seed. Each record has a stream of 64-bit numbers of its own: a counter that
 * starts at a mix of (seed, id) and is mixed again at each draw (the finaliser has the structure of
 * SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
 */
#include "dataset.h"

#include <endian.h>
#include <string.h>

#include "words.h"

#define GOLDEN_GAMMA 0x9e3779b97f4a7c15u /* 2^64 / golden ratio, odd */

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

struct stream {
	uint64_t state;
};

static struct stream stream_of(uint64_t seed, uint64_t id)
{
	return (struct stream){mix(mix(seed + GOLDEN_GAMMA) ^ (id * GOLDEN_GAMMA))};
}

static uint64_t draw(struct stream *stream)
{
	return mix(stream->state += GOLDEN_GAMMA);
}

/* Uniform below `limit` (at most 2^32) by a multiplication instead of a division. */
static uint32_t draw_below(struct stream *stream, uint32_t limit)
{
	return (uint32_t)(((draw(stream) >> 32) * limit) >> 32);
}

/* A rank below 2^octaves - 1: the octave first, each as likely, then a place in it. */
static uint32_t draw_rank(struct stream *stream, uint32_t octaves)
{
	uint32_t first = (1u << draw_below(stream, octaves)) - 1;
	return first + draw_below(stream, first + 1);
}

static uint32_t append(char *to, uint32_t length, const struct dataset_word *word)
{
	memcpy(to + length, word->text, word->length);
	return length + word->length;
}

static void fill_name(struct stream *stream, struct dataset_record *record)
{
	static const struct dataset_word space = {" ", 1};
	uint32_t length = append(record->name, 0, &words_given[draw_rank(stream, WORDS_NAME_OCTAVES)]);
	length = append(record->name, length, &space);
	record->name_length = append(record->name, length, &words_family[draw_rank(stream, WORDS_NAME_OCTAVES)]);
}

static void fill_words(struct stream *stream, struct dataset_record *record)
{
	const struct words_city *place = &words_cities[draw_rank(stream, WORDS_CITY_OCTAVES)];
	record->city = place->city;
	record->country = place->country;
	record->plan = words_plans[draw_rank(stream, WORDS_PLAN_OCTAVES)];
}

static void fill_payload(struct stream *stream, struct dataset_record *record)
{
	const uint32_t span = DATASET_PAYLOAD_BYTES_MAX - DATASET_PAYLOAD_BYTES_MIN + 1;
	record->payload_length = DATASET_PAYLOAD_BYTES_MIN + draw_below(stream, span);
	for (uint32_t i = 0; i < record->payload_length; i += 8) {
		uint64_t word = htole64(draw(stream));
		memcpy(record->payload + i, &word, 8);
	}
}

uint64_t dataset_count(uint64_t index_bytes)
{
	return index_bytes / DATASET_RECORD_BYTES;
}

void dataset_record(uint64_t seed, uint64_t id, struct dataset_record *record)
{
	struct stream stream = stream_of(seed, id);
	record->id = id;
	record->created_s = 1262304000 + draw_below(&stream, 504921600); /* 2010 to 2025 */
	record->balance_cents = (int64_t)draw_below(&stream, 2000000) - 250000;
	record->visits = draw_below(&stream, 1u << draw_below(&stream, 20));
	fill_name(&stream, record);
	fill_words(&stream, record);
	fill_payload(&stream, record);
}
