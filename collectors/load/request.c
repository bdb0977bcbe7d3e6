/* SPDX-License-Identifier: Apache-2.0 */
/* See request.h. */
#include <stdio.h>
#include <string.h>

#include "decimal.h"
#include "request.h"

void request_init(struct request *request, const struct load_options *options)
{
	const struct url *url = &options->url;
	int head, tail;

	request->lookup = url->path[0] == '\0';
	request->stamp = options->stamp;
	head = snprintf(request->bytes, sizeof(request->bytes), "GET %s", request->lookup ? "/lookup?key=" : url->path);
	tail = snprintf(request->tail, sizeof(request->tail), "%s%s HTTP/1.1\r\nHost: %s\r\n%s",
			request->lookup ? "&fmt=" : "", request->lookup ? lookup_format_name(options->format) : "",
			url->authority, options->stamp ? "X-Memlab-Times: " : "\r\n");
	/* Both fit: path and authority are bounded by their arrays in struct url. */
	request->head_bytes = (size_t)head;
	request->tail_bytes = (size_t)tail;
	request_prepare(request, 0);
}

void request_prepare(struct request *request, uint64_t key)
{
	char *at = request->bytes + request->head_bytes;

	if (request->lookup)
		at = decimal_append(at, key);
	memcpy(at, request->tail, request->tail_bytes);
	request->fixed_bytes = (size_t)(at - request->bytes) + request->tail_bytes;
	request->total_bytes = request->fixed_bytes;
}

void request_stamp(struct request *request, uint64_t intended_ns, uint64_t send_ns)
{
	if (!request->stamp)
		return;
	char *at = decimal_append(request->bytes + request->fixed_bytes, intended_ns);

	*at++ = ' ';
	at = decimal_append(at, send_ns);
	memcpy(at, "\r\n\r\n", 4);
	request->total_bytes = (size_t)(at + 4 - request->bytes);
}
