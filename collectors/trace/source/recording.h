/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording: the records of a run in a file, with what is known of the target, so that every
 * output can be made again without root, on another machine, at any later time. Reading it is a
 * source like any other (source_open_recording in source.h).
 *
 * The file, little-endian: a header (8 bytes that no text tool leaves intact, format version,
 * record version), then blocks. A block is its type, its stored and plain sizes, a CRC-32 of
 * these and of the stored bytes, and the bytes, deflated. Kinds of block:
 *
 *   info         the target, as lines key=value (first)
 *   records      whole records, one behind the other
 *   attachment   a name, a 0 byte, any bytes: symbols and what else a report needs
 *   end          the counts, as lines key=value (last)
 *
 * A file without an end was cut short; what is whole in it can be used. Unknown blocks are skipped.
 *
 * One thread at a time per writer. Functions return 0 or a negative errno.
 */
#ifndef MEMLAB_RECORDING_H
#define MEMLAB_RECORDING_H

#include "source.h"

#define RECORDING_MAGIC "mlrec\r\n\x1a"
#define RECORDING_VERSION 1u

enum recording_block_type { RECORDING_INFO = 1, RECORDING_RECORDS = 2, RECORDING_ATTACHMENT = 3, RECORDING_END = 4 };

struct recording_block {
	uint32_t type;
	uint32_t stored_bytes, plain_bytes;
	uint32_t checksum; /* of the three words before and the stored bytes */
};

struct recording;

/* `fd` becomes the recording's. Writes header and info. */
int recording_create(int fd, const struct target_info *info, struct recording **recording);

/* Takes one record; written out in blocks. The first failure sticks and is returned by all later calls. */
int recording_take(struct recording *recording, const struct record *record);

int recording_attach(struct recording *recording, const char *name, const void *bytes, size_t size);

/* Writes what is pending and the end, closes and frees. counts NULL: abandoned, no end is written. */
int recording_close(struct recording *recording, const struct source_counts *counts);

/* Bytes written so far. */
uint64_t recording_bytes(const struct recording *recording);

#endif
