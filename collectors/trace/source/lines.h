/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of lines key=value, for the parts of a recording that are not records: written and
 * read back. Bytes that would end a line or hide are escaped as %XX. Private to source/.
 */
#ifndef MEMLAB_LINES_H
#define MEMLAB_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lines {
	char *text; /* NULL: empty */
	size_t size;
	bool failed; /* out of memory; what was added is not whole */
};

void lines_add(struct lines *lines, const char *key, uint64_t value);
void lines_add_nth(struct lines *lines, const char *key, uint32_t n, uint64_t value); /* key.n=value */
void lines_add_text(struct lines *lines, const char *key, const char *value);
void lines_free(struct lines *lines);

/*
 * Takes the next line of *text (0-terminated) and moves *text behind it. False: no more.
 * `key` gets what is before '=' (cut to its size), `value` the unescaped rest.
 */
bool lines_next(const char **text, char *key, size_t key_size, char *value, size_t value_size);

#endif
