/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: the file is mapped, each block is checked when its first record is asked for. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

struct dataset_source {
	struct file_header header;
	uint64_t next; /* the next record's id */
	const char *path;
	const uint8_t *bytes; /* the mapped file; NULL: from the seed */
	uint64_t length, at, block_end;
	uint32_t block_left; /* records of the block not yet read */
	char error[192];
};

struct dataset_source *dataset_source_seed(uint64_t seed, uint64_t count)
{
	struct dataset_source *source = calloc(1, sizeof(*source));
	if (source)
		source->header = (struct file_header){.seed = seed, .count = count};
	return source;
}

/* Notes what is wrong at the current place. */
static int damaged(struct dataset_source *source, const char *reason)
{
	snprintf(source->error, sizeof(source->error), "%s: byte %" PRIu64 ": %s", source->path, source->at, reason);
	return -EBADMSG;
}

static int map_file(struct dataset_source *source)
{
	struct stat status;
	int fd = open(source->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = fstat(fd, &status) ? -errno : 0;
	if (!error && !S_ISREG(status.st_mode))
		error = -EINVAL;
	if (!error && status.st_size > 0) {
		void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		error = bytes == MAP_FAILED ? -errno : 0;
		source->bytes = error ? NULL : bytes;
		source->length = (uint64_t)status.st_size;
	}
	close(fd);
	return error;
}

int dataset_source_open(const char *path, struct dataset_source **result, char *error, size_t error_bytes)
{
	struct dataset_source *source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->path = path;
	int status = map_file(source);
	if (status) {
		snprintf(error, error_bytes, "%s: %s", path, strerror(-status));
	} else {
		const char *reason = file_header_read(source->bytes, source->length, &source->header);
		if (reason)
			status = damaged(source, reason);
		snprintf(error, error_bytes, "%s", source->error);
		source->at = FILE_HEADER_BYTES;
	}
	if (status) {
		dataset_source_close(source);
		return status;
	}
	*result = source;
	return 0;
}

void dataset_source_close(struct dataset_source *source)
{
	if (source && source->bytes)
		munmap((void *)(uintptr_t)source->bytes, source->length);
	free(source);
}

uint64_t dataset_source_count(const struct dataset_source *source)
{
	return source->header.count;
}

uint64_t dataset_source_seed_of(const struct dataset_source *source)
{
	return source->header.seed;
}

static uint64_t record_text_bytes(const struct dataset_record *record)
{
	return (uint64_t)record->name_length + record->country.length + record->city.length + record->plan.length +
	       record->payload_length;
}

uint64_t dataset_source_text_bytes(const struct dataset_source *source)
{
	uint64_t bytes = source->header.text_bytes;
	for (uint64_t id = 0; !source->bytes && id < source->header.count; id++) {
		struct dataset_record record;
		dataset_record(source->header.seed, id, &record);
		bytes += record_text_bytes(&record);
	}
	return bytes;
}

static int open_block(struct dataset_source *source)
{
	struct file_block block;
	uint32_t number = (uint32_t)(source->next / FILE_BLOCK_RECORDS);
	uint64_t left = source->header.count - source->next;
	const char *reason = file_block_read(source->bytes + source->at, source->length - source->at, number, &block);
	if (reason)
		return damaged(source, reason);
	if (block.count != (left < FILE_BLOCK_RECORDS ? left : FILE_BLOCK_RECORDS))
		return damaged(source, "the block holds another number of records than the header says");
	source->at += FILE_BLOCK_HEADER_BYTES;
	source->block_end = source->at + block.body_bytes;
	source->block_left = block.count;
	return 0;
}

static int next_of_file(struct dataset_source *source, struct dataset_record *record)
{
	int error = source->block_left == 0 ? open_block(source) : 0;
	if (error)
		return error;
	size_t bytes = file_record_read(source->bytes + source->at, source->block_end - source->at, record);
	if (!bytes || record->id != source->next)
		return damaged(source, "the record makes no sense");
	source->at += bytes;
	if (--source->block_left == 0 && source->at != source->block_end)
		return damaged(source, "the block is longer than its records");
	return 0;
}

int dataset_source_next(struct dataset_source *source, struct dataset_record *record)
{
	if (source->next == source->header.count) {
		if (source->bytes && source->at != source->length)
			return damaged(source, "the file goes on after its last record");
		return 0;
	}
	if (source->bytes) {
		int error = next_of_file(source, record);
		if (error)
			return error;
	} else {
		dataset_record(source->header.seed, source->next, record);
	}
	source->next++;
	return 1;
}

const char *dataset_source_error(const struct dataset_source *source)
{
	return source->error;
}
