/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memlab-loadindex: builds an index with the service's own loader, says what it costs in this layout and form
 * (bytes per record both ways, live heap, objects, time, resident memory, one full collection), checks a sample of
 * lookups against the dataset, and ends.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../options.h"
#include "../runinfo.h"
#include "../serialize.h"
#include "../site.h"

__attribute__((visibility("default"))) const char *argp_program_version = "memlab-loadindex " MEMLAB_VERSION;

#define SAMPLE 10000

enum option_key {
	OPTION_INDEX_SIZE = 256,
	OPTION_SEED,
	OPTION_DATA,
	OPTION_LAYOUT,
	OPTION_RECORD,
	OPTION_INTERN,
	OPTION_JSON
};

static const struct argp_option options[] = {
	{"index-size", OPTION_INDEX_SIZE, "SIZE", 0, "how much data (64MiB)", 0},
	{"seed", OPTION_SEED, "N", 0, "which data (42)", 0},
	{"data", OPTION_DATA, "FILE", 0, "the records of a file that memlab-gen wrote", 0},
	{"layout", OPTION_LAYOUT, "map|flat|offheap", 0, "how the index lies in memory (map)", 0},
	{"record", OPTION_RECORD, "packed|mispacked", 0, "how a record lies in memory (packed)", 0},
	{"intern", OPTION_INTERN, "on|off", 0, "one object per distinct string (off)", 0},
	{"json", OPTION_JSON, "FILE", 0, "write the numbers as JSON too (- for standard output)", 0},
	{0}};
static const struct option_table table = {"memlab-loadindex", options};

struct program {
	struct config config;
	const char *json;
	struct gc_heap *heap;
	struct gc_mutator *m;
	struct store *store;
	struct dataset_source *source;
	/* Results. */
	struct gc_stats stats;
	double load_s, collect_s;
	uint64_t resident_bytes, checked;
};

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("memlab-loadindex: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	fflush(NULL);
	_exit(1); /* whatever threads there are, end here */
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	static const char *const off_on[] = {"off", "on"};
	struct program *program = state->input;
	struct config *config = &program->config;
	switch (key) {
	case OPTION_INDEX_SIZE:
		if (gc_parse_bytes(value, &config->index_bytes))
			option_refuse(&table, "--index-size=%s is not a size; write it as 64MiB or 2GiB", value);
		return 0;
	case OPTION_SEED:
		config->seed = option_number(&table, "seed", value, 0, UINT64_MAX);
		return 0;
	case OPTION_DATA:
		config->data = value;
		return 0;
	case OPTION_LAYOUT:
		config->layout = option_choice(&table, "layout", value, layout_names, LAYOUT_COUNT);
		return 0;
	case OPTION_RECORD:
		config->form = option_choice(&table, "record", value, record_form_names, RECORD_FORM_COUNT);
		return 0;
	case OPTION_INTERN:
		config->intern = option_choice(&table, "intern", value, off_on, 2);
		return 0;
	case OPTION_JSON:
		program->json = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void parse(struct program *program, int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_option, NULL, "Builds an index as memlab-svc does and says what it costs.",
		NULL,    NULL,         NULL};
	char error[256];
	program->config = (struct config){.index_bytes = 64u << 20, .seed = 42, .threads = 0};
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

static void show_progress(void *context, uint64_t done, uint64_t count)
{
	(void)context;
	fprintf(stderr, "\rmemlab-loadindex: %3" PRIu64 " %%%s", done * 100 / count, done == count ? "\n" : "");
}

static void open_source(struct program *program)
{
	struct config *config = &program->config;
	char error[256];
	if (config->data) {
		if (dataset_source_open(config->data, &program->source, error, sizeof(error)))
			fail("--data: %s; write it again with memlab-gen", error);
		config->seed = dataset_source_seed_of(program->source);
		config->index_bytes = dataset_source_count(program->source) * DATASET_RECORD_BYTES;
		return;
	}
	program->source = dataset_source_seed(config->seed, dataset_count(config->index_bytes));
	if (!program->source)
		fail("no memory; free some");
}

static void build(struct program *program)
{
	const struct config *config = &program->config;
	struct store_config store = {.source = program->source,
				     .layout = config->layout,
				     .form = config->form,
				     .intern = config->intern,
				     .progress = isatty(STDERR_FILENO) ? show_progress : NULL};
	int error = gc_heap_create(&config->gc, &program->heap);
	if (!error && !(program->m = gc_attach(program->heap)))
		error = -ENOMEM;
	double start_s = now_s();
	if (!error)
		error = store_create(program->heap, program->m, &store, &program->store);
	if (error == -EBADMSG)
		fail("--data: %s; write it again with memlab-gen", dataset_source_error(program->source));
	if (error)
		fail("cannot build the index: %s; choose a smaller --index-size", strerror(-error));
	program->load_s = now_s() - start_s;
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
	parse(&program, argc, argv);
	open_source(&program);
	build(&program);
	check_sample(&program);
	measure(&program);
	if (!program.json || strcmp(program.json, "-"))
		print_text(&program);
	if (program.json)
		write_json(&program);
	store_destroy(program.store);
	dataset_source_close(program.source);
	gc_detach(program.m);
	gc_heap_destroy(program.heap);
	return 0;
}
