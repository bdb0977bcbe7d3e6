/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines of memlab's programs in svc/. Options are checked against the table before argp sees them, so that
 * anything wrong is one line with the next step and status 2, and so that -name=value works like --name=value.
 */
#ifndef MEMLAB_SVC_OPTIONS_H
#define MEMLAB_SVC_OPTIONS_H

#include <argp.h>
#include <stdint.h>

struct option_table {
	const char *program;
	const struct argp_option *options;
};

/* One line `program: ...` on stderr; ends the process with status 2. */
__attribute__((noreturn, format(printf, 2, 3))) void option_refuse(const struct option_table *table, const char *format,
								   ...);
/* Refuses what is not in the table, rewrites single dashes in argv. Options only, no other arguments. */
void option_check(const struct option_table *table, int argc, char **argv);

/* Values; refused if wrong. */
uint64_t option_number(const struct option_table *table, const char *option, const char *text, uint64_t least,
		       uint64_t most);
/* As 64MiB, 2GiB. */
uint64_t option_bytes(const struct option_table *table, const char *option, const char *text);
/* The place of `text` in `names`. */
unsigned option_choice(const struct option_table *table, const char *option, const char *text, const char *const *names,
		       unsigned count);

#endif
