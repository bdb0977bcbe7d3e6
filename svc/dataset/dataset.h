/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records that memlab-svc serves: 8 fields and a small payload each, a pure function of
 * (seed, id). The same on every machine and with any number of threads: integers only, no
 * clock, no global state. Whoever knows the seed knows every answer, which is how memlab-load
 * --check works, and why the service needs no data file.
 *
 * Ids are dense, 0 .. count-1. Strings repeat as they do in real data: of a table of 2^k - 1
 * words each octave (1, 2, 4, .. words) is drawn equally often, so that a word's share falls with
 * its rank as in Zipf's law. Some names hold quotes and letters beyond ASCII on purpose.
 *
 * Invariant: a change of any output of dataset_record breaks recorded results and data files; it
 * needs a new DATASET_VERSION. Any thread may call anything here.
 */
#ifndef MEMLAB_DATASET_H
#define MEMLAB_DATASET_H

#include <stddef.h>
#include <stdint.h>

#define DATASET_VERSION 1

/* Bytes of a record in memory, layout map: record object, four strings, payload, its share of the table. */
#define DATASET_RECORD_BYTES 262

#define DATASET_NAME_BYTES_MAX 48
#define DATASET_WORD_BYTES_MAX 24
#define DATASET_PAYLOAD_BYTES_MIN 64
#define DATASET_PAYLOAD_BYTES_MAX 128

/* A word of one of the tables: UTF-8, also ended by NUL. Static, never freed. */
struct dataset_word {
	const char *text;
	uint32_t length;
};

struct dataset_record {
	uint64_t id;
	uint64_t created_s; /* wall clock, seconds since 1970 */
	int64_t balance_cents;
	uint32_t visits;
	uint32_t name_length;
	char name[DATASET_NAME_BYTES_MAX]; /* UTF-8, not ended by NUL */
	struct dataset_word country, city, plan;
	uint32_t payload_length;
	uint8_t payload[DATASET_PAYLOAD_BYTES_MAX];
};

/* How many records an index of this size holds: 64 MiB hold 256,140. */
uint64_t dataset_count(uint64_t index_bytes);

/* Record `id`; any id is valid, the service serves those below its count. */
void dataset_record(uint64_t seed, uint64_t id, struct dataset_record *record);

/* ------------------------------------------------- the expected answers */

/* Enough room for the body of any record, both formats. */
#define DATASET_BODY_BYTES_MAX 1024

/*
 * The body that GET /lookup?fmt=json must answer, without spaces and in this order:
 *   {"id":N,"created_s":N,"balance_cents":N,"visits":N,"name":"..","country":"..","city":"..",
 *    "plan":"..","payload":".."}\n
 * Strings escape " and \ with a backslash and bytes below 0x20 as \u00XX; UTF-8 passes as it is.
 * The payload is base64 with padding. Returns the length; not ended by NUL.
 */
size_t dataset_json(const struct dataset_record *record, char body[DATASET_BODY_BYTES_MAX]);

/*
 * The body that fmt=bin must answer, little-endian, no padding:
 *   offset  0  u64 id                28  u8 name_length
 *           8  u64 created_s         29  u8 country_length
 *          16  i64 balance_cents     30  u8 city_length
 *          24  u32 visits            31  u8 plan_length
 *          32  u32 payload_length    36  name, country, city, plan, payload back to back
 */
#define DATASET_BIN_HEADER_BYTES 36
size_t dataset_bin(const struct dataset_record *record, uint8_t body[DATASET_BODY_BYTES_MAX]);

#endif
