/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test of the service begins with: cmocka, and a small service without HTTP. */
#ifndef MEMLAB_TESTS_SVC_UNIT_H
#define MEMLAB_TESTS_SVC_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
