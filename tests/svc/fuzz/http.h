/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop is fuzzed: any bytes on a connection, in pieces of any size, read to the end or dropped, while the
 * heap is collected now and then. Whatever comes, an answer begins as HTTP's do and the next good request gets its
 * record.
 *
 * An input is: the size of a piece, a byte of settings (1: the client leaves without reading), then what is sent.
 */
#ifndef MEMLAB_TESTS_SVC_FUZZ_HTTP_H
#define MEMLAB_TESTS_SVC_FUZZ_HTTP_H

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../../../svc/server.h"
#include "targets.h"

#define FUZZ_PIECE_BYTES_MAX 64
#define FUZZ_ALIVE_ROUNDS 16
#define FUZZ_PATIENCE_MS 60000 /* for what must come */
#define FUZZ_SILENCE_MS 100    /* for what need not: the service waits for the rest of a body, or profiles */
#define FUZZ_GOOD_REQUEST "GET /lookup?key=7 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

struct fuzz_http {
	struct fuzz_service service;
	struct server *server;
	uint64_t runs;
};

static struct fuzz_http fuzz_http_state;

static void fuzz_http_close(void)
{
	struct fuzz_http *h = &fuzz_http_state;
	if (!h->server)
		return;
	server_stop(h->server);
	server_destroy(h->server);
	h->server = NULL;
	gc_unpark(h->service.handler.m);
	fuzz_service_end(&h->service);
}

static struct fuzz_http *fuzz_http_open(void)
{
	struct fuzz_http *h = &fuzz_http_state;
	if (h->server)
		return h;
	struct fuzz_service *service = &h->service;
	fuzz_service_open(service);
	strcpy(service->config.address, "127.0.0.1");
	service->config.idle_timeout_s = 2 * FUZZ_PATIENCE_MS / 1000;
	FUZZ_PROMISE(server_create(&service->config, &service->loop, &h->server) == 0);
	FUZZ_PROMISE(server_start(h->server, &service->service) == 0);
	gc_park(service->handler.m);
	atexit(fuzz_http_close);
	return h;
}

static int fuzz_connect(const struct fuzz_http *h, int patience_ms)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(server_port(h->server)),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = patience_ms / 1000, .tv_usec = patience_ms % 1000 * 1000};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FUZZ_PROMISE(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
	FUZZ_PROMISE(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

/* Until the service has enough. */
static void fuzz_send(int fd, const uint8_t *bytes, size_t size, size_t piece)
{
	for (size_t at = 0; at < size; at += piece)
		if (send(fd, bytes + at, size - at < piece ? size - at : piece, MSG_NOSIGNAL) < 0)
			return;
}

static void fuzz_send_text(int fd, const char *text)
{
	fuzz_send(fd, (const uint8_t *)text, strlen(text), strlen(text));
}

/* All that comes, of which the first bytes are kept. */
static size_t fuzz_receive(int fd, char *first, size_t room)
{
	char rest[4096];
	size_t kept = 0;
	for (;;) {
		ssize_t got = recv(fd, kept < room ? first + kept : rest, kept < room ? room - kept : sizeof(rest), 0);
		if (got <= 0)
			return kept;
		if (kept < room)
			kept += (size_t)got;
	}
}

static void fuzz_alive(struct fuzz_http *h)
{
	static const char expected[] = "HTTP/1.1 200 OK";
	char answer[sizeof(expected)] = "";
	int fd = fuzz_connect(h, FUZZ_PATIENCE_MS);
	fuzz_send_text(fd, FUZZ_GOOD_REQUEST);
	fuzz_receive(fd, answer, sizeof(expected) - 1);
	FUZZ_PROMISE(!strcmp(answer, expected));
	close(fd);
}

/* Knobs may have been turned: back, a collection, and a look at the whole heap. */
static void fuzz_collect(struct fuzz_service *service)
{
	gc_set_percent(service->heap, 50);
	gc_set_memory_limit(service->heap, GC_LIMIT_OFF);
	gc_unpark(service->handler.m);
	gc_collect(service->handler.m);
	gc_park(service->handler.m);
}

static inline void fuzz_http(const uint8_t *data, size_t size)
{
	struct fuzz_http *h = fuzz_http_open();
	char first[] = "HTTP/1.";
	char answer[sizeof(first) - 1];
	if (size < 2)
		return;
	int fd = fuzz_connect(h, FUZZ_SILENCE_MS);
	fuzz_send(fd, data + 2, size - 2, 1 + data[0] % FUZZ_PIECE_BYTES_MAX);
	if (!(data[1] & 1)) {
		/* Ends most inputs, so that the service closes the connection. */
		fuzz_send_text(fd, "\r\n\r\n" FUZZ_GOOD_REQUEST);
		size_t got = fuzz_receive(fd, answer, sizeof(answer));
		FUZZ_PROMISE(!memcmp(answer, first, got));
	}
	close(fd);
	if (++h->runs % FUZZ_ALIVE_ROUNDS)
		return;
	fuzz_collect(&h->service);
	fuzz_alive(h);
}

#endif
