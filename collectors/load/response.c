/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop over phases; lines are found with memchr, bodies are skipped by length. Of a header line only the
 * first RESPONSE_LINE_KEPT bytes are kept: the headers that matter are shorter, and one whose value may
 * have been cut off is refused where it matters (Content-Length, Transfer-Encoding).
 */
#include <string.h>
#include <strings.h>

#include "response.h"

void response_begin(struct response *response)
{
	response->phase = RESPONSE_STATUS_LINE;
	response->status = 0;
	response->keep_alive = true;
	response->chunked = false;
	response->has_length = false;
	response->head_bytes = 0;
	response->remaining = 0;
	response->length = 0;
	response->line_bytes = 0;
}

bool response_untouched(const struct response *response)
{
	return response->phase == RESPONSE_STATUS_LINE && response->line_bytes == 0 && response->head_bytes == 0;
}

/* Takes bytes up to and including '\n'; true when the line is complete (and stripped of its end). */
static bool line_take(struct response *response, const char **at, const char *end)
{
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	size_t taken = (size_t)((newline ? newline : end) - *at);

	if (response->line_bytes < RESPONSE_LINE_KEPT) {
		size_t room = RESPONSE_LINE_KEPT - response->line_bytes;

		memcpy(response->line + response->line_bytes, *at, taken < room ? taken : room);
	}
	/* Saturates: a line this long is refused by head_bytes before it could wrap. */
	response->line_bytes += taken > RESPONSE_HEAD_MAX ? RESPONSE_HEAD_MAX + 1 : (uint32_t)taken;
	response->head_bytes += taken > RESPONSE_HEAD_MAX ? RESPONSE_HEAD_MAX + 1 : (uint32_t)taken + !!newline;
	*at = newline ? newline + 1 : end;
	if (!newline)
		return false;
	if (response->line_bytes && response->line_bytes <= RESPONSE_LINE_KEPT &&
	    response->line[response->line_bytes - 1] == '\r')
		response->line_bytes--;
	return true;
}

static bool line_kept_whole(const struct response *response)
{
	return response->line_bytes <= RESPONSE_LINE_KEPT;
}

static size_t line_kept(const struct response *response)
{
	return line_kept_whole(response) ? response->line_bytes : RESPONSE_LINE_KEPT;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.x NNN", then a space or the end. */
static bool status_line(struct response *response)
{
	const char *line = response->line;

	if (line_kept(response) < 12 || memcmp(line, "HTTP/1.", 7) || !digit(line[7]) || line[8] != ' ')
		return false;
	if (!digit(line[9]) || !digit(line[10]) || !digit(line[11]) || line[9] == '0')
		return false;
	if (line_kept(response) > 12 && line[12] != ' ')
		return false;
	response->status = (uint16_t)((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
	response->keep_alive = line[7] != '0';
	return true;
}

/* The value of the current line if its name is `name` (lower case), stripped of spaces; NULL otherwise. */
static const char *header_value(const struct response *response, const char *name, size_t *length)
{
	size_t name_length = strlen(name), kept = line_kept(response);

	if (kept <= name_length || response->line[name_length] != ':' || strncasecmp(response->line, name, name_length))
		return NULL;
	const char *value = response->line + name_length + 1, *end = response->line + kept;

	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*length = (size_t)(end - value);
	return value;
}

/* Digits of `base` (10 or 16) only, at least one, below 2^60. */
static bool number(const char *text, size_t length, unsigned int base, uint64_t *value)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i] | 0x20;
		unsigned int place = digit(text[i])         ? (unsigned int)(text[i] - '0')
				     : c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10
							    : 16;

		if (place >= base || sum >> 56)
			return false;
		sum = sum * base + place;
	}
	*value = sum;
	return length > 0;
}

static bool header_length(struct response *response, const char *value, size_t value_length)
{
	uint64_t length;

	if (!line_kept_whole(response) || !number(value, value_length, 10, &length))
		return false;
	if (response->has_length && response->length != length)
		return false;
	response->has_length = true;
	response->length = length;
	return true;
}

static bool header_encoding(struct response *response, const char *value, size_t value_length)
{
	if (!line_kept_whole(response) || value_length != 7 || strncasecmp(value, "chunked", 7))
		return false;
	response->chunked = true;
	return true;
}

static void header_connection(struct response *response, const char *value, size_t value_length)
{
	if (value_length == 5 && !strncasecmp(value, "close", 5))
		response->keep_alive = false;
	else if (value_length == 10 && !strncasecmp(value, "keep-alive", 10))
		response->keep_alive = true;
}

static bool header_line(struct response *response)
{
	const char *value;
	size_t length;

	switch (response->line[0] | 0x20) {
	case 'c':
		value = header_value(response, "content-length", &length);
		if (value)
			return header_length(response, value, length);
		value = header_value(response, "connection", &length);
		if (value)
			header_connection(response, value, length);
		return true;
	case 't':
		value = header_value(response, "transfer-encoding", &length);
		return value ? header_encoding(response, value, length) : true;
	default:
		return true;
	}
}

/* The empty line after the headers: what follows? */
static enum response_result head_end(struct response *response)
{
	uint16_t status = response->status;

	if (status < 200) {
		response_begin(response);
		return RESPONSE_MORE;
	}
	if (response->chunked && response->has_length)
		return RESPONSE_BAD;
	if (status == 204 || status == 304)
		return RESPONSE_DONE;
	if (response->chunked) {
		response->phase = RESPONSE_CHUNK_SIZE;
		return RESPONSE_MORE;
	}
	if (!response->has_length) {
		response->keep_alive = false;
		response->phase = RESPONSE_UNTIL_CLOSE;
		return RESPONSE_MORE;
	}
	response->phase = RESPONSE_BODY;
	response->remaining = response->length;
	return response->remaining ? RESPONSE_MORE : RESPONSE_DONE;
}

/* A chunk's size in hexadecimal, perhaps with an extension after ';'. */
static enum response_result chunk_size(struct response *response)
{
	size_t kept = line_kept(response);
	const char *semicolon = memchr(response->line, ';', kept);
	size_t length = semicolon ? (size_t)(semicolon - response->line) : kept;

	while (length && (response->line[length - 1] == ' ' || response->line[length - 1] == '\t'))
		length--;
	if ((!semicolon && !line_kept_whole(response)) || !number(response->line, length, 16, &response->remaining))
		return RESPONSE_BAD;
	response->phase = response->remaining ? RESPONSE_CHUNK_DATA : RESPONSE_TRAILERS;
	/* The limit is on header sections; a long chunked body is no offence. */
	response->head_bytes = 1;
	return RESPONSE_MORE;
}

static enum response_result line_end(struct response *response)
{
	bool empty = response->line_bytes == 0;

	switch (response->phase) {
	case RESPONSE_STATUS_LINE:
		if (!status_line(response))
			return RESPONSE_BAD;
		response->phase = RESPONSE_HEADERS;
		return RESPONSE_MORE;
	case RESPONSE_HEADERS:
		if (empty)
			return head_end(response);
		return header_line(response) ? RESPONSE_MORE : RESPONSE_BAD;
	case RESPONSE_CHUNK_SIZE:
		return chunk_size(response);
	case RESPONSE_CHUNK_END:
		response->phase = RESPONSE_CHUNK_SIZE;
		return empty ? RESPONSE_MORE : RESPONSE_BAD;
	default:
		return empty ? RESPONSE_DONE : RESPONSE_MORE;
	}
}

static enum response_result line_feed(struct response *response, const char **at, const char *end)
{
	bool complete = line_take(response, at, end);

	if (response->head_bytes > RESPONSE_HEAD_MAX)
		return RESPONSE_BAD;
	/* Garbage is refused at once, not when a line end happens to come. */
	if (response->phase == RESPONSE_STATUS_LINE) {
		size_t kept = line_kept(response);

		if (memcmp(response->line, "HTTP/1.", kept < 7 ? kept : 7))
			return RESPONSE_BAD;
	}
	if (!complete)
		return RESPONSE_MORE;
	enum response_result result = line_end(response);

	response->line_bytes = 0;
	return result;
}

static void body_keep(struct response_body *body, const char *bytes, size_t length)
{
	if (!body)
		return;
	if (body->length < body->capacity) {
		size_t room = body->capacity - body->length;

		memcpy(body->bytes + body->length, bytes, length < room ? length : room);
	}
	body->length += length;
}

static enum response_result body_feed(struct response *response, const char **at, const char *end,
				      struct response_body *body)
{
	size_t available = (size_t)(end - *at);
	size_t taken = response->phase != RESPONSE_UNTIL_CLOSE && response->remaining < available
			       ? (size_t)response->remaining
			       : available;

	body_keep(body, *at, taken);
	*at += taken;
	if (response->phase == RESPONSE_UNTIL_CLOSE)
		return RESPONSE_MORE;
	response->remaining -= taken;
	if (response->remaining)
		return RESPONSE_MORE;
	if (response->phase == RESPONSE_BODY)
		return RESPONSE_DONE;
	response->phase = RESPONSE_CHUNK_END;
	return RESPONSE_MORE;
}

static bool in_body(const struct response *response)
{
	return response->phase == RESPONSE_BODY || response->phase == RESPONSE_CHUNK_DATA ||
	       response->phase == RESPONSE_UNTIL_CLOSE;
}

enum response_result response_feed(struct response *response, const char *piece, size_t length, size_t *used,
				   struct response_body *body)
{
	const char *at = piece, *end = piece + length;
	enum response_result result = RESPONSE_MORE;

	while (at < end && result == RESPONSE_MORE)
		result = in_body(response) ? body_feed(response, &at, end, body) : line_feed(response, &at, end);
	*used = (size_t)(at - piece);
	return result;
}

enum response_result response_close(const struct response *response)
{
	return response->phase == RESPONSE_UNTIL_CLOSE ? RESPONSE_DONE : RESPONSE_BAD;
}
