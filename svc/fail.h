/* SPDX-License-Identifier: Apache-2.0 */
/* How a program of svc/ ends when it cannot go on: one line with the next step on stderr, status 1. Any thread. */
#ifndef MEMLAB_SVC_FAIL_H
#define MEMLAB_SVC_FAIL_H

/* Whose line it is; set once by main. */
extern const char *fail_program;

/* Ends all threads where they are. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

#endif
