/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Length of the sequence that `lead` opens and the smallest code point that needs it; 0: no lead byte. */
static unsigned sequence_bytes(unsigned char lead, uint32_t *smallest)
{
	if (lead >= 0xc2 && lead < 0xe0) {
		*smallest = 0x80;
		return 2;
	}
	if (lead >= 0xe0 && lead < 0xf0) {
		*smallest = 0x800;
		return 3;
	}
	if (lead >= 0xf0 && lead < 0xf5) {
		*smallest = 0x10000;
		return 4;
	}
	return 0;
}

uint32_t text_decode(const char **text, const char *end)
{
	const unsigned char *byte = (const unsigned char *)(*text)++;
	if (*byte < 0x80)
		return *byte;
	uint32_t smallest = 0;
	unsigned bytes = sequence_bytes(*byte, &smallest);
	if (bytes == 0 || (size_t)(end - (const char *)byte) < bytes)
		return TEXT_REPLACEMENT;
	uint32_t point = *byte & (0x7fu >> bytes);
	for (unsigned i = 1; i < bytes; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return TEXT_REPLACEMENT;
		point = point << 6 | (byte[i] & 0x3f);
	}
	if (point < smallest || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return TEXT_REPLACEMENT;
	*text += bytes - 1;
	return point;
}

size_t text_encode(char utf8[4], uint32_t point)
{
	if (point < 0x80) {
		utf8[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		utf8[0] = (char)(0xc0 | point >> 6);
		utf8[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		utf8[0] = (char)(0xe0 | point >> 12);
		utf8[1] = (char)(0x80 | (point >> 6 & 0x3f));
		utf8[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	utf8[0] = (char)(0xf0 | point >> 18);
	utf8[1] = (char)(0x80 | (point >> 12 & 0x3f));
	utf8[2] = (char)(0x80 | (point >> 6 & 0x3f));
	utf8[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

struct range {
	uint32_t first, last;
};

static int in_ranges(uint32_t point, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return 1;
	return 0;
}

/* Not wcwidth(): it depends on the locale, and a view drawn for a file has none. The common blocks are enough. */
static const struct range zero_width[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
					  {0x64b, 0x65f},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200d},
					  {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef}};
static const struct range two_wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
					{0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
					{0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd}};
/* Characters that reorder or hide what stands around them. */
static const struct range deceptive[] = {{0, 0x1f},        {0x7f, 0x9f},      {0xad, 0xad},     {0x61c, 0x61c},
					 {0x200b, 0x200f}, {0x2028, 0x202e},  {0x2060, 0x206f}, {0xfeff, 0xfeff},
					 {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
#define IN(point, ranges) in_ranges(point, ranges, sizeof(ranges) / sizeof((ranges)[0]))

unsigned text_point_columns(uint32_t point)
{
	if (point < 0x300)
		return point >= 0x20;
	return IN(point, zero_width) ? 0 : IN(point, two_wide) ? 2 : 1;
}

unsigned text_columns(const char *text)
{
	const char *end = text + strlen(text);
	unsigned columns = 0;
	while (text < end)
		columns += text_point_columns(text_decode(&text, end));
	return columns;
}

static uint32_t clean_point(uint32_t point, int ascii)
{
	if (point == TEXT_REPLACEMENT || IN(point, deceptive) || (ascii && point > 0x7e))
		return '?';
	return point;
}

static unsigned cleaned_columns(const char *text, int ascii)
{
	const char *end = text + strlen(text);
	unsigned columns = 0;
	while (text < end)
		columns += text_point_columns(clean_point(text_decode(&text, end), ascii));
	return columns;
}

unsigned text_clean(char *out, size_t size, const char *text, unsigned columns, int ascii)
{
	const char *end = text + strlen(text);
	int cut = cleaned_columns(text, ascii) > columns;
	unsigned room = cut && columns ? columns - 1 : columns, used = 0;
	size_t length = 0;
	while (text < end) {
		uint32_t point = clean_point(text_decode(&text, end), ascii);
		unsigned wide = text_point_columns(point);
		if (used + wide > room || length + 6 > size)
			break;
		length += text_encode(out + length, point);
		used += wide;
	}
	if (cut && columns && length + 2 <= size) {
		out[length++] = '~';
		used++;
	}
	out[length] = '\0';
	return used;
}

void text_write_xml(FILE *file, const char *text)
{
	const char *end = text + strlen(text);
	while (text < end) {
		uint32_t point = clean_point(text_decode(&text, end), 0);
		char utf8[4];
		switch (point) {
		case '&':
			fputs("&amp;", file);
			break;
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		case '\'':
			fputs("&#39;", file);
			break;
		case 0xfffe:
		case 0xffff:
			fputc('?', file);
			break;
		default:
			fwrite(utf8, 1, text_encode(utf8, point), file);
		}
	}
}

/* 0.85, 9.99, 12.0, 999, 1234: three significant digits, never an exponent. */
const char *text_digits(char out[TEXT_NUMBER_BYTES], double value)
{
	double size = fabs(value);
	int decimals = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
	if (value == 0)
		decimals = 0;
	snprintf(out, TEXT_NUMBER_BYTES, "%.*f", decimals, value);
	return out;
}

static const char *with_unit(char out[TEXT_NUMBER_BYTES], double value, double step, const char *const units[],
			     unsigned count)
{
	unsigned unit = 0;
	/* 999.6 would print as 1000: it belongs to the next unit. */
	while (unit + 1 < count && fabs(value) >= step - step / 2000) {
		value /= step;
		unit++;
	}
	char number[TEXT_NUMBER_BYTES];
	if (unit == 0)
		snprintf(number, sizeof(number), "%.0f", value);
	else
		text_digits(number, value);
	snprintf(out, TEXT_NUMBER_BYTES, "%.24s %s", number, units[unit]);
	return out;
}

const char *text_ns(char out[TEXT_NUMBER_BYTES], double ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	return with_unit(out, ns, 1000, units, 4);
}

const char *text_bytes(char out[TEXT_NUMBER_BYTES], double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	return with_unit(out, bytes, 1024, units, 5);
}

const char *text_count(char out[TEXT_NUMBER_BYTES], uint64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *end = out;
	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*end++ = ',';
		*end++ = digits[i];
	}
	*end = '\0';
	return out;
}
