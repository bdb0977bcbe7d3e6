/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds where an HTTP/1.x answer ends, and nothing more: status, length of the body, whether the
 * connection stays open. Fed in pieces cut anywhere; pure: no sockets, reads nothing outside the piece,
 * keeps at most one header line's beginning between pieces.
 *
 * A body is delimited by Content-Length, by chunks, by nothing (1xx are skipped; 204 and 304 have none),
 * or by the end of the connection. Several lengths that differ, a length beside chunks, bad digits, header
 * sections over 64 KiB are refused: guessing where an answer ends would spoil every later one.
 */
#ifndef MEMLAB_LOAD_RESPONSE_H
#define MEMLAB_LOAD_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESPONSE_LINE_KEPT 64
#define RESPONSE_HEAD_MAX 65536

enum response_phase {
	RESPONSE_STATUS_LINE,
	RESPONSE_HEADERS,
	RESPONSE_BODY,       /* `remaining` bytes more */
	RESPONSE_CHUNK_SIZE, /* a line with the size of the next chunk */
	RESPONSE_CHUNK_DATA, /* `remaining` bytes more, then an empty line */
	RESPONSE_CHUNK_END,
	RESPONSE_TRAILERS,
	RESPONSE_UNTIL_CLOSE
};

enum response_result {
	RESPONSE_MORE, /* all of the piece used, the answer goes on */
	RESPONSE_DONE, /* ends here; the piece may hold the beginning of the next */
	RESPONSE_BAD   /* not an answer; the connection is of no more use */
};

/* Collects a body for those who look at it. `length` may exceed `capacity`: the rest was not kept. */
struct response_body {
	char *bytes;
	size_t length;
	size_t capacity;
};

struct response {
	enum response_phase phase;
	uint16_t status;
	bool keep_alive;
	bool chunked;
	bool has_length;
	uint32_t head_bytes;
	uint64_t remaining;
	uint64_t length;     /* Content-Length, when has_length */
	uint32_t line_bytes; /* of the current line so far; only the first RESPONSE_LINE_KEPT are kept */
	char line[RESPONSE_LINE_KEPT];
};

/* Ready for the next answer. */
void response_begin(struct response *response);

/* `body` may be NULL. `used` is set in every case. */
enum response_result response_feed(struct response *response, const char *piece, size_t length, size_t *used,
				   struct response_body *body);

/* The peer closed: DONE if that ends the answer, BAD if it cut one short. */
enum response_result response_close(const struct response *response);

/* Whether no byte of an answer has been seen since response_begin. */
bool response_untouched(const struct response *response);

#endif
