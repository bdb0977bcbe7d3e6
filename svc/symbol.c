/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct function {
	uint64_t begin, end; /* virtual addresses of the file */
	const char *name;
};

struct mapped {
	struct code_file file;
	bool read;
	char *image; /* the file; NULL: it could not be read */
	size_t image_bytes;
	int64_t bias;               /* virtual address of the file minus address */
	struct function *functions; /* by begin */
	size_t function_count;
};

struct symbols {
	size_t count, room;
	struct mapped *maps; /* by start, as /proc/self/maps has them */
};

/* ------------------------------------------------------------------- maps */

static bool add_map(struct symbols *symbols, const struct code_file *file)
{
	if (symbols->count == symbols->room) {
		size_t room = symbols->room ? symbols->room * 2 : 16;
		struct mapped *maps = realloc(symbols->maps, room * sizeof(*maps));
		if (!maps)
			return false;
		symbols->maps = maps;
		symbols->room = room;
	}
	struct mapped *map = &symbols->maps[symbols->count];
	*map = (struct mapped){.file = *file};
	map->file.path = strdup(file->path);
	symbols->count += map->file.path != NULL;
	return map->file.path;
}

static bool parse_line(char *line, struct code_file *file)
{
	char rights[5];
	int path = 0;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &file->start, &file->end, rights,
		   &file->offset, &path) != 4 ||
	    rights[2] != 'x' || !path)
		return false;
	line[strcspn(line, "\n")] = '\0';
	file->path = line + path;
	return *file->path;
}

struct symbols *symbols_read(void)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096];
	struct code_file file;
	bool ok = symbols;
	while (ok && maps && fgets(line, sizeof(line), maps))
		if (parse_line(line, &file))
			ok = add_map(symbols, &file);
	if (maps)
		fclose(maps);
	if (ok)
		return symbols;
	symbols_free(symbols);
	return NULL;
}

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	for (size_t i = 0; i < symbols->count; i++) {
		struct mapped *map = &symbols->maps[i];
		if (map->image)
			munmap(map->image, map->image_bytes);
		free(map->functions);
		free((char *)(uintptr_t)map->file.path);
	}
	free(symbols->maps);
	free(symbols);
}

static struct mapped *find_map(const struct symbols *symbols, uint64_t address)
{
	for (size_t i = 0; i < symbols->count; i++)
		if (address >= symbols->maps[i].file.start && address < symbols->maps[i].file.end)
			return &symbols->maps[i];
	return NULL;
}

const struct code_file *symbols_file(const struct symbols *symbols, uint64_t address)
{
	const struct mapped *map = find_map(symbols, address);
	return map ? &map->file : NULL;
}

size_t symbols_index(const struct symbols *symbols, const struct code_file *file)
{
	return (size_t)((const struct mapped *)(const void *)file - symbols->maps);
}

size_t symbols_count(const struct symbols *symbols)
{
	return symbols->count;
}

/* -------------------------------------------------------------------- ELF */

/* `bytes` at `offset` of the image, or NULL if they are not all there. */
static const void *within(const struct mapped *map, uint64_t offset, uint64_t bytes)
{
	return offset <= map->image_bytes && bytes <= map->image_bytes - offset ? map->image + offset : NULL;
}

static void map_image(struct mapped *map)
{
	struct stat status;
	/* What runs, even if the file was replaced since. */
	int fd = open(map->file.path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!fstat(fd, &status) && S_ISREG(status.st_mode) && status.st_size > 0) {
		void *image = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		map->image = image == MAP_FAILED ? NULL : image;
		map->image_bytes = (size_t)status.st_size;
	}
	close(fd);
}

static const Elf64_Ehdr *elf_header(const struct mapped *map)
{
	const Elf64_Ehdr *header = map->image ? within(map, 0, sizeof(*header)) : NULL;
	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_phentsize != sizeof(Elf64_Phdr) || header->e_shentsize != sizeof(Elf64_Shdr))
		return NULL;
	return header;
}

/* Where the file wants the mapping's first byte, against where it is. */
static void find_bias(struct mapped *map, const Elf64_Ehdr *header)
{
	const Elf64_Phdr *segments = within(map, header->e_phoff, header->e_phnum * sizeof(*segments));
	for (unsigned i = 0; segments && i < header->e_phnum; i++)
		if (segments[i].p_type == PT_LOAD && segments[i].p_flags & PF_X &&
		    segments[i].p_offset <= map->file.offset + 4095 &&
		    map->file.offset < segments[i].p_offset + segments[i].p_filesz)
			map->bias = (int64_t)(segments[i].p_vaddr - segments[i].p_offset + map->file.offset -
					      map->file.start);
}

static int by_begin(const void *a, const void *b)
{
	const struct function *left = a, *right = b;
	return (left->begin > right->begin) - (left->begin < right->begin);
}

static void add_functions(struct mapped *map, const Elf64_Shdr *table, const Elf64_Shdr *text)
{
	size_t count = table->sh_size / sizeof(Elf64_Sym);
	const Elf64_Sym *symbols = within(map, table->sh_offset, table->sh_size);
	const char *names = within(map, text->sh_offset, text->sh_size);
	if (!symbols || !names || !text->sh_size || names[text->sh_size - 1])
		return;
	map->functions = calloc(count ? count : 1, sizeof(*map->functions));
	for (size_t i = 0; map->functions && i < count; i++)
		if (ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC && symbols[i].st_value &&
		    symbols[i].st_name < text->sh_size)
			map->functions[map->function_count++] =
				(struct function){symbols[i].st_value, symbols[i].st_value + symbols[i].st_size,
						  names + symbols[i].st_name};
	if (map->functions)
		qsort(map->functions, map->function_count, sizeof(*map->functions), by_begin);
}

static void read_table(struct mapped *map)
{
	map->read = true;
	map_image(map);
	const Elf64_Ehdr *header = elf_header(map);
	const Elf64_Shdr *sections = header ? within(map, header->e_shoff, header->e_shnum * sizeof(*sections)) : NULL;
	const Elf64_Shdr *best = NULL;
	for (unsigned i = 0; sections && i < header->e_shnum; i++)
		if (sections[i].sh_type == SHT_SYMTAB || (sections[i].sh_type == SHT_DYNSYM && !best))
			best = &sections[i];
	if (!best || best->sh_link >= header->e_shnum)
		return;
	find_bias(map, header);
	add_functions(map, best, &sections[best->sh_link]);
}

const char *symbols_function(struct symbols *symbols, uint64_t address)
{
	struct mapped *map = find_map(symbols, address);
	if (!map)
		return NULL;
	if (!map->read)
		read_table(map);
	uint64_t at = address + (uint64_t)map->bias;
	size_t low = 0, high = map->function_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (map->functions[middle].begin <= at)
			low = middle + 1;
		else
			high = middle;
	}
	/* Hand-written assembly has no size: then up to the next one. */
	const struct function *found = low ? &map->functions[low - 1] : NULL;
	return found && (at < found->end || found->end == found->begin) ? found->name : NULL;
}
