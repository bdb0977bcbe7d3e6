/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target whose every name is an attack: its threads', its function's (HOSTILE_NAME, given to it by objcopy), what it says of
 * its run. It answers each read with 200, on a port that it prints, until it is killed. hostile.bats watches it.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 64

/* Where tracers look for a description of the run. */
__attribute__((visibility("default"))) char memlab_run_info[1024] =
	"{\"path\":\"</script><img src=x onerror=hacked()>\",\"gogc\":\"<b>\\u001b[2J\",\"layout\":\"\\\"}\\n evil 1\",\"index_bytes\":\"'><i>\"}";

static volatile unsigned long sink;
static char *volatile kept;

void hostile_work(void);

/* Works for 30 us and allocates. */
__attribute__((noinline)) void hostile_work(void)
{
	for (unsigned long i = 0; i < 30000; i++)
		sink += i;
	free(kept);
	kept = malloc(3000 + sink % 100);
	memset(kept, 1, 3000);
}

static int answer(int fd)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	char request[2048];
	if (recv(fd, request, sizeof(request), 0) <= 0)
		return 0;
	hostile_work();
	return send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL) > 0;
}

static void serve(int listener)
{
	struct pollfd fds[CONNECTIONS + 1] = {{.fd = listener, .events = POLLIN}};
	nfds_t count = 1;
	while (poll(fds, count, -1) > 0) {
		for (nfds_t i = 1; i < count; i++)
			if (fds[i].revents && !answer(fds[i].fd)) {
				close(fds[i].fd);
				fds[i--] = fds[--count];
			}
		if (fds[0].revents && count <= CONNECTIONS)
			fds[count++] = (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
	}
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	prctl(PR_SET_NAME, "<b>\"\033[2J&\xff'\xe2\x80\xae\n");
	if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, CONNECTIONS) ||
	    getsockname(listener, (struct sockaddr *)&address, &size))
		return 1;
	printf("listening on %u\n", ntohs(address.sin_port));
	fflush(stdout);
	serve(listener);
	return 1;
}
