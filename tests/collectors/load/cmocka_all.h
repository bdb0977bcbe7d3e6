/* SPDX-License-Identifier: Apache-2.0 */
/* What cmocka.h needs before it. */
#ifndef MEMLAB_TESTS_CMOCKA_ALL_H
#define MEMLAB_TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
