/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data files (.mlab), version 1. All numbers little-endian.
 *
 *   header, 64 bytes:
 *     0  "memlab\r\n"                      8  u32 version (1)       12  u32 header bytes (64)
 *    16  u64 seed                         24  u64 records          32  u64 text bytes (all strings and payloads)
 *    40  u32 records per block            44  u32 dataset version  48  12 bytes of zero
 *    60  u32 CRC-32 of the 60 bytes before
 *   then blocks, each of `records per block` records (the last may have fewer):
 *     0  u32 bytes of the block's body     4  u32 records            8  u32 block number (from 0)
 *    12  u32 CRC-32 of the 12 bytes before and the body
 *    16  records, each as dataset_bin writes it
 *
 * Blocks depend on the seed and the number alone, so that any number of threads writes the same file. A reader needs
 * no more than a block at a time and can name the place of any damage.
 */
#ifndef MEMLAB_DATASET_FILE_H
#define MEMLAB_DATASET_FILE_H

#include "dataset.h"

#define FILE_VERSION 1
#define FILE_HEADER_BYTES 64
#define FILE_BLOCK_HEADER_BYTES 16
#define FILE_BLOCK_RECORDS 1024
#define FILE_RECORD_BYTES_MAX \
	(DATASET_BIN_HEADER_BYTES + DATASET_NAME_BYTES_MAX + 3 * DATASET_WORD_BYTES_MAX + DATASET_PAYLOAD_BYTES_MAX)
#define FILE_BLOCK_BYTES_MAX (FILE_BLOCK_HEADER_BYTES + FILE_BLOCK_RECORDS * FILE_RECORD_BYTES_MAX)

struct file_header {
	uint64_t seed, count, text_bytes;
};

struct file_block {
	uint32_t body_bytes, count, number;
};

void file_header_write(const struct file_header *header, uint8_t to[FILE_HEADER_BYTES]);
/* NULL, or what is wrong. `bytes` are there. */
const char *file_header_read(const uint8_t *from, uint64_t bytes, struct file_header *header);

/* Records first .. first+count-1 (count <= FILE_BLOCK_RECORDS) as a block. Returns its bytes; adds to *text_bytes. */
size_t file_block_write(uint64_t seed, uint64_t first, uint32_t count, uint8_t to[FILE_BLOCK_BYTES_MAX],
			uint64_t *text_bytes);
/* NULL, or what is wrong. */
const char *file_block_read(const uint8_t *from, uint64_t bytes, uint32_t number, struct file_block *block);
/* The record at `from`; its words point into it. Returns its bytes, 0 if it does not fit into `bytes` or the limits. */
size_t file_record_read(const uint8_t *from, uint64_t bytes, struct dataset_record *record);

#endif
