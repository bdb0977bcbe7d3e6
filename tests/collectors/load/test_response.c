/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer parser: the same verdict however the bytes are cut, nothing read past a piece (edge of a page),
 * nothing accepted whose end would be a guess, and mutated answers that must not crash or contradict themselves.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../../collectors/load/random.h"
#include "../../../collectors/load/response.h"
#include "cmocka_all.h"
#include "page_edge.h"

struct parse_case {
	const char *text;
	size_t used; /* 0: all */
	enum response_result result;
	uint16_t status;
	bool keep_alive;
	const char *body;
};

#define OK_LINE "HTTP/1.1 200 OK\r\n"

static const struct parse_case good[] = {
	{OK_LINE "Content-Length: 5\r\n\r\nhello", 0, RESPONSE_DONE, 200, true, "hello"},
	{OK_LINE "content-LENGTH:5  \r\nConnection: close\r\n\r\nhello", 0, RESPONSE_DONE, 200, false, "hello"},
	{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 0, RESPONSE_DONE, 200, false, "hi"},
	{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", 0, RESPONSE_DONE, 200, true, "hi"},
	{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 0, RESPONSE_DONE, 404, true, ""},
	{"HTTP/1.1 503\r\nContent-Length: 1\r\n\r\nx", 0, RESPONSE_DONE, 503, true, "x"},
	{"HTTP/1.1 204 No Content\r\n\r\n", 0, RESPONSE_DONE, 204, true, ""},
	{"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 0, RESPONSE_DONE, 304, true, ""},
	{"HTTP/1.1 100 Continue\r\n\r\n" OK_LINE "Content-Length: 1\r\n\r\nx", 0, RESPONSE_DONE, 200, true, "x"},
	{OK_LINE "Content-Length: 2\nX: y\n\nab", 0, RESPONSE_DONE, 200, true, "ab"},
	{OK_LINE "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 0, RESPONSE_DONE, 200, true, "abc"},
	{OK_LINE "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", 0, RESPONSE_DONE,
	 200, true, "hello0123456789"},
	{OK_LINE "Transfer-Encoding: Chunked\r\n\r\n0\r\nTrailer: 1\r\n\r\n", 0, RESPONSE_DONE, 200, true, ""},
	{OK_LINE "X-Very-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
		 "Content-Length: 1\r\n\r\nx",
	 0, RESPONSE_DONE, 200, true, "x"},
	/* A second answer behind the first is left alone. */
	{OK_LINE "Content-Length: 1\r\n\r\nx" OK_LINE "Content-Length: 1\r\n\r\ny", 39, RESPONSE_DONE, 200, true, "x"},
	{OK_LINE "Content-Length: 10\r\n\r\nshort", 0, RESPONSE_MORE, 200, true, "short"},
	{OK_LINE "Server: x\r\n\r\nuntil the end", 0, RESPONSE_MORE, 200, false, "until the end"},
};

static const char *const bad[] = {
	"garbage",
	"\r\n",
	"HTTP/2.0 200 OK\r\n\r\n",
	"HTTP/1.1 20 OK\r\n\r\n",
	"HTTP/1.1 2000 OK\r\n\r\n",
	"HTTP/1.1 0200 OK\r\n\r\n",
	"HTTP/1.1  200 OK\r\n\r\n",
	"HTTP/1.1 099 No\r\n\r\n",
	"HTTP/1.1 abc OK\r\n\r\n",
	OK_LINE "Content-Length: -1\r\n\r\n",
	OK_LINE "Content-Length: \r\n\r\n",
	OK_LINE "Content-Length: 12x\r\n\r\n",
	OK_LINE "Content-Length: 99999999999999999999999\r\n\r\n",
	OK_LINE "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
	OK_LINE "Content-Length:                                                                          1\r\n\r\n",
	OK_LINE "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	OK_LINE "Transfer-Encoding: gzip\r\n\r\n",
	OK_LINE "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
	OK_LINE "Transfer-Encoding: chunked\r\n\r\n\r\n",
	OK_LINE "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n",
	OK_LINE "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
};

static char kept[4096];

/* Feeds the text in pieces of at most `piece` bytes, the first one `first` bytes, each at the edge of a page. */
static enum response_result feed_cut(const char *text, size_t length, size_t first, size_t piece, size_t *used,
				     struct response *response, struct response_body *body)
{
	enum response_result result = RESPONSE_MORE;

	*body = (struct response_body){.bytes = kept, .capacity = sizeof(kept)};
	response_begin(response);
	*used = 0;
	for (size_t size = first; *used < length && result == RESPONSE_MORE; size = piece) {
		size_t taken = 0, left = length - *used;

		if (size > left)
			size = left;
		result = response_feed(response, page_edge_copy(text + *used, size), size, &taken, body);
		assert_true(taken <= size);
		/* A piece is used up unless the answer ends in it. */
		if (result == RESPONSE_MORE)
			assert_int_equal(taken, size);
		*used += taken;
	}
	return result;
}

static void check_case(const struct parse_case *expected, size_t first, size_t piece)
{
	size_t length = strlen(expected->text), used;
	struct response response;
	struct response_body body;
	enum response_result result = feed_cut(expected->text, length, first, piece, &used, &response, &body);

	assert_int_equal(result, expected->result);
	assert_int_equal(used, expected->used ? expected->used : length);
	assert_int_equal(response.status, expected->status);
	assert_int_equal(response.keep_alive, expected->keep_alive);
	assert_int_equal(body.length, strlen(expected->body));
	assert_memory_equal(kept, expected->body, body.length);
}

static void answers_are_the_same_however_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		size_t length = strlen(good[i].text);

		for (size_t first = 1; first <= length; first++)
			check_case(&good[i], first, length);
		check_case(&good[i], 1, 1);
		check_case(&good[i], 7, 3);
	}
}

static void guesses_are_refused(void **state)
{
	struct response response;
	struct response_body body;
	size_t used;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		for (size_t piece = 1; piece <= strlen(bad[i]); piece++) {
			if (feed_cut(bad[i], strlen(bad[i]), piece, piece, &used, &response, &body) != RESPONSE_BAD)
				fail_msg("accepted: %s", bad[i]);
		}
	}
}

/* Headers without end are refused before they are 64 KiB long, in few large pieces or many small ones. */
static void endless_headers_are_refused(void **state)
{
	static char text[2 * RESPONSE_HEAD_MAX];
	struct response response;
	struct response_body body;
	size_t used;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, OK_LINE, strlen(OK_LINE));
	assert_int_equal(feed_cut(text, sizeof(text), 1000, 1000, &used, &response, &body), RESPONSE_BAD);
	assert_int_equal(feed_cut(text, sizeof(text), sizeof(text), 1, &used, &response, &body), RESPONSE_BAD);
	for (size_t i = strlen(OK_LINE); i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "x\n", 2);
	assert_int_equal(feed_cut(text, sizeof(text), 1000, 1000, &used, &response, &body), RESPONSE_BAD);
}

/* A chunked body may be longer than any header section. */
static void long_chunked_bodies_pass(void **state)
{
	struct response response;
	const char *head = OK_LINE "Transfer-Encoding: chunked\r\n\r\n";
	size_t used;

	(void)state;
	response_begin(&response);
	assert_int_equal(response_feed(&response, head, strlen(head), &used, NULL), RESPONSE_MORE);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(response_feed(&response, "1\r\nx\r\n", 6, &used, NULL), RESPONSE_MORE);
	assert_int_equal(response_feed(&response, "0\r\n\r\n", 5, &used, NULL), RESPONSE_DONE);
}

static void close_ends_only_what_may_end(void **state)
{
	struct response response;
	struct response_body body;
	size_t used;
	const char *open_end = OK_LINE "\r\nabc", *cut = OK_LINE "Content-Length: 5\r\n\r\nabc";

	(void)state;
	response_begin(&response);
	assert_true(response_untouched(&response));
	assert_int_equal(response_close(&response), RESPONSE_BAD);
	feed_cut(open_end, strlen(open_end), 1, 1, &used, &response, &body);
	assert_false(response_untouched(&response));
	assert_int_equal(response_close(&response), RESPONSE_DONE);
	feed_cut(cut, strlen(cut), 1, 1, &used, &response, &body);
	assert_int_equal(response_close(&response), RESPONSE_BAD);
}

static void body_beyond_the_capacity_is_counted(void **state)
{
	char small[4];
	struct response_body body = {.bytes = small, .capacity = sizeof(small)};
	struct response response;
	const char *text = OK_LINE "Content-Length: 10\r\n\r\n0123456789";
	size_t used;

	(void)state;
	response_begin(&response);
	assert_int_equal(response_feed(&response, text, strlen(text), &used, &body), RESPONSE_DONE);
	assert_int_equal(body.length, 10);
	assert_memory_equal(small, "0123", 4);
}

static size_t mutate(char *text, size_t length, size_t capacity, struct random *random)
{
	static const char *const inserts[] = {"\r\n",    "\n",       "Content-Length: 3\r\n", ":", "0", "9999", " ",
					      "chunked", "HTTP/1.1 "};
	int edits = 1 + (int)random_below(random, 4);

	while (edits--) {
		size_t at = random_below(random, length + 1);
		const char *insert = inserts[random_below(random, COUNT_OF(inserts))];

		switch (random_below(random, 4)) {
		case 0:
			if (at < length)
				text[at] = (char)random_u64(random);
			break;
		case 1:
			length = at;
			break;
		case 2:
			if (at < length)
				memmove(text + at, text + at + 1, --length - at);
			break;
		default:
			if (length + strlen(insert) > capacity)
				break;
			memmove(text + at + strlen(insert), text + at, length - at);
			memcpy(text + at, insert, strlen(insert));
			length += strlen(insert);
		}
	}
	return length;
}

/* Mutated answers, cut at random: no crash, and the same verdict, end and status as when fed in one piece. */
static void mutated_answers_agree_with_themselves(void **state)
{
	struct random random;
	char text[2048];
	long accepted = 0, refused = 0;

	(void)state;
	random_seed(&random, 1, 0);
	for (int i = 0; i < 300000; i++) {
		const char *seed = good[random_below(&random, COUNT_OF(good))].text;
		size_t length = strlen(seed), whole_used, cut_used;
		struct response whole, cut;
		struct response_body whole_body, cut_body;

		memcpy(text, seed, length);
		length = mutate(text, length, sizeof(text), &random);
		enum response_result whole_result =
			feed_cut(text, length, length, length, &whole_used, &whole, &whole_body);
		size_t first = 1 + random_below(&random, length + 1), piece = 1 + random_below(&random, 40);
		enum response_result cut_result = feed_cut(text, length, first, piece, &cut_used, &cut, &cut_body);

		assert_int_equal(whole_result, cut_result);
		accepted += whole_result == RESPONSE_DONE;
		refused += whole_result == RESPONSE_BAD;
		if (whole_result == RESPONSE_BAD)
			continue;
		assert_int_equal(whole_used, cut_used);
		assert_int_equal(whole.status, cut.status);
		assert_int_equal(whole_body.length, cut_body.length);
	}
	/* The corpus reaches both verdicts often. */
	assert_true(accepted > 10000 && refused > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_the_same_however_cut),
		cmocka_unit_test(guesses_are_refused),
		cmocka_unit_test(endless_headers_are_refused),
		cmocka_unit_test(long_chunked_bodies_pass),
		cmocka_unit_test(close_ends_only_what_may_end),
		cmocka_unit_test(body_beyond_the_capacity_is_counted),
		cmocka_unit_test(mutated_answers_agree_with_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
