/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate.h"
#include "page.h"

#define CONNECTIONS_MAX 64
#define IDLE_SECONDS 15

struct listener {
	struct MHD_Daemon *daemon;
	struct gate gate;
	struct listener_content content;
	int anyone;
	uint16_t port;
};

/* ---- resources */

enum resource_id {
	RESOURCE_PAGE,
	RESOURCE_STYLE,
	RESOURCE_SCRIPT,
	RESOURCE_DATA,
	RESOURCE_METRICS,
	RESOURCE_FLAME,                                     /* and one more for each kind */
	RESOURCE_PROFILE = RESOURCE_FLAME + FLAME_KIND_COUNT,
	RESOURCE_COUNT = RESOURCE_PROFILE + PPROF_KIND_COUNT
};

#define PAGE_POLICY                                                                                       \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; " \
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
/* The flame graph brings its own script; it may be framed by the page and nobody else. */
#define FLAME_POLICY                                                                                          \
	"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'self'; " \
	"base-uri 'none'; form-action 'none'"

static const struct resource {
	const char *path, *type, *policy;
} resources[] = {
	[RESOURCE_PAGE] = {"/", "text/html; charset=utf-8", PAGE_POLICY},
	[RESOURCE_STYLE] = {"/page.css", "text/css; charset=utf-8", PAGE_POLICY},
	[RESOURCE_SCRIPT] = {"/page.js", "text/javascript; charset=utf-8", PAGE_POLICY},
	[RESOURCE_DATA] = {"/data.json", "application/json", PAGE_POLICY},
	[RESOURCE_METRICS] = {"/metrics", NULL, PAGE_POLICY},
#define FLAME_RESOURCE(id, name) [RESOURCE_FLAME + FLAME_##id] = {"/flame-" #name ".svg", "image/svg+xml", FLAME_POLICY},
	FLAME_LIST(FLAME_RESOURCE)
#undef FLAME_RESOURCE
	[RESOURCE_PROFILE + PPROF_ALLOC] = {"/profile-alloc.pb.gz", "application/octet-stream", PAGE_POLICY},
	[RESOURCE_PROFILE + PPROF_CPU] = {"/profile-cpu.pb.gz", "application/octet-stream", PAGE_POLICY},
	[RESOURCE_PROFILE + PPROF_OFFCPU] = {"/profile-offcpu.pb.gz", "application/octet-stream", PAGE_POLICY},
	[RESOURCE_PROFILE + PPROF_REQUESTS] = {"/profile-requests.pb.gz", "application/octet-stream", PAGE_POLICY},
};
_Static_assert(sizeof(resources) / sizeof(*resources) == RESOURCE_COUNT, "every resource has its line");

static const struct resource *find_resource(const char *path)
{
	for (unsigned i = 0; i < RESOURCE_COUNT; i++)
		if (strcmp(resources[i].path, path) == 0)
			return &resources[i];
	return NULL;
}

/* 0, -ENOENT when the owner has no such content, or what its writer says. */
static int write_resource(const struct listener *listener, enum resource_id id, enum metrics_format format, FILE *file)
{
	const struct listener_content *content = &listener->content;
	switch (id) {
	case RESOURCE_PAGE:
		return fputs(page_html, file) < 0 ? -EIO : 0;
	case RESOURCE_STYLE:
		return fputs(page_style, file) < 0 ? -EIO : 0;
	case RESOURCE_SCRIPT:
		return fputs(page_script, file) < 0 ? -EIO : 0;
	case RESOURCE_DATA:
		return content->data ? content->data(content->context, file) : -ENOENT;
	case RESOURCE_METRICS:
		return content->metrics ? content->metrics(content->context, file, format) : -ENOENT;
	default:
		break;
	}
	if (id < RESOURCE_PROFILE)
		return content->flame ? content->flame(content->context, file, (enum flame_kind)(id - RESOURCE_FLAME)) : -ENOENT;
	return content->profile ? content->profile(content->context, file, (enum pprof_kind)(id - RESOURCE_PROFILE)) : -ENOENT;
}

/* ---- answers */

static enum MHD_Result send_body(struct MHD_Connection *connection, unsigned status, const char *type,
				 const char *policy, void *body, size_t size, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(size, body, mode);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Content-Security-Policy", policy);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "X-Frame-Options", strcmp(policy, PAGE_POLICY) == 0 ? "DENY" : "SAMEORIGIN");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	enum MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_words(struct MHD_Connection *connection, unsigned status, const char *words)
{
	return send_body(connection, status, "text/plain; charset=utf-8", PAGE_POLICY, (void *)(uintptr_t)words,
			 strlen(words), MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_resource(const struct listener *listener, struct MHD_Connection *connection,
				     const struct resource *resource)
{
	enum metrics_format format =
		metrics_negotiate(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept"));
	char *body = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&body, &size);
	int error = file ? write_resource(listener, (enum resource_id)(resource - resources), format, file) : -ENOMEM;
	if (file && fclose(file) && !error)
		error = -ENOMEM;
	if (error) {
		free(body);
		return error == -ENOENT
			       ? send_words(connection, MHD_HTTP_NOT_FOUND, "not recorded in this run\n")
			       : send_words(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "cannot be written now\n");
	}
	const char *type = resource->type ? resource->type : metrics_content_type(format);
	return send_body(connection, MHD_HTTP_OK, type, resource->policy, body, size, MHD_RESPMEM_MUST_FREE);
}

/* "127.0.0.1:9435", "localhost", "[::1]:9435": the names under which a browser may ask for a loopback page. */
static int host_is_loopback(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
	for (unsigned i = 0; i < 3; i++) {
		size_t length = strlen(names[i]);
		if (strncasecmp(host, names[i], length) == 0 && (host[length] == ':' || host[length] == '\0'))
			return 1;
	}
	return 0;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *upload, size_t *upload_size, void **state)
{
	const struct listener *listener = context;
	(void)version;
	(void)upload;
	/* The first call has only the headers; answering there would close the connection. */
	static int seen;
	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*upload_size) { /* a body nobody wants is read and dropped */
		*upload_size = 0;
		return MHD_YES;
	}
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
	if (!host)
		return send_words(connection, MHD_HTTP_BAD_REQUEST, "no Host header\n");
	if (!listener->anyone && !host_is_loopback(host))
		return send_words(connection, MHD_HTTP_FORBIDDEN, "this page is for loopback hosts only\n");
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return send_words(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD\n");
	const struct resource *resource = find_resource(url);
	if (!resource)
		return send_words(connection, MHD_HTTP_NOT_FOUND,
				  "no such page; there are / /data.json /metrics /flame-tail.svg ... (docs/views.md)\n");
	return send_resource(listener, connection, resource);
}

/* Paths are compared as they were sent: ours need no escapes, and "/%00" is not "/". */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

/* ---- the socket */

/* Splits "HOST:PORT", "[HOST]:PORT", ":PORT" or "PORT". */
static int split_address(const char *address, char *host, size_t host_size, char *port, size_t port_size)
{
	const char *colon = strrchr(address, ':'), *from = address, *to = colon;
	if (!colon || colon == address) {
		snprintf(host, host_size, "127.0.0.1");
	} else {
		if (*from == '[' && colon[-1] == ']') {
			from++;
			to--;
		}
		if ((size_t)(to - from) >= host_size)
			return -EINVAL;
		memcpy(host, from, (size_t)(to - from));
		host[to - from] = '\0';
	}
	const char *digits = colon ? colon + 1 : address;
	if (!*digits || strspn(digits, "0123456789") != strlen(digits) || strlen(digits) > 5 || atoi(digits) > 65535)
		return -EINVAL;
	snprintf(port, port_size, "%s", digits);
	return 0;
}

static int address_is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static int bind_socket(const struct addrinfo *found)
{
	int one = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, CONNECTIONS_MAX)) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

static int open_socket(const char *address, int anyone)
{
	char host[128], port[8];
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
				       .ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *found;
	if (split_address(address, host, sizeof(host), port, sizeof(port)))
		return -EINVAL;
	if (getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port, &hints, &found))
		return -EINVAL;
	int fd = !anyone && !address_is_loopback(found->ai_addr) ? -EPERM : bind_socket(found);
	freeaddrinfo(found);
	return fd;
}

static uint16_t socket_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &size))
		return 0;
	return ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
						  : ((struct sockaddr_in6 *)&address)->sin6_port);
}

int listener_open(struct listener **out, const char *address, int anyone, const struct listener_content *content)
{
	int fd = open_socket(address, anyone);
	if (fd < 0)
		return fd;
	struct listener *listener = calloc(1, sizeof(*listener));
	if (listener) {
		listener->content = *content;
		listener->anyone = anyone;
		listener->port = socket_port(fd);
		listener->gate.fd = fd;
		listener->daemon =
			MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, answer, listener,
					 MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_CONNECTION_LIMIT,
					 CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_END);
	}
	if (!listener || !listener->daemon) {
		free(listener);
		close(fd);
		return -ENOMEM;
	}
	*out = listener;
	return 0;
}

void listener_close(struct listener *listener)
{
	if (!listener)
		return;
	gate_close(&listener->gate);
	MHD_stop_daemon(listener->daemon);
	free(listener);
}

/* libmicrohttpd closes what it cannot take. */
static void pass_on(void *context, int fd)
{
	struct listener *listener = context;
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	if (getpeername(fd, (struct sockaddr *)&address, &size))
		close(fd);
	else
		MHD_add_connection(listener->daemon, fd, (struct sockaddr *)&address, size);
}

void listener_poll(struct listener *listener)
{
	gate_poll(&listener->gate, pass_on, listener);
	MHD_run(listener->daemon);
}

uint16_t listener_port(const struct listener *listener)
{
	return listener->port;
}
