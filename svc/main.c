/* SPDX-License-Identifier: Apache-2.0 */
/* memlab-svc: config, heap, index, event loops, and out again on SIGTERM or SIGINT. SIGUSR2 runs a collection. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "heap_profile.h"
#include "indexing.h"
#include "probes/probes.h"
#include "runinfo.h"
#include "server.h"
#include "site.h"

/*
 * jemalloc's settings, fixed so that runs can be compared: few arenas, freed pages go back in the background and
 * not inside a request.
 */
__attribute__((visibility("default"))) const char *malloc_conf =
	"narenas:4,background_thread:true,dirty_decay_ms:10000,muzzy_decay_ms:0";

#define LIMIT_INTERVAL_NS 50000000

struct program {
	struct config config;
	struct gc_heap *heap;
	struct gc_mutator *m; /* of the main thread, parked while the loops serve */
	struct store *store;
	struct metrics *loops;
	struct server *server;
	struct service service;
	double load_s;
	char run_info[MEMLAB_RUN_INFO_BYTES];
};

static pthread_t main_thread;

/* Of the process, in MiB. */
static double resident_mib(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static void list_sites(void)
{
	size_t count;
	const struct site_place *places = site_places(&count);
	printf("%-3s %-16s %-28s %-20s %-12s %-28s %s\n", "id", "site", "file:line", "function", "kind", "path", "why");
	for (unsigned site = 1; site < SITE_COUNT; site++)
		for (size_t i = 0; i < count; i++) {
			if (places[i].site != site)
				continue;
			char where[64];
			snprintf(where, sizeof(where), "%s:%" PRIu64, places[i].file, places[i].line);
			printf("%-3u %-16s %-28s %-20s %-12s %-28s %s\n", site, site_table[site].name, where,
			       places[i].function, site_table[site].kind, site_table[site].path, site_table[site].why);
		}
}

/* ---------------------------------------------------------------- set-up */

/* What the machine can still give, or UINT64_MAX if it does not say. */
static uint64_t memory_available(void)
{
	char line[128];
	uint64_t kib = UINT64_MAX / 1024;
	FILE *file = fopen("/proc/meminfo", "re");
	if (!file)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			break;
	fclose(file);
	return kib * 1024;
}

static void check_size(const struct config *config)
{
	uint64_t available = memory_available(), limit = gc_cgroup_limit();
	available = limit < available ? limit : available;
	if (config->index_bytes / 10 * 11 <= available)
		return;
	fail("--index-size of %" PRIu64 " MiB does not fit: %" PRIu64 " MiB of memory are free; choose at most %" PRIu64
	     "MiB",
	     config->index_bytes >> 20, available >> 20, available / 11 * 10 >> 20);
}

/* Many connections need many descriptors; as many as we may have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Before any thread exists, so that all inherit it and only the main thread takes the signals. */
static void block_signals(sigset_t *set)
{
	main_thread = pthread_self();
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void bind_server(struct program *program)
{
	const struct config *config = &program->config;
	program->loops = aligned_alloc(64, config->threads * sizeof(*program->loops));
	if (!program->loops)
		fail("no memory; free some");
	memset(program->loops, 0, config->threads * sizeof(*program->loops));
	int error = server_create(config, program->loops, &program->server);
	if (error == -EADDRINUSE)
		fail("port %u of %s is taken; choose another with --listen, or 0 for any", config->port,
		     config->address);
	if (error == -EINVAL)
		fail("--listen: '%s' is not an address; use a numeric one such as 127.0.0.1", config->address);
	if (error)
		fail("cannot listen on %s port %u: %s; choose another address with --listen", config->address,
		     config->port, strerror(-error));
}

static void create_heap(struct program *program)
{
	int error = gc_heap_create(&program->config.gc, &program->heap);
	if (error)
		fail("cannot create the heap: %s; choose a smaller --index-size", strerror(-error));
	heap_profile_init(program->heap, program->config.heap_profile_rate);
	program->m = gc_attach(program->heap);
	if (!program->m)
		fail("no memory; free some");
}

static void describe_run(struct program *program)
{
	struct buffer buffer = {0};
	runinfo_add(&buffer, &program->config, store_count(program->store));
	snprintf(program->run_info, sizeof(program->run_info), "%.*s", (int)buffer.length, buffer.bytes);
	memcpy(memlab_run_info, program->run_info, sizeof(memlab_run_info));
	buffer_free(&buffer);
}

/* SIGUSR2: the main thread, which has nothing else to do, collects. */
static void ask_for_collection(void)
{
	pthread_kill(main_thread, SIGUSR2);
}

/* One line: where, what, and what it took. Scripts wait for it and read the URL. */
static void announce(const struct program *program)
{
	const struct config *config = &program->config;
	struct gc_stats stats;
	bool v6 = strchr(config->address, ':');
	gc_stats(program->heap, &stats);
	printf("memlab-svc: listening on http://%s%s%s:%u  (%" PRIu64
	       " records, %s path, %s layout, %u thread%s; loaded in %.1f s: heap %.0f MiB, resident %.0f MiB)\n",
	       v6 ? "[" : "", config->address, v6 ? "]" : "", server_port(program->server), store_count(program->store),
	       config->path == PATH_OPT ? "opt" : "naive", layout_names[config->layout], config->threads,
	       config->threads > 1 ? "s" : "", program->load_s, (double)stats.heap_bytes / 1048576, resident_mib());
	fflush(stdout);
}

static void serve(struct program *program)
{
	const struct config *config = &program->config;
	program->service = (struct service){.config = config,
					    .heap = program->heap,
					    .store = program->store,
					    .loops = program->loops,
					    .run_info = program->run_info,
					    .collect = ask_for_collection};
	int error = server_start(program->server, &program->service);
	if (error)
		fail("cannot serve: %s; choose another address with --listen", strerror(-error));
	announce(program);
}

/*
 * The policy at the memory limit. The collector may use all of the limit; being over it means that collecting did not
 * help. Shedding ends a little below, so that it does not flap.
 */
static void watch_limit(struct program *program)
{
	struct gc_stats stats;
	bool shedding = program->service.shedding;
	gc_stats(program->heap, &stats);
	if (stats.limit_bytes == GC_LIMIT_OFF)
		return;
	bool over = stats.heap_bytes > stats.limit_bytes;
	if (over && program->config.gc.limit_policy == GC_LIMIT_EXIT)
		fail("the heap of %" PRIu64 " MiB is over the memory limit of %" PRIu64
		     " MiB; raise --memlimit or choose a smaller --index-size",
		     stats.heap_bytes >> 20, stats.limit_bytes >> 20);
	if (over || stats.heap_bytes < stats.limit_bytes / 100 * 98)
		shedding = over;
	__atomic_store_n(&program->service.shedding, shedding, __ATOMIC_RELAXED);
}

/* The next signal; 0 when it is time to look at the limit. */
static int next_signal(const struct program *program, const sigset_t *signals)
{
	const struct timespec interval = {.tv_nsec = LIMIT_INTERVAL_NS};
	int number = 0;
	if (program->config.gc.limit_policy != GC_LIMIT_DEGRADE)
		number = sigtimedwait(signals, NULL, &interval);
	else
		sigwait(signals, &number);
	return number > 0 ? number : 0;
}

static void wait_for_stop(struct program *program, const sigset_t *signals)
{
	for (;;) {
		int number = next_signal(program, signals);
		if (number == SIGTERM || number == SIGINT)
			return;
		if (number != SIGUSR2) {
			watch_limit(program);
			continue;
		}
		gc_unpark(program->m);
		gc_collect(program->m);
		gc_park(program->m);
	}
}

static void finish(struct program *program)
{
	__atomic_store_n(&program->service.stopping, true, __ATOMIC_RELAXED);
	server_stop(program->server);
	server_destroy(program->server);
	gc_unpark(program->m);
	store_destroy(program->store);
	gc_detach(program->m);
	gc_heap_destroy(program->heap);
	heap_profile_end();
	free(program->loops);
}

int main(int argc, char **argv)
{
	static struct program program;
	sigset_t signals;
	fail_program = "memlab-svc";
	config_parse(&program.config, argc, argv);
	if (program.config.list_sites) {
		list_sites();
		return 0;
	}
	program.config.gc.sites = SITE_COUNT;
	block_signals(&signals);
	raise_descriptor_limit();
	struct dataset_source *source = indexing_source(&program.config);
	check_size(&program.config);
	bind_server(&program);
	create_heap(&program);
	program.store = indexing_load(&program.config, program.heap, program.m, source, &program.load_s);
	gc_park(program.m);
	describe_run(&program);
	serve(&program);
	wait_for_stop(&program, &signals);
	finish(&program);
	return 0;
}
