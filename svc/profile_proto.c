/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocol buffers are fields of (number << 3 | type), a varint or a length and bytes. Messages inside are built in a
 * buffer of their own first. Numbers of the fields are those of pprof's profile.proto.
 */
#include "profile_proto.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum profile_field {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME_NS = 9,
	PROFILE_DURATION_NS = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12
};
enum value_type_field { VALUE_TYPE_TYPE = 1, VALUE_TYPE_UNIT = 2 };
enum sample_field { SAMPLE_LOCATION = 1, SAMPLE_VALUE = 2 };
enum mapping_field {
	MAPPING_ID = 1,
	MAPPING_START = 2,
	MAPPING_LIMIT = 3,
	MAPPING_OFFSET = 4,
	MAPPING_FILE = 5,
	MAPPING_HAS_FUNCTIONS = 7
};
enum location_field { LOCATION_ID = 1, LOCATION_MAPPING = 2, LOCATION_ADDRESS = 3, LOCATION_LINE = 4 };
enum line_field { LINE_FUNCTION = 1, LINE_LINE = 2 };
enum function_field { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_FILE = 4 };

static void put_varint(struct buffer *to, uint64_t value)
{
	char bytes[10];
	size_t length = 0;
	for (; value >= 128; value >>= 7)
		bytes[length++] = (char)(value | 128);
	bytes[length++] = (char)value;
	buffer_add(to, bytes, length);
}

static void put_number(struct buffer *to, unsigned field, uint64_t value)
{
	put_varint(to, field << 3);
	put_varint(to, value);
}

static void put_message(struct buffer *to, unsigned field, const void *bytes, size_t length)
{
	put_varint(to, field << 3 | 2);
	put_varint(to, length);
	buffer_add(to, bytes, length);
}

/* Adds the message and empties it for the next. */
static void put_built(struct buffer *to, unsigned field, struct buffer *message)
{
	put_message(to, field, message->bytes, message->length);
	message->length = 0;
}

/* The number of a string; the table is written at the end. */
static uint64_t string_number(struct profile *profile, const char *text)
{
	for (uint64_t i = 0; i < profile->string_count; i++)
		if (!strcmp(profile->strings[i], text))
			return i;
	if (profile->string_count == profile->string_room) {
		profile->string_room = profile->string_room ? profile->string_room * 2 : 64;
		const char **strings = realloc(profile->strings, profile->string_room * sizeof(*strings));
		if (!strings)
			abort();
		profile->strings = strings;
	}
	profile->strings[profile->string_count] = text;
	return profile->string_count++;
}

static void put_value_type(struct profile *profile, unsigned field, const char *type, const char *unit)
{
	struct buffer message = {0};
	put_number(&message, VALUE_TYPE_TYPE, string_number(profile, type));
	put_number(&message, VALUE_TYPE_UNIT, string_number(profile, unit));
	put_built(&profile->out, field, &message);
	buffer_free(&message);
}

void profile_begin(struct profile *profile)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	*profile = (struct profile){0};
	string_number(profile, ""); /* has to be the first */
	put_number(&profile->out, PROFILE_TIME_NS, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}

void profile_sample_type(struct profile *profile, const char *type, const char *unit)
{
	put_value_type(profile, PROFILE_SAMPLE_TYPE, type, unit);
}

void profile_period(struct profile *profile, const char *type, const char *unit, uint64_t period)
{
	put_value_type(profile, PROFILE_PERIOD_TYPE, type, unit);
	put_number(&profile->out, PROFILE_PERIOD, period);
}

void profile_duration(struct profile *profile, uint64_t duration_ns)
{
	put_number(&profile->out, PROFILE_DURATION_NS, duration_ns);
}

uint64_t profile_mapping(struct profile *profile, uint64_t start, uint64_t end, uint64_t offset, const char *file)
{
	struct buffer message = {0};
	uint64_t id = ++profile->mapping_count;
	put_number(&message, MAPPING_ID, id);
	put_number(&message, MAPPING_START, start);
	put_number(&message, MAPPING_LIMIT, end);
	put_number(&message, MAPPING_OFFSET, offset);
	put_number(&message, MAPPING_FILE, string_number(profile, file));
	put_number(&message, MAPPING_HAS_FUNCTIONS, 1);
	put_built(&profile->out, PROFILE_MAPPING, &message);
	buffer_free(&message);
	return id;
}

uint64_t profile_location(struct profile *profile, uint64_t address, uint64_t mapping, const char *function,
			  const char *file, uint64_t line)
{
	struct buffer message = {0}, inner = {0};
	uint64_t id = ++profile->location_count;
	put_number(&message, FUNCTION_ID, id);
	put_number(&message, FUNCTION_NAME, string_number(profile, function));
	put_number(&message, FUNCTION_FILE, string_number(profile, file));
	put_built(&profile->out, PROFILE_FUNCTION, &message);
	put_number(&inner, LINE_FUNCTION, id);
	put_number(&inner, LINE_LINE, line);
	put_number(&message, LOCATION_ID, id);
	put_number(&message, LOCATION_MAPPING, mapping);
	put_number(&message, LOCATION_ADDRESS, address);
	put_built(&message, LOCATION_LINE, &inner);
	put_built(&profile->out, PROFILE_LOCATION, &message);
	buffer_free(&message);
	buffer_free(&inner);
	return id;
}

void profile_sample(struct profile *profile, const uint64_t *locations, unsigned location_count, const uint64_t *values,
		    unsigned value_count)
{
	struct buffer message = {0};
	for (unsigned i = 0; i < location_count; i++)
		put_number(&message, SAMPLE_LOCATION, locations[i]);
	for (unsigned i = 0; i < value_count; i++)
		put_number(&message, SAMPLE_VALUE, values[i]);
	put_built(&profile->out, PROFILE_SAMPLE, &message);
	buffer_free(&message);
}

/* As gzip (16 is zlib's way to say so). */
static void add_gzip(struct buffer *to, const struct buffer *from)
{
	z_stream stream = {0};
	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	size_t room = deflateBound(&stream, from->length);
	stream.next_out = (Bytef *)buffer_room(to, room);
	stream.avail_out = (uInt)room;
	stream.next_in = (Bytef *)from->bytes;
	stream.avail_in = (uInt)from->length;
	deflate(&stream, Z_FINISH);
	to->length += stream.total_out;
	deflateEnd(&stream);
}

void profile_finish(struct profile *profile, struct buffer *to)
{
	for (uint64_t i = 0; i < profile->string_count; i++)
		put_message(&profile->out, PROFILE_STRING, profile->strings[i], strlen(profile->strings[i]));
	add_gzip(to, &profile->out);
	buffer_free(&profile->out);
	free(profile->strings);
	*profile = (struct profile){0};
}
