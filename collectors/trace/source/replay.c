/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading side of recordings, as a source. Opening walks the block headers, so that the end, the
 * attachments and a cut are known before the first record is handed over; drains read one block
 * of records each. The file is not trusted: sizes are bounded before memory is taken, checksums
 * checked before bytes are inflated, records checked before they are handed over.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "decode.h"
#include "lines.h"
#include "operations.h"
#include "recording.h"

#define BLOCK_BYTES_MAX (64u << 20)
#define PROBES_MAX 256

struct place {
	struct recording_block block;
	uint64_t offset; /* of the stored bytes */
};

struct attachment {
	char *bytes; /* name, 0, contents */
	size_t size;
};

struct replay {
	struct source source;
	int fd;
	uint64_t size;
	struct place *places;
	size_t place_count, next;
	bool ended, failed; /* has an end block; a block was bad */
	char trouble[160];
	struct target_info info;
	char kind[64], missing[256], link_kind[32];
	struct target_probe probes[PROBES_MAX];
	struct source_counts counts;
	uint64_t received_of[RECORD_KIND_LIMIT];
	struct attachment *attachments;
	size_t attachment_count;
};

static int read_at(const struct replay *replay, uint64_t offset, void *bytes, size_t size)
{
	if (offset > replay->size || size > replay->size - offset)
		return -EBADMSG;
	return pread(replay->fd, bytes, size, (off_t)offset) == (ssize_t)size ? 0 : -EIO;
}

/* ---- blocks */

static int place_add(struct replay *replay, const struct place *place)
{
	struct place *places = realloc(replay->places, (replay->place_count + 1) * sizeof(*places));
	if (!places)
		return -ENOMEM;
	replay->places = places;
	places[replay->place_count++] = *place;
	return 0;
}

/* From the header to the end or to where the file was cut. */
static int find_blocks(struct replay *replay)
{
	uint64_t offset = 16;
	int result = 0;
	while (!result && !replay->ended) {
		struct place place = {.offset = offset + sizeof(place.block)};
		if (read_at(replay, offset, &place.block, sizeof(place.block)))
			break;
		if (place.block.stored_bytes > replay->size - place.offset)
			break;
		offset = place.offset + place.block.stored_bytes;
		replay->ended = place.block.type == RECORDING_END;
		result = place_add(replay, &place);
	}
	if (!result && !replay->ended)
		snprintf(replay->trouble, sizeof(replay->trouble),
			 "the recording was cut short after %" PRIu64 " bytes; what is whole in it is shown",
			 replay->size);
	return result;
}

static uint32_t block_checksum(const struct recording_block *block, const void *stored)
{
	uLong sum = crc32(0, (const Bytef *)block, offsetof(struct recording_block, checksum));
	return (uint32_t)crc32(sum, stored, block->stored_bytes);
}

static int inflate_block(const struct recording_block *block, const void *stored, char *plain)
{
	uLongf plain_bytes = block->plain_bytes;
	if (block_checksum(block, stored) != block->checksum)
		return -EBADMSG;
	if (uncompress((Bytef *)plain, &plain_bytes, stored, block->stored_bytes) != Z_OK ||
	    plain_bytes != block->plain_bytes)
		return -EBADMSG;
	plain[plain_bytes] = 0;
	return 0;
}

static int trouble_damaged(struct replay *replay, const struct place *place, int result)
{
	replay->failed = true;
	snprintf(replay->trouble, sizeof(replay->trouble),
		 "the recording is damaged at byte %" PRIu64 " (%s); record it again", place->offset,
		 result == -EBADMSG ? "wrong checksum" : strerror(-result));
	return result;
}

/* The block's plain bytes, a 0 behind them, to be freed. */
static int read_block(struct replay *replay, const struct place *place, char **plain)
{
	const struct recording_block *block = &place->block;
	if (block->stored_bytes > BLOCK_BYTES_MAX || block->plain_bytes > BLOCK_BYTES_MAX)
		return trouble_damaged(replay, place, -EBADMSG);
	void *stored = malloc((size_t)block->stored_bytes + 1);
	*plain = malloc((size_t)block->plain_bytes + 1);
	int result = stored && *plain ? read_at(replay, place->offset, stored, block->stored_bytes) : -ENOMEM;
	if (!result)
		result = inflate_block(block, stored, *plain);
	free(stored);
	if (!result)
		return 0;
	free(*plain);
	return trouble_damaged(replay, place, result);
}

/* ---- info and counts */

static void take_probe(struct replay *replay, const char *value)
{
	struct target_info *info = &replay->info;
	unsigned int event, attached;
	char name[64];
	if (info->probes_found == PROBES_MAX || sscanf(value, "%u %u %63s", &event, &attached, name) != 3)
		return;
	struct target_probe *probe = &replay->probes[info->probes_found++];
	*probe = (struct target_probe){.event = event, .attached = attached};
	memcpy(probe->name, name, sizeof(name));
	info->probes_attached += attached;
}

static void take_port(struct target_info *info, uint64_t port)
{
	if (info->port_count < TARGET_PORTS)
		info->ports[info->port_count++] = (uint16_t)port;
}

static void take_text(char *to, size_t size, const char *value)
{
	snprintf(to, size, "%s", value);
}

static void take_info(struct replay *replay, const char *key, const char *value)
{
	struct target_info *info = &replay->info;
	uint64_t number = strtoull(value, NULL, 10);
	if (strcmp(key, "tgid") == 0)
		info->tgid = (uint32_t)number;
	else if (strcmp(key, "pid") == 0)
		info->pid = (uint32_t)number;
	else if (strcmp(key, "ns_pid") == 0)
		info->ns_pid = (uint32_t)number;
	else if (strcmp(key, "comm") == 0)
		take_text(info->comm, sizeof(info->comm), value);
	else if (strcmp(key, "exe") == 0)
		take_text(info->exe, sizeof(info->exe), value);
	else if (strcmp(key, "kind") == 0)
		take_text(replay->kind, sizeof(replay->kind), value);
	else if (strcmp(key, "missing") == 0)
		take_text(replay->missing, sizeof(replay->missing), value);
	else if (strcmp(key, "has_request_end") == 0)
		info->has_request_end = number != 0;
	else if (strcmp(key, "flight") == 0)
		info->flight = number != 0;
	else if (strcmp(key, "no_sched") == 0)
		info->no_sched = number != 0;
	else if (strcmp(key, "link_kind") == 0)
		take_text(replay->link_kind, sizeof(replay->link_kind), value);
	else if (strcmp(key, "load_ns") == 0)
		info->load_ns = number;
	else if (strcmp(key, "attach_ns") == 0)
		info->attach_ns = number;
	else if (strcmp(key, "attached_at_ns") == 0)
		info->attached_at_ns = number;
	else if (strcmp(key, "fault_ns") == 0)
		info->fault_ns = number;
	else if (strcmp(key, "run_json") == 0)
		take_text(info->run_json, sizeof(info->run_json), value);
	else if (strcmp(key, "port") == 0)
		take_port(info, number);
	else if (strcmp(key, "probe") == 0)
		take_probe(replay, value);
}

/* "name.7" for this name: 7; beyond `limit`: limit. */
static uint32_t nth_of(const char *key, const char *name, uint32_t limit)
{
	size_t length = strlen(name);
	if (strncmp(key, name, length) != 0 || key[length] != '.')
		return limit;
	unsigned long n = strtoul(key + length + 1, NULL, 10);
	return n < limit ? (uint32_t)n : limit;
}

static void take_nth(uint64_t *numbers, uint32_t limit, const char *name, const char *key, uint64_t value)
{
	uint32_t n = nth_of(key, name, limit);
	if (n < limit)
		numbers[n] = value;
}

static void take_count(struct replay *replay, const char *key, const char *value)
{
	struct source_counts *counts = &replay->counts;
	uint64_t number = strtoull(value, NULL, 10);
	take_nth(counts->written_of, RECORD_KIND_LIMIT, "written_of", key, number);
	take_nth(counts->lost_of, RECORD_KIND_LIMIT, "lost_of", key, number);
	take_nth(counts->event_hits, SOURCE_EVENTS, "event_hits", key, number);
	if (strcmp(key, "traps") == 0)
		counts->traps = number;
	else if (strcmp(key, "cpus") == 0)
		counts->cpus = (uint32_t)number;
	else if (strcmp(key, "execs") == 0)
		counts->execs = (uint32_t)number;
}

static void take_lines(struct replay *replay, const char *text,
		       void (*take)(struct replay *replay, const char *key, const char *value))
{
	char key[64], value[2048];
	while (lines_next(&text, key, sizeof(key), value, sizeof(value)))
		take(replay, key, value);
}

static int attachment_add(struct replay *replay, char *bytes, size_t size)
{
	struct attachment *list = realloc(replay->attachments, (replay->attachment_count + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	replay->attachments = list;
	list[replay->attachment_count++] = (struct attachment){bytes, size};
	return 0;
}

/* One block that is not records. */
static int read_aside(struct replay *replay, const struct place *place)
{
	char *plain;
	int result = read_block(replay, place, &plain);
	if (result)
		return result;
	if (place->block.type == RECORDING_ATTACHMENT && memchr(plain, 0, place->block.plain_bytes)) {
		result = attachment_add(replay, plain, place->block.plain_bytes);
		if (!result)
			return 0;
	}
	if (place->block.type == RECORDING_INFO)
		take_lines(replay, plain, take_info);
	if (place->block.type == RECORDING_END)
		take_lines(replay, plain, take_count);
	free(plain);
	return result;
}

static int read_asides(struct replay *replay)
{
	int result = 0;
	for (size_t p = 0; p < replay->place_count && !result; p++)
		if (replay->places[p].block.type != RECORDING_RECORDS)
			result = read_aside(replay, &replay->places[p]);
	return result;
}

/* ---- the source */

static int take_records(struct replay *replay, const struct place *place, const char *plain,
			void (*take)(void *context, const struct record *record), void *context)
{
	size_t at = 0, size = place->block.plain_bytes;
	int count = 0;
	while (at < size) {
		const struct record *record = (const struct record *)(const void *)(plain + at);
		if (!record_valid(record, size - at))
			return trouble_damaged(replay, place, -EBADMSG);
		replay->received_of[record->kind] += record->kind != RECORD_COMPLETE;
		take(context, record);
		at += (size_t)record->words * 8;
		count++;
	}
	return count;
}

static int replay_drain(struct source *source, void (*take)(void *context, const struct record *record), void *context)
{
	struct replay *replay = (struct replay *)source;
	int count = 0;
	while (count == 0 && !replay->failed && replay->next < replay->place_count) {
		const struct place *place = &replay->places[replay->next++];
		if (place->block.type != RECORDING_RECORDS)
			continue;
		char *plain;
		count = read_block(replay, place, &plain);
		if (count)
			break;
		count = take_records(replay, place, plain, take, context);
		free(plain);
	}
	return count;
}

static bool replay_alive(const struct source *source)
{
	const struct replay *replay = (const struct replay *)source;
	return !replay->failed && replay->next < replay->place_count;
}

static void replay_info(const struct source *source, struct target_info *info)
{
	const struct replay *replay = (const struct replay *)source;
	*info = replay->info;
	info->kind = replay->kind;
	info->missing = replay->missing[0] ? replay->missing : NULL;
	info->link_kind = replay->link_kind;
	info->probes = replay->probes;
}

static void replay_counts(const struct source *source, struct source_counts *counts)
{
	const struct replay *replay = (const struct replay *)source;
	*counts = replay->counts;
	for (uint32_t kind = 0; kind < RECORD_KIND_LIMIT; kind++) {
		counts->received_of[kind] = replay->received_of[kind];
		counts->received += counts->received_of[kind];
		counts->written += counts->written_of[kind];
		counts->lost += counts->lost_of[kind];
	}
}

static const char *replay_trouble(const struct source *source)
{
	return ((const struct replay *)source)->trouble;
}

static const void *replay_attachment(const struct source *source, const char *name, size_t *size)
{
	const struct replay *replay = (const struct replay *)source;
	for (size_t a = 0; a < replay->attachment_count; a++) {
		const struct attachment *attachment = &replay->attachments[a];
		size_t name_size = strlen(attachment->bytes) + 1;
		if (strcmp(attachment->bytes, name) != 0)
			continue;
		*size = attachment->size - name_size;
		return attachment->bytes + name_size;
	}
	return NULL;
}

static void replay_close(struct source *source)
{
	struct replay *replay = (struct replay *)source;
	for (size_t a = 0; a < replay->attachment_count; a++)
		free(replay->attachments[a].bytes);
	free(replay->attachments);
	free(replay->places);
	if (replay->fd >= 0)
		close(replay->fd);
	free(replay);
}

static const struct source_operations replay_operations = {
	.close = replay_close,
	.drain = replay_drain,
	.target_alive = replay_alive,
	.info = replay_info,
	.counts = replay_counts,
	.trouble = replay_trouble,
	.attachment = replay_attachment,
};

static int open_file(struct replay *replay, const char *path, struct source_error *error)
{
	struct stat status;
	replay->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (replay->fd < 0 || fstat(replay->fd, &status))
		return source_error_set(error, SOURCE_FAILED, -errno,
					"cannot open %s: %s; name a file made by `memlab-trace record`", path,
					strerror(errno));
	replay->size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
	return 0;
}

static int check_header(struct replay *replay, const char *path, struct source_error *error)
{
	struct {
		char magic[8];
		uint32_t version, record_version;
	} header;
	if (read_at(replay, 0, &header, sizeof(header)) || memcmp(header.magic, RECORDING_MAGIC, 8) != 0)
		return source_error_set(error, SOURCE_FAILED, -EINVAL,
					"%s is not a recording of memlab's; name a file made by `memlab-trace record`",
					path);
	if (header.version == RECORDING_VERSION && header.record_version == RECORD_VERSION)
		return 0;
	return source_error_set(
		error, SOURCE_FAILED, -ENOTSUP,
		"%s was written in format %u.%u and this memlab-trace reads %u.%u; use the version that wrote it", path,
		header.version, header.record_version, RECORDING_VERSION, RECORD_VERSION);
}

static int read_file(struct replay *replay, const char *path, struct source_error *error)
{
	int result = open_file(replay, path, error);
	if (!result)
		result = check_header(replay, path, error);
	if (result)
		return result;
	result = find_blocks(replay);
	if (!result)
		result = read_asides(replay);
	if (!result && (replay->place_count == 0 || replay->places[0].block.type != RECORDING_INFO))
		return source_error_set(error, SOURCE_FAILED, -EBADMSG,
					"%s was cut short before its first record; record it again", path);
	if (!result)
		return 0;
	return source_error_set(error, SOURCE_FAILED, result, "%s: %s", path,
				replay->trouble[0] ? replay->trouble : "out of memory; close something");
}

int source_open_recording(const char *path, struct source **source, struct source_error *error)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	if (!replay)
		return source_error_set(error, SOURCE_FAILED, -ENOMEM, "out of memory; close something");
	replay->source.operations = &replay_operations;
	replay->fd = -1;
	int result = read_file(replay, path, error);
	if (result) {
		replay_close(&replay->source);
		return result;
	}
	*source = &replay->source;
	return 0;
}
