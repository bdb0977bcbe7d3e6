/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A note is three sizes, an owner ("stapsdt") and a body: three addresses (probe, base section
 * as linked, semaphore), then provider, name and arguments as strings. If the base section is no longer
 * where the note says, the file was prelinked and all addresses have moved by the same distance.
 */
#include "notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOTES_LIMIT (16u << 20)
#define NOTE_TYPE 3
#define OWNER "stapsdt"

/* What is left of the section. */
struct bytes {
	const char *at;
	size_t left;
};

/* The next `size` bytes; NULL: there are not so many. */
static const char *bytes_take(struct bytes *bytes, size_t size)
{
	if (size > bytes->left)
		return NULL;
	const char *taken = bytes->at;
	bytes->at += size;
	bytes->left -= size;
	return taken;
}

/* The next string, its end inside the bytes; NULL: none. */
static const char *bytes_string(struct bytes *bytes)
{
	const char *end = memchr(bytes->at, 0, bytes->left);
	return end ? bytes_take(bytes, (size_t)(end - bytes->at) + 1) : NULL;
}

static size_t aligned(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/* The last note's padding may be missing. */
static const char *bytes_padded(struct bytes *bytes, uint32_t size)
{
	const char *taken = bytes_take(bytes, size);
	size_t padding = aligned(size) - size;
	if (taken)
		bytes_take(bytes, padding < bytes->left ? padding : bytes->left);
	return taken;
}

static int copy_string(char *to, const char *from)
{
	size_t length = strlen(from);
	if (length >= NOTE_NAME_BYTES)
		return -ENOEXEC;
	memcpy(to, from, length + 1);
	return 0;
}

/* 1: a probe of the provider; 0: not ours, or not usable. */
static int note_decode(const struct image *image, uint64_t base, struct bytes body, const char *provider,
		       struct note *note)
{
	uint64_t addresses[3];
	const char *raw = bytes_take(&body, sizeof(addresses));
	const char *owner = raw ? bytes_string(&body) : NULL;
	const char *name = owner ? bytes_string(&body) : NULL;
	const char *args = name ? bytes_string(&body) : NULL;
	if (!args || strcmp(owner, provider) != 0)
		return 0;
	memset(note, 0, sizeof(*note));
	if (copy_string(note->name, name) || copy_string(note->args, args))
		return 0;
	memcpy(addresses, raw, sizeof(addresses));
	uint64_t moved = base ? base - addresses[1] : 0;
	if (image_offset(image, addresses[0] + moved, &note->offset))
		return 0;
	if (addresses[2] == 0)
		return 1;
	note->semaphore_address = addresses[2] + moved;
	return image_offset(image, note->semaphore_address, &note->semaphore_offset) == 0;
}

struct notes_reader {
	const struct image *image;
	const char *provider;
	uint64_t base;
	void (*take)(void *context, const struct note *note);
	void *context;
};

/* One note of any kind. 1: handed over; 0: skipped; negative: the section ends in the middle of a note. */
static int notes_next(const struct notes_reader *reader, struct bytes *bytes)
{
	uint32_t sizes[3];
	const char *raw = bytes_take(bytes, sizeof(sizes));
	if (!raw)
		return -ENOEXEC;
	memcpy(sizes, raw, sizeof(sizes));
	const char *owner = bytes_padded(bytes, sizes[0]);
	const char *body = owner ? bytes_padded(bytes, sizes[1]) : NULL;
	if (!body)
		return -ENOEXEC;
	if (sizes[2] != NOTE_TYPE || sizes[0] != sizeof(OWNER) || memcmp(owner, OWNER, sizeof(OWNER)) != 0)
		return 0;
	struct note note;
	if (!note_decode(reader->image, reader->base, (struct bytes){body, sizes[1]}, reader->provider, &note))
		return 0;
	reader->take(reader->context, &note);
	return 1;
}

int notes_read(const struct image *image, const char *provider, void (*take)(void *context, const struct note *note),
	       void *context)
{
	const Elf64_Shdr *section = image_section(image, ".note.stapsdt");
	if (!section)
		return 0;
	char *copy = NULL;
	size_t size = 0;
	int result = image_read(image, section, NOTES_LIMIT, &copy, &size);
	if (result)
		return result;
	const Elf64_Shdr *base = image_section(image, ".stapsdt.base");
	struct notes_reader reader = {image, provider, base ? base->sh_addr : 0, take, context};
	struct bytes bytes = {copy, size};
	int count = 0;
	while (bytes.left && result >= 0) {
		result = notes_next(&reader, &bytes);
		count += result > 0;
	}
	free(copy);
	return result < 0 ? result : count;
}
