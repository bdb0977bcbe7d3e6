/* SPDX-License-Identifier: Apache-2.0 */
#include "readers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "../../bpf/trace.h"
#include "../../collectors/trace/source/flight_reader.h"
#include "../../collectors/trace/source/image.h"
#include "../../collectors/trace/source/notes.h"
#include "../../collectors/trace/source/recording.h"
#include "../../collectors/trace/targets/planner.h"
#include "../../collectors/trace/trace.h"

enum { BLOCK_HEAD = 4, SECTION_LIMIT = 1 << 20, FILE_HEAD = 16 };

void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "hostile: %s\n", what);
	abort();
}

/* ----------------------------------------------------------------- ELF */

static void take_note(void *context, const struct note *note)
{
	uint64_t *count = context;
	require(memchr(note->name, 0, sizeof(note->name)) && memchr(note->args, 0, sizeof(note->args)),
		"a note's text has no end");
	++*count;
}

static void read_sections(const struct image *image)
{
	static const char *const names[] = {".note.stapsdt", ".dynsym", ".symtab", ".text", ".nowhere"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const Elf64_Shdr *section = image_section(image, names[i]);
		char *bytes;
		size_t length;
		if (!section || image_read(image, section, SECTION_LIMIT, &bytes, &length))
			continue;
		require(length <= SECTION_LIMIT && bytes[length] == 0, "a section is larger than allowed");
		free(bytes);
	}
}

bool read_elf(int fd)
{
	static const uint64_t places[] = {0, 0x1000, 0x401000, INT64_MAX, UINT64_MAX};
	struct image image;
	uint64_t value, size, notes = 0;
	if (image_open(&image, fd))
		return false;
	read_sections(&image);
	notes_read(&image, "memlab", take_note, &notes);
	image_symbol(&image, "memlab_run_info", &value, &size);
	image_function(&image, "main", &value, &size);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		image_offset(&image, places[i], &value);
		image_address(&image, places[i], &value);
	}
	image_close(&image);
	return notes > 0;
}

/* ---------------------------------------------------------- recordings */

static void take_record(void *context, const struct record *record)
{
	uint64_t *sum = context;
	require(record->words * 8u >= sizeof(*record), "a record is shorter than its header");
	/* Every byte it claims to have must be there. */
	for (unsigned w = 0; w < record->words; w++)
		*sum += ((const uint64_t *)record)[w];
}

bool read_recording(int fd)
{
	struct source *source;
	struct source_error error;
	uint64_t sum = 0;
	char path[64];
	int got;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (source_open_recording(path, &source, &error))
		return false;
	while ((got = source_drain(source, take_record, &sum)) > 0)
		;
	source_close(source);
	return got == 0;
}

bool read_report(int fd)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* Stacks and their names, where the recording has them, are drawn on the page. */
	struct trace_options options = {.command = COMMAND_REPORT, .report_path = path, .color = "never", .json_path = "/dev/null",
					.html_path = "/dev/null", .timeline_path = "/dev/null", .requests_path = "/dev/null"};
	options.flame_path[FLAME_TAIL] = options.folded_path[FLAME_TAIL] = "/dev/null";
	return trace_report(&options) == EXIT_OK;
}

static void write_all(int fd, const void *bytes, size_t size, size_t at)
{
	require(pwrite(fd, bytes, size, (off_t)at) == (ssize_t)size, "no memory for the input");
}

/* One sealed block; its length in the file. */
static size_t pack_block(int fd, size_t at, uint32_t type, const uint8_t *plain, uint32_t size)
{
	uLongf stored_bytes = compressBound(size);
	uint8_t *stored = malloc(stored_bytes);
	struct recording_block block = {.type = type, .plain_bytes = size};
	require(stored && compress2(stored, &stored_bytes, plain, size, 1) == Z_OK, "no memory for the input");
	block.stored_bytes = (uint32_t)stored_bytes;
	block.checksum = (uint32_t)crc32(crc32(0, (const uint8_t *)&block, 12), stored, block.stored_bytes);
	write_all(fd, &block, sizeof(block), at);
	write_all(fd, stored, stored_bytes, at + sizeof(block));
	free(stored);
	return sizeof(block) + stored_bytes;
}

void recording_pack(int fd, const uint8_t *plain, size_t size)
{
	uint32_t versions[2] = {RECORDING_VERSION, RECORD_VERSION};
	size_t at = FILE_HEAD;
	require(ftruncate(fd, 0) == 0, "no memory for the input");
	write_all(fd, RECORDING_MAGIC, 8, 0);
	write_all(fd, versions, sizeof(versions), 8);
	while (size >= BLOCK_HEAD) {
		uint32_t length = plain[1] | (uint32_t)plain[2] << 8 | (uint32_t)plain[3] << 16;
		if (length > size - BLOCK_HEAD)
			length = (uint32_t)(size - BLOCK_HEAD);
		at += pack_block(fd, at, plain[0], plain + BLOCK_HEAD, length);
		plain += BLOCK_HEAD + length;
		size -= BLOCK_HEAD + length;
	}
}

size_t recording_unpack(const uint8_t *file, size_t size, uint8_t *plain, size_t room)
{
	size_t from = FILE_HEAD, to = 0;
	struct recording_block block;
	for (; from + sizeof(block) <= size; from += sizeof(block) + block.stored_bytes) {
		memcpy(&block, file + from, sizeof(block));
		uLongf length = room - to < BLOCK_HEAD ? 0 : room - to - BLOCK_HEAD;
		if (length < block.plain_bytes || block.plain_bytes >= 1u << 24)
			continue; /* what does not fit is left out */
		require(uncompress(plain + to + BLOCK_HEAD, &length, file + from + sizeof(block), block.stored_bytes) == Z_OK,
			"no recording");
		plain[to] = (uint8_t)block.type;
		for (unsigned i = 0; i < 3; i++)
			plain[to + 1 + i] = (uint8_t)(length >> 8 * i);
		to += BLOCK_HEAD + length;
	}
	return to;
}

/* -------------------------------------------------------- flight rings */

static void count_record(void *context, const struct record *record)
{
	require(record->kind == RECORD_EVENT && record->cpu >= FLIGHT_CPU_FIRST && record->cpu < FLIGHT_CPU_FIRST + FLIGHT_RINGS,
		"a flight record of no ring");
	++*(uint64_t *)context;
}

bool read_flight(int fd)
{
	static struct flight_reader reader;
	struct process process = {.pid = getpid(), .memory = fd, .pidfd = -1};
	uint64_t records = 0;
	reader = (struct flight_reader){.process = &process, .address = FLIGHT_AT};
	flight_learn_thread(&reader, 7, 7);
	for (int turn = 0; turn < 2; turn++)
		if (flight_look(&reader) == 0)
			flight_drain(&reader, UINT64_MAX, count_record, &records);
	require(records <= 2 * FLIGHT_RINGS * (uint64_t)FLIGHT_ENTRIES, "more records than rings can hold");
	return records > 0;
}

/* -------------------------------------------------------- machine code */

bool read_code(const uint8_t *code, size_t size)
{
	struct plan plan = {0};
	char why[64];
	if (plan_probe(code, size, 2, &plan, why, sizeof(why))) {
		require(memchr(why, 0, sizeof(why)), "a reason has no end");
		return false;
	}
	require(plan.offset < size, "a probe behind the function");
	return true;
}
