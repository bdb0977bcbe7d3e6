/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is fuzzed: the handlers with any method, path and arguments, and the reader of data files with any bytes; http.h
 * has the event loop with any bytes on a connection. Each target takes an input and aborts (or trips the sanitizers)
 * where the service would break a promise.
 */
#ifndef MEMLAB_TESTS_SVC_FUZZ_TARGETS_H
#define MEMLAB_TESTS_SVC_FUZZ_TARGETS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../../../svc/dataset/file.h"
#include "../../../svc/handlers.h"
#include "../../../svc/site.h"

#define FUZZ_RECORDS 300
#define FUZZ_PROMISE(what)       \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

/* ---------------------------------------------------------------- requests */

struct fuzz_service {
	struct config config;
	struct gc_heap *heap;
	struct store *store;
	struct metrics loop;
	struct service service;
	struct handler handler;
	uint64_t runs;
};

static void fuzz_service_open(struct fuzz_service *f)
{
	struct gc_config gc = {.gc_percent = 50, .memory_limit = GC_LIMIT_OFF, .limiter = true, .sites = SITE_COUNT};
	f->config = (struct config){.gc = gc, .seed = 42, .threads = 1, .pool = true};
	struct store_config store = {.source = dataset_source_seed(42, FUZZ_RECORDS)};
	FUZZ_PROMISE(gc_heap_create(&gc, &f->heap) == 0 && (f->handler.m = gc_attach(f->heap)));
	FUZZ_PROMISE(store.source && store_create(f->heap, f->handler.m, &store, &f->store) == 0);
	dataset_source_close(store.source);
	f->service = (struct service){
		.config = &f->config, .heap = f->heap, .store = f->store, .loops = &f->loop, .run_info = "{}"};
	f->handler.service = &f->service;
}

static void fuzz_service_end(struct fuzz_service *f)
{
	store_destroy(f->store);
	gc_detach(f->handler.m);
	gc_heap_destroy(f->heap);
	buffer_free(&f->handler.buffer);
	*f = (struct fuzz_service){0};
}

/* The one that fuzz_request asks. */
static struct fuzz_service *fuzz_service(void)
{
	static struct fuzz_service f;
	if (!f.heap)
		fuzz_service_open(&f);
	return &f;
}

static void fuzz_service_close(void)
{
	fuzz_service_end(fuzz_service());
}

/* An input is: one byte of settings, then strings ended by line feeds: method, path, name, value, name, value .. */
#define FUZZ_STRINGS_MAX 12
struct fuzz_input {
	char *strings[FUZZ_STRINGS_MAX];
	unsigned count;
};

static const char *fuzz_argument(const struct request *request, const char *name)
{
	const struct fuzz_input *input = request->context;
	for (unsigned i = 2; i + 1 < input->count; i += 2)
		if (!strcmp(input->strings[i], name))
			return input->strings[i + 1];
	return NULL;
}

static bool fuzz_local(const struct request *request)
{
	(void)request;
	return false; /* knobs would change the run; their parser is reached from test_handlers */
}

static void fuzz_split(struct fuzz_input *input, char *text)
{
	input->count = 0;
	for (char *save, *string = strtok_r(text, "\n", &save); string && input->count < FUZZ_STRINGS_MAX;
	     string = strtok_r(NULL, "\n", &save))
		input->strings[input->count++] = string;
}

static void fuzz_check(const struct response *response)
{
	static const unsigned allowed[] = {200, 400, 403, 404, 405};
	bool known = false;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		known |= response->status == allowed[i];
	FUZZ_PROMISE(known && response->content_type && response->length > 0);
	FUZZ_PROMISE((response->status == 405) == (response->allow != NULL));
	FUZZ_PROMISE(response->status == 200 || response->body[0] == '{');
	FUZZ_PROMISE(!response->lookup || (response->status == 200 && response->key < FUZZ_RECORDS));
	volatile char sum = 0;
	for (size_t i = 0; i < response->length; i++)
		sum = (char)(sum + response->body[i]);
}

static inline void fuzz_request(const uint8_t *data, size_t size)
{
	struct fuzz_service *f = fuzz_service();
	if (size < 1)
		return;
	struct fuzz_input input;
	char *text = strndup((const char *)data + 1, size - 1);
	FUZZ_PROMISE(text);
	fuzz_split(&input, text);
	f->config.path = data[0] & 1 ? PATH_OPT : PATH_NAIVE;
	f->config.fixes = data[0] >> 1 & FIX_ALL;
	f->config.pool = !(data[0] & 64);
	struct request request = {.method = input.count > 0 ? input.strings[0] : "",
				  .path = input.count > 1 ? input.strings[1] : "",
				  .argument = fuzz_argument,
				  .local = fuzz_local,
				  .context = &input};
	struct response response;
	{
		GC_SCOPE(f->handler.m);
		handler_answer(&f->handler, &request, &response);
		fuzz_check(&response);
	}
	free(text);
	if (++f->runs % 5000 == 0)
		FUZZ_PROMISE(gc_verify(f->heap, f->handler.m, NULL) == 0);
}

/* -------------------------------------------------------------- data files */

static void fuzz_put_u32(uint8_t *to, uint32_t value)
{
	memcpy(to, &value, 4);
}

/* Make the checksums right, so that what lies behind them is reached. */
static void fuzz_repair(uint8_t *bytes, size_t size)
{
	if (size < FILE_HEADER_BYTES + FILE_BLOCK_HEADER_BYTES)
		return;
	uint8_t *block = bytes + FILE_HEADER_BYTES;
	uint32_t body_bytes;
	memcpy(&body_bytes, block, 4);
	fuzz_put_u32(bytes + 60, (uint32_t)crc32(0, bytes, 60));
	if (body_bytes <= size - FILE_HEADER_BYTES - FILE_BLOCK_HEADER_BYTES) {
		uLong crc = crc32(0, block, 12);
		fuzz_put_u32(block + 12, (uint32_t)crc32(crc, block + FILE_BLOCK_HEADER_BYTES, (uInt)body_bytes));
	}
}

static void fuzz_records(const uint8_t *from, size_t bytes)
{
	struct dataset_record record;
	char body[16 * DATASET_BODY_BYTES_MAX];
	for (size_t used; (used = file_record_read(from, bytes, &record)) > 0; from += used, bytes -= used) {
		struct record_view view;
		FUZZ_PROMISE(used <= bytes);
		record_view_of(&record, &view);
		FUZZ_PROMISE(serialize_room(&view) <= sizeof(body));
		FUZZ_PROMISE(serialize_opt(&view, FORMAT_JSON, body) <= serialize_room(&view));
		FUZZ_PROMISE(serialize_opt(&view, FORMAT_BIN, body) == used);
	}
}

static inline void fuzz_file(const uint8_t *data, size_t size)
{
	struct file_header header;
	struct file_block block;
	uint8_t *bytes = malloc(size + !size);
	FUZZ_PROMISE(bytes);
	memcpy(bytes, data, size);
	if (size && data[size - 1] % 2)
		fuzz_repair(bytes, size);
	if (!file_header_read(bytes, size, &header) &&
	    !file_block_read(bytes + FILE_HEADER_BYTES, size - FILE_HEADER_BYTES, 0, &block))
		fuzz_records(bytes + FILE_HEADER_BYTES + FILE_BLOCK_HEADER_BYTES, block.body_bytes);
	if (size)
		fuzz_records(bytes, size);
	free(bytes);
}

#endif
