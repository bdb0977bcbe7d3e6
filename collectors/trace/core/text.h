/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that comes from strangers, and numbers for people.
 *
 * Names of threads, symbols and keys are bytes a target chose; before they reach a terminal, an
 * SVG or a page they pass through here. Widths are display columns, never bytes.
 * Pure functions; any thread.
 */
#ifndef MEMLAB_TRACE_TEXT_H
#define MEMLAB_TRACE_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TEXT_REPLACEMENT 0xfffd

/* The next code point of [*text, end), which is advanced; what is not UTF-8 yields TEXT_REPLACEMENT, a byte at a time.
 */
uint32_t text_decode(const char **text, const char *end);
/* Bytes written, 1 to 4. */
size_t text_encode(char utf8[4], uint32_t point);

/* Columns a code point takes in a terminal: 0, 1 or 2. */
unsigned text_point_columns(uint32_t point);
unsigned text_columns(const char *text);

/*
 * `text` made safe for a terminal and at most `columns` wide: control characters, direction overrides and bytes
 * that are not UTF-8 become '?'; with `ascii` everything beyond ASCII too; what was cut ends in '~'.
 * Always terminated. Returns the columns used.
 */
unsigned text_clean(char *out, size_t size, const char *text, unsigned columns, int ascii);

/* Writes `text` so that it is inert inside XML or HTML, in elements and in quoted attributes. */
void text_write_xml(FILE *file, const char *text);

/* Three significant digits and the unit that fits: "31.2 us", "4.15 ms". Returns `out`. */
#define TEXT_NUMBER_BYTES 32
const char *text_ns(char out[TEXT_NUMBER_BYTES], double ns);
/* "1.50 KiB", "64 MiB". */
const char *text_bytes(char out[TEXT_NUMBER_BYTES], double bytes);
/* "12,000" */
const char *text_count(char out[TEXT_NUMBER_BYTES], uint64_t count);
/* Three significant digits: "12.0", "0.85". */
const char *text_digits(char out[TEXT_NUMBER_BYTES], double value);

#endif
