/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ELF file read with suspicion: the file belongs to somebody else and may be damaged, hostile
 * or changed while it is read. Everything goes through pread into buffers of
 * bounded size; no offset, size or index from the file is used before it is checked.
 * 64-bit little-endian files only.
 *
 * One thread at a time per image. Functions return 0 or a negative errno
 * (-ENOEXEC: not such a file, or its tables contradict each other).
 */
#ifndef MEMLAB_IMAGE_H
#define MEMLAB_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

struct image {
	int fd; /* the caller's; must stay open */
	uint64_t size;
	Elf64_Ehdr header;
	Elf64_Phdr *segments;
	Elf64_Shdr *sections;
	char *names; /* section names, names_size bytes, the last one 0 */
	size_t names_size;
	size_t segment_count, section_count;
};

int image_open(struct image *image, int fd);
void image_close(struct image *image);

/* The first section of this name; NULL: none. */
const Elf64_Shdr *image_section(const struct image *image, const char *name);

/* The section's bytes in memory to be freed, one 0 byte behind them; refused if more than `limit`. */
int image_read(const struct image *image, const Elf64_Shdr *section, size_t limit, char **bytes, size_t *size);

/* `size` bytes of the file, all of them. */
int image_bytes(const struct image *image, uint64_t offset, void *bytes, size_t size);

/* Where the byte at a virtual address lies in the file. */
int image_offset(const struct image *image, uint64_t address, uint64_t *offset);

/* The virtual address of a file offset. */
int image_address(const struct image *image, uint64_t offset, uint64_t *address);

/* An exported symbol (.dynsym, which survives strip). */
int image_symbol(const struct image *image, const char *name, uint64_t *address, uint64_t *size);

/*
 * A function by its exact name, from .dynsym or, in files not stripped, .symtab; with a size, and not resolved at run
 * time (ifunc).
 */
int image_function(const struct image *image, const char *name, uint64_t *address, uint64_t *size);

#endif
