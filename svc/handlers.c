/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs. Errors are JSON too. */
#include "handlers.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cpu_profile.h"
#include "debug_allocs.h"
#include "decimal.h"
#include "knobs.h"
#include "metrics_page.h"
#include "pprof.h"
#include "site.h"

#define CPU_PROFILE_SECONDS 30

void (*handler_inject)(struct handler *handler, const struct request *request);

/* The loop's buffer becomes the body. */
static void answer_buffer(struct handler *handler, struct response *response, unsigned status)
{
	response->status = status;
	response->content_type = format_content_type(FORMAT_JSON);
	response->reusable = true;
	response->body = handler->buffer.bytes;
	response->length = handler->buffer.length;
}

static __attribute__((cold, noinline)) void answer_error(struct handler *handler, struct response *response,
							 unsigned status, const char *error, const char *message)
{
	handler->buffer.length = 0;
	buffer_add_format(&handler->buffer, "{\"status\":%u,\"error\":\"%s\",\"message\":", status, error);
	buffer_add_json_text(&handler->buffer, message);
	buffer_add_text(&handler->buffer, "}\n");
	answer_buffer(handler, response, status);
}

/*
 * The words of a request are a few bytes long and a lookup compares five of them; here that costs less than calls of
 * strcmp. With a constant word it is two instructions a byte.
 */
static inline __attribute__((always_inline)) bool is_word(const char *text, const char *word)
{
#pragma GCC unroll 8
	for (size_t i = 0; i <= strlen(word); i++)
		if (text[i] != word[i])
			return false;
	return true;
}

static inline bool is_path(const char *text, const char *path)
{
	size_t i = 0;
	while (path[i] && text[i] == path[i])
		i++;
	return text[i] == path[i];
}

/* ------------------------------------------------------------- /lookup */

#define KEY_DIGITS_SAFE 19 /* never too large for 64 bits */

/* Decimal digits only; false if there are none, others, or too many. */
static inline __attribute__((always_inline)) bool parse_key(const char *text, uint64_t *key)
{
	const char *at = text;
	uint64_t value = 0;
	for (uint64_t digit; (digit = (uint64_t)(unsigned char)*at - '0') <= 9; at++)
		value = value * 10 + digit;
	*key = value;
	if (*at || at == text)
		return false;
	return at - text <= KEY_DIGITS_SAFE || decimal_take(&text, key);
}

static inline __attribute__((always_inline)) bool parse_format(const char *text, enum format *format)
{
	*format = text && is_word(text, "bin") ? FORMAT_BIN : FORMAT_JSON;
	return !text || *format == FORMAT_BIN || is_word(text, "json");
}

static void answer_opt(struct handler *handler, const struct record_view *view, struct response *response)
{
	char *to;
	handler->buffer.length = 0;
	if (handler->service->config->pool)
		to = buffer_room(&handler->buffer, SERIALIZE_ROOM_MAX);
	else
		to = gc_push(handler->m, SITE_ALLOC_BYTES(handler->m, serialize_room(view), opt_buffer));
	response->length = serialize_opt(view, response->format, to);
	response->body = to;
	response->content_type = format_content_type(response->format);
	response->reusable = handler->service->config->pool;
}

static void answer_naive(struct handler *handler, const struct record_view *view, struct response *response)
{
	struct naive naive = {handler->m, handler->service->config->fixes, &handler->buffer, NULL};
	const struct text *body = gc_push(handler->m, serialize_naive(&naive, view, response->format));
	const struct text *type = gc_push(handler->m, serialize_naive_type(&naive, response->format));
	response->body = body ? body->bytes : handler->buffer.bytes;
	response->length = body ? body->length : handler->buffer.length;
	response->content_type = type ? type->bytes : format_content_type(response->format);
	response->reusable = true; /* what it says is one of the two types */
	serialize_naive_log(&naive, response->key, response->length);
}

static inline __attribute__((always_inline)) void answer_lookup(struct handler *handler, const struct request *request,
							      struct response *response)
{
	if (__builtin_expect(__atomic_load_n(&handler->service->shedding, __ATOMIC_RELAXED), 0)) {
		answer_error(handler, response, 503, "memory_limit", "over the memory limit; try again later");
		return;
	}
	const char *key = request->argument(request, "key");
	if (!key || !parse_key(key, &response->key)) {
		answer_error(handler, response, 400, "bad_key", "key must be a decimal number, as in /lookup?key=7");
		return;
	}
	if (!parse_format(request->argument(request, "fmt"), &response->format)) {
		answer_error(handler, response, 400, "bad_format", "fmt must be json or bin");
		return;
	}
	struct record_view view;
	if (!store_find(handler->service->store, response->key, &view)) {
		answer_error(handler, response, 404, "unknown_key",
			     "no such record; keys and their range: /debug/allocs");
		return;
	}
	response->status = 200;
	response->lookup = true;
	if (handler->service->config->path == PATH_OPT)
		answer_opt(handler, &view, response);
	else
		answer_naive(handler, &view, response);
}

/* ------------------------------------------------------------- others */

static void answer_health(struct handler *handler, const struct request *request, struct response *response)
{
	(void)request;
	handler->buffer.length = 0;
	buffer_add_text(&handler->buffer, "{\"status\":\"ok\"}\n");
	answer_buffer(handler, response, 200);
}

static void answer_allocs(struct handler *handler, const struct request *request, struct response *response)
{
	(void)request;
	handler->buffer.length = 0;
	debug_allocs_add(&handler->buffer, handler->service);
	answer_buffer(handler, response, 200);
}

static void answer_ready(struct handler *handler, const struct request *request, struct response *response)
{
	if (__atomic_load_n(&handler->service->stopping, __ATOMIC_RELAXED))
		answer_error(handler, response, 503, "stopping", "the service is shutting down");
	else
		answer_health(handler, request, response);
}

static void answer_metrics(struct handler *handler, const struct request *request, struct response *response)
{
	enum metrics_format format = metrics_negotiate(request->header ? request->header(request, "Accept") : NULL);
	handler->buffer.length = 0;
	metrics_page_add(&handler->buffer, handler->service, format);
	answer_buffer(handler, response, 200);
	response->content_type = metrics_content_type(format);
	response->reusable = false;
}

static bool wants_text(const struct request *request)
{
	const char *debug = request->argument(request, "debug");
	return debug && strcmp(debug, "0");
}

/* The loop's buffer as a profile. */
static void answer_pprof(struct handler *handler, struct response *response, bool text)
{
	answer_buffer(handler, response, 200);
	response->content_type = text ? "text/plain; charset=utf-8" : "application/octet-stream";
	response->reusable = false;
}

/* What there is, one a line. */
static void answer_pprof_index(struct handler *handler, const struct request *request, struct response *response)
{
	(void)request;
	handler->buffer.length = 0;
	buffer_add_text(&handler->buffer,
			"allocs   every allocation since the start, by site\n"
			"heap     objects sampled by bytes: allocated, and in use as of the last cycle\n"
			"profile  CPU profile of the next ?seconds=N\n"
			"cmdline  the arguments of this process\n");
	answer_pprof(handler, response, true);
}

static void answer_pprof_allocs(struct handler *handler, const struct request *request, struct response *response)
{
	bool text = wants_text(request);
	handler->buffer.length = 0;
	if (text)
		pprof_allocs_text_add(&handler->buffer, handler->service->heap);
	else
		pprof_allocs_add(&handler->buffer, handler->service->heap);
	answer_pprof(handler, response, text);
}

static void answer_pprof_heap(struct handler *handler, const struct request *request, struct response *response)
{
	bool text = wants_text(request);
	handler->buffer.length = 0;
	if (text)
		pprof_heap_text_add(&handler->buffer);
	else
		pprof_heap_add(&handler->buffer);
	answer_pprof(handler, response, text);
}

/* Begins the profile, and is called again when its time is over. */
static void answer_pprof_cpu(struct handler *handler, const struct request *request, struct response *response)
{
	const char *text = request->argument(request, "seconds");
	uint64_t seconds = CPU_PROFILE_SECONDS;
	if (request->resumed) {
		handler->buffer.length = 0;
		cpu_profile_end(&handler->buffer, wants_text(request));
		answer_pprof(handler, response, wants_text(request));
		return;
	}
	if (text && (!parse_key(text, &seconds) || !seconds || seconds > CPU_PROFILE_SECONDS_MAX)) {
		answer_error(handler, response, 400, "bad_seconds", "seconds must be a number from 1 to 300");
		return;
	}
	int error = cpu_profile_begin();
	if (error == -EBUSY)
		answer_error(handler, response, 409, "profile_running", "a CPU profile is running; try again later");
	else if (error)
		answer_error(handler, response, 503, "no_profile", "no memory or timer for a CPU profile");
	else
		response->wait_ns = seconds * 1000000000;
}

/* The command line, arguments separated by NUL, as Go's. */
static void answer_cmdline(struct handler *handler, const struct request *request, struct response *response)
{
	(void)request;
	handler->buffer.length = 0;
	FILE *file = fopen("/proc/self/cmdline", "re");
	if (file) {
		size_t length = fread(buffer_room(&handler->buffer, 4096), 1, 4096, file);
		handler->buffer.length = length ? length - 1 : 0;
		fclose(file);
	}
	answer_buffer(handler, response, 200);
	response->content_type = "text/plain; charset=utf-8";
	response->reusable = false;
}

static inline bool is_get(const struct request *request)
{
	return is_word(request->method, "GET") || is_word(request->method, "HEAD");
}

static void answer_knobs(struct handler *handler, const struct request *request, struct response *response)
{
	if (!request->local || !request->local(request)) {
		answer_error(handler, response, 403, "not_local",
			     "knobs can only be seen and changed from this machine");
		return;
	}
	const char *wrong = is_get(request) ? NULL : knobs_apply(handler->service, request);
	if (wrong) {
		answer_error(handler, response, 400, "bad_knob", wrong);
		return;
	}
	handler->buffer.length = 0;
	knobs_add(&handler->buffer, handler->service);
	answer_buffer(handler, response, 200);
}

struct route {
	const char *path;
	void (*answer)(struct handler *handler, const struct request *request, struct response *response);
	bool post; /* besides GET and HEAD */
};

static const struct route routes[] = {
	{"/lookup", answer_lookup, false},
	{"/healthz", answer_health, false},
	{"/readyz", answer_ready, false},
	{"/metrics", answer_metrics, false},
	{"/debug/allocs", answer_allocs, false},
	{"/debug/knobs", answer_knobs, true},
	{"/debug/pprof/allocs", answer_pprof_allocs, false},
	{"/debug/pprof/heap", answer_pprof_heap, false},
	{"/debug/pprof/profile", answer_pprof_cpu, false},
	{"/debug/pprof/cmdline", answer_cmdline, false},
	{"/debug/pprof/", answer_pprof_index, false},
};

static const struct route *find_route(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (is_path(path, routes[i].path))
			return &routes[i];
	return NULL;
}

static inline bool is_lookup(const struct request *request)
{
	return is_word(request->path, "/lookup");
}

bool handler_needs_heap(const struct request *request)
{
	return is_lookup(request) || handler_inject;
}

/* As the table has it. */
static void answer_by_route(struct handler *handler, const struct request *request, struct response *response)
{
	const struct route *route = find_route(request->path);
	if (!route) {
		answer_error(handler, response, 404, "unknown_path",
			     "try /lookup?key=7, /healthz, /readyz, /metrics, /debug/allocs, /debug/knobs or "
			     "/debug/pprof/{allocs,heap,profile,cmdline}");
		return;
	}
	if (!is_get(request) && !(route->post && !strcmp(request->method, "POST"))) {
		response->allow = route->post ? "GET, HEAD, POST" : "GET, HEAD";
		answer_error(handler, response, 405, "method_not_allowed", response->allow);
		return;
	}
	route->answer(handler, request, response);
}

void handler_answer(struct handler *handler, const struct request *request, struct response *response)
{
	*response = (struct response){0};
	if (__builtin_expect(handler_inject != NULL, 0))
		handler_inject(handler, request);
	if (is_lookup(request) && is_get(request)) /* nearly always: without a table, and without a call */
		answer_lookup(handler, request, response);
	else
		answer_by_route(handler, request, response);
}
