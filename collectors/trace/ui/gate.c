/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../core/clock.h"

#define LINE_BYTES_MAX 2048
#define PATIENCE_NS 10000000000ull

/* ---- request lines: METHOD, blank, a target without blanks or control characters, blank, HTTP/digit.digit */

static size_t span_method(const char *text, size_t size)
{
	size_t at = 0;
	while (at < size && ((text[at] >= 'A' && text[at] <= 'Z') || text[at] == '-'))
		at++;
	return at;
}

static size_t span_target(const char *text, size_t size)
{
	size_t at = 0;
	while (at < size && (unsigned char)text[at] > ' ' && (unsigned char)text[at] < 127)
		at++;
	return at;
}

int gate_is_request_line(const char *text, size_t size)
{
	static const char version[] = "HTTP/0.0";
	size_t method = span_method(text, size);
	if (!method || method == size || text[method] != ' ')
		return 0;
	text += method + 1;
	size -= method + 1;
	size_t target = span_target(text, size);
	if (!target || size - target != sizeof(version) || text[target] != ' ')
		return 0;
	text += target + 1;
	for (size_t i = 0; i < sizeof(version) - 1; i++)
		if (version[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != version[i])
			return 0;
	return 1;
}

/* ---- connections */

enum verdict { WAIT, PASS, REFUSE, GONE };

static int says_no_more(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};
	return poll(&poll_fd, 1, 0) > 0;
}

static enum verdict look(int fd)
{
	char text[LINE_BYTES_MAX];
	ssize_t got = recv(fd, text, sizeof(text), MSG_PEEK | MSG_DONTWAIT);
	if (got <= 0)
		return got == 0 ? GONE : WAIT;
	const char *begin = text, *end = text + got;
	while (begin < end && (*begin == '\r' || *begin == '\n')) /* allowed before a request */
		begin++;
	const char *newline = memchr(begin, '\n', (size_t)(end - begin));
	if (!newline)
		return got == sizeof(text) || says_no_more(fd) ? REFUSE : WAIT;
	size_t size = (size_t)(newline - begin);
	if (size && begin[size - 1] == '\r')
		size--;
	return gate_is_request_line(begin, size) ? PASS : REFUSE;
}

/* What has come is read first: closing with unread bytes would reset the connection, and the answer with it. */
static void refuse(int fd)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
				     "X-Content-Type-Options: nosniff\r\nConnection: close\r\nContent-Length: 15\r\n\r\n"
				     "no HTTP request";
	char drop[LINE_BYTES_MAX];
	for (int i = 0; i < 32 && recv(fd, drop, sizeof(drop), MSG_DONTWAIT) > 0; i++)
		;
	(void)!send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	close(fd);
}

static void forget(struct gate *gate, unsigned at)
{
	memmove(&gate->waiting[at], &gate->waiting[at + 1], (gate->count - at - 1) * sizeof(gate->waiting[0]));
	gate->count--;
}

static void take_new(struct gate *gate)
{
	int fd;
	while ((fd = accept4(gate->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (gate->count == GATE_WAITING) {
			close(gate->waiting[0].fd);
			forget(gate, 0);
		}
		gate->waiting[gate->count].fd = fd;
		gate->waiting[gate->count++].since_ns = clock_ns(CLOCK_MONOTONIC);
	}
}

void gate_poll(struct gate *gate, void (*pass)(void *context, int fd), void *context)
{
	take_new(gate);
	for (unsigned i = 0; i < gate->count;) {
		int fd = gate->waiting[i].fd;
		enum verdict verdict = look(fd);
		if (verdict == WAIT && clock_ns(CLOCK_MONOTONIC) - gate->waiting[i].since_ns < PATIENCE_NS) {
			i++;
			continue;
		}
		forget(gate, i);
		if (verdict == PASS)
			pass(context, fd);
		else if (verdict == REFUSE)
			refuse(fd);
		else
			close(fd);
	}
}

void gate_close(struct gate *gate)
{
	while (gate->count)
		close(gate->waiting[--gate->count].fd);
	close(gate->fd);
}
