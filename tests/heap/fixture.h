/* SPDX-License-Identifier: Apache-2.0 */
/* A heap for a test: configured from the environment as a program's is, then as the test wants it. */
#ifndef MEMLAB_TESTS_HEAP_FIXTURE_H
#define MEMLAB_TESTS_HEAP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../svc/heap/gc.h"

static inline struct gc_config heap_config(void)
{
	struct gc_config config;
	char error[128];

	assert_int_equal(gc_config_init(&config, error, sizeof(error)), 0);
	return config;
}

static inline struct gc_heap *heap_of(const struct gc_config *config)
{
	struct gc_heap *heap;

	assert_int_equal(gc_heap_create(config, &heap), 0);
	return heap;
}

#endif
