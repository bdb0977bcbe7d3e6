/* SPDX-License-Identifier: Apache-2.0 */
/* A heap with a small index and one handler, as an event loop has it, without HTTP. */
#ifndef MEMLAB_TESTS_SVC_FIXTURE_H
#define MEMLAB_TESTS_SVC_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "../../svc/handlers.h"
#include "../../svc/site.h"

#define FIXTURE_RECORDS 2000
#define FIXTURE_SEED 42

struct fixture {
	struct config config;
	struct gc_heap *heap;
	struct store *store;
	struct metrics loop;
	struct service service;
	struct handler handler;
};

static inline struct fixture *fixture_open_as(enum layout_id layout, enum record_form_id form, bool intern)
{
	struct fixture *f = aligned_alloc(_Alignof(struct fixture), sizeof(*f)); /* counters have lines of their own */
	memset(f, 0, sizeof(*f));
	char error[256];
	assert_int_equal(gc_config_init(&f->config.gc, error, sizeof(error)), 0);
	f->config.gc.sites = SITE_COUNT;
	f->config.seed = FIXTURE_SEED;
	f->config.layout = layout;
	f->config.form = form;
	f->config.intern = intern;
	f->config.threads = 1;
	f->config.pool = true;
	assert_int_equal(gc_heap_create(&f->config.gc, &f->heap), 0);
	f->handler.m = gc_attach(f->heap);
	assert_non_null(f->handler.m);
	struct store_config store = {.source = dataset_source_seed(FIXTURE_SEED, FIXTURE_RECORDS),
				     .layout = layout,
				     .form = f->config.form,
				     .intern = f->config.intern};
	assert_int_equal(store_create(f->heap, f->handler.m, &store, &f->store), 0);
	dataset_source_close(store.source);
	f->service = (struct service){
		.config = &f->config, .heap = f->heap, .store = f->store, .loops = &f->loop, .run_info = "{}"};
	f->handler.service = &f->service;
	return f;
}

static inline struct fixture *fixture_open(enum layout_id layout)
{
	return fixture_open_as(layout, RECORD_PACKED, false);
}

static inline void fixture_close(struct fixture *f)
{
	assert_int_equal(gc_verify(f->heap, f->handler.m, stderr), 0);
	store_destroy(f->store);
	gc_detach(f->handler.m);
	gc_heap_destroy(f->heap);
	buffer_free(&f->handler.buffer);
	free(f);
}

/* A request with up to two arguments: name, value, name, value, NULL. */
static inline const char *fixture_argument(const struct request *request, const char *name)
{
	for (const char *const *at = request->context; at && *at; at += 2)
		if (!strcmp(at[0], name))
			return at[1];
	return NULL;
}

static inline struct response fixture_ask(struct fixture *f, const char *method, const char *path,
					  const char *const *arguments)
{
	struct request request = {
		.method = method, .path = path, .argument = fixture_argument, .context = (void *)(uintptr_t)arguments};
	struct response response;
	handler_answer(&f->handler, &request, &response);
	return response;
}

#endif
