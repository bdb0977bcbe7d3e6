/* SPDX-License-Identifier: Apache-2.0 */
/* Both profiles have one sample per site: its place, called by its path. */
#include "pprof.h"

#include <inttypes.h>

#include "heap_profile.h"
#include "profile_proto.h"
#include "site.h"

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

static void put_site(struct profile *profile, unsigned site, const uint64_t *values, unsigned value_count)
{
	const struct site_place *place = place_of(site);
	uint64_t ids[2] = {profile_location(profile, 0, 0, place->function, place->file, place->line),
			   profile_location(profile, 0, 0, site_table[site].path, "sites.def", site)};
	profile_sample(profile, ids, 2, values, value_count);
}

void pprof_allocs_add(struct buffer *buffer, struct gc_heap *heap)
{
	uint64_t objects[SITE_COUNT], bytes[SITE_COUNT];
	struct profile profile;
	gc_site_counts(heap, objects, bytes, SITE_COUNT);
	profile_begin(&profile);
	profile_sample_type(&profile, "alloc_objects", "count");
	profile_sample_type(&profile, "alloc_space", "bytes");
	profile_period(&profile, "space", "bytes", 1);
	for (unsigned site = 0; site < SITE_COUNT; site++)
		if (objects[site])
			put_site(&profile, site, (uint64_t[]){objects[site], bytes[site]}, 2);
	profile_finish(&profile, buffer);
}

void pprof_heap_add(struct buffer *buffer)
{
	struct heap_profile_count counts[SITE_COUNT] = {{0}};
	struct profile profile;
	heap_profile_read(counts, SITE_COUNT);
	profile_begin(&profile);
	profile_sample_type(&profile, "alloc_objects", "count");
	profile_sample_type(&profile, "alloc_space", "bytes");
	profile_sample_type(&profile, "inuse_objects", "count");
	profile_sample_type(&profile, "inuse_space", "bytes");
	profile_period(&profile, "space", "bytes", heap_profile_rate());
	for (unsigned site = 0; site < SITE_COUNT; site++)
		if (counts[site].alloc_objects)
			put_site(&profile, site,
				 (uint64_t[]){counts[site].alloc_objects, counts[site].alloc_bytes,
					      counts[site].inuse_objects, counts[site].inuse_bytes},
				 4);
	profile_finish(&profile, buffer);
}

/* The end of a site's line of text. */
static void add_place(struct buffer *buffer, unsigned site)
{
	const struct site_place *place = place_of(site);
	buffer_add_format(buffer, " %s %s %s:%" PRIu64 " %s\n", site_table[site].name, place->function, place->file,
			  place->line, site_table[site].path);
}

void pprof_allocs_text_add(struct buffer *buffer, struct gc_heap *heap)
{
	uint64_t objects[SITE_COUNT], bytes[SITE_COUNT];
	gc_site_counts(heap, objects, bytes, SITE_COUNT);
	buffer_add_text(buffer, "objects bytes site function file:line path\n");
	for (unsigned site = 0; site < SITE_COUNT; site++)
		if (objects[site]) {
			buffer_add_format(buffer, "%" PRIu64 " %" PRIu64, objects[site], bytes[site]);
			add_place(buffer, site);
		}
}

void pprof_heap_text_add(struct buffer *buffer)
{
	struct heap_profile_count counts[SITE_COUNT] = {{0}};
	heap_profile_read(counts, SITE_COUNT);
	buffer_add_format(buffer,
			  "one sample per %" PRIu64 " bytes; in use as of the last cycle\n"
			  "inuse_objects inuse_bytes alloc_objects alloc_bytes site function file:line path\n",
			  heap_profile_rate());
	for (unsigned site = 0; site < SITE_COUNT; site++)
		if (counts[site].alloc_objects) {
			buffer_add_format(buffer, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
					  counts[site].inuse_objects, counts[site].inuse_bytes,
					  counts[site].alloc_objects, counts[site].alloc_bytes);
			add_place(buffer, site);
		}
}
