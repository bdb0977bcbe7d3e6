/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and listening sockets: a port is taken when the service starts, and listened to when the index is there. */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int parse_address(const struct config *config, uint16_t port, struct sockaddr_storage *address, socklen_t *bytes)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
	const char *text = strcmp(config->address, "localhost") ? config->address : "127.0.0.1";
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		*bytes = sizeof(*in);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
		return -EINVAL;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	*bytes = sizeof(*in6);
	return 0;
}

int listener_bind(const struct config *config, uint16_t port, bool shared)
{
	struct sockaddr_storage address;
	socklen_t bytes;
	int one = 1;
	int error = parse_address(config, port, &address, &bytes);
	if (error)
		return error;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, bytes)) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

uint16_t listener_port(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t bytes = sizeof(address);
	getsockname(fd, (struct sockaddr *)&address, &bytes);
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

int listener_check_free(const struct config *config)
{
	int fd = listener_bind(config, config->port, false);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}
