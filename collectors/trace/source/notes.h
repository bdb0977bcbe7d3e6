/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The USDT notes of an ELF file: where a provider's probes are, as file offsets, which is what
 * the kernel attaches to. Notes survive strip.
 */
#ifndef MEMLAB_NOTES_H
#define MEMLAB_NOTES_H

#include <stdint.h>

#include "image.h"

#define NOTE_NAME_BYTES 64

struct note {
	char name[NOTE_NAME_BYTES];
	char args[NOTE_NAME_BYTES];
	uint64_t offset;            /* of the probe's instruction in the file */
	uint64_t semaphore_offset;  /* 0: has none */
	uint64_t semaphore_address; /* virtual, not relocated; 0: has none */
};

/*
 * Hands every well-formed note of the provider to `take`, in file order. Returns the number
 * handed over, or a negative errno if the note section contradicts itself (what
 * came before the contradiction has been handed over).
 */
int notes_read(const struct image *image, const char *provider, void (*take)(void *context, const struct note *note),
	       void *context);

#endif
