/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a source could not be opened, in the form programs print it: "cause; next step",
 * with the exit status that goes with it.
 */
#ifndef MEMLAB_SOURCE_ERROR_H
#define MEMLAB_SOURCE_ERROR_H

enum source_status {
	SOURCE_FAILED = 1, /* this machine or file cannot do it */
	SOURCE_NO_PERMISSION = 3,
	SOURCE_NO_TARGET = 4, /* no such process, or not the probes asked for */
	SOURCE_TARGET_EXITED = 5
};

struct source_error {
	int status; /* enum source_status */
	char text[320];
};

/* Fills *error (NULL allowed) and returns `result`, a negative errno, so that callers can end with it. */
int source_error_set(struct source_error *error, int status, int result, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
