/* SPDX-License-Identifier: Apache-2.0 */
/*
 * We read /proc/PID/maps, open each file that has code mapped, and hand it with its address to libdwfl, which
 * knows ELF symbol tables and DWARF lines. Answers are kept in a table (table.h).
 */
#include "symbols.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "table.h"

#define BUILD_ID_BYTES 64
#define VDSO_BYTES_MAX (1 << 20)

struct module {
	uint64_t start, end;
	char *path;
	char build_id[2 * BUILD_ID_BYTES + 1];
};

struct symbols {
	pid_t pid;
	Dwfl *dwfl; /* NULL: read from a recording */
	struct module *modules[4096]; /* symbols point into them */
	size_t module_count;
	struct table table;
};

/* ---- the mappings */

struct mapping {
	uint64_t start, end, offset;
	char executable;
	char path[PATH_MAX];
};

/* 1: a line was read. */
static int mapping_read(FILE *maps, struct mapping *mapping)
{
	char line[PATH_MAX + 128], permissions[8];
	int path_at = 0;
	if (!fgets(line, sizeof(line), maps))
		return 0;
	line[strcspn(line, "\n")] = '\0';
	memset(mapping, 0, offsetof(struct mapping, path));
	mapping->path[0] = '\0';
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %n", &mapping->start, &mapping->end,
		   permissions, &mapping->offset, &path_at) < 4)
		return 1; /* an empty mapping: nobody will want it */
	mapping->executable = permissions[2] == 'x';
	if (path_at > 0)
		snprintf(mapping->path, sizeof(mapping->path), "%s", line + path_at);
	return 1;
}

/* By the mapping itself (deleted files, other mount namespaces), else by the path inside the target's root, else by the
 * path. */
static int open_mapped(pid_t pid, const struct mapping *mapping)
{
	char name[PATH_MAX + 64];
	snprintf(name, sizeof(name), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, mapping->start, mapping->end);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	snprintf(name, sizeof(name), "/proc/%d/root%s", (int)pid, mapping->path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : open(mapping->path, O_RDONLY | O_CLOEXEC);
}

/* The vDSO has no file: its pages are copied into one. */
static int copy_vdso(pid_t pid, const struct mapping *mapping)
{
	char name[64];
	size_t size = mapping->end - mapping->start;
	snprintf(name, sizeof(name), "/proc/%d/mem", (int)pid);
	int memory = open(name, O_RDONLY | O_CLOEXEC);
	char *bytes = size <= VDSO_BYTES_MAX ? malloc(size) : NULL;
	int fd = -1;
	if (memory >= 0 && bytes && pread(memory, bytes, size, (off_t)mapping->start) == (ssize_t)size)
		fd = memfd_create("vdso", MFD_CLOEXEC);
	if (fd >= 0 && write(fd, bytes, size) != (ssize_t)size) {
		close(fd);
		fd = -1;
	}
	free(bytes);
	if (memory >= 0)
		close(memory);
	return fd;
}

/* ---- modules */

static int module_known(const struct symbols *symbols, uint64_t start)
{
	for (size_t i = 0; i < symbols->module_count; i++)
		if (symbols->modules[i]->start == start)
			return 1;
	return 0;
}

static void read_build_id(Dwfl_Module *dwfl_module, char *out)
{
	const unsigned char *bits;
	GElf_Addr where;
	int length = dwfl_module_build_id(dwfl_module, &bits, &where);
	for (int i = 0; i < length && i < BUILD_ID_BYTES; i++)
		sprintf(out + 2 * i, "%02x", bits[i]);
}

/* Hands a file that is mapped from `first` on to libdwfl, which owns the descriptor if it takes it. */
static void module_add(struct symbols *symbols, const struct mapping *first)
{
	int is_vdso = strcmp(first->path, "[vdso]") == 0;
	if (symbols->module_count == sizeof(symbols->modules) / sizeof(*symbols->modules) ||
	    module_known(symbols, first->start) || (first->path[0] != '/' && !is_vdso))
		return;
	struct module *module = calloc(1, sizeof(*module));
	int fd = is_vdso ? copy_vdso(symbols->pid, first) : open_mapped(symbols->pid, first);
	if (module && fd >= 0)
		module->path = strdup(first->path);
	Dwfl_Module *taken = NULL;
	if (module && module->path)
		taken = dwfl_report_elf(symbols->dwfl, first->path, first->path, fd, first->start, false);
	if (!taken) {
		if (fd >= 0)
			close(fd);
		if (module)
			free(module->path);
		free(module);
		return;
	}
	dwfl_module_info(taken, NULL, &module->start, &module->end, NULL, NULL, NULL, NULL);
	read_build_id(taken, module->build_id);
	symbols->modules[symbols->module_count++] = module;
}

/* A module begins at the last mapping of offset 0 of the same file before its first executable one. */
static int read_modules(struct symbols *symbols)
{
	char name[64];
	snprintf(name, sizeof(name), "/proc/%d/maps", (int)symbols->pid);
	FILE *maps = fopen(name, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	struct mapping *first = calloc(1, sizeof(*first)), *next = calloc(1, sizeof(*next));
	dwfl_report_begin_add(symbols->dwfl);
	while (first && next && mapping_read(maps, next)) {
		if (next->offset == 0)
			*first = *next;
		if (next->executable && strcmp(first->path, next->path) == 0)
			module_add(symbols, first);
	}
	dwfl_report_end(symbols->dwfl, NULL, NULL);
	int error = first && next ? 0 : -ENOMEM;
	if (!error && !symbols->module_count)
		error = -ESRCH; /* a process that is going away has an empty map */
	free(first);
	free(next);
	fclose(maps);
	return error;
}

/* ---- open and close */

/* Never dwfl_standard_find_debuginfo: it may ask a server on the network. */
static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_build_id_find_debuginfo,
};

int symbols_open(struct symbols **out, pid_t pid)
{
	if (kill(pid, 0) && errno == ESRCH)
		return -ESRCH;
	struct symbols *symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return -ENOMEM;
	symbols->pid = pid;
	symbols->dwfl = dwfl_begin(&callbacks);
	int error = symbols->dwfl ? table_init(&symbols->table) : -ENOMEM;
	error = error ? error : read_modules(symbols);
	if (error) {
		symbols_close(symbols);
		return error;
	}
	*out = symbols;
	return 0;
}

void symbols_close(struct symbols *symbols)
{
	if (!symbols)
		return;
	table_free(&symbols->table);
	if (symbols->dwfl)
		dwfl_end(symbols->dwfl);
	for (size_t i = 0; i < symbols->module_count; i++) {
		free(symbols->modules[i]->path);
		free(symbols->modules[i]);
	}
	free(symbols);
}

/* ---- looking up */

static const struct module *module_at(const struct symbols *symbols, uint64_t address)
{
	for (size_t i = 0; i < symbols->module_count; i++)
		if (address >= symbols->modules[i]->start && address < symbols->modules[i]->end)
			return symbols->modules[i];
	return NULL;
}

const char *symbol_module(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	return slash ? slash + 1 : path;
}

static void look_up_function(Dwfl_Module *module, uint64_t address, struct symbol *symbol)
{
	GElf_Off offset;
	GElf_Sym elf_symbol;
	const char *name = dwfl_module_addrinfo(module, address, &offset, &elf_symbol, NULL, NULL, NULL);
	/* In a stripped file the nearest symbol may be far below: a wrong name is worse than none. */
	if (!name || (elf_symbol.st_size ? offset >= elf_symbol.st_size : offset >= 4096))
		return;
	symbol->name.function = name;
	symbol->offset = offset;
}

static bool read_number(Dwarf_Die *die, unsigned name, Dwarf_Word *value)
{
	Dwarf_Attribute attribute;
	return dwarf_attr(die, name, &attribute) && dwarf_formudata(&attribute, value) == 0;
}

/* Where inlined code was called. */
static void place_of_call(Dwarf_Die *unit, Dwarf_Die *inlined, struct frame_name *frame)
{
	Dwarf_Files *files;
	Dwarf_Word file, line;
	size_t count;
	if (!read_number(inlined, DW_AT_call_file, &file) || !read_number(inlined, DW_AT_call_line, &line) ||
	    dwarf_getsrcfiles(unit, &files, &count) || file >= count)
		return;
	frame->file = dwarf_filesrc(files, file, NULL, NULL);
	frame->line = frame->file ? (unsigned)line : 0;
}

static void place_of_address(Dwfl_Module *module, uint64_t address, struct frame_name *frame)
{
	Dwfl_Line *line = dwfl_module_getsrc(module, address);
	int number = 0;
	const char *file = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
	if (!file || number <= 0)
		return;
	frame->file = file;
	frame->line = (unsigned)number;
}

/* The entries around the address, innermost first, to be freed; 0: there is no DWARF. */
static int read_scopes(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **scopes)
{
	Dwarf_Die innermost;
	*scopes = NULL;
	int count = dwarf_getscopes(unit, address, scopes);
	if (count <= 0)
		return 0;
	/* Outside of inlined code that goes on with where it was defined; asked for the entry itself, with where it was called. */
	innermost = (*scopes)[0];
	free(*scopes);
	*scopes = NULL;
	count = dwarf_getscopes_die(&innermost, scopes);
	return count > 0 ? count : 0;
}

/* A copy that the compiler made for some callers (grow.constprop.0) is the function that was written. */
static void leave_out_suffix(struct symbol *symbol, const char *name)
{
	size_t length = strlen(name);
	const char *symbol_name = symbol->name.function;
	if (symbol_name && strncmp(symbol_name, name, length) == 0 && symbol_name[length] == '.')
		symbol->name.function = name;
}

/*
 * The places of a chain of calls that the compiler has inlined: each function's is the call of the next one in its own
 * source; the innermost one's is the address.
 */
static void look_up_place(Dwfl_Module *module, uint64_t address, struct symbol *symbol)
{
	Dwarf_Addr bias;
	Dwarf_Die *unit = dwfl_module_addrdie(module, address, &bias), *scopes = NULL;
	int count = unit ? read_scopes(unit, address - bias, &scopes) : 0;
	struct frame_name place = {0}, *inlined = count ? calloc((size_t)count, sizeof(*inlined)) : NULL;
	unsigned found = 0;
	place_of_address(module, address, &place);
	for (int i = 0; i < count && inlined; i++) {
		const char *name = dwarf_diename(&scopes[i]);
		if (name && dwarf_tag(&scopes[i]) == DW_TAG_subprogram) {
			leave_out_suffix(symbol, name);
			break;
		}
		if (!name || dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine)
			continue;
		inlined[found++] = (struct frame_name){name, symbol->name.module, place.file, place.line};
		place = (struct frame_name){0};
		place_of_call(unit, &scopes[i], &place);
	}
	free(scopes);
	symbol->name.file = place.file;
	symbol->name.line = place.line;
	symbol->inlined = inlined;
	symbol->inlined_count = found;
}

static void look_up(struct symbols *symbols, uint64_t address, struct symbol *symbol)
{
	memset(symbol, 0, sizeof(*symbol));
	Dwfl_Module *dwfl_module = dwfl_addrmodule(symbols->dwfl, address);
	const struct module *module = module_at(symbols, address);
	if (!dwfl_module || !module)
		return;
	symbol->name.module = symbol_module(module->path);
	symbol->path = module->path;
	symbol->build_id = *module->build_id ? module->build_id : NULL;
	symbol->module_start = module->start;
	symbol->module_end = module->end;
	symbol->offset = address - module->start;
	look_up_function(dwfl_module, address, symbol);
	look_up_place(dwfl_module, address, symbol);
}

int symbols_refresh(struct symbols *symbols)
{
	size_t before = symbols->module_count;
	if (!symbols->dwfl)
		return 0;
	int error = read_modules(symbols);
	/* What was not known may be known now. */
	for (size_t i = 0; symbols->module_count != before && i < symbols->table.slot_count; i++) {
		struct table_entry *entry = symbols->table.slots[i];
		if (entry && !entry->symbol.path)
			look_up(symbols, entry->address, &entry->symbol);
	}
	return error;
}

const struct symbol *symbols_find(struct symbols *symbols, uint64_t address)
{
	static const struct symbol unknown;
	struct symbol *symbol = table_find(&symbols->table, address);
	if (symbol)
		return symbol;
	symbol = symbols->dwfl ? table_add(&symbols->table, address) : NULL;
	if (!symbol)
		return &unknown;
	look_up(symbols, address, symbol);
	return symbol;
}

/* ---- in recordings */

int symbols_write(struct symbols *symbols, FILE *file)
{
	table_write(&symbols->table, file);
	return ferror(file) ? -EIO : 0;
}

int symbols_read(struct symbols **out, const void *bytes, size_t size)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return -ENOMEM;
	int error = table_init(&symbols->table);
	error = error ? error : table_read(&symbols->table, bytes, size);
	if (error)
		symbols_close(symbols);
	else
		*out = symbols;
	return error;
}

static struct frame_name name_frame(void *context, uint64_t address)
{
	return symbols_find(context, address)->name;
}

static unsigned name_inlined(void *context, uint64_t address, const struct frame_name **frames)
{
	const struct symbol *symbol = symbols_find(context, address);
	*frames = symbol->inlined;
	return symbol->inlined_count;
}

struct frame_namer symbols_namer(struct symbols *symbols)
{
	return (struct frame_namer){.context = symbols, .name = name_frame, .inlined = name_inlined};
}
