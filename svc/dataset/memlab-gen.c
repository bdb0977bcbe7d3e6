/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memlab-gen: writes a data file (file.h) for a seed and a size. Worker threads make batches of blocks, the main
 * thread writes them in order, so the file is the same with any number of threads. It is written under another name
 * and renamed when it is whole.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "../heap/gc.h"
#include "../options.h"
#include "file.h"

__attribute__((visibility("default"))) const char *argp_program_version = "memlab-gen " MEMLAB_VERSION;

#define BATCH_BLOCKS 16
#define BATCH_RECORDS ((uint64_t)BATCH_BLOCKS * FILE_BLOCK_RECORDS)
#define THREADS_MAX 64
#define SLOTS_PER_THREAD 2

enum option_key { OPTION_SIZE = 256, OPTION_SEED, OPTION_THREADS };

static const struct argp_option options[] = {
	{"size", OPTION_SIZE, "SIZE", 0, "bytes that the records will take in memory (64MiB)", 0},
	{"seed", OPTION_SEED, "N", 0, "which data (42)", 0},
	{"output", 'o', "FILE", 0, "where to write (data.mlab)", 0},
	{"threads", OPTION_THREADS, "N", 0, "threads that make records (the CPUs)", 0},
	{0}};
static const struct option_table table = {"memlab-gen", options};

/* A batch of blocks on its way from a worker to the writer. Under the generator's mutex, but for the bytes. */
struct slot {
	uint64_t turn; /* the batch it is for; moved on by the writer */
	bool full;
	size_t length;
	uint64_t text_bytes;
	uint8_t *bytes;
};

struct generator {
	uint64_t seed, count;
	const char *path;
	char *part_path;
	unsigned threads;
	int fd;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct slot slots[THREADS_MAX * SLOTS_PER_THREAD];
	uint64_t next_batch; /* not yet taken by a worker; under mutex */
	uint64_t bytes, text_bytes;
	uint32_t checksum; /* of all blocks, in order */
	bool bar;
};

static volatile sig_atomic_t interrupted;

__attribute__((noreturn, format(printf, 2, 3))) static void fail(struct generator *generator, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("memlab-gen: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	if (generator->fd >= 0)
		unlink(generator->part_path);
	exit(1);
}

/* ---------------------------------------------------------------- workers */

static uint64_t batch_count(const struct generator *generator)
{
	return (generator->count + BATCH_RECORDS - 1) / BATCH_RECORDS;
}

static struct slot *slot_of(struct generator *generator, uint64_t batch)
{
	return &generator->slots[batch % (generator->threads * SLOTS_PER_THREAD)];
}

static void fill(const struct generator *generator, struct slot *slot, uint64_t batch)
{
	uint64_t id = batch * BATCH_RECORDS, end = id + BATCH_RECORDS;
	end = end < generator->count ? end : generator->count;
	slot->length = 0;
	slot->text_bytes = 0;
	for (; id < end; id += FILE_BLOCK_RECORDS) {
		uint64_t count = end - id < FILE_BLOCK_RECORDS ? end - id : FILE_BLOCK_RECORDS;
		slot->length += file_block_write(generator->seed, id, (uint32_t)count, slot->bytes + slot->length,
						 &slot->text_bytes);
	}
}

static void *worker(void *context)
{
	struct generator *generator = context;
	pthread_mutex_lock(&generator->mutex);
	while (generator->next_batch < batch_count(generator)) {
		uint64_t batch = generator->next_batch++;
		struct slot *slot = slot_of(generator, batch);
		while (slot->turn != batch)
			pthread_cond_wait(&generator->changed, &generator->mutex);
		pthread_mutex_unlock(&generator->mutex);
		fill(generator, slot, batch);
		pthread_mutex_lock(&generator->mutex);
		slot->full = true;
		pthread_cond_broadcast(&generator->changed);
	}
	pthread_mutex_unlock(&generator->mutex);
	return NULL;
}

/* ----------------------------------------------------------------- writer */

static void write_all(struct generator *generator, const uint8_t *bytes, size_t length, off_t at)
{
	while (length) {
		ssize_t written = pwrite(generator->fd, bytes, length, at);
		if (written < 0 && errno == EINTR && !interrupted)
			continue;
		if (written < 0)
			fail(generator, "%s: %s; free space or choose another -o", generator->part_path,
			     strerror(errno));
		bytes += written;
		length -= (size_t)written;
		at += written;
	}
}

static void show_bar(uint64_t done, uint64_t total)
{
	char bar[41];
	size_t full = (size_t)(done * 40 / total);
	memset(bar, '#', full);
	memset(bar + full, '.', 40 - full);
	bar[40] = '\0';
	fprintf(stderr, "\rmemlab-gen: [%s] %3" PRIu64 " %%%s", bar, done * 100 / total, done == total ? "\n" : "");
}

static void write_batch(struct generator *generator, const struct slot *slot)
{
	write_all(generator, slot->bytes, slot->length, (off_t)generator->bytes);
	for (size_t at = 0; at < slot->length;) {
		uint32_t body_bytes;
		memcpy(&body_bytes, slot->bytes + at, 4);
		generator->checksum = (uint32_t)crc32(generator->checksum, slot->bytes + at + 12, 4);
		at += FILE_BLOCK_HEADER_BYTES + body_bytes;
	}
	generator->bytes += slot->length;
	generator->text_bytes += slot->text_bytes;
}

static void write_batches(struct generator *generator)
{
	for (uint64_t batch = 0; batch < batch_count(generator); batch++) {
		struct slot *slot = slot_of(generator, batch);
		pthread_mutex_lock(&generator->mutex);
		while (!slot->full) /* then it holds this batch: its turn does not move before it is written */
			pthread_cond_wait(&generator->changed, &generator->mutex);
		pthread_mutex_unlock(&generator->mutex);
		write_batch(generator, slot);
		pthread_mutex_lock(&generator->mutex);
		slot->full = false;
		slot->turn += generator->threads * SLOTS_PER_THREAD;
		pthread_cond_broadcast(&generator->changed);
		pthread_mutex_unlock(&generator->mutex);
		if (interrupted)
			fail(generator, "interrupted; nothing was written");
		if (generator->bar)
			show_bar(batch + 1, batch_count(generator));
	}
}

static void finish_file(struct generator *generator)
{
	uint8_t bytes[FILE_HEADER_BYTES];
	struct file_header header = {generator->seed, generator->count, generator->text_bytes};
	file_header_write(&header, bytes);
	write_all(generator, bytes, sizeof(bytes), 0);
	if (fsync(generator->fd) || rename(generator->part_path, generator->path))
		fail(generator, "%s: %s; choose another -o", generator->path, strerror(errno));
	close(generator->fd);
}

/* ------------------------------------------------------------------ main */

static void open_file(struct generator *generator)
{
	if (asprintf(&generator->part_path, "%s.part", generator->path) < 0)
		fail(generator, "no memory; free some");
	generator->fd = open(generator->part_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (generator->fd < 0)
		fail(generator, "%s: %s; choose another -o", generator->part_path, strerror(errno));
	generator->bytes = FILE_HEADER_BYTES;
}

static void run(struct generator *generator)
{
	pthread_t threads[THREADS_MAX];
	for (unsigned i = 0; i < generator->threads * SLOTS_PER_THREAD; i++) {
		generator->slots[i].turn = i;
		generator->slots[i].bytes = malloc((size_t)BATCH_BLOCKS * FILE_BLOCK_BYTES_MAX);
		if (!generator->slots[i].bytes)
			fail(generator, "no memory; choose fewer --threads");
	}
	for (unsigned i = 0; i < generator->threads; i++)
		if (pthread_create(&threads[i], NULL, worker, generator))
			fail(generator, "cannot start a thread; choose fewer --threads");
	write_batches(generator);
	for (unsigned i = 0; i < generator->threads; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < generator->threads * SLOTS_PER_THREAD; i++)
		free(generator->slots[i].bytes);
	finish_file(generator);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct generator *generator = state->input;
	uint64_t bytes;
	switch (key) {
	case OPTION_SIZE:
		if (gc_parse_bytes(value, &bytes) || bytes == GC_LIMIT_OFF)
			option_refuse(&table, "--size=%s is not a size; write it as 64MiB or 2GiB", value);
		generator->count = dataset_count(bytes);
		if (generator->count == 0)
			option_refuse(&table, "--size=%s is too small for a record; choose at least 1KiB", value);
		return 0;
	case OPTION_SEED:
		generator->seed = option_number(&table, "seed", value, 0, UINT64_MAX);
		return 0;
	case 'o':
		generator->path = value;
		return 0;
	case OPTION_THREADS:
		generator->threads = (unsigned)option_number(&table, "threads", value, 1, THREADS_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned default_threads(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	return cpus < 1 ? 1 : cpus > THREADS_MAX ? THREADS_MAX : (unsigned)cpus;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse_option, NULL, "Writes a file of deterministic records for memlab-svc --data.",
		NULL,    NULL,         NULL};
	static struct generator generator = {.fd = -1,
					     .mutex = PTHREAD_MUTEX_INITIALIZER,
					     .changed = PTHREAD_COND_INITIALIZER,
					     .seed = 42,
					     .path = "data.mlab"};
	generator.count = dataset_count(64u << 20);
	generator.threads = default_threads();
	generator.bar = isatty(STDERR_FILENO);
	option_check(&table, argc, argv);
	argp_parse(&argp, argc, argv, ARGP_NO_ARGS, NULL, &generator);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	double start_s = now_s();
	open_file(&generator);
	run(&generator);
	double seconds = now_s() - start_s;
	printf("memlab-gen: %s: %" PRIu64 " records, seed %" PRIu64
	       ", %.1f MiB in %.2f s (%.0f records/s, %.0f MiB/s), "
	       "checksum %08" PRIx32 "\n",
	       generator.path, generator.count, generator.seed, (double)generator.bytes / 1048576, seconds,
	       (double)generator.count / seconds, (double)generator.bytes / 1048576 / seconds, generator.checksum);
	free(generator.part_path);
	return 0;
}
