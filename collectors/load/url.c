/* SPDX-License-Identifier: Apache-2.0 */
/* See url.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "quantity.h"
#include "url.h"

static int copy(char *to, size_t capacity, const char *from, size_t length)
{
	if (length >= capacity)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		/* What cannot stand in a request line or header. */
		if ((unsigned char)from[i] <= ' ' || from[i] == 0x7f)
			return -EINVAL;
	}
	memcpy(to, from, length);
	to[length] = '\0';
	return 0;
}

static int host_parse(const char *text, size_t length, struct url *url, size_t *used)
{
	bool bracketed = length && text[0] == '[';
	const char *close = bracketed ? memchr(text, ']', length) : NULL;
	size_t host;

	if (bracketed && !close)
		return -EINVAL;
	if (bracketed) {
		*used = (size_t)(close - text) + 1;
		return copy(url->host, sizeof(url->host), text + 1, *used - 2);
	}
	host = strcspn(text, ":/");
	*used = host < length ? host : length;
	return *used ? copy(url->host, sizeof(url->host), text, *used) : -EINVAL;
}

static int port_parse(const char *text, size_t length, struct url *url)
{
	uint64_t port;

	if (length == 0)
		return copy(url->port, sizeof(url->port), "80", 2);
	if (text[0] != ':' || copy(url->port, sizeof(url->port), text + 1, length - 1))
		return -EINVAL;
	return quantity_u64(url->port, &port) || port < 1 || port > 65535 ? -EINVAL : 0;
}

int url_parse(const char *text, struct url *url)
{
	static const char scheme[] = "http://";
	size_t used;

	if (strncmp(text, scheme, strlen(scheme)))
		return -EINVAL;
	text += strlen(scheme);
	size_t authority = strcspn(text, "/");

	if (copy(url->authority, sizeof(url->authority), text, authority) || host_parse(text, authority, url, &used) ||
	    port_parse(text + used, authority - used, url))
		return -EINVAL;
	text += authority;
	return copy(url->path, sizeof(url->path), text, strcmp(text, "/") ? strlen(text) : 0);
}
