/* SPDX-License-Identifier: Apache-2.0 */
/* See hangup.h. */
#include "hangup.h"

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS 64
#define TOLD_ONCE (1ull << 32) /* above the socket in an event's data */

int hangups_open(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

static void watch(int hangups, int operation, int socket, uint64_t data)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.u64 = data};

	epoll_ctl(hangups, operation, socket, &event);
}

void hangup_watch(int hangups, int socket)
{
	watch(hangups, EPOLL_CTL_ADD, socket, (uint64_t)socket);
}

/*
 * Twice, with a run of libmicrohttpd between: the end may have come since its last look, and then the first edge goes into the
 * one that it has not taken yet.
 */
static void tell(int hangups, uint64_t data)
{
	int socket = (int)(data & (TOLD_ONCE - 1));

	shutdown(socket, SHUT_RD);
	if (!(data & TOLD_ONCE))
		watch(hangups, EPOLL_CTL_MOD, socket, data | TOLD_ONCE);
}

void hangups_tell(int hangups)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(hangups, events, EVENTS, 0);

	for (int i = 0; i < count; i++)
		tell(hangups, events[i].data.u64);
}
