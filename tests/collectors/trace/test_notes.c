/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of ELF files and USDT notes: right on well-formed files, and safe on every
 * truncation and every damaged byte of one. The file is built here, in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../collectors/trace/source/notes.h"

#define TEXT_ADDRESS 0x401000u
#define DATA_ADDRESS 0x404000u
#define BASE_ADDRESS 0x402000u
#define TEXT_OFFSET 0x1000u
#define DATA_OFFSET 0x1800u

struct file {
	unsigned char bytes[0x2000];
	size_t size;
	char notes[1024];
	size_t notes_size;
};

static void put(struct file *file, size_t offset, const void *bytes, size_t size)
{
	assert_true(offset + size <= sizeof(file->bytes));
	memcpy(file->bytes + offset, bytes, size);
	if (offset + size > file->size)
		file->size = offset + size;
}

static void note_append(struct file *file, const void *bytes, size_t size)
{
	memcpy(file->notes + file->notes_size, bytes, size);
	file->notes_size += (size + 3) & ~(size_t)3;
}

static void note_add(struct file *file, const char *provider, const char *name, const char *args, uint64_t address,
		     uint64_t semaphore)
{
	char body[256] = {0};
	uint64_t addresses[3] = {address, BASE_ADDRESS, semaphore};
	size_t size = sizeof(addresses);
	memcpy(body, addresses, size);
	size += (size_t)sprintf(body + size, "%s", provider) + 1;
	size += (size_t)sprintf(body + size, "%s", name) + 1;
	size += (size_t)sprintf(body + size, "%s", args) + 1;
	uint32_t sizes[3] = {8, (uint32_t)size, 3};
	note_append(file, sizes, sizeof(sizes));
	note_append(file, "stapsdt", 8);
	note_append(file, body, size);
}

/* Section indices: 1 names, 2 notes, 3 base, 4 symbols, 5 strings. */
#define NAMES "\0.shstrtab\0.note.stapsdt\0.stapsdt.base\0.dynsym\0.dynstr"
#define STRINGS "\0other\0memlab_run_info"

static void file_build(struct file *file, uint64_t base_address)
{
	Elf64_Ehdr header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			     .e_type = ET_EXEC,
			     .e_machine = EM_X86_64,
			     .e_phoff = 0x40,
			     .e_shoff = 0x100,
			     .e_phentsize = sizeof(Elf64_Phdr),
			     .e_phnum = 2,
			     .e_shentsize = sizeof(Elf64_Shdr),
			     .e_shnum = 6,
			     .e_shstrndx = 1};
	Elf64_Phdr segments[2] = {{.p_type = PT_LOAD,
				   .p_offset = TEXT_OFFSET,
				   .p_vaddr = TEXT_ADDRESS,
				   .p_filesz = 0x400,
				   .p_memsz = 0x400},
				  {.p_type = PT_LOAD,
				   .p_offset = DATA_OFFSET,
				   .p_vaddr = DATA_ADDRESS,
				   .p_filesz = 0x100,
				   .p_memsz = 0x900}};
	Elf64_Sym symbols[3] = {{0},
				{.st_name = 1, .st_shndx = 2, .st_value = 0x11, .st_size = 1},
				{.st_name = 7, .st_shndx = 2, .st_value = DATA_ADDRESS + 0x80, .st_size = 64}};
	Elf64_Shdr sections[6] = {
		{.sh_type = SHT_NULL},
		{.sh_name = 1, .sh_type = SHT_STRTAB, .sh_offset = 0x400, .sh_size = sizeof(NAMES)},
		{.sh_name = 11, .sh_type = SHT_NOTE, .sh_offset = 0x600, .sh_size = file->notes_size},
		{.sh_name = 25, .sh_type = SHT_PROGBITS, .sh_addr = base_address, .sh_offset = 0xf00, .sh_size = 1},
		{.sh_name = 39, .sh_type = SHT_DYNSYM, .sh_link = 5, .sh_offset = 0x480, .sh_size = sizeof(symbols)},
		{.sh_name = 47, .sh_type = SHT_STRTAB, .sh_offset = 0x500, .sh_size = sizeof(STRINGS)}};
	put(file, 0, &header, sizeof(header));
	put(file, 0x40, segments, sizeof(segments));
	put(file, 0x100, sections, sizeof(sections));
	put(file, 0x400, NAMES, sizeof(NAMES));
	put(file, 0x480, symbols, sizeof(symbols));
	put(file, 0x500, STRINGS, sizeof(STRINGS));
	put(file, 0x600, file->notes, file->notes_size);
	put(file, DATA_OFFSET + 0xff, "", 1);
}

static void two_notes(struct file *file)
{
	note_add(file, "memlab", "gc_phase", "8@%rdi 8@%rsi", TEXT_ADDRESS + 0x10, DATA_ADDRESS + 4);
	note_add(file, "libc", "setjmp", "8@%rdi", TEXT_ADDRESS + 0x20, 0);
	note_add(file, "memlab", "gc_grow", "", TEXT_ADDRESS + 0x30, 0);
}

struct taken {
	struct note notes[8];
	int count;
};

static void take(void *context, const struct note *note)
{
	struct taken *taken = context;
	if (taken->count < 8)
		taken->notes[taken->count] = *note;
	taken->count++;
}

/* Everything a caller does with a file; returns image_open's result. */
static int read_all(const unsigned char *bytes, size_t size, struct taken *taken, int *result)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct image image;
	uint64_t address, length;
	assert_true(write(fd, bytes, size) == (ssize_t)size);
	taken->count = 0;
	int opened = image_open(&image, fd);
	if (!opened) {
		*result = notes_read(&image, "memlab", take, taken);
		image_symbol(&image, "memlab_run_info", &address, &length);
		image_close(&image);
	}
	close(fd);
	return opened;
}

static void notes_become_file_offsets(void **state)
{
	(void)state;
	struct file file = {0};
	struct taken taken;
	int result;
	two_notes(&file);
	file_build(&file, BASE_ADDRESS);
	assert_int_equal(read_all(file.bytes, file.size, &taken, &result), 0);
	assert_int_equal(result, 2);
	assert_string_equal(taken.notes[0].name, "gc_phase");
	assert_string_equal(taken.notes[0].args, "8@%rdi 8@%rsi");
	assert_int_equal(taken.notes[0].offset, TEXT_OFFSET + 0x10);
	assert_int_equal(taken.notes[0].semaphore_offset, DATA_OFFSET + 4);
	assert_int_equal(taken.notes[0].semaphore_address, DATA_ADDRESS + 4);
	assert_string_equal(taken.notes[1].name, "gc_grow");
	assert_int_equal(taken.notes[1].semaphore_offset, 0);
}

static void a_prelinked_file_is_corrected(void **state)
{
	(void)state;
	struct file file = {0};
	struct taken taken;
	int result;
	note_add(&file, "memlab", "gc_phase", "", TEXT_ADDRESS - 0x500, DATA_ADDRESS - 0x500 + 4);
	file_build(&file, BASE_ADDRESS + 0x500);
	assert_int_equal(read_all(file.bytes, file.size, &taken, &result), 0);
	assert_int_equal(result, 1);
	assert_int_equal(taken.notes[0].offset, TEXT_OFFSET);
	assert_int_equal(taken.notes[0].semaphore_offset, DATA_OFFSET + 4);
}

/* Outside of every segment, in a segment's part without bytes in the file, or too long a name: not usable. */
static void notes_that_lead_nowhere_are_skipped(void **state)
{
	(void)state;
	struct file file = {0};
	struct taken taken;
	char name[100];
	int result;
	memset(name, 'n', sizeof(name));
	name[99] = 0;
	note_add(&file, "memlab", "a", "", 0x10, 0);
	note_add(&file, "memlab", "b", "", TEXT_ADDRESS, DATA_ADDRESS + 0x500);
	note_add(&file, "memlab", name, "", TEXT_ADDRESS, 0);
	note_add(&file, "memlab", "good", "", TEXT_ADDRESS, 0);
	file_build(&file, BASE_ADDRESS);
	assert_int_equal(read_all(file.bytes, file.size, &taken, &result), 0);
	assert_int_equal(result, 1);
	assert_string_equal(taken.notes[0].name, "good");
}

static void a_cut_note_is_an_error_after_the_whole_ones(void **state)
{
	(void)state;
	struct file file = {0};
	struct taken taken;
	int result;
	two_notes(&file);
	file.notes_size -= 8;
	file_build(&file, BASE_ADDRESS);
	assert_int_equal(read_all(file.bytes, file.size, &taken, &result), 0);
	assert_int_equal(result, -ENOEXEC);
	assert_int_equal(taken.count, 1);
}

static void symbols_are_found(void **state)
{
	(void)state;
	struct file file = {0};
	struct image image;
	uint64_t address = 0, size = 0, offset = 0;
	file_build(&file, BASE_ADDRESS);
	int fd = memfd_create("image", MFD_CLOEXEC);
	assert_true(write(fd, file.bytes, file.size) == (ssize_t)file.size);
	assert_int_equal(image_open(&image, fd), 0);
	assert_int_equal(image_symbol(&image, "memlab_run_info", &address, &size), 0);
	assert_int_equal(address, DATA_ADDRESS + 0x80);
	assert_int_equal(size, 64);
	assert_int_equal(image_symbol(&image, "missing", &address, &size), -ENOENT);
	assert_int_equal(image_address(&image, TEXT_OFFSET, &address), 0);
	assert_int_equal(address, TEXT_ADDRESS);
	assert_int_equal(image_offset(&image, DATA_ADDRESS + 0xff, &offset), 0);
	assert_int_equal(offset, DATA_OFFSET + 0xff);
	assert_int_equal(image_offset(&image, DATA_ADDRESS + 0x100, &offset), -ENOEXEC);
	image_close(&image);
	close(fd);
}

static void files_that_are_no_elf(void **state)
{
	(void)state;
	struct taken taken;
	int result;
	assert_int_equal(read_all((const unsigned char *)"", 0, &taken, &result), -ENOEXEC);
	assert_int_equal(read_all((const unsigned char *)"#!/bin/sh\n", 10, &taken, &result), -ENOEXEC);
	struct image image;
	assert_int_equal(image_open(&image, -1), -EBADF);
}

static void every_truncation_is_survived(void **state)
{
	(void)state;
	struct file file = {0};
	struct taken taken;
	int result;
	two_notes(&file);
	file_build(&file, BASE_ADDRESS);
	for (size_t size = 0; size < file.size; size += size < 0x800 ? 1 : 64) {
		read_all(file.bytes, size, &taken, &result);
		assert_true(taken.count <= 2);
	}
}

static void every_damaged_byte_is_survived(void **state)
{
	(void)state;
	static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	struct file file = {0};
	struct taken taken;
	int result;
	two_notes(&file);
	file_build(&file, BASE_ADDRESS);
	for (size_t at = 0; at < 0x600 + file.notes_size; at++) {
		unsigned char good = file.bytes[at];
		for (size_t v = 0; v < sizeof(values); v++) {
			file.bytes[at] = values[v];
			read_all(file.bytes, file.size, &taken, &result);
		}
		file.bytes[at] = good;
	}
}

/* Many bytes at once, and whole words that look like lengths. */
static void random_damage_is_survived(void **state)
{
	(void)state;
	struct taken taken;
	int result;
	srandom(42);
	for (int round = 0; round < 3000; round++) {
		struct file file = {0};
		two_notes(&file);
		file_build(&file, BASE_ADDRESS);
		for (int hit = random() % 8; hit >= 0; hit--) {
			uint64_t word =
				random() % 2 ? UINT64_MAX - (uint64_t)random() % 64 : (uint64_t)random() % 0x3000;
			memcpy(file.bytes + (size_t)random() % 0x700, &word, (size_t)1 << random() % 4);
		}
		read_all(file.bytes, file.size, &taken, &result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes_become_file_offsets),
		cmocka_unit_test(a_prelinked_file_is_corrected),
		cmocka_unit_test(notes_that_lead_nowhere_are_skipped),
		cmocka_unit_test(a_cut_note_is_an_error_after_the_whole_ones),
		cmocka_unit_test(symbols_are_found),
		cmocka_unit_test(files_that_are_no_elf),
		cmocka_unit_test(every_truncation_is_survived),
		cmocka_unit_test(every_damaged_byte_is_survived),
		cmocka_unit_test(random_damage_is_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
