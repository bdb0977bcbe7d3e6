/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe planner: prologues with known answers, lengths against objdump on real libraries, and
 * random bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../collectors/trace/targets/instruction.h"
#include "../../../collectors/trace/targets/planner.h"

static char why[160];

static int plan(const char *code, size_t size, unsigned int arguments, struct plan *place)
{
	*place = (struct plan){0};
	return plan_probe((const uint8_t *)code, size, arguments, place, why, sizeof(why));
}

#define PLAN(code, arguments, place) plan(code, sizeof(code) - 1, arguments, place)

static void a_push_at_the_entry_is_taken(void **state)
{
	(void)state;
	struct plan place;
	assert_int_equal(PLAN("\x55\x48\x89\xe5\xc3", 6, &place), 0);
	assert_int_equal(place.offset, 0);
	assert_int_equal(place.stack_bytes, 0);
	assert_int_equal(PLAN("\x41\x57\xc3", 6, &place), 0); /* push r15 */
	assert_int_equal(place.offset, 0);
}

static void landing_pads_and_moves_are_passed(void **state)
{
	(void)state;
	struct plan place;
	/* endbr64; mov rbx,rdi is not there: mov rax,rdi; push rbx */
	assert_int_equal(PLAN("\xf3\x0f\x1e\xfa\x48\x89\xf8\x53\xc3", 1, &place), 0);
	assert_int_equal(place.offset, 7);
	/* test rdi,rdi; je: glibc's free */
	assert_int_equal(PLAN("\x48\x85\xff\x74\x10\x90", 1, &place), 0);
	assert_int_equal(place.offset, 3);
}

static void the_stack_is_followed(void **state)
{
	(void)state;
	struct plan place;
	/* sub rsp,0x18; mov [rsp+8],rdi; cmp rsi,1; jne */
	assert_int_equal(PLAN("\x48\x83\xec\x18\x48\x89\x7c\x24\x08\x48\x83\xfe\x01\x75\x00", 2, &place), 0);
	assert_int_equal(place.offset, 13);
	assert_int_equal(place.stack_bytes, 0x18);
	/* sub rsp,0x10000 is too far to name */
	assert_int_not_equal(PLAN("\x48\x81\xec\x00\x00\x01\x00\x90", 0, &place), 0);
	/* and rsp,-16 cannot be followed */
	assert_int_not_equal(PLAN("\x48\x83\xe4\xf0\x90", 0, &place), 0);
	/* lea rsp,[rsp-8] neither */
	assert_int_not_equal(PLAN("\x48\x8d\x64\x24\xf8\x90", 0, &place), 0);
}

static void an_overwritten_argument_is_refused(void **state)
{
	(void)state;
	struct plan place;
	const char code[] = "\x31\xff\x55"; /* xor edi,edi; push rbp */
	assert_int_not_equal(PLAN(code, 1, &place), 0);
	assert_non_null(strstr(why, "argument is overwritten at +0"));
	assert_int_equal(PLAN(code, 0, &place), 0);
	assert_int_equal(place.offset, 2);
	/* mov esi,1 spoils the second argument only */
	assert_int_equal(PLAN("\xbe\x01\x00\x00\x00\x90", 1, &place), 0);
	assert_int_not_equal(PLAN("\xbe\x01\x00\x00\x00\x90", 2, &place), 0);
	/* mov r9,rax: the sixth */
	assert_int_equal(PLAN("\x49\x89\xc1\x90", 5, &place), 0);
	assert_int_not_equal(PLAN("\x49\x89\xc1\x90", 6, &place), 0);
}

static void refusals_say_why(void **state)
{
	(void)state;
	struct plan place;
	assert_int_not_equal(PLAN("\x31\xc0\xc3", 0, &place), 0); /* xor eax,eax; ret */
	assert_non_null(strstr(why, "left at +2"));
	assert_int_not_equal(PLAN("\xff\x25\x00\x00\x00\x00", 0, &place), 0); /* jmp *[rip]: a stub of the linker's */
	assert_non_null(strstr(why, "left at +0"));
	assert_int_not_equal(PLAN("\x06", 0, &place), 0);
	assert_non_null(strstr(why, "unknown"));
	assert_int_not_equal(PLAN("\x0f\xa2\x90", 0, &place), 0); /* cpuid */
	assert_non_null(strstr(why, "not known"));
	assert_int_not_equal(PLAN("", 0, &place), 0);
	char moves[96];
	for (size_t at = 0; at < sizeof(moves); at += 3)
		memcpy(moves + at, "\x48\x89\xd8", 3);
	assert_int_not_equal(plan(moves, sizeof(moves), 0, &place), 0);
	assert_non_null(strstr(why, "first 64 bytes"));
}

/* Five- and ten-byte nops are passed over: the first may corrupt, the second may never fire. */
static void long_nops_are_not_used(void **state)
{
	(void)state;
	struct plan place;
	assert_int_equal(PLAN("\x0f\x1f\x44\x00\x00\x55\xc3", 0, &place), 0);
	assert_int_equal(place.offset, 5);
	assert_int_equal(PLAN("\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00\x55\xc3", 0, &place), 0);
	assert_int_equal(place.offset, 10);
}

static void a_loop_back_to_the_place_is_refused(void **state)
{
	(void)state;
	struct plan place;
	/* mov rax,rdi; push rbx; ...; jmp to the push */
	assert_int_not_equal(PLAN("\x48\x89\xf8\x53\x5b\xeb\xfc", 1, &place), 0);
	assert_non_null(strstr(why, "loop"));
	/* to the entry: as bad */
	assert_int_not_equal(PLAN("\x48\x89\xf8\x53\x5b\xeb\xf9", 1, &place), 0);
	/* behind it: harmless */
	assert_int_equal(PLAN("\x48\x89\xf8\x53\x5b\xeb\xfd", 1, &place), 0);
}

/*
 * Every instruction of some real libraries, as objdump cuts them. What objdump itself cannot read, and
 * prefixes it prints as lines of their own, are left out.
 */
static void compare_with_objdump(const char *file, unsigned long *compared, unsigned long *unknown)
{
	char command[256], line[512], wrong[8][128];
	unsigned int wrong_count = 0;
	snprintf(command, sizeof(command), "objdump -d -w %s 2>/dev/null | head -400000", file);
	FILE *out = popen(command, "r");
	while (fgets(line, sizeof(line), out)) {
		uint8_t code[32];
		size_t size = 0;
		char *at = strchr(line, '\t');
		char *text = at ? strchr(at + 1, '\t') : NULL;
		if (!text || strstr(text, "(bad)") || strstr(text, ".byte"))
			continue;
		*text = 0;
		for (char *end; at < text && size < sizeof(code); at = end) {
			unsigned long byte = strtoul(at, &end, 16);
			if (end == at)
				break;
			code[size++] = (uint8_t)byte;
		}
		if (size && code[0] == 0x9b) /* objdump joins fwait with what follows */
			continue;
		struct instruction instruction;
		(*compared)++;
		if (!instruction_decode(code, size, &instruction))
			(*unknown)++;
		else if (instruction.length != size && wrong_count < 8)
			snprintf(wrong[wrong_count++], 128, "%.100s", line);
	}
	pclose(out);
	for (unsigned int w = 0; w < wrong_count; w++)
		print_message("%s", wrong[w]);
	assert_int_equal(wrong_count, 0);
}

static void lengths_agree_with_objdump(void **state)
{
	(void)state;
	static const char *const files[] = {"/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libjemalloc.so.2",
					    "/lib/x86_64-linux-gnu/libm.so.6", "/lib/x86_64-linux-gnu/libstdc++.so.6"};
	unsigned long compared = 0, unknown = 0;
	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++)
		compare_with_objdump(files[f], &compared, &unknown);
	print_message("%lu instructions, %lu unknown\n", compared, unknown);
	assert_true(compared > 100000);
	assert_true(unknown * 1000 < compared);
}

static void random_bytes_stay_in_bounds(void **state)
{
	(void)state;
	srandom(7);
	for (int round = 0; round < 200000; round++) {
		size_t size = (size_t)random() % 24;
		uint8_t *code = malloc(size + 1); /* its end is watched by the address sanitizer */
		struct instruction instruction;
		struct plan place;
		for (size_t b = 0; b < size; b++)
			code[b] = (uint8_t)random();
		code = realloc(code, size ? size : 1);
		if (instruction_decode(code, size, &instruction))
			assert_true(instruction.length <= size && instruction.length >= 1);
		if (plan_probe(code, size, 6, &place, why, sizeof(why)) == 0)
			assert_true(place.offset < size);
		free(code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_push_at_the_entry_is_taken),
		cmocka_unit_test(landing_pads_and_moves_are_passed),
		cmocka_unit_test(the_stack_is_followed),
		cmocka_unit_test(an_overwritten_argument_is_refused),
		cmocka_unit_test(refusals_say_why),
		cmocka_unit_test(long_nops_are_not_used),
		cmocka_unit_test(a_loop_back_to_the_place_is_refused),
		cmocka_unit_test(lengths_agree_with_objdump),
		cmocka_unit_test(random_bytes_stay_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
