/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer: protocol buffers are fields of (number << 3 | type), a varint or a length and bytes. Messages inside are
 * built in a buffer of their own first. Numbers of the fields are those of pprof's profile.proto.
 */
#include "pprof.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "site.h"

enum profile_field {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME_NS = 9,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12
};
enum value_type_field { VALUE_TYPE_TYPE = 1, VALUE_TYPE_UNIT = 2 };
enum sample_field { SAMPLE_LOCATION = 1, SAMPLE_VALUE = 2 };
enum location_field { LOCATION_ID = 1, LOCATION_LINE = 4 };
enum line_field { LINE_FUNCTION = 1, LINE_LINE = 2 };
enum function_field { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_FILE = 4 };

struct profile {
	struct buffer out;
	const char *strings[SITE_COUNT * 8];
	uint64_t string_count, location_count;
	uint64_t objects[SITE_COUNT], bytes[SITE_COUNT];
};

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

/* A location with a function of its own; returns its number. */
static uint64_t put_location(struct profile *profile, const char *function, const char *file, uint64_t line)
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
	put_built(&message, LOCATION_LINE, &inner);
	put_built(&profile->out, PROFILE_LOCATION, &message);
	buffer_free(&message);
	buffer_free(&inner);
	return id;
}

static const struct site_place *place_of(unsigned site)
{
	static const struct site_place nowhere = {0, 0, "-", "-"};
	size_t count;
	const struct site_place *places = site_places(&count);
	for (size_t i = 0; i < count; i++)
		if (places[i].site == site)
			return &places[i];
	return &nowhere;
}

static void put_site(struct profile *profile, unsigned site)
{
	const struct site_place *place = place_of(site);
	uint64_t ids[2] = {put_location(profile, place->function, place->file, place->line),
			   put_location(profile, site_table[site].path, "sites.def", site)};
	struct buffer message = {0};
	for (unsigned i = 0; i < 2; i++)
		put_number(&message, SAMPLE_LOCATION, ids[i]);
	put_number(&message, SAMPLE_VALUE, profile->objects[site]);
	put_number(&message, SAMPLE_VALUE, profile->bytes[site]);
	put_built(&profile->out, PROFILE_SAMPLE, &message);
	buffer_free(&message);
}

static void build(struct profile *profile)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	string_number(profile, "");
	put_value_type(profile, PROFILE_SAMPLE_TYPE, "alloc_objects", "count");
	put_value_type(profile, PROFILE_SAMPLE_TYPE, "alloc_space", "bytes");
	for (unsigned site = 0; site < SITE_COUNT; site++)
		if (profile->objects[site])
			put_site(profile, site);
	put_number(&profile->out, PROFILE_TIME_NS, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	put_value_type(profile, PROFILE_PERIOD_TYPE, "space", "bytes");
	put_number(&profile->out, PROFILE_PERIOD, 1);
	for (uint64_t i = 0; i < profile->string_count; i++)
		put_message(&profile->out, PROFILE_STRING, profile->strings[i], strlen(profile->strings[i]));
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

void pprof_allocs_add(struct buffer *buffer, struct gc_heap *heap)
{
	struct profile profile = {0};
	gc_site_counts(heap, profile.objects, profile.bytes, SITE_COUNT);
	build(&profile);
	add_gzip(buffer, &profile.out);
	buffer_free(&profile.out);
}

void pprof_allocs_text_add(struct buffer *buffer, struct gc_heap *heap)
{
	uint64_t objects[SITE_COUNT], bytes[SITE_COUNT];
	gc_site_counts(heap, objects, bytes, SITE_COUNT);
	buffer_add_text(buffer, "objects bytes site function file:line path\n");
	for (unsigned site = 0; site < SITE_COUNT; site++) {
		const struct site_place *place = place_of(site);
		if (objects[site])
			buffer_add_format(buffer, "%" PRIu64 " %" PRIu64 " %s %s %s:%" PRIu64 " %s\n", objects[site],
					  bytes[site], site_table[site].name, place->function, place->file, place->line,
					  site_table[site].path);
	}
}
