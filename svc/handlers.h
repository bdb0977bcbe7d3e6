/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request in, a response out, nothing of HTTP's transport: what a URL means and what is answered.
 *
 * Thread rules: a handler belongs to one event loop. handler_answer is called by that loop's mutator, unparked and
 * inside a GC_SCOPE; roots that the response needs are left on the root stack and dropped by that scope. So the
 * response is valid until the scope ends, and must be copied if it is needed longer.
 */
#ifndef MEMLAB_SVC_HANDLERS_H
#define MEMLAB_SVC_HANDLERS_H

#include "serialize.h"
#include "service.h"

struct handler {
	const struct service *service;
	struct gc_mutator *m;
	struct buffer buffer; /* bodies that are not collected */
};

struct request {
	const char *method, *path;
	/* A query parameter's value, or NULL; unescaped. */
	const char *(*argument)(const struct request *request, const char *name);
	/* A header field's value, or NULL. May be NULL: no headers. */
	const char *(*header)(const struct request *request, const char *name);
	/* True if the client is on this machine. May be NULL: it is not. */
	bool (*local)(const struct request *request);
	bool resumed; /* the second call, after response.wait_ns */
	void *context;
};

struct response {
	uint64_t wait_ns; /* not 0: nothing to send yet; call again with `resumed` after this time or when stopping */
	unsigned status;
	const char *content_type; /* ended by NUL */
	const char *allow;        /* methods, with status 405; else NULL */
	const char *body;
	size_t length;
	bool reusable; /* a constant content type of a format: the response object may be used for other answers */
	/* For the probe and the counters. */
	bool lookup;
	enum format format;
	uint64_t key;
};

/* False: answering this request touches no collected memory, so that a parked loop may call handler_answer. */
bool handler_needs_heap(const struct request *request);

/* [safepoint] */
void handler_answer(struct handler *handler, const struct request *request, struct response *response);

/* Test builds install known delays here (tests/svc/inject.c); NULL in the service. Called within the service time. */
extern void (*handler_inject)(struct handler *handler, const struct request *request);

#endif
