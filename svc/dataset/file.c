/* SPDX-License-Identifier: Apache-2.0 */
/* The file format: encoding, and checks that trust nothing. */
#include "file.h"

#include <endian.h>
#include <string.h>
#include <zlib.h>

static const char magic[8] = "memlab\r\n";

static void put_u32(uint8_t *to, uint32_t value)
{
	value = htole32(value);
	memcpy(to, &value, 4);
}

static void put_u64(uint8_t *to, uint64_t value)
{
	value = htole64(value);
	memcpy(to, &value, 8);
}

static uint32_t get_u32(const uint8_t *from)
{
	uint32_t value;
	memcpy(&value, from, 4);
	return le32toh(value);
}

static uint64_t get_u64(const uint8_t *from)
{
	uint64_t value;
	memcpy(&value, from, 8);
	return le64toh(value);
}

static uint32_t checksum(const uint8_t *bytes, size_t length)
{
	return (uint32_t)crc32(0, bytes, (uInt)length);
}

/* Of a block: its header without the checksum, and its body. */
static uint32_t block_checksum(const uint8_t *block, size_t body_bytes)
{
	uLong crc = crc32(0, block, 12);
	return (uint32_t)crc32(crc, block + FILE_BLOCK_HEADER_BYTES, (uInt)body_bytes);
}

void file_header_write(const struct file_header *header, uint8_t to[FILE_HEADER_BYTES])
{
	memset(to, 0, FILE_HEADER_BYTES);
	memcpy(to, magic, sizeof(magic));
	put_u32(to + 8, FILE_VERSION);
	put_u32(to + 12, FILE_HEADER_BYTES);
	put_u64(to + 16, header->seed);
	put_u64(to + 24, header->count);
	put_u64(to + 32, header->text_bytes);
	put_u32(to + 40, FILE_BLOCK_RECORDS);
	put_u32(to + 44, DATASET_VERSION);
	put_u32(to + 60, checksum(to, 60));
}

const char *file_header_read(const uint8_t *from, uint64_t bytes, struct file_header *header)
{
	if (bytes < sizeof(magic) || memcmp(from, magic, sizeof(magic)))
		return "not a memlab data file";
	if (bytes < FILE_HEADER_BYTES)
		return "the header is cut off";
	if (get_u32(from + 60) != checksum(from, 60))
		return "the header's checksum does not match";
	if (get_u32(from + 8) != FILE_VERSION || get_u32(from + 12) != FILE_HEADER_BYTES)
		return "a version of the format that this program does not know";
	if (get_u32(from + 40) != FILE_BLOCK_RECORDS || get_u32(from + 44) != DATASET_VERSION)
		return "records of another version";
	header->seed = get_u64(from + 16);
	header->count = get_u64(from + 24);
	header->text_bytes = get_u64(from + 32);
	return header->count ? NULL : "it holds no records";
}

size_t file_block_write(uint64_t seed, uint64_t first, uint32_t count, uint8_t to[FILE_BLOCK_BYTES_MAX],
			uint64_t *text_bytes)
{
	size_t length = FILE_BLOCK_HEADER_BYTES;
	for (uint32_t i = 0; i < count; i++) {
		struct dataset_record record;
		dataset_record(seed, first + i, &record);
		size_t bytes = dataset_bin(&record, to + length);
		*text_bytes += bytes - DATASET_BIN_HEADER_BYTES;
		length += bytes;
	}
	size_t body_bytes = length - FILE_BLOCK_HEADER_BYTES;
	put_u32(to, (uint32_t)body_bytes);
	put_u32(to + 4, count);
	put_u32(to + 8, (uint32_t)(first / FILE_BLOCK_RECORDS));
	put_u32(to + 12, block_checksum(to, body_bytes));
	return length;
}

const char *file_block_read(const uint8_t *from, uint64_t bytes, uint32_t number, struct file_block *block)
{
	if (bytes < FILE_BLOCK_HEADER_BYTES)
		return "the file is cut off";
	block->body_bytes = get_u32(from);
	block->count = get_u32(from + 4);
	block->number = get_u32(from + 8);
	if (block->body_bytes > FILE_BLOCK_BYTES_MAX || block->count > FILE_BLOCK_RECORDS)
		return "the block's header is damaged";
	if (block->body_bytes > bytes - FILE_BLOCK_HEADER_BYTES)
		return "the file is cut off";
	if (get_u32(from + 12) != block_checksum(from, block->body_bytes))
		return "the block's checksum does not match";
	return block->number == number ? NULL : "a block is missing or out of order";
}

static size_t read_word(const uint8_t *from, uint32_t length, struct dataset_word *word)
{
	*word = (struct dataset_word){(const char *)from, length};
	return length;
}

static int lengths_allowed(const struct dataset_record *record)
{
	return record->name_length <= DATASET_NAME_BYTES_MAX && record->country.length <= DATASET_WORD_BYTES_MAX &&
	       record->city.length <= DATASET_WORD_BYTES_MAX && record->plan.length <= DATASET_WORD_BYTES_MAX &&
	       record->payload_length <= DATASET_PAYLOAD_BYTES_MAX;
}

size_t file_record_read(const uint8_t *from, uint64_t bytes, struct dataset_record *record)
{
	if (bytes < DATASET_BIN_HEADER_BYTES)
		return 0;
	record->id = get_u64(from);
	record->created_s = get_u64(from + 8);
	record->balance_cents = (int64_t)get_u64(from + 16);
	record->visits = get_u32(from + 24);
	record->name_length = from[28];
	record->country.length = from[29];
	record->city.length = from[30];
	record->plan.length = from[31];
	record->payload_length = get_u32(from + 32);
	if (!lengths_allowed(record))
		return 0;
	size_t strings =
		(size_t)record->name_length + record->country.length + record->city.length + record->plan.length;
	if (DATASET_BIN_HEADER_BYTES + strings + record->payload_length > bytes)
		return 0;
	const uint8_t *at = from + DATASET_BIN_HEADER_BYTES;
	memcpy(record->name, at, record->name_length);
	at += record->name_length;
	at += read_word(at, record->country.length, &record->country);
	at += read_word(at, record->city.length, &record->city);
	at += read_word(at, record->plan.length, &record->plan);
	memcpy(record->payload, at, record->payload_length);
	return DATASET_BIN_HEADER_BYTES + strings + record->payload_length;
}
