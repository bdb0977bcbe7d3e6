/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile elf|recording|report|flight|code SEED ROUNDS [FILE]: damaged input for the readers of what is not ours. Each round
 * changes some bytes of something valid, lets the tracer's own reader have it (readers.h), and puts the bytes back. The readers
 * may refuse; they may not crash (sanitizers help), nor take more than 10 s for a round (SIGALRM), nor hand out what
 * breaks their contract (abort). The seed of a round is printed when it dies, so that it can be repeated alone.
 *
 * hostile seed FILE: the recording FILE as the input of the coverage-guided fuzzer, on standard output; hostile flight-seed: flight rings
 * for it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../../collectors/trace/source/image.h"
#include "../../collectors/trace/source/recording.h"
#include "../../svc/probes/flight.h"
#include "readers.h"

static uint64_t round_seed;  /* for the epitaph */
static uint64_t random_state;
static uint64_t accepted;    /* rounds in which the reader found it valid: both outcomes must occur */

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void seed_round(uint64_t seed)
{
	round_seed = seed;
	random_state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	for (int i = 0; i < 8; i++)
		random_next();
}

static void on_death(int number)
{
	char line[80];
	int length = snprintf(line, sizeof(line), "hostile: signal %d in round with seed %" PRIu64 "\n", number, round_seed);
	if (write(STDERR_FILENO, line, (size_t)length) < 0)
		_exit(3);
	signal(number, SIG_DFL);
	raise(number);
}

/* ------------------------------------------------------------- changes */

struct input {
	uint8_t *bytes; /* shared with the file */
	size_t size;
	int fd;
};

struct change {
	size_t at;
	uint64_t before;
};

enum { CHANGES = 8 };

static uint64_t nasty_value(void)
{
	static const uint64_t values[] = {0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, 0x100000000ull,
					  INT64_MAX, UINT64_MAX, UINT64_MAX - 7, 1ull << 40, 24, 64};
	uint64_t pick = random_next() % 20;
	return pick < sizeof(values) / sizeof(values[0]) ? values[pick] : random_next();
}

/* Somewhere in the stretches that steer the reader, mostly. */
static struct change damage(struct input *input, size_t from, size_t length)
{
	struct change change = {.at = from + random_next() % (length > 8 ? length - 8 : 1)};
	uint64_t value = nasty_value();
	size_t width = (size_t)1 << (random_next() % 4);
	memcpy(&change.before, input->bytes + change.at, 8);
	memcpy(input->bytes + change.at, &value, width);
	return change;
}

static void repair(struct input *input, const struct change *changes, unsigned count)
{
	while (count--)
		memcpy(input->bytes + changes[count].at, &changes[count].before, 8);
}

static struct input input_new(size_t size)
{
	struct input input = {.size = size, .fd = memfd_create("hostile", MFD_CLOEXEC)};
	require(input.fd >= 0 && ftruncate(input.fd, (off_t)size) == 0, "no memory for the input");
	input.bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, input.fd, 0);
	require(input.bytes != MAP_FAILED, "no memory for the input");
	return input;
}

static struct input input_from(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	require(fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 64, "the file cannot be read");
	struct input input = input_new((size_t)status.st_size);
	require(pread(fd, input.bytes, input.size, 0) == (ssize_t)input.size, "the file cannot be read");
	close(fd);
	return input;
}

/* ----------------------------------------------------------------- ELF */

/* The stretches that steer: ELF header with program headers, section headers, notes. */
static struct change damage_elf(struct input *input, const struct image *whole)
{
	const Elf64_Shdr *notes = image_section(whole, ".note.stapsdt");
	switch (random_next() % 4) {
	case 0:
		return damage(input, 0, 1024);
	case 1:
		return damage(input, whole->header.e_shoff, (size_t)whole->header.e_shnum * sizeof(Elf64_Shdr));
	case 2:
		return damage(input, notes->sh_offset, notes->sh_size);
	default:
		return damage(input, 0, input->size);
	}
}

static void hostile_elf(uint64_t seed, uint64_t rounds, const char *path)
{
	struct input input = input_from(path);
	struct image whole;
	require(image_open(&whole, input.fd) == 0 && image_section(&whole, ".note.stapsdt"), "FILE has no probes");
	for (uint64_t round = 0; round < rounds; round++) {
		struct change changes[CHANGES];
		seed_round(seed + round);
		unsigned count = 1 + (unsigned)(random_next() % CHANGES);
		for (unsigned c = 0; c < count; c++)
			changes[c] = damage_elf(&input, &whole);
		alarm(10);
		accepted += read_elf(input.fd);
		repair(&input, changes, count);
	}
	image_close(&whole);
}

/* ---------------------------------------------------------- recordings */

static struct input recording_new(void)
{
	struct recording *recording;
	struct target_info info = {.tgid = 7, .pid = 7, .comm = "target", .exe = "/target", .kind = "process", .link_kind = "none"};
	struct source_counts counts = {.cpus = 2};
	int fd = memfd_create("whole", MFD_CLOEXEC), own = dup(fd);
	require(fd >= 0 && own >= 0 && recording_create(fd, &info, &recording) == 0, "no recording");
	for (uint32_t n = 1; n <= 2000; n++) {
		struct record_event event = {.h = {.time_ns = n, .seq = n, .tid = 7, .kind = RECORD_EVENT, .words = sizeof(event) / 8},
					     .event = 4};
		require(recording_take(recording, &event.h) == 0, "no recording");
	}
	require(recording_attach(recording, "symbols", "main 0x10\n", 10) == 0 && recording_close(recording, &counts) == 0,
		"no recording");
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", own);
	struct input input = input_from(path);
	close(own);
	return input;
}

/* Damages a block's plain bytes. */
static void damage_plain(uint8_t *plain, size_t size)
{
	for (uint64_t n = random_next() % 3; n-- && size > 8;) {
		uint64_t value = nasty_value();
		memcpy(plain + random_next() % (size - 8), &value, (size_t)1 << (random_next() % 4));
	}
}

/* One block of a whole recording, inflated, damaged, deflated and sealed again; returns its new length. */
static size_t rewrite_block(uint8_t *to, size_t room, const uint8_t *from, size_t *used)
{
	static uint8_t plain[1 << 20];
	struct recording_block block;
	uLongf plain_bytes = sizeof(plain), stored_bytes = room - sizeof(block);
	memcpy(&block, from, sizeof(block));
	*used = sizeof(block) + block.stored_bytes;
	require(uncompress(plain, &plain_bytes, from + sizeof(block), block.stored_bytes) == Z_OK, "no recording");
	damage_plain(plain, plain_bytes);
	require(compress2(to + sizeof(block), &stored_bytes, plain, plain_bytes, 1) == Z_OK, "no recording");
	block.stored_bytes = (uint32_t)stored_bytes;
	if (random_next() % 16 == 0)
		block.plain_bytes = (uint32_t)nasty_value();
	if (random_next() % 16 == 0)
		block.type = (uint32_t)(random_next() % 6);
	memcpy(to, &block, sizeof(block));
	block.checksum = (uint32_t)crc32(crc32(0, to, 12), to + sizeof(block), block.stored_bytes);
	memcpy(to, &block, sizeof(block));
	return sizeof(block) + block.stored_bytes;
}

/* What lies behind checksums and compression is reached only so. */
static void rewrite(struct input *input, const struct input *whole)
{
	size_t from = 16, to = 16, used;
	memset(input->bytes, 0, input->size);
	memcpy(input->bytes, whole->bytes, 16);
	for (; from < whole->size; from += used)
		to += rewrite_block(input->bytes + to, input->size - to, whole->bytes + from, &used);
	require(ftruncate(input->fd, (off_t)to) == 0, "no memory for the input");
}

/* Half of the rounds damage the file as it is, half what is packed in it. */
static void hostile_recording(uint64_t seed, uint64_t rounds, struct input whole, bool (*read)(int fd))
{
	struct input input = input_new(whole.size * 4 + 65536);
	for (uint64_t round = 0; round < rounds; round++) {
		seed_round(seed + round);
		require(ftruncate(input.fd, (off_t)input.size) == 0, "no memory for the input");
		if (random_next() % 2) {
			rewrite(&input, &whole);
		} else {
			memcpy(input.bytes, whole.bytes, whole.size);
			for (uint64_t count = random_next() % CHANGES; count--;)
				damage(&input, 0, random_next() % 2 ? whole.size : 512);
			require(ftruncate(input.fd, (off_t)(whole.size - random_next() % 2 * (random_next() % whole.size))) == 0,
				"no memory for the input");
		}
		alarm(10);
		accepted += read(input.fd);
	}
}

/* --------------------------------------------------------- flight rings */

enum { ENTRIES_AT = 65536, SEED_ENTRIES_AT = FLIGHT_AT + sizeof(struct flight), SEED_ENTRIES = 200 };

static void fill_flight(struct input *input, uint64_t entries_at, uint64_t count)
{
	struct flight *directory = (struct flight *)(input->bytes + FLIGHT_AT);
	struct flight_entry *entries = (struct flight_entry *)(input->bytes + entries_at);
	*directory = (struct flight){.magic = FLIGHT_MAGIC, .entry_bytes = sizeof(*entries), .entry_count = FLIGHT_ENTRIES,
				     .ring_limit = FLIGHT_RINGS, .ring_count = 2};
	for (unsigned r = 0; r < 2; r++)
		directory->rings[r] = (struct flight_ring){.entries = entries_at, .head = count, .tid = 7};
	for (uint64_t n = 1; n <= count; n++)
		entries[n - 1] = (struct flight_entry){.number = n, .number_again = (uint32_t)n, .end_ns = n};
}

static void hostile_flight(uint64_t seed, uint64_t rounds)
{
	struct input input = input_new(ENTRIES_AT + FLIGHT_ENTRIES * sizeof(struct flight_entry));
	for (uint64_t round = 0; round < rounds; round++) {
		struct change changes[CHANGES];
		seed_round(seed + round);
		fill_flight(&input, ENTRIES_AT, 1000);
		unsigned count = (unsigned)(random_next() % CHANGES);
		for (unsigned c = 0; c < count; c++)
			changes[c] = random_next() % 2 ? damage(&input, FLIGHT_AT, 64 + 3 * sizeof(struct flight_ring))
						       : damage(&input, ENTRIES_AT, 1000 * sizeof(struct flight_entry));
		alarm(10);
		accepted += read_flight(input.fd);
		repair(&input, changes, count);
	}
}

/* -------------------------------------------------------- machine code */

/* Copies of exactly their size, so that a sanitizer sees a byte too much. */
static void hostile_code(uint64_t seed, uint64_t rounds, const char *path)
{
	struct input input = input_from(path);
	for (uint64_t round = 0; round < rounds; round++) {
		seed_round(seed + round);
		size_t size = 1 + random_next() % 128, from = random_next() % (input.size - size);
		uint8_t *code = malloc(size);
		require(code, "no memory for the input");
		memcpy(code, input.bytes + from, size);
		for (uint64_t count = random_next() % 3; count--;)
			code[random_next() % size] = (uint8_t)random_next();
		alarm(10);
		accepted += read_code(code, size);
		free(code);
	}
}

static int print(const uint8_t *bytes, size_t size)
{
	return fwrite(bytes, 1, size, stdout) == size && fflush(stdout) == 0 ? 0 : 1;
}

static int print_flight_seed(void)
{
	struct input input = input_new(SEED_ENTRIES_AT + SEED_ENTRIES * sizeof(struct flight_entry));
	fill_flight(&input, SEED_ENTRIES_AT, SEED_ENTRIES);
	return print(input.bytes + FLIGHT_AT, input.size - FLIGHT_AT);
}

static int print_seed(const char *path)
{
	static uint8_t plain[4 << 20];
	struct input input = input_from(path);
	size_t size = recording_unpack(input.bytes, input.size, plain, sizeof(plain));
	return print(plain, size);
}

/* A report says what it has to say to nobody. */
static void hush(void)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	require(nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0, "no /dev/null");
}

static int usage(void)
{
	fprintf(stderr, "usage: hostile elf|recording|report|flight|code SEED ROUNDS [FILE]\n       hostile seed FILE | flight-seed\n");
	return 2;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "flight-seed") == 0)
		return print_flight_seed();
	if (argc == 3 && strcmp(argv[1], "seed") == 0)
		return print_seed(argv[2]);
	if (argc < 4)
		return usage();
	uint64_t seed = strtoull(argv[2], NULL, 10), rounds = strtoull(argv[3], NULL, 10);
	const char *kind = argv[1], *path = argc > 4 ? argv[4] : NULL;
	FILE *said = fdopen(dup(STDOUT_FILENO), "w");
	signal(SIGALRM, on_death);
	signal(SIGSEGV, on_death);
	signal(SIGBUS, on_death);
	signal(SIGABRT, on_death);
	if (strcmp(kind, "elf") == 0 && path) {
		hostile_elf(seed, rounds, path);
	} else if (strcmp(kind, "recording") == 0) {
		hostile_recording(seed, rounds, path ? input_from(path) : recording_new(), read_recording);
	} else if (strcmp(kind, "report") == 0 && path) {
		hush();
		hostile_recording(seed, rounds, input_from(path), read_report);
	} else if (strcmp(kind, "flight") == 0) {
		hostile_flight(seed, rounds);
	} else if (strcmp(kind, "code") == 0 && path) {
		hostile_code(seed, rounds, path);
	} else {
		return usage();
	}
	require(said != NULL, "no output");
	fprintf(said, "%s: %" PRIu64 " rounds, %" PRIu64 " accepted\n", kind, rounds, accepted);
	return fclose(said) != 0;
}
