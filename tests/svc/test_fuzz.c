/* SPDX-License-Identifier: Apache-2.0 */
/* The fuzz targets on a fixed corpus and its seeded mutations: what every `make test` can afford. */
#include "unit.h"

#include "fuzz/http.h"
#include "fuzz/targets.h"

#define ROUNDS 20000
#define HTTP_ROUNDS 400

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % limit);
}

/* Change, insert, remove or double a few bytes. */
static size_t mutate(uint8_t *bytes, size_t size, size_t most)
{
	for (uint32_t n = random_below(5); n > 0; n--) {
		size_t at = size ? random_below((uint32_t)size) : 0;
		switch (random_below(4)) {
		case 0:
			bytes[at] = (uint8_t)random_below(256);
			break;
		case 1:
			bytes[at] = "\n\0&=%+-09\"\\\xff"[random_below(12)];
			break;
		case 2:
			size = at;
			break;
		default:
			if (size && size * 2 <= most) {
				memcpy(bytes + size, bytes, size);
				size *= 2;
			}
		}
	}
	return size;
}

static void test_requests(void **state)
{
	(void)state;
	static const char *const corpus[] = {
		"\x01GET\n/lookup\nkey\n7\nfmt\njson",
		"\x01GET\n/lookup\nkey\n299\nfmt\nbin",
		"\x40GET\n/lookup\nkey\n7\nfmt\njson",
		"\x3fGET\n/lookup\nkey\n18446744073709551616",
		"\x3eGET\n/lookup\nfmt\nbin\nkey\n1",
		"\x01HEAD\n/healthz",
		"\x01POST\n/debug/knobs\ngogc\n100\ngc\nnow",
		"\x01GET\n/metrics",
		"\x01GET\n/debug/allocs",
		"\x02PUT\n/lookup\nkey\n1",
		"\x06GET\n/lookup\nkey\n-1",
		"\x01GET\n/readyz",
	};
	uint8_t bytes[512];
	for (unsigned round = 0; round < ROUNDS; round++) {
		const char *seed = corpus[round % (sizeof(corpus) / sizeof(*corpus))];
		size_t size = strlen(seed);
		memcpy(bytes, seed, size);
		bytes[0] = (uint8_t)random_below(128);
		fuzz_request(bytes, mutate(bytes, size, sizeof(bytes)));
	}
	fuzz_service_close();
}

/* A whole small file, cut and damaged, with checksums made right in every second case. */
static void test_files(void **state)
{
	(void)state;
	static uint8_t file[FILE_HEADER_BYTES + FILE_BLOCK_BYTES_MAX], bytes[2 * sizeof(file)];
	struct file_header header = {.seed = 42, .count = 5};
	size_t size = FILE_HEADER_BYTES + file_block_write(42, 0, 5, file + FILE_HEADER_BYTES, &header.text_bytes);
	file_header_write(&header, file);
	for (unsigned round = 0; round < ROUNDS; round++) {
		memcpy(bytes, file, size);
		size_t mutated = mutate(bytes, size, sizeof(bytes));
		if (mutated)
			bytes[mutated - 1] = (uint8_t)(bytes[mutated - 1] ^ (round & 1));
		fuzz_file(bytes, mutated);
	}
}

/* Whole requests, damaged, on connections to a real event loop. */
static void test_http(void **state)
{
	(void)state;
	static const char *const corpus[] = {
		"GET /lookup?key=7&fmt=json HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /lookup?key=8&fmt=bin HTTP/1.1\r\nHost: x\r\n\r\nGET /lookup?key=9 HTTP/1.1\r\nHost: x\r\n\r\n",
		"HEAD /lookup?key=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"POST /lookup?key=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
		"POST /debug/knobs?gogc=50&gc=now HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text\r\n\r\n",
		"GET /lookup?key=%37&%66mt=j%73on HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
	};
	uint8_t bytes[1024];
	for (unsigned round = 0; round < HTTP_ROUNDS; round++) {
		const char *seed = corpus[round % (sizeof(corpus) / sizeof(*corpus))];
		size_t size = strlen(seed);
		memcpy(bytes + 2, seed, size);
		bytes[0] = (uint8_t)random_below(256);
		bytes[1] = random_below(4) == 0;
		fuzz_http(bytes, 2 + mutate(bytes + 2, size, sizeof(bytes) - 2));
	}
	fuzz_http_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_requests), cmocka_unit_test(test_files),
					   cmocka_unit_test(test_http)};
	return cmocka_run_group_tests_name("fuzz", tests, NULL, NULL);
}
