/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memlab-loadindex: builds an index with the service's own loader, says what it costs in this layout and form
 * (bytes per record both ways, live heap, objects, time, resident memory, one full collection), checks a sample of
 * lookups against the dataset, and ends.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../fail.h"
#include "../indexing.h"
#include "../runinfo.h"
#include "../serialize.h"
#include "../site.h"

__attribute__((visibility("default"))) const char *argp_program_version = "memlab-loadindex " MEMLAB_VERSION;

#define SAMPLE 10000

enum option_key { OPTION_JSON = 256 };

static const struct argp_option options[] = {
	INDEXING_OPTIONS,
	{"json", OPTION_JSON, "FILE", 0, "write the numbers as JSON too (- for standard output)", 0},
	{0}};
static const struct option_table table = {"memlab-loadindex", options};

struct program {
	struct config config;
	const char *json;
	struct gc_heap *heap;
	struct gc_mutator *m;
	struct store *store;
	/* Results. */
	struct gc_stats stats;
	double load_s, collect_s;
	uint64_t resident_bytes, checked;
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct program *program = state->input;
	if (key == OPTION_JSON) {
		program->json = value;
		return 0;
	}
	return indexing_option(&table, &program->config, key, value) ? 0 : ARGP_ERR_UNKNOWN;
}

static void parse(struct program *program, int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_option, NULL, "Builds an index as memlab-svc does and says what it costs.",
		NULL,    NULL,         NULL};
	char error[256];
	indexing_defaults(&program->config);
	if (gc_config_init(&program->config.gc, error, sizeof(error)))
		option_refuse(&table, "%s", error);
	option_check(&table, argc, argv);
	argp_parse(&argp, argc, argv, ARGP_NO_ARGS, NULL, program);
	program->config.gc.sites = SITE_COUNT;
	if (dataset_count(program->config.index_bytes) == 0)
		option_refuse(&table, "--index-size is too small for a record; choose at least 64KiB");
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t resident_bytes(void)
{
	uint64_t pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void build(struct program *program)
{
	struct dataset_source *source = indexing_source(&program->config);
	int error = gc_heap_create(&program->config.gc, &program->heap);
	if (error || !(program->m = gc_attach(program->heap)))
		fail("no memory; free some");
	program->store = indexing_load(&program->config, program->heap, program->m, source, &program->load_s);
}

/* Ids spread over the whole index, each against the dataset's own answer. */
static void check_sample(struct program *program)
{
	uint64_t count = store_count(program->store), sample = count < SAMPLE ? count : SAMPLE;
	for (uint64_t i = 0; i < sample; i++) {
		uint64_t id = (uint64_t)((unsigned __int128)i * count / sample);
		struct dataset_record record;
		struct record_view view;
		uint8_t expected[DATASET_BODY_BYTES_MAX];
		char got[DATASET_BODY_BYTES_MAX * 4];
		dataset_record(program->config.seed, id, &record);
		size_t length = dataset_bin(&record, expected);
		if (!store_find(program->store, id, &view) || serialize_opt(&view, FORMAT_BIN, got) != length ||
		    memcmp(got, expected, length))
			fail("record %" PRIu64 " is wrong; the data file was not made by this version of memlab-gen",
			     id);
	}
	program->checked = sample;
}

static void measure(struct program *program)
{
	double start_s = now_s();
	gc_collect(program->m);
	program->collect_s = now_s() - start_s;
	gc_stats(program->heap, &program->stats);
	program->resident_bytes = resident_bytes();
}

/* ---------------------------------------------------------------- results */

static void print_text(const struct program *program)
{
	const struct config *config = &program->config;
	double count = (double)store_count(program->store), live = (double)program->stats.live_bytes;
	printf("records        %" PRIu64 " (seed %" PRIu64 ", layout %s, %s, intern %s)\n", store_count(program->store),
	       config->seed, layout_names[config->layout], record_form_names[config->form],
	       config->intern ? "on" : "off");
	for (unsigned i = 0; i < RECORD_FORM_COUNT; i++)
		printf("record size    %u bytes %s%s\n", record_forms[i].bytes, record_forms[i].name,
		       i == config->form ? "  <- this index" : "");
	printf("load           %.2f s (%.0f records/s)\n", program->load_s, count / program->load_s);
	printf("live heap      %.1f MiB (%.0f bytes per record)\n", live / 1048576, live / count);
	printf("objects        %" PRIu64 " (%.2f per record)\n", program->stats.heap_objects,
	       (double)program->stats.heap_objects / count);
	printf("full collection %.1f ms\n", program->collect_s * 1e3);
	printf("resident       %.1f MiB\n", (double)program->resident_bytes / 1048576);
	printf("checked        %" PRIu64 " records, all right\n", program->checked);
}

static void write_json(const struct program *program)
{
	struct buffer buffer = {0};
	buffer_add_format(&buffer, "{\"records\":%" PRIu64 ",\"record_bytes\":{", store_count(program->store));
	for (unsigned i = 0; i < RECORD_FORM_COUNT; i++)
		buffer_add_format(&buffer, "%s\"%s\":%u", i ? "," : "", record_forms[i].name, record_forms[i].bytes);
	buffer_add_format(&buffer,
			  "},\"load_s\":%.6f,\"collect_s\":%.6f,\"live_heap\":%" PRIu64 ",\"objects\":%" PRIu64
			  ",\"resident_bytes\":%" PRIu64 ",\"checked\":%" PRIu64 ",\"run\":",
			  program->load_s, program->collect_s, program->stats.live_bytes, program->stats.heap_objects,
			  program->resident_bytes, program->checked);
	runinfo_add(&buffer, &program->config, store_count(program->store));
	buffer_add_text(&buffer, "}\n");
	FILE *file = strcmp(program->json, "-") ? fopen(program->json, "we") : stdout;
	if (!file || fwrite(buffer.bytes, 1, buffer.length, file) != buffer.length)
		fail("--json: %s: %s; choose another file", program->json, strerror(errno));
	if (file != stdout)
		fclose(file);
	buffer_free(&buffer);
}

int main(int argc, char **argv)
{
	static struct program program;
	fail_program = "memlab-loadindex";
	parse(&program, argc, argv);
	build(&program);
	check_sample(&program);
	measure(&program);
	if (!program.json || strcmp(program.json, "-"))
		print_text(&program);
	if (program.json)
		write_json(&program);
	store_destroy(program.store);
	gc_detach(program.m);
	gc_heap_destroy(program.heap);
	return 0;
}
