/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one lookup costs without HTTP: memlab-svc's handler over the usual index, in Go's benchmark text format, so
 * that benchstat compares it with the same handler in Go (handler_test.go). Keys are `zipf`, as memlab-load's, where
 * most of the time goes to fetching the record from memory, or `hot`, a few records that stay in the cache, where it
 * goes to the code.
 *
 * B/op and allocs/op count the collected heap; malloc-B/op counts what jemalloc gave this thread.
 *
 *   handler-bench [COUNT [INDEX_BYTES [NAME]]]      COUNT samples of each, default 5; of all cases, or those whose
 *                                                   name has NAME in it, as path=opt/fmt=bin/keys=hot
 *
 * A case is run unmeasured first. One that allocates goes on until the collector has been through WARM_CYCLES cycles,
 * so that its garbage lies in memory that was touched before: the first touch of a page costs more than the lookup.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../collectors/load/keys.h"
#include "../../svc/dataset/dataset.h"
#include "../../svc/handlers.h"
#include "../../svc/site.h"

#define SEED 42
#define INDEX_BYTES (UINT64_C(64) << 20)
#define KEYS 65536 /* requests prepared beforehand, used round and round */
#define HOT_KEYS 16
#define SAMPLE_NS 500000000.0
#define CALIBRATE_OPS 20000
#define WARM_CYCLES 2

/* As the server hands it over; made beforehand, as handler_test.go's are. */
struct prepared {
	struct request request;
	const char *arguments[2]; /* of "key" and "fmt" */
	char key[16];
};

struct bench {
	struct config config;
	struct gc_heap *heap;
	struct store *store;
	struct metrics metrics;
	struct service service;
	struct handler handler;
	struct prepared *prepared; /* KEYS of them */
	const char *format;
	uint64_t key_count; /* how many of the keys are used */
	uint64_t length_sum;
};

/* jemalloc's, when it is the process's malloc. */
int mallctl(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes) __attribute__((weak));

static uint64_t malloc_bytes(void)
{
	uint64_t bytes = 0;
	size_t size = sizeof(bytes);

	if (mallctl)
		mallctl("thread.allocated", &bytes, &size, NULL, 0);
	return bytes;
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Names with their length at hand, as Go's strings and libmicrohttpd's arguments have it. */
static const char *argument(const struct request *request, const char *name)
{
	const char *const *arguments = request->context;

	return !memcmp(name, "key", 4) ? arguments[0] : !memcmp(name, "fmt", 4) ? arguments[1] : NULL;
}

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "handler-bench: %s; see memlab-svc for the same index\n", what);
	exit(1);
}

static void prepare(struct prepared *prepared, uint64_t key)
{
	snprintf(prepared->key, sizeof(prepared->key), "%" PRIu64, key);
	prepared->arguments[0] = prepared->key;
	prepared->request = (struct request){
		.method = "GET", .path = "/lookup", .argument = argument, .context = (void *)prepared->arguments};
}

static void set_up(struct bench *bench, uint64_t index_bytes)
{
	char error[256];
	struct keys keys;

	if (gc_config_init(&bench->config.gc, error, sizeof(error)))
		fail(error);
	bench->config.gc.sites = SITE_COUNT;
	bench->config.threads = 1;
	bench->config.pool = true;
	if (gc_heap_create(&bench->config.gc, &bench->heap))
		fail("no memory for the heap");
	bench->handler.m = gc_attach(bench->heap);
	struct dataset_source *source = dataset_source_seed(SEED, dataset_count(index_bytes));
	struct store_config store = {.source = source, .layout = LAYOUT_MAP};

	if (!bench->handler.m || !source || store_create(bench->heap, bench->handler.m, &store, &bench->store))
		fail("no memory for the index");
	dataset_source_close(source);
	bench->service = (struct service){.config = &bench->config,
					  .heap = bench->heap,
					  .store = bench->store,
					  .loops = &bench->metrics,
					  .run_info = "{}"};
	bench->handler.service = &bench->service;
	bench->prepared = calloc(KEYS, sizeof(*bench->prepared));
	if (!bench->prepared)
		fail("no memory for the requests");
	keys_init(&keys, KEYS_ZIPF, store_count(bench->store), 1.1, SEED);
	for (int i = 0; i < KEYS; i++)
		prepare(&bench->prepared[i], keys_next(&keys));
}

/* Round and round without a division, which would be a tenth of a lookup; so does the Go twin. */
static void run(struct bench *bench, uint64_t operations)
{
	for (uint64_t i = 0, next = 0; i < operations; i++) {
		const struct request *request = &bench->prepared[next].request;
		struct response response;
		GC_SCOPE(bench->handler.m);

		next = next + 1 < bench->key_count ? next + 1 : 0;
		handler_answer(&bench->handler, request, &response);
		bench->length_sum += response.length;
	}
}

/* path=opt/fmt=bin/keys=hot */
static void name_case(const struct bench *bench, char *name, size_t name_bytes)
{
	snprintf(name, name_bytes, "path=%s/fmt=%s/keys=%s", bench->config.path == PATH_OPT ? "opt" : "naive",
		 bench->format, bench->key_count == KEYS ? "zipf" : "hot");
}

static void sample(struct bench *bench, const char *name, uint64_t operations)
{
	struct gc_mutator *m = bench->handler.m;
	uint64_t allocs = gc_mutator_allocs(m), bytes = gc_mutator_alloc_bytes(m), malloced = malloc_bytes();
	double begin = now_ns();

	run(bench, operations);
	double count = (double)operations, ns = now_ns() - begin;

	printf("BenchmarkLookup/%s \t%8" PRIu64 "\t%10.1f ns/op\t%8.0f B/op\t%8.2f allocs/op\t%8.2f malloc-B/op\n",
	       name, operations, ns / count, (double)(gc_mutator_alloc_bytes(m) - bytes) / count,
	       (double)(gc_mutator_allocs(m) - allocs) / count, (double)(malloc_bytes() - malloced) / count);
	fflush(stdout);
}

static uint64_t cycles(const struct bench *bench)
{
	struct gc_stats stats;

	gc_stats(bench->heap, &stats);
	return stats.cycles;
}

static void warm(struct bench *bench)
{
	uint64_t allocs = gc_mutator_allocs(bench->handler.m), target = cycles(bench) + WARM_CYCLES;

	run(bench, CALIBRATE_OPS);
	while (gc_mutator_allocs(bench->handler.m) > allocs && cycles(bench) < target)
		run(bench, CALIBRATE_OPS);
}

static void measure(struct bench *bench, enum serve_path path, const char *format, int samples, const char *wanted)
{
	char name[64];

	bench->config.path = path;
	bench->format = format;
	for (int i = 0; i < KEYS; i++)
		bench->prepared[i].arguments[1] = format;
	name_case(bench, name, sizeof(name));
	if (!strstr(name, wanted))
		return;
	warm(bench);
	double begin = now_ns();

	run(bench, CALIBRATE_OPS);
	uint64_t operations = (uint64_t)(SAMPLE_NS / ((now_ns() - begin) / CALIBRATE_OPS)) + 1;

	for (int i = 0; i < samples; i++)
		sample(bench, name, operations);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	int samples = argc > 1 ? atoi(argv[1]) : 5;
	const char *wanted = argc > 3 ? argv[3] : "";

	set_up(&bench, argc > 2 ? strtoull(argv[2], NULL, 10) : INDEX_BYTES);
	printf("goos: linux\ngoarch: amd64\npkg: memlab/svc\n");
	for (int hot = 1; hot >= 0; hot--) {
		bench.key_count = hot ? HOT_KEYS : KEYS;
		measure(&bench, PATH_OPT, "json", samples, wanted);
		measure(&bench, PATH_OPT, "bin", samples, wanted);
		measure(&bench, PATH_NAIVE, "json", samples, wanted);
		measure(&bench, PATH_NAIVE, "bin", samples, wanted);
	}
	return 0;
}
