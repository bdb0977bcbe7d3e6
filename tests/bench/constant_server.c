/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor under memlab-svc: libmicrohttpd behind the same loop (poll, then MHD_run), with the same headers, that
 * answers every GET with the same bytes and does nothing else. What the service costs above it is the service's own.
 *
 *   constant-server BODY_BYTES     listens on a free port of 127.0.0.1, prints its URL, serves until killed
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define BACKLOG 4096
#define CONNECTIONS_MAX 20000u
#define CONNECTION_MEMORY_BYTES ((size_t)8192)
#define IDLE_TIMEOUT_S 75u

static struct MHD_Response *reply;

/* Answered on the second call; on the first, libmicrohttpd would close the connection. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_bytes, void **slot)
{
	(void)context, (void)url, (void)method, (void)version, (void)upload, (void)upload_bytes;
	if (!*slot) {
		*slot = reply;
		return MHD_YES;
	}
	return MHD_queue_response(connection, 200, reply);
}

/* A listening socket on a free port; the port in `port`. */
static int listen_anywhere(unsigned *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, bytes) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&address, &bytes))
		return -errno;
	*port = ntohs(address.sin_port);
	return fd;
}

static int wanted_timeout_ms(struct MHD_Daemon *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	if (MHD_get_timeout(server, &timeout_ms) != MHD_YES)
		return -1;
	return timeout_ms < 60000 ? (int)timeout_ms : 60000;
}

static void serve(struct MHD_Daemon *server)
{
	struct pollfd ready = {.fd = MHD_get_daemon_info(server, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .events = POLLIN};

	for (;;) {
		poll(&ready, 1, wanted_timeout_ms(server));
		MHD_run(server);
	}
}

static struct MHD_Daemon *start(size_t body_bytes, unsigned *port)
{
	char *body = malloc(body_bytes);
	int fd = listen_anywhere(port);

	if (!body || fd < 0)
		return NULL;
	memset(body, 'x', body_bytes);
	reply = MHD_create_response_from_buffer(body_bytes, body, MHD_RESPMEM_MUST_FREE);
	if (!reply)
		return NULL;
	MHD_add_response_header(reply, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
				MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_END);
}

int main(int argc, char **argv)
{
	size_t body_bytes = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	struct rlimit files;
	unsigned port = 0;

	if (body_bytes < 1 || body_bytes > 1 << 20) {
		fprintf(stderr, "constant-server: no body length; give one, 1 to 1048576\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	struct MHD_Daemon *server = start(body_bytes, &port);

	if (!server) {
		fprintf(stderr, "constant-server: cannot listen: %s; try again\n", strerror(errno));
		return 1;
	}
	printf("http://127.0.0.1:%u\n", port);
	fflush(stdout);
	serve(server);
}
