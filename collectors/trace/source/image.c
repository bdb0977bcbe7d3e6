/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTION_LIMIT 65536u
#define NAMES_LIMIT (4u << 20)
#define SYMBOLS_LIMIT (64u << 20)

/* `size` bytes at `offset`, all of them, or an error. */
static int read_at(const struct image *image, uint64_t offset, void *bytes, size_t size)
{
	if (offset > image->size || size > image->size - offset)
		return -ENOEXEC;
	for (size_t done = 0; done < size;) {
		ssize_t got = pread(image->fd, (char *)bytes + done, size - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0) /* became shorter */
			return -ENOEXEC;
		done += (size_t)got;
	}
	return 0;
}

/* A copy of a range of the file, a 0 byte behind it. */
static int read_copy(const struct image *image, uint64_t offset, uint64_t size, size_t limit, char **bytes)
{
	if (size > limit || size > image->size)
		return -ENOEXEC;
	char *copy = malloc(size + 1);
	if (!copy)
		return -ENOMEM;
	int result = read_at(image, offset, copy, size);
	if (result) {
		free(copy);
		return result;
	}
	copy[size] = 0;
	*bytes = copy;
	return 0;
}

static int read_header(struct image *image)
{
	int result = read_at(image, 0, &image->header, sizeof(image->header));
	if (result)
		return result;
	const unsigned char *ident = image->header.e_ident;
	if (memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	return 0;
}

static int read_segments(struct image *image)
{
	const Elf64_Ehdr *header = &image->header;
	if (header->e_phnum == 0)
		return 0;
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return -ENOEXEC;
	char *bytes = NULL;
	uint64_t size = (uint64_t)header->e_phnum * sizeof(Elf64_Phdr);
	int result = read_copy(image, header->e_phoff, size, size, &bytes);
	if (result)
		return result;
	image->segments = (Elf64_Phdr *)bytes;
	image->segment_count = header->e_phnum;
	return 0;
}

/* The number of sections and the index of their names move to section 0 when they are large. */
static int section_numbers(const struct image *image, uint64_t *count, uint64_t *names)
{
	const Elf64_Ehdr *header = &image->header;
	Elf64_Shdr first;
	int result = read_at(image, header->e_shoff, &first, sizeof(first));
	if (result)
		return result;
	*count = header->e_shnum ? header->e_shnum : first.sh_size;
	*names = header->e_shstrndx == SHN_XINDEX ? first.sh_link : header->e_shstrndx;
	return *count == 0 || *count > SECTION_LIMIT ? -ENOEXEC : 0;
}

static int read_sections(struct image *image)
{
	const Elf64_Ehdr *header = &image->header;
	if (header->e_shoff == 0)
		return 0;
	if (header->e_shentsize != sizeof(Elf64_Shdr))
		return -ENOEXEC;
	uint64_t count, names;
	int result = section_numbers(image, &count, &names);
	if (result)
		return result;
	char *bytes = NULL;
	result = read_copy(image, header->e_shoff, count * sizeof(Elf64_Shdr), SECTION_LIMIT * sizeof(Elf64_Shdr),
			   &bytes);
	if (result)
		return result;
	image->sections = (Elf64_Shdr *)bytes;
	image->section_count = count;
	if (names >= count)
		return names == SHN_UNDEF ? 0 : -ENOEXEC;
	return image_read(image, &image->sections[names], NAMES_LIMIT, &image->names, &image->names_size);
}

int image_open(struct image *image, int fd)
{
	struct stat status;
	*image = (struct image){.fd = fd};
	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -ENOEXEC;
	image->size = (uint64_t)status.st_size;
	int result = read_header(image);
	if (!result)
		result = read_segments(image);
	if (!result)
		result = read_sections(image);
	if (result)
		image_close(image);
	return result;
}

void image_close(struct image *image)
{
	free(image->segments);
	free(image->sections);
	free(image->names);
	*image = (struct image){.fd = -1};
}

const Elf64_Shdr *image_section(const struct image *image, const char *name)
{
	for (size_t s = 1; s < image->section_count; s++) {
		const Elf64_Shdr *section = &image->sections[s];
		if (section->sh_name < image->names_size && strcmp(image->names + section->sh_name, name) == 0)
			return section;
	}
	return NULL;
}

int image_read(const struct image *image, const Elf64_Shdr *section, size_t limit, char **bytes, size_t *size)
{
	if (section->sh_type == SHT_NOBITS)
		return -ENOEXEC;
	int result = read_copy(image, section->sh_offset, section->sh_size, limit, bytes);
	if (!result)
		*size = section->sh_size;
	return result;
}

int image_bytes(const struct image *image, uint64_t offset, void *bytes, size_t size)
{
	return read_at(image, offset, bytes, size);
}

int image_offset(const struct image *image, uint64_t address, uint64_t *offset)
{
	for (size_t s = 0; s < image->segment_count; s++) {
		const Elf64_Phdr *segment = &image->segments[s];
		if (segment->p_type != PT_LOAD || address < segment->p_vaddr ||
		    address - segment->p_vaddr >= segment->p_filesz)
			continue;
		uint64_t within = address - segment->p_vaddr;
		if (segment->p_offset > image->size || within >= image->size - segment->p_offset)
			return -ENOEXEC;
		*offset = segment->p_offset + within;
		return 0;
	}
	return -ENOEXEC;
}

int image_address(const struct image *image, uint64_t offset, uint64_t *address)
{
	for (size_t s = 0; s < image->segment_count; s++) {
		const Elf64_Phdr *segment = &image->segments[s];
		/* A mapping begins at a page, the segment somewhere in it. */
		uint64_t start = segment->p_offset & ~0xfffull;
		if (segment->p_type != PT_LOAD || offset < start || offset >= segment->p_offset + segment->p_filesz)
			continue;
		*address = segment->p_vaddr + (offset - segment->p_offset);
		return 0;
	}
	return -ENOEXEC;
}

/* A symbol of a table that `fits`. */
static int find_symbol(const struct image *image, const char *table, const char *name,
		       bool (*fits)(const Elf64_Sym *symbol), Elf64_Sym *found)
{
	const Elf64_Shdr *section = image_section(image, table);
	if (!section || section->sh_link >= image->section_count)
		return -ENOENT;
	char *symbols = NULL, *strings = NULL;
	size_t symbols_size = 0, strings_size = 0;
	int result = image_read(image, section, SYMBOLS_LIMIT, &symbols, &symbols_size);
	if (!result)
		result = image_read(image, &image->sections[section->sh_link], SYMBOLS_LIMIT, &strings, &strings_size);
	if (!result)
		result = -ENOENT;
	for (size_t at = 0; result == -ENOENT && strings && at + sizeof(*found) <= symbols_size; at += sizeof(*found)) {
		memcpy(found, symbols + at, sizeof(*found));
		if (found->st_shndx != SHN_UNDEF && found->st_name < strings_size &&
		    strcmp(strings + found->st_name, name) == 0 && fits(found))
			result = 0;
	}
	free(symbols);
	free(strings);
	return result;
}

static bool fits_any(const Elf64_Sym *symbol)
{
	(void)symbol;
	return true;
}

static bool fits_function(const Elf64_Sym *symbol)
{
	return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_size > 0;
}

int image_symbol(const struct image *image, const char *name, uint64_t *address, uint64_t *size)
{
	Elf64_Sym symbol;
	int result = find_symbol(image, ".dynsym", name, fits_any, &symbol);
	if (result)
		return result;
	*address = symbol.st_value;
	*size = symbol.st_size;
	return 0;
}

int image_function(const struct image *image, const char *name, uint64_t *address, uint64_t *size)
{
	Elf64_Sym symbol;
	int result = find_symbol(image, ".dynsym", name, fits_function, &symbol);
	if (result == -ENOENT)
		result = find_symbol(image, ".symtab", name, fits_function, &symbol);
	if (result)
		return result;
	*address = symbol.st_value;
	*size = symbol.st_size;
	return 0;
}
