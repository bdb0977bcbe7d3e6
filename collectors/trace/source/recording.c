/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing side.
 */
#include "recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "lines.h"

#define BLOCK_BYTES (1u << 20)
#define DEFLATE_LEVEL 1 /* records shrink to about a quarter; more effort gains little */

struct recording {
	int fd;
	int result; /* the first failure */
	uint64_t written_bytes;
	size_t pending_bytes;
	char pending[BLOCK_BYTES];
};

static int write_all(struct recording *recording, const void *bytes, size_t size)
{
	const char *at = bytes;
	recording->written_bytes += size;
	while (size) {
		ssize_t wrote = write(recording->fd, at, size);
		if (wrote < 0 && errno != EINTR)
			return -errno;
		if (wrote > 0) {
			at += wrote;
			size -= (size_t)wrote;
		}
	}
	return 0;
}

static int write_stored(struct recording *recording, uint32_t type, uint32_t plain_bytes, const void *stored,
			size_t size)
{
	struct recording_block block = {.type = type, .stored_bytes = (uint32_t)size, .plain_bytes = plain_bytes};
	uLong sum = crc32(0, (const Bytef *)&block, offsetof(struct recording_block, checksum));
	block.checksum = (uint32_t)crc32(sum, stored, (uInt)size);
	int result = write_all(recording, &block, sizeof(block));
	return result ? result : write_all(recording, stored, size);
}

static int write_block(struct recording *recording, uint32_t type, const void *bytes, size_t size)
{
	uLongf stored_bytes = compressBound(size);
	Bytef *stored = malloc(stored_bytes);
	if (!stored)
		return -ENOMEM;
	int result = -ENOMEM;
	if (compress2(stored, &stored_bytes, bytes, size, DEFLATE_LEVEL) == Z_OK)
		result = write_stored(recording, type, (uint32_t)size, stored, stored_bytes);
	free(stored);
	return result;
}

static int write_lines(struct recording *recording, uint32_t type, struct lines *lines)
{
	int result = lines->failed ? -ENOMEM : write_block(recording, type, lines->text, lines->size);
	lines_free(lines);
	return result;
}

static int write_header(struct recording *recording)
{
	const uint32_t versions[2] = {RECORDING_VERSION, RECORD_VERSION};
	int result = write_all(recording, RECORDING_MAGIC, 8);
	return result ? result : write_all(recording, versions, sizeof(versions));
}

static void add_probes(struct lines *lines, const struct target_info *info)
{
	for (uint32_t p = 0; p < info->probes_found; p++) {
		char value[96];
		const struct target_probe *probe = &info->probes[p];
		snprintf(value, sizeof(value), "%u %d %s", probe->event, probe->attached, probe->name);
		lines_add_text(lines, "probe", value);
	}
}

static int write_info(struct recording *recording, const struct target_info *info)
{
	struct lines lines = {0};
	lines_add(&lines, "tgid", info->tgid);
	lines_add(&lines, "pid", info->pid);
	lines_add(&lines, "ns_pid", info->ns_pid);
	lines_add_text(&lines, "comm", info->comm);
	lines_add_text(&lines, "exe", info->exe);
	lines_add_text(&lines, "kind", info->kind);
	lines_add_text(&lines, "missing", info->missing ? info->missing : "");
	lines_add(&lines, "has_request_end", info->has_request_end);
	lines_add(&lines, "no_sched", info->no_sched);
	lines_add_text(&lines, "link_kind", info->link_kind);
	lines_add(&lines, "load_ns", info->load_ns);
	lines_add(&lines, "flight", info->flight);
	lines_add(&lines, "attach_ns", info->attach_ns);
	lines_add(&lines, "attached_at_ns", info->attached_at_ns);
	lines_add(&lines, "fault_ns", info->fault_ns);
	lines_add_text(&lines, "run_json", info->run_json);
	for (uint32_t p = 0; p < info->port_count && p < TARGET_PORTS; p++)
		lines_add(&lines, "port", info->ports[p]);
	add_probes(&lines, info);
	return write_lines(recording, RECORDING_INFO, &lines);
}

int recording_create(int fd, const struct target_info *info, struct recording **recording)
{
	struct recording *fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	fresh->fd = fd;
	int result = write_header(fresh);
	if (!result)
		result = write_info(fresh, info);
	if (result)
		free(fresh);
	else
		*recording = fresh;
	return result;
}

static void flush(struct recording *recording)
{
	if (!recording->result && recording->pending_bytes)
		recording->result =
			write_block(recording, RECORDING_RECORDS, recording->pending, recording->pending_bytes);
	recording->pending_bytes = 0;
}

int recording_take(struct recording *recording, const struct record *record)
{
	size_t size = (size_t)record->words * 8;
	if (recording->pending_bytes + size > BLOCK_BYTES)
		flush(recording);
	memcpy(recording->pending + recording->pending_bytes, record, size);
	recording->pending_bytes += size;
	return recording->result;
}

int recording_attach(struct recording *recording, const char *name, const void *bytes, size_t size)
{
	size_t name_size = strlen(name) + 1;
	char *block = malloc(name_size + size);
	if (!block)
		return -ENOMEM;
	memcpy(block, name, name_size);
	memcpy(block + name_size, bytes, size);
	flush(recording);
	if (!recording->result)
		recording->result = write_block(recording, RECORDING_ATTACHMENT, block, name_size + size);
	free(block);
	return recording->result;
}

static int write_end(struct recording *recording, const struct source_counts *counts)
{
	struct lines lines = {0};
	for (uint32_t kind = 1; kind < RECORD_KIND_LIMIT; kind++) {
		lines_add_nth(&lines, "written_of", kind, counts->written_of[kind]);
		lines_add_nth(&lines, "lost_of", kind, counts->lost_of[kind]);
		lines_add_nth(&lines, "received_of", kind, counts->received_of[kind]);
	}
	for (uint32_t event = 0; event < SOURCE_EVENTS; event++)
		if (counts->event_hits[event])
			lines_add_nth(&lines, "event_hits", event, counts->event_hits[event]);
	lines_add(&lines, "traps", counts->traps);
	lines_add(&lines, "cpus", counts->cpus);
	lines_add(&lines, "execs", counts->execs);
	return write_lines(recording, RECORDING_END, &lines);
}

int recording_close(struct recording *recording, const struct source_counts *counts)
{
	flush(recording);
	if (!recording->result && counts)
		recording->result = write_end(recording, counts);
	int result = recording->result;
	if (close(recording->fd) && !result)
		result = -errno;
	free(recording);
	return result;
}

uint64_t recording_bytes(const struct recording *recording)
{
	return recording->written_bytes;
}
