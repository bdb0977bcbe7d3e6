/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code addresses of a process to names: function, module, source file and line.
 *
 * Everything is read from files: /proc/PID/maps says what lies where, the ELF files behind it (opened
 * through /proc/PID/map_files, which works for deleted files and for other mount namespaces too) have the symbols; the
 * process is neither stopped nor ptraced and its memory is read only for the vDSO. The files are opened by
 * symbols_open, so names keep working after the process has ended and after the tracer has dropped its rights. Nothing
 * is fetched from the network. Answers are cached; strings live until symbols_close. One thread at a time.
 */
#ifndef MEMLAB_TRACE_SYMBOLS_H
#define MEMLAB_TRACE_SYMBOLS_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../core/stacks.h"

struct symbols;

struct symbol {
	struct frame_name name;            /* the function that has code of its own, at the outermost call inlined there */
	const struct frame_name *inlined;  /* the functions inlined there, innermost first */
	unsigned inlined_count;
	uint64_t offset;      /* of the address in the function, or in the module when no function is known */
	const char *build_id; /* of the module, hexadecimal; NULL: none */
	const char *path;     /* of the module; NULL: not known */
	uint64_t module_start, module_end;
};

/* 0 or -errno (-ESRCH: no such process, -EACCES: not allowed to look). */
int symbols_open(struct symbols **symbols, pid_t pid);
void symbols_close(struct symbols *symbols); /* NULL allowed */

/* Never NULL; what is not known is NULL or 0 in it. */
const struct symbol *symbols_find(struct symbols *symbols, uint64_t address);

/* Libraries may have been loaded since: reads the maps again. 0 or -errno, and then the old ones stay. */
int symbols_refresh(struct symbols *symbols);

struct frame_namer symbols_namer(struct symbols *symbols);

/*
 * The answers given so far, for a recording, and back: what was read knows them and nothing else. The bytes are not trusted.
 * 0, -EIO, -EBADMSG or -ENOMEM.
 */
int symbols_write(struct symbols *symbols, FILE *file);
int symbols_read(struct symbols **symbols, const void *bytes, size_t size);

/* The part of a module's path that people read; NULL of NULL. */
const char *symbol_module(const char *path);

#endif
