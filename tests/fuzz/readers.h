/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracer's readers of what is not ours, each with hostile input. True: it was taken for valid. They abort where a reader
 * hands out what breaks its contract; crashes are what sanitizers are for.
 */
#ifndef MEMLAB_FUZZ_READERS_H
#define MEMLAB_FUZZ_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the flight rings' directory lies in what read_flight takes for a process's memory. */
#define FLIGHT_AT 4096

void require(bool holds, const char *what);

bool read_elf(int fd);
bool read_recording(int fd);
/* All that `memlab-trace report` makes of a recording, every output of it. */
bool read_report(int fd);
bool read_flight(int fd);
/* Machine code of a foreign function, where the planner looks for a place for a probe. */
bool read_code(const uint8_t *code, size_t size);

/* A recording from plain blocks, each a byte of type, three bytes of length and its contents: compressed, sealed with checksums. */
void recording_pack(int fd, const uint8_t *plain, size_t size);
/* The other way round, of a valid one; at most `room` bytes; their number. */
size_t recording_unpack(const uint8_t *file, size_t size, uint8_t *plain, size_t room);

#endif
