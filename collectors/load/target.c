/* SPDX-License-Identifier: Apache-2.0 */
/* See target.h. Blocking calls: used before the run only. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "jsonscan.h"
#include "response.h"
#include "target.h"

int target_resolve(struct target *target, const struct url *url)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
	int error = getaddrinfo(url->host, url->port, &hints, &found);

	if (error)
		return error;
	memcpy(&target->address, found->ai_addr, found->ai_addrlen);
	target->address_bytes = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int connect_blocking(const struct target *target, uint64_t timeout_ns)
{
	struct timeval timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
				  .tv_usec = (suseconds_t)(timeout_ns % NS_PER_S / NS_PER_US)};
	int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (const struct sockaddr *)&target->address, target->address_bytes)) {
		int error = errno == EINPROGRESS ? ETIMEDOUT : errno;

		close(fd);
		return -error;
	}
	return fd;
}

static int answer_read(int fd, struct response *response, struct response_body *body)
{
	char piece[4096];
	size_t used;

	response_begin(response);
	for (;;) {
		ssize_t got = recv(fd, piece, sizeof(piece), 0);

		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		enum response_result result =
			got ? response_feed(response, piece, (size_t)got, &used, body) : response_close(response);

		if (result == RESPONSE_DONE)
			return 0;
		if (result == RESPONSE_BAD)
			return -EPROTO;
	}
}

/* Keeps what is needed of the body of /debug/allocs. */
static void about_take(struct target *target, const struct response_body *body)
{
	if (body->length > body->capacity)
		return;
	target->known = !jsonscan_u64(body->bytes, body->length, "records", &target->records) &&
			!jsonscan_u64(body->bytes, body->length, "seed", &target->seed) && target->records > 0;
	target->run = jsonscan_member(body->bytes, body->length, "run", &target->run_bytes);
	if (target->run &&
	    (target->run_bytes < 2 || target->run[0] != '{' || target->run[target->run_bytes - 1] != '}'))
		target->run = NULL;
}

int target_ask(struct target *target, const struct url *url, uint64_t timeout_ns)
{
	struct response_body body = {.bytes = target->about, .capacity = sizeof(target->about)};
	struct response response;
	char request[512];
	int length = snprintf(request, sizeof(request),
			      "GET /debug/allocs HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", url->authority);
	int fd = connect_blocking(target, timeout_ns);

	if (fd < 0)
		return fd;
	int error = send(fd, request, (size_t)length, MSG_NOSIGNAL) == length ? 0 : -EIO;

	target->control_requests++;
	if (!error)
		error = answer_read(fd, &response, &body);
	close(fd);
	if (!error && response.status == 200)
		about_take(target, &body);
	return error;
}
