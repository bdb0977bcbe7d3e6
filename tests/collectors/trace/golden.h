/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden files: what a view printed once, was looked at, and must print again.
 * tests/golden/record re-records them on purpose; the diff is then reviewed like code. Tests run from the
 * top of the repository (tests/run sees to that).
 */
#ifndef MEMLAB_TESTS_GOLDEN_H
#define MEMLAB_TESTS_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Reads a whole file; the caller frees. */
static inline char *golden_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		fail_msg("%s: cannot be read; record it with tests/golden/record", path);
	char *text = NULL;
	size_t size = 0;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	return text;
}

static inline void golden_check(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (getenv("GOLDEN_RECORD")) {
		FILE *file = fopen(path, "wb");
		assert_non_null(file);
		fputs(text, file);
		assert_int_equal(fclose(file), 0);
		return;
	}
	char *expected = golden_read(path);
	if (strcmp(expected, text) != 0) {
		fprintf(stderr, "--- %s\n%s\n+++ now\n%s\n", path, expected, text);
		free(expected);
		fail_msg("%s differs; if that is meant: tests/golden/record", path);
	}
	free(expected);
}

#endif
