/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.proto is a set of tables that refer to each other by number: strings, functions, locations (an address in a
 * function), mappings (files), samples (values and a list of locations). The tables are filled while the samples
 * are written, each entry when it is first needed.
 */
#include "pprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../core/ids.h"
#include "../core/text.h"
#include "proto.h"

/* Field numbers of profile.proto. */
enum { PROFILE_SAMPLE_TYPE = 1, PROFILE_SAMPLE, PROFILE_MAPPING, PROFILE_LOCATION, PROFILE_FUNCTION, PROFILE_STRING };
enum {
	PROFILE_TIME_NS = 9,
	PROFILE_DURATION_NS,
	PROFILE_PERIOD_TYPE,
	PROFILE_PERIOD,
	PROFILE_COMMENT,
	PROFILE_DEFAULT_TYPE
};
enum { TYPE_NAME = 1, TYPE_UNIT };
enum { SAMPLE_LOCATIONS = 1, SAMPLE_VALUES, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_TEXT };
enum {
	MAPPING_ID = 1,
	MAPPING_START,
	MAPPING_END,
	MAPPING_OFFSET,
	MAPPING_FILE,
	MAPPING_BUILD_ID,
	MAPPING_HAS_FUNCTIONS,
	MAPPING_HAS_FILES,
	MAPPING_HAS_LINES
};
enum { LOCATION_ID = 1, LOCATION_MAPPING, LOCATION_ADDRESS, LOCATION_LINE };
enum { LINE_FUNCTION = 1, LINE_NUMBER };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME, FUNCTION_FILE };

struct profile {
	struct proto out;
	struct proto message, inner; /* scratch */
	struct symbols *symbols;
	struct ids strings; /* by hash; 64 bits: two texts with one hash are not to be expected */
	struct ids functions, locations, mappings;
	int failed;
};

static uint64_t text_hash(const char *text)
{
	uint64_t hash = 14695981039346656037u;
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return hash;
}

/* The number of a string. Profiles must be UTF-8, and names are hostile. */
static uint64_t profile_string(struct profile *profile, const char *text)
{
	char clean[1024];
	int is_new;
	if (!text || !*text)
		return 0;
	text_clean(clean, sizeof(clean), text, sizeof(clean), 0);
	uint32_t id = ids_get(&profile->strings, text_hash(clean), &is_new);
	profile->failed |= !id;
	if (is_new)
		proto_bytes(&profile->out, PROFILE_STRING, clean, strlen(clean));
	return id;
}

static uint64_t profile_mapping(struct profile *profile, const struct symbol *symbol)
{
	int is_new;
	if (!symbol->path)
		return 0;
	uint32_t id = ids_get(&profile->mappings, symbol->module_start, &is_new);
	profile->failed |= !id;
	if (!is_new)
		return id;
	uint64_t file = profile_string(profile, symbol->path), build_id = profile_string(profile, symbol->build_id);
	proto_clear(&profile->inner);
	proto_number(&profile->inner, MAPPING_ID, id);
	proto_number(&profile->inner, MAPPING_START, symbol->module_start);
	proto_number(&profile->inner, MAPPING_END, symbol->module_end);
	proto_number(&profile->inner, MAPPING_FILE, file);
	proto_number(&profile->inner, MAPPING_BUILD_ID, build_id);
	/* All that can be known is in: pprof shall not look for the binary. */
	proto_number(&profile->inner, MAPPING_HAS_FUNCTIONS, 1);
	proto_number(&profile->inner, MAPPING_HAS_FILES, 1);
	proto_number(&profile->inner, MAPPING_HAS_LINES, 1);
	proto_message(&profile->out, PROFILE_MAPPING, &profile->inner);
	return id;
}

static uint64_t profile_function(struct profile *profile, const char *function, const char *source_file)
{
	int is_new;
	uint64_t name = profile_string(profile, function), file = profile_string(profile, source_file);
	uint32_t id = ids_get(&profile->functions, name << 32 | file, &is_new);
	profile->failed |= !id;
	if (!is_new)
		return id;
	proto_clear(&profile->inner);
	proto_number(&profile->inner, FUNCTION_ID, id);
	proto_number(&profile->inner, FUNCTION_NAME, name);
	proto_number(&profile->inner, FUNCTION_SYSTEM_NAME, name);
	proto_number(&profile->inner, FUNCTION_FILE, file);
	proto_message(&profile->out, PROFILE_FUNCTION, &profile->inner);
	return id;
}

/* One line of a location: a function and where in it. */
static void add_line(struct profile *profile, struct proto *lines, const struct frame_name *frame)
{
	struct proto line = {0};
	if (!frame->function)
		return;
	proto_number(&line, LINE_FUNCTION, profile_function(profile, frame->function, frame->file));
	proto_number(&line, LINE_NUMBER, frame->line);
	proto_message(lines, LOCATION_LINE, &line);
	proto_free(&line);
}

static void write_location(struct profile *profile, uint64_t id, uint64_t mapping, uint64_t address, const struct proto *lines)
{
	proto_clear(&profile->inner);
	proto_number(&profile->inner, LOCATION_ID, id);
	proto_number(&profile->inner, LOCATION_MAPPING, mapping);
	proto_number(&profile->inner, LOCATION_ADDRESS, address);
	proto_append(&profile->inner, lines);
	proto_message(&profile->out, PROFILE_LOCATION, &profile->inner);
}

/* A location that stands for no address. */
static uint64_t named_location(struct profile *profile, const char *name)
{
	int is_new;
	uint32_t id = ids_get(&profile->locations, text_hash(name), &is_new);
	profile->failed |= !id;
	if (!is_new)
		return id;
	struct proto lines = {0};
	add_line(profile, &lines, &(struct frame_name){.function = name});
	write_location(profile, id, 0, 0, &lines);
	proto_free(&lines);
	return id;
}

/*
 * A location at an address: a line for each function inlined there, innermost first, and one for the function around them.
 * The `skip` innermost are left out: the same address is another location then.
 */
static uint64_t profile_location(struct profile *profile, uint64_t address, unsigned skip)
{
	int is_new;
	uint32_t id = ids_get(&profile->locations, address ^ (uint64_t)skip << 56, &is_new);
	profile->failed |= !id;
	if (!is_new)
		return id;
	const struct symbol *symbol = symbols_find(profile->symbols, address);
	uint64_t mapping = profile_mapping(profile, symbol);
	struct proto lines = {0};
	for (unsigned i = skip; i < symbol->inlined_count; i++)
		add_line(profile, &lines, &symbol->inlined[i]);
	add_line(profile, &lines, &symbol->name);
	write_location(profile, id, mapping, address, &lines);
	proto_free(&lines);
	return id;
}

static void write_locations(struct profile *profile, const struct stack *stack, struct proto *list)
{
	struct frame_namer namer = symbols_namer(profile->symbols);
	struct stack_site site = stack_site(stack, &namer);
	if (stack->flags & STACK_KERNEL)
		proto_varint(list, named_location(profile, "[kernel]"));
	for (uint32_t i = site.frame; i < stack->depth; i++)
		proto_varint(list, profile_location(profile, stack_address(stack, i), i == site.frame ? site.inlined : 0));
	if (stack->flags & STACK_OVERFLOW)
		proto_varint(list, named_location(profile, "[further stacks]"));
	else if (!stack->depth)
		proto_varint(list, named_location(profile, "[no stack]"));
	else if (stack->flags & STACK_CUT)
		proto_varint(list, named_location(profile, "[cut short]"));
}

static void write_sample(struct profile *profile, const struct stack *stack, const struct pprof_options *options)
{
	struct proto sample = {0}, list = {0};
	struct pprof_label labels[PPROF_LABELS];
	int label_count = options->labels ? options->labels(options->context, stack, labels) : 0;
	if (label_count < 0)
		return;
	write_locations(profile, stack, &list);
	proto_message(&sample, SAMPLE_LOCATIONS, &list);
	proto_clear(&list);
	proto_varint(&list, stack->count);
	proto_varint(&list, stack->amount);
	proto_message(&sample, SAMPLE_VALUES, &list);
	for (int i = 0; i < label_count; i++) {
		proto_clear(&list);
		proto_number(&list, LABEL_KEY, profile_string(profile, labels[i].key));
		proto_number(&list, LABEL_TEXT, profile_string(profile, labels[i].text));
		proto_message(&sample, SAMPLE_LABEL, &list);
	}
	proto_message(&profile->out, PROFILE_SAMPLE, &sample);
	proto_free(&sample);
	proto_free(&list);
}

static void write_type(struct profile *profile, unsigned field, const char *name, const char *unit)
{
	uint64_t name_id = profile_string(profile, name), unit_id = profile_string(profile, unit);
	proto_clear(&profile->message);
	proto_number(&profile->message, TYPE_NAME, name_id);
	proto_number(&profile->message, TYPE_UNIT, unit_id);
	proto_message(&profile->out, field, &profile->message);
}

static void write_profile(struct profile *profile, const struct stacks *stacks, const struct pprof_options *options)
{
	proto_bytes(&profile->out, PROFILE_STRING, "", 0); /* string 0 is the empty one */
	write_type(profile, PROFILE_SAMPLE_TYPE, options->count_type, "count");
	write_type(profile, PROFILE_SAMPLE_TYPE, options->amount_type, options->amount_unit);
	for (size_t i = 0; i < stacks_size(stacks); i++)
		write_sample(profile, stacks_at(stacks, i), options);
	proto_number(&profile->out, PROFILE_TIME_NS, options->wall_ns);
	proto_number(&profile->out, PROFILE_DURATION_NS, options->duration_ns);
	write_type(profile, PROFILE_PERIOD_TYPE, options->amount_type, options->amount_unit);
	proto_number(&profile->out, PROFILE_PERIOD, options->period ? options->period : 1);
	if (options->comment)
		proto_number(&profile->out, PROFILE_COMMENT, profile_string(profile, options->comment));
	proto_number(&profile->out, PROFILE_DEFAULT_TYPE, profile_string(profile, options->amount_type));
}

/* The gzip header carries no time: the same stacks give the same bytes. */
static int write_gzip(FILE *file, const struct proto *proto)
{
	z_stream stream = {.next_in = proto->data, .avail_in = (uInt)proto->size};
	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	uint8_t chunk[16384];
	int status;
	do {
		stream.next_out = chunk;
		stream.avail_out = sizeof(chunk);
		status = deflate(&stream, Z_FINISH);
		fwrite(chunk, 1, sizeof(chunk) - stream.avail_out, file);
	} while (status == Z_OK || status == Z_BUF_ERROR);
	deflateEnd(&stream);
	return status != Z_STREAM_END || ferror(file) ? -EIO : 0;
}

int export_pprof(FILE *file, const struct stacks *stacks, struct symbols *symbols, const struct pprof_options *options)
{
	struct profile profile = {.symbols = symbols};
	write_profile(&profile, stacks, options);
	int error = profile.failed || profile.out.failed ? -ENOMEM : write_gzip(file, &profile.out);
	proto_free(&profile.out);
	proto_free(&profile.message);
	proto_free(&profile.inner);
	ids_free(&profile.strings);
	ids_free(&profile.functions);
	ids_free(&profile.locations);
	ids_free(&profile.mappings);
	return error;
}
