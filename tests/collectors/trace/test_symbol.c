/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols of live processes: our own, and copies of this program that are stripped, deleted or gone. A copy started
 * with the argument `wait` prints an address of its own and waits for its standard input to close.
 */
#include "golden.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../collectors/trace/symbol/symbols.h"

static const unsigned landmark_line = __LINE__ + 1;
__attribute__((noinline)) static int symbol_landmark(int value)
{
	__asm__ volatile("");
	return value + 1;
}

static void our_own_function(void **state)
{
	(void)state;
	struct symbols *symbols;
	assert_int_equal(symbols_open(&symbols, getpid()), 0);
	const struct symbol *symbol = symbols_find(symbols, (uintptr_t)symbol_landmark + 1);
	assert_string_equal(symbol->name.function, "symbol_landmark");
	assert_string_equal(symbol->name.module, "test_symbol");
	assert_int_equal(symbol->offset, 1);
	assert_non_null(symbol->build_id);
	assert_true((uintptr_t)symbol_landmark >= symbol->module_start &&
		    (uintptr_t)symbol_landmark < symbol->module_end);
	assert_non_null(strstr(symbol->name.file, "test_symbol.c"));
	assert_in_range(symbol->name.line, landmark_line, landmark_line + 3);
	assert_ptr_equal(symbols_find(symbols, (uintptr_t)symbol_landmark + 1), symbol); /* cached */
	struct frame_namer namer = symbols_namer(symbols);
	assert_string_equal(namer.name(namer.context, (uintptr_t)symbol_landmark).function, "symbol_landmark");
	symbols_close(symbols);
}

__attribute__((noinline)) static uint64_t call_place(void)
{
	__asm__ volatile("");
	return (uintptr_t)__builtin_return_address(0);
}

static const unsigned inner_line = __LINE__ + 3;
static inline __attribute__((always_inline)) uint64_t inlined_inner(int value)
{
	return value ? call_place() : 0;
}

static const unsigned outer_line = __LINE__ + 3;
static inline __attribute__((always_inline)) uint64_t inlined_outer(int value)
{
	uint64_t place = inlined_inner(value);
	__asm__ volatile("" : "+r"(place));
	return place;
}

static const unsigned caller_line = __LINE__ + 3;
__attribute__((noinline)) static uint64_t inlining_caller(int value)
{
	uint64_t place = inlined_outer(value);
	__asm__ volatile("" : "+r"(place));
	return place;
}

/* The functions inlined at an address are known, each at its call in the next one's source. */
static void inlined_code(void **state)
{
	(void)state;
	struct symbols *symbols;
	const struct frame_name *frames;
	uint64_t place = inlining_caller(getpid());
	assert_int_equal(symbols_open(&symbols, getpid()), 0);
	const struct symbol *symbol = symbols_find(symbols, place - 1);
	assert_string_equal(symbol->name.function, "inlining_caller");
	assert_int_equal(symbol->name.line, caller_line);
	struct frame_namer namer = symbols_namer(symbols);
	assert_int_equal(namer.inlined(namer.context, place - 1, &frames), 2);
	assert_string_equal(frames[0].function, "inlined_inner");
	assert_int_equal(frames[0].line, inner_line);
	assert_string_equal(frames[1].function, "inlined_outer");
	assert_int_equal(frames[1].line, outer_line);
	assert_non_null(strstr(frames[1].file, "test_symbol.c"));
	assert_int_equal(namer.inlined(namer.context, (uintptr_t)symbol_landmark, &frames), 0);
	symbols_close(symbols);
}

/* What the compiler copied for one caller is called as it was written. */
__attribute__((noinline)) int copied_function(int value) __asm__("copied_function.constprop.0");
int copied_function(int value)
{
	__asm__ volatile("");
	return value + 3;
}

static void copies(void **state)
{
	(void)state;
	struct symbols *symbols;
	assert_int_equal(symbols_open(&symbols, getpid()), 0);
	assert_string_equal(symbols_find(symbols, (uintptr_t)copied_function)->name.function, "copied_function");
	symbols_close(symbols);
}

/* Names as a recording keeps them: the same back, and nothing but them; bytes that were cut or changed do no harm. */
static void written_and_read(void **state)
{
	(void)state;
	struct symbols *symbols, *read;
	const struct frame_name *frames;
	uint64_t place = inlining_caller(getpid()) - 1;
	char *bytes = NULL;
	size_t size = 0;
	assert_int_equal(symbols_open(&symbols, getpid()), 0);
	symbols_find(symbols, place);
	symbols_find(symbols, 16); /* nothing is there */
	FILE *file = open_memstream(&bytes, &size);
	assert_int_equal(symbols_write(symbols, file), 0);
	fclose(file);
	assert_int_equal(symbols_read(&read, bytes, size), 0);
	const struct symbol *before = symbols_find(symbols, place), *after = symbols_find(read, place);
	assert_string_equal(after->name.function, "inlining_caller");
	assert_string_equal(after->name.module, before->name.module);
	assert_string_equal(after->build_id, before->build_id);
	assert_int_equal(after->name.line, before->name.line);
	struct frame_namer namer = symbols_namer(read);
	assert_int_equal(namer.inlined(namer.context, place, &frames), 2);
	assert_string_equal(frames[1].function, "inlined_outer");
	assert_null(symbols_find(read, 16)->name.function);
	assert_null(symbols_find(read, (uintptr_t)symbol_landmark)->name.function); /* nobody had asked for it */
	assert_int_equal(symbols_refresh(read), 0);
	symbols_close(read);
	for (size_t length = 0; length < size; length++)
		assert_int_not_equal(symbols_read(&read, bytes, length), 0);
	for (size_t i = 0; i < size; i++) {
		char was = bytes[i];
		bytes[i] = (char)(was ^ 0x81);
		if (symbols_read(&read, bytes, size) == 0)
			symbols_close(read);
		bytes[i] = was;
	}
	free(bytes);
	symbols_close(symbols);
}

static void library_and_vdso(void **state)
{
	(void)state;
	struct symbols *symbols;
	assert_int_equal(symbols_open(&symbols, getpid()), 0);
	const struct symbol *symbol = symbols_find(symbols, (uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version"));
	assert_non_null(strstr(symbol->name.module, "libc"));
	assert_string_equal(symbol->name.function, "gnu_get_libc_version");
	unsigned named = 0;
	for (uint64_t at = 0; at < 0x2000; at += 16) {
		symbol = symbols_find(symbols, getauxval(AT_SYSINFO_EHDR) + at);
		if (symbol->name.module) /* it may be smaller */
			assert_string_equal(symbol->name.module, "[vdso]");
		if (symbol->name.function && strstr(symbol->name.function, "clock_gettime"))
			named++;
	}
	assert_true(named > 0);
	symbols_close(symbols);
}

static void what_is_nowhere(void **state)
{
	(void)state;
	struct symbols *symbols;
	int on_the_stack;
	assert_int_equal(symbols_open(&symbols, getpid()), 0);
	const uint64_t addresses[] = {0, 1, (uintptr_t)&on_the_stack, UINT64_MAX, 0xffffffff81000000};
	for (unsigned i = 0; i < 5; i++) {
		const struct symbol *symbol = symbols_find(symbols, addresses[i]);
		assert_null(symbol->name.function);
		assert_null(symbol->path);
	}
	for (uint64_t i = 0; i < 5000; i++) /* the cache grows */
		symbols_find(symbols, (uintptr_t)symbol_landmark + i * 8);
	assert_string_equal(symbols_find(symbols, (uintptr_t)symbol_landmark)->name.function, "symbol_landmark");
	symbols_close(symbols);
	assert_int_equal(symbols_open(&symbols, 999999999), -ESRCH);
	symbols_close(NULL);
}

struct child {
	pid_t pid;
	int hold; /* closing it ends the child */
	uint64_t landmark, exported;
	char path[64];
};

static void copy_self(struct child *child)
{
	char command[256];
	snprintf(child->path, sizeof(child->path), "/tmp/test_symbol_XXXXXX");
	int fd = mkstemp(child->path);
	assert_true(fd >= 0);
	close(fd);
	snprintf(command, sizeof(command), "cp /proc/%d/exe %s && chmod 700 %s", (int)getpid(), child->path,
		 child->path);
	assert_int_equal(system(command), 0);
}

static void child_start(struct child *child)
{
	int in[2], out[2];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	child->pid = fork();
	if (child->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(child->path, "copy", "wait", (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	child->hold = in[1];
	FILE *file = fdopen(out[0], "r");
	assert_int_equal(fscanf(file, "%" SCNx64 " %" SCNx64, &child->landmark, &child->exported), 2);
	fclose(file);
}

static void child_end(struct child *child)
{
	close(child->hold);
	waitpid(child->pid, NULL, 0);
}

static void deleted_and_gone(void **state)
{
	(void)state;
	struct child child;
	struct symbols *symbols;
	copy_self(&child);
	child_start(&child);
	unlink(child.path);
	assert_int_equal(symbols_open(&symbols, child.pid), 0);
	child_end(&child);
	/* File deleted, process gone: names are still there. */
	const struct symbol *symbol = symbols_find(symbols, child.landmark);
	assert_non_null(symbol->name.function);
	assert_string_equal(symbol->name.function, "symbol_landmark");
	assert_int_not_equal(symbols_refresh(symbols), 0);
	assert_string_equal(symbols_find(symbols, child.landmark)->name.function, "symbol_landmark");
	symbols_close(symbols);
}

static void stripped(void **state)
{
	(void)state;
	struct child child;
	struct symbols *symbols;
	char command[128];
	copy_self(&child);
	snprintf(command, sizeof(command), "strip -s %s", child.path);
	assert_int_equal(system(command), 0);
	child_start(&child);
	assert_int_equal(symbols_open(&symbols, child.pid), 0);
	const struct symbol *symbol = symbols_find(symbols, child.landmark);
	assert_null(symbol->name.function); /* not the nearest name: none */
	assert_non_null(strstr(symbol->path, child.path));
	assert_non_null(symbol->build_id);
	assert_string_equal(symbols_find(symbols, child.exported)->name.function, "gnu_get_libc_version");
	symbols_close(symbols);
	child_end(&child);
	unlink(child.path);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "wait") == 0) {
		printf("%" PRIxPTR " %" PRIxPTR "\n", (uintptr_t)symbol_landmark,
		       (uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version"));
		fflush(stdout);
		return getchar() == EOF ? 0 : symbol_landmark(0);
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_function), cmocka_unit_test(inlined_code), cmocka_unit_test(copies), cmocka_unit_test(written_and_read),
		cmocka_unit_test(library_and_vdso), cmocka_unit_test(what_is_nowhere),
		cmocka_unit_test(deleted_and_gone), cmocka_unit_test(stripped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
