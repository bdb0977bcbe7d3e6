/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A time for people: three significant digits or more, in the unit that suits it.
 */
#ifndef MEMLAB_LOAD_DURATION_H
#define MEMLAB_LOAD_DURATION_H

#include <stdint.h>

#define DURATION_BYTES 24

/* "0 ns", "812 ns", "31.2 us", "4.15 ms", "12.3 s". Returns `text`. */
const char *duration_text(char text[DURATION_BYTES], uint64_t ns);

#endif
