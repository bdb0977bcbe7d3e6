/* SPDX-License-Identifier: Apache-2.0 */
/* See hangup.h. */
#include "hangup.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS 64

int hangups_open(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

void hangup_watch(int hangups, int socket)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.fd = socket};

	epoll_ctl(hangups, EPOLL_CTL_ADD, socket, &event);
}

void hangups_tell(int hangups)
{
	struct epoll_event events[EVENTS];
	int count;

	do {
		count = epoll_wait(hangups, events, EVENTS, 0);
		for (int i = 0; i < count; i++)
			shutdown(events[i].data.fd, SHUT_RD);
	} while (count == EVENTS);
}
