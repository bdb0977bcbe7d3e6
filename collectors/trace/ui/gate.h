/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate of the listener: connections wait here until their first line has come. What begins like an HTTP request goes on to
 * libmicrohttpd, which reads it from the start; anything else gets its 400 here, where libmicrohttpd would hang up without
 * a word. Never waits. One thread.
 */
#ifndef MEMLAB_TRACE_UI_GATE_H
#define MEMLAB_TRACE_UI_GATE_H

#include <stddef.h>

#define GATE_WAITING 32 /* connections that have not said anything yet; a further one takes the oldest's place */

struct gate {
	int fd; /* listening, non-blocking */
	struct {
		int fd;
		unsigned long long since_ns;
	} waiting[GATE_WAITING]; /* oldest first */
	unsigned count;
};

/* `pass` owns the descriptor it is given. */
void gate_poll(struct gate *gate, void (*pass)(void *context, int fd), void *context);
void gate_close(struct gate *gate);

/* Is [text, text + size), a line without its end, a request line? */
int gate_is_request_line(const char *text, size_t size);

#endif
