/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http://HOST[:PORT][/PATH]. HOST is a name, an IPv4 address or an IPv6 address in brackets.
 */
#ifndef MEMLAB_LOAD_URL_H
#define MEMLAB_LOAD_URL_H

#define URL_HOST_BYTES 256
#define URL_PATH_BYTES 512

struct url {
	char host[URL_HOST_BYTES]; /* without brackets */
	char port[8];
	char authority[URL_HOST_BYTES + 16]; /* for the Host header */
	char path[URL_PATH_BYTES];           /* "" when the url names none, or only "/" */
};

/* 0 or -EINVAL */
int url_parse(const char *text, struct url *url);

#endif
