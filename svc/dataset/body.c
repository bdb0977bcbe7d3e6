/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers a correct service gives, written for clarity and shared with nobody: the service has
 * encoders of its own (two), and both are held against these by the tests and by memlab-load --check.
 */
#include "dataset.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static char *put_escaped(char *to, const char *text, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20) {
			to += sprintf(to, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			*to++ = '\\';
		*to++ = (char)c;
	}
	return to;
}

static char *put_string(char *to, const char *key, const char *text, uint32_t length)
{
	to = put_escaped(to + sprintf(to, ",\"%s\":\"", key), text, length);
	*to++ = '"';
	return to;
}

static char *put_word(char *to, const char *key, const struct dataset_word *word)
{
	return put_string(to, key, word->text, word->length);
}

static char *put_base64(char *to, const uint8_t *bytes, uint32_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (uint32_t i = 0; i < length; i += 3) {
		uint32_t left = length - i;
		uint32_t group = (uint32_t)bytes[i] << 16;
		group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= left > 2 ? bytes[i + 2] : 0;
		*to++ = digits[group >> 18];
		*to++ = digits[(group >> 12) & 63];
		*to++ = left > 1 ? digits[(group >> 6) & 63] : '=';
		*to++ = left > 2 ? digits[group & 63] : '=';
	}
	return to;
}

size_t dataset_json(const struct dataset_record *record, char body[DATASET_BODY_BYTES_MAX])
{
	char *to = body;
	to += sprintf(to,
		      "{\"id\":%" PRIu64 ",\"created_s\":%" PRIu64 ",\"balance_cents\":%" PRId64 ",\"visits\":%" PRIu32,
		      record->id, record->created_s, record->balance_cents, record->visits);
	to = put_string(to, "name", record->name, record->name_length);
	to = put_word(to, "country", &record->country);
	to = put_word(to, "city", &record->city);
	to = put_word(to, "plan", &record->plan);
	to += sprintf(to, ",\"payload\":\"");
	to = put_base64(to, record->payload, record->payload_length);
	to += sprintf(to, "\"}\n");
	return (size_t)(to - body);
}

static uint8_t *put_bytes(uint8_t *to, const void *bytes, size_t length)
{
	memcpy(to, bytes, length);
	return to + length;
}

static uint8_t *put_u64(uint8_t *to, uint64_t value)
{
	value = htole64(value);
	return put_bytes(to, &value, sizeof(value));
}

static uint8_t *put_u32(uint8_t *to, uint32_t value)
{
	value = htole32(value);
	return put_bytes(to, &value, sizeof(value));
}

size_t dataset_bin(const struct dataset_record *record, uint8_t body[DATASET_BODY_BYTES_MAX])
{
	uint8_t *to = put_u64(body, record->id);
	to = put_u64(to, record->created_s);
	to = put_u64(to, (uint64_t)record->balance_cents);
	to = put_u32(to, record->visits);
	*to++ = (uint8_t)record->name_length;
	*to++ = (uint8_t)record->country.length;
	*to++ = (uint8_t)record->city.length;
	*to++ = (uint8_t)record->plan.length;
	to = put_u32(to, record->payload_length);
	to = put_bytes(to, record->name, record->name_length);
	to = put_bytes(to, record->country.text, record->country.length);
	to = put_bytes(to, record->city.text, record->city.length);
	to = put_bytes(to, record->plan.text, record->plan.length);
	to = put_bytes(to, record->payload, record->payload_length);
	return (size_t)(to - body);
}
