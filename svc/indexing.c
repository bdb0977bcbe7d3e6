/* SPDX-License-Identifier: Apache-2.0 */
#include "indexing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

void indexing_defaults(struct config *config)
{
	config->index_bytes = 64u << 20;
	config->seed = 42;
}

bool indexing_option(const struct option_table *table, struct config *config, int key, const char *value)
{
	static const char *const off_on[] = {"off", "on"};
	switch (key) {
	case INDEXING_SIZE:
		config->index_bytes = option_bytes(table, "index-size", value);
		return true;
	case INDEXING_SEED:
		config->seed = option_number(table, "seed", value, 0, UINT64_MAX);
		return true;
	case INDEXING_DATA:
		config->data = value;
		return true;
	case INDEXING_LAYOUT:
		config->layout = option_choice(table, "layout", value, layout_names, LAYOUT_COUNT);
		return true;
	case INDEXING_RECORD:
		config->form = option_choice(table, "record", value, record_form_names, RECORD_FORM_COUNT);
		return true;
	case INDEXING_INTERN:
		config->intern = option_choice(table, "intern", value, off_on, 2);
		return true;
	default:
		return false;
	}
}

struct dataset_source *indexing_source(struct config *config)
{
	struct dataset_source *source;
	char error[256];
	if (!config->data) {
		source = dataset_source_seed(config->seed, dataset_count(config->index_bytes));
		if (!source)
			fail("no memory; free some");
		return source;
	}
	if (dataset_source_open(config->data, &source, error, sizeof(error)))
		fail("--data: %s; write it again with memlab-gen", error);
	config->seed = dataset_source_seed_of(source);
	config->index_bytes = dataset_source_count(source) * DATASET_RECORD_BYTES;
	return source;
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void show_progress(void *context, uint64_t done, uint64_t count)
{
	(void)context;
	fprintf(stderr, "\r%s: loading %3" PRIu64 " %% of %" PRIu64 " records%s", fail_program, done * 100 / count,
		count, done == count ? "\n" : "");
}

struct store *indexing_load(const struct config *config, struct gc_heap *heap, struct gc_mutator *m,
			    struct dataset_source *source, double *seconds)
{
	struct store_config how = {.source = source,
				   .layout = config->layout,
				   .form = config->form,
				   .intern = config->intern,
				   .progress = isatty(STDERR_FILENO) ? show_progress : NULL};
	struct store *store;
	double start_s = now_s();
	int error = store_create(heap, m, &how, &store);
	*seconds = now_s() - start_s;
	if (error == -EBADMSG)
		fail("--data: %s; write it again with memlab-gen", dataset_source_error(source));
	if (error)
		fail("cannot build the index: %s; choose a smaller --index-size", strerror(-error));
	dataset_source_close(source);
	return store;
}
