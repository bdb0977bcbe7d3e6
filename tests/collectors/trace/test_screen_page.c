/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page and its listener. `test_screen_page serve PORTFILE` serves a made-up run whose numbers move, until it is
 * killed; `frozen FILE` writes the same as a report: page.bats looks at both in a browser.
 */
#include "golden.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../../collectors/trace/core/json_reader.h"
#include "../../../collectors/trace/export/flame.h"
#include "../../../collectors/trace/ui/board.h"
#include "../../../collectors/trace/ui/listener.h"
#include "../../../collectors/trace/ui/page.h"
#include "fixture_cycle.h"
#include "fixture_summary.h"

struct run {
	struct trace_info info;
	struct summary summary;
	struct history history;
	struct metrics *metrics;
	struct story story;
};

static void run_request(struct run *run, unsigned i)
{
	struct request request = {.arrival_ns = 1000000000000 + i * 1000000ull, .tid = 4712};
	uint64_t spread = (i * 7919ull) % 1000;
	request.queue.ns[CAUSE_GC_CPU] = i % 100 == 99 ? 3000000 + spread * 1000 : 0;
	request.queue.ns[CAUSE_RUNQ] = spread * 10;
	request.service.ns[CAUSE_OWN] = 20000 + spread * 5;
	request.begin_ns = request.arrival_ns + request.queue.ns[CAUSE_GC_CPU] + request.queue.ns[CAUSE_RUNQ];
	request.end_ns = request.begin_ns + request.service.ns[CAUSE_OWN];
	request.without_gc_ns = request.end_ns - request.arrival_ns - request.queue.ns[CAUSE_GC_CPU];
	history_add(&run->history, &request);
	metrics_request(run->metrics, &request, (uint64_t)time(NULL) * 1000000000);
}

static void run_start(struct run *run)
{
	memset(run, 0, sizeof(*run));
	run->info = fixture_info();
	memcpy(run->info.comm, "<b>\"x&\xff'</b>", 13);
	run->info.comm[13] = '\0';
	run->summary = fixture_summary();
	memcpy(run->summary.culprits[1].comm, "</script><i>", 13);
	run->metrics = metrics_new();
	run->history.tail_floor_ns = 1000000;
	run->story = (struct story){.info = &run->info, .summary = &run->summary};
	for (unsigned i = 0; i < 60000; i++)
		run_request(run, i);
	for (unsigned i = 0; i < 12; i++)
		fixture_cycle(&run->history.cycles, i + 1, 1002000000000 + i * 5000000000ull);
}

static void run_end(struct run *run)
{
	metrics_free(run->metrics);
}

static int serve_data(void *context, FILE *file)
{
	struct run *run = context;
	run->summary.requests++;
	return page_data(file, &run->story, &run->history);
}

static int serve_metrics(void *context, FILE *file, enum metrics_format format)
{
	struct run *run = context;
	return metrics_write(file, run->metrics, format, &run->info, &run->summary, 1000000000);
}

static int serve_flame(void *context, FILE *file, enum flame_kind kind)
{
	struct run *run = context;
	return story_has_flame(&run->story, kind) ? story_flame(file, &run->story, kind) : -ENOENT;
}

static int serve_broken(void *context, FILE *file, enum pprof_kind kind)
{
	(void)context;
	(void)file;
	return kind == PPROF_ALLOC ? -EIO : -ENOENT;
}

static struct listener *open_listener(struct run *run)
{
	struct listener *listener;
	const struct listener_content content = {run, serve_data, serve_metrics, serve_flame, serve_broken};
	assert_int_equal(listener_open(&listener, "127.0.0.1:0", 0, &content), 0);
	assert_int_not_equal(listener_port(listener), 0);
	return listener;
}

/* One request as raw text, one answer as raw text. */
static char *ask(struct listener *listener, const char *request)
{
	static char answer[1 << 20];
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(listener_port(listener)),
				      .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t length = 0;
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	shutdown(fd, SHUT_WR);
	for (unsigned i = 0; i < 5000; i++) {
		listener_poll(listener);
		ssize_t got = recv(fd, answer + length, sizeof(answer) - 1 - length, MSG_DONTWAIT);
		if (got == 0)
			break;
		length += got > 0 ? (size_t)got : 0;
		usleep(got > 0 ? 0 : 1000);
	}
	close(fd);
	answer[length] = '\0';
	return answer;
}

static char *get(struct listener *listener, const char *path)
{
	char request[512];
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
	return ask(listener, request);
}

static void resources(void **state)
{
	(void)state;
	struct run *run = malloc(sizeof(*run));
	run_start(run);
	struct listener *listener = open_listener(run);
	char *answer = get(listener, "/");
	assert_non_null(strstr(answer, "HTTP/1.1 200"));
	assert_non_null(strstr(answer, "frame-ancestors 'none'"));
	assert_non_null(strstr(answer, "X-Content-Type-Options: nosniff"));
	assert_non_null(strstr(answer, "X-Frame-Options: DENY"));
	assert_non_null(strstr(answer, "<!doctype html>"));
	assert_non_null(strstr(get(listener, "/page.css"), "text/css"));
	assert_non_null(strstr(get(listener, "/page.js"), "'use strict'"));
	answer = get(listener, "/data.json");
	assert_non_null(strstr(answer, "application/json"));
	assert_true(json_is_object(strstr(answer, "\r\n\r\n") + 4));
	assert_non_null(strstr(get(listener, "/metrics"), "# TYPE memlab_request_server_seconds histogram"));
	answer = ask(listener, "GET /metrics HTTP/1.1\r\nHost: localhost:1\r\nAccept: "
			       "application/openmetrics-text\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(answer, "# EOF"));
	assert_non_null(strstr(answer, "Content-Type: application/openmetrics-text"));
	answer = get(listener, "/flame-tail.svg");
	assert_non_null(strstr(answer, "frame-ancestors 'self'"));
	assert_non_null(strstr(answer, "X-Frame-Options: SAMEORIGIN"));
	assert_non_null(strstr(get(listener, "/flame-cpu.svg"), "HTTP/1.1 404")); /* nothing was sampled */
	assert_non_null(strstr(get(listener, "/profile-alloc.pb.gz"), "HTTP/1.1 500"));
	assert_non_null(strstr(get(listener, "/profile-cpu.pb.gz"), "HTTP/1.1 404"));
	listener_close(listener);
	listener_close(NULL);
	run_end(run);
	free(run);
}

static void what_is_refused(void **state)
{
	(void)state;
	struct run *run = malloc(sizeof(*run));
	run_start(run);
	struct listener *listener = open_listener(run);
	static const char *const paths[] = {"/../etc/passwd",       "/..%2f..%2fetc/passwd", "//",
					    "/page.html",           "/data.json/",           "/%00",
					    "/metrics/../data.json"};
	for (unsigned i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_non_null(strstr(get(listener, paths[i]), "HTTP/1.1 404"));
	assert_non_null(
		strstr(ask(listener,
			   "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"),
		       "HTTP/1.1 405"));
	assert_non_null(strstr(ask(listener, "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
			       "HTTP/1.1 403"));
	assert_non_null(
		strstr(ask(listener, "GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\nConnection: close\r\n\r\n"),
		       "HTTP/1.1 403"));
	static const char *const garbage[] = {"GET\r\n\r\n", "\x16\x03\x01\x02\n", "hello\n", "GET / HTTP/1.1 x\r\n\r\n", "GET / \x01 HTTP/1.1\r\n\r\n",
					      "get / HTTP/1.1\r\n\r\n", "GET / HTTX/1.1\r\n\r\n", " / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "no end"};
	for (unsigned i = 0; i < sizeof(garbage) / sizeof(*garbage); i++)
		if (!strstr(ask(listener, garbage[i]), "HTTP/1.1 400"))
			fail_msg("not answered with 400: %s", garbage[i]);
	char endless[8192];
	memset(endless, 'A', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	assert_non_null(strstr(ask(listener, endless), "HTTP/1.1 400"));
	assert_non_null(strstr(ask(listener, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"), " 400 ")); /* no Host */
	char *head = ask(listener, "HEAD /data.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(head, "HTTP/1.1 200"));
	assert_string_equal(strstr(head, "\r\n\r\n"), "\r\n\r\n");
	listener_close(listener);
	run_end(run);
	free(run);
}

static void addresses(void **state)
{
	(void)state;
	struct listener *listener, *second;
	const struct listener_content none = {0};
	static const char *const wrong[] = {"",
					    "x",
					    "127.0.0.1:",
					    "127.0.0.1:99999",
					    "127.0.0.1:1x",
					    "example.org:80",
					    "1.2.3:80:90",
					    "127.0.0.1:-1"};
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(listener_open(&listener, wrong[i], 0, &none), -EINVAL);
	assert_int_equal(listener_open(&listener, "0.0.0.0:0", 0, &none), -EPERM);
	assert_int_equal(listener_open(&listener, "[::]:0", 0, &none), -EPERM);
	assert_int_equal(listener_open(&listener, "0.0.0.0:0", 1, &none), 0);
	listener_close(listener);
	assert_int_equal(listener_open(&listener, ":0", 0, &none), 0);
	char taken[32];
	snprintf(taken, sizeof(taken), "%u", listener_port(listener));
	assert_int_equal(listener_open(&second, taken, 0, &none), -EADDRINUSE);
	assert_non_null(strstr(get(listener, "/data.json"), "HTTP/1.1 404"));
	listener_close(listener);
}

/* The board puts it all together: requests in, page, metrics, tail flame graph and frozen report out. */
static void the_board(void **state)
{
	(void)state;
	struct trace_info info = fixture_info();
	struct summary summary = fixture_summary();
	const struct story source = {.info = &info, .summary = &summary};
	struct board *board = board_new(&source);
	struct request request = fixture_worst();
	assert_int_equal(board_port(board), 0);
	board_poll(board);
	assert_int_equal(board_listen(board, "0.0.0.0:0", 0), -EPERM);
	assert_int_equal(board_listen(board, ":0", 0), 0);
	assert_int_not_equal(board_port(board), 0);
	board_request(board, &request);
	board_poll(board);
	assert_int_equal(history_at(board_history(board), 0)->requests, 1);
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	assert_int_equal(board_freeze(board, file), 0);
	fclose(file);
	assert_non_null(strstr(text, "The slowest 1 % of requests by cause"));
	free(text);
	board_free(board);
	board_free(NULL);
}

/* A cycle is put together from records in any order, and unfinished ones are told as they are. */
static void cycles(void **state)
{
	(void)state;
	struct cycles *cycles = calloc(1, sizeof(*cycles));
	struct record_event record = {.h = {.kind = RECORD_EVENT, .tid = 9, .time_ns = 5000}, .event = EVENT_gc_cycle_begin, .args = {200, 1, 100, 120}};
	assert_null(cycles_at(cycles, 0));
	fixture_cycle(cycles, 199, 1000000000);
	const struct cycle *cycle = cycles_at(cycles, 0);
	assert_int_equal(cycle->marked_ns - cycle->begin_ns, 30000000);
	assert_int_equal(cycle->end_ns - cycle->marked_ns, 80000000);
	assert_int_equal(cycle->handshakes, 1);
	assert_int_equal(cycle->handshake_ns_max, 12000);
	assert_int_equal(cycle->assist_ns, 200000);
	assert_string_equal(cycle_reason(cycle), "trigger");
	cycles_record(cycles, &record.h);
	assert_int_equal(cycles_at(cycles, 0)->number, 200);
	assert_int_equal(cycles_at(cycles, 0)->marked_ns, 0);
	assert_string_equal(cycle_reason(cycles_at(cycles, 0)), "forced");
	assert_int_equal(cycles_at(cycles, 1)->number, 199);
	assert_null(cycles_at(cycles, 2));
	record.event = EVENT_gc_stop_end; /* whose begin nobody saw: counted, of no length */
	record.args[0] = 0;
	cycles_record(cycles, &record.h);
	assert_int_equal(cycles_at(cycles, 0)->stops, 1);
	assert_int_equal(cycles_at(cycles, 0)->stop_ns, 0);
	record.event = EVENT_gc_cycle_begin; /* far too late */
	record.args[0] = 100;
	cycles_record(cycles, &record.h);
	assert_int_equal(cycles_at(cycles, 0)->number, 200);
	for (uint64_t number = 201; number < 400; number++)
		fixture_cycle(cycles, number, number * 1000000000);
	assert_non_null(cycles_at(cycles, CYCLES_KEPT - 1));
	assert_null(cycles_at(cycles, CYCLES_KEPT));
	free(cycles);
}

static void histories(void **state)
{
	(void)state;
	struct history *history = calloc(1, sizeof(*history));
	struct request request = {.arrival_ns = 500000000000, .begin_ns = 500000010000, .end_ns = 500000030000};
	request.queue.ns[CAUSE_RUNQ] = 10000;
	request.service.ns[CAUSE_OWN] = 20000;
	history->tail_floor_ns = 30000;
	assert_null(history_at(history, 0));
	history_add(history, &request);
	assert_int_equal(history_at(history, 0)->requests, 1);
	assert_int_equal(history_at(history, 0)->cause_ns[CAUSE_RUNQ], 10000);
	assert_int_equal(history_at(history, 0)->tail_cause_ns[CAUSE_OWN], 20000);
	request.end_ns += 5000000000; /* five seconds on, and much slower */
	history_add(history, &request);
	assert_int_equal(history_at(history, 5)->requests, 1);
	assert_null(history_at(history, 3));
	request.end_ns -= 5000000000; /* late, but kept */
	history_add(history, &request);
	assert_int_equal(history_at(history, 5)->requests, 2);
	request.end_ns += (HISTORY_SECONDS + 20) * 1000000000ull; /* everything else is too old now */
	history_add(history, &request);
	for (unsigned age = 1; age < HISTORY_SECONDS + 5; age++)
		assert_null(history_at(history, age));
	request.end_ns = 30000; /* far too late: nothing */
	history_add(history, &request);
	assert_int_equal(history_at(history, 0)->requests, 1);
	free(history);
}

/* A frozen page: one file, nothing outside, hostile strings inert. */
static void frozen(void **state)
{
	(void)state;
	struct run *run = malloc(sizeof(*run));
	char *text = NULL;
	size_t size = 0;
	run_start(run);
	FILE *file = open_memstream(&text, &size);
	assert_int_equal(page_frozen(file, &run->story, &run->history), 0);
	fclose(file);
	assert_null(strstr(text, "page.css\""));
	assert_null(strstr(text, "page.js\""));
	assert_null(strstr(text, "src=\"http"));
	assert_non_null(strstr(text, "default-src 'none'"));
	const char *data = strstr(text, "id=\"frozen\">") + strlen("id=\"frozen\">");
	char *end = strstr(data, "</script>");
	*end = '\0';
	assert_true(json_is_object(data));
	assert_null(strchr(data, '<'));
	free(text);
	run_end(run);
	free(run);
}

__attribute__((noreturn)) static void serve(const char *port_file)
{
	struct run *run = malloc(sizeof(*run));
	run_start(run);
	struct listener *listener = open_listener(run);
	FILE *file = fopen(port_file, "w");
	fprintf(file, "%u\n", listener_port(listener));
	fclose(file);
	for (unsigned i = 60000;; i++) {
		if (i % 10 == 9)
			run_request(run, i);
		listener_poll(listener);
		usleep(1000);
	}
}

static int write_frozen(const char *path)
{
	struct run *run = malloc(sizeof(*run));
	run_start(run);
	FILE *file = fopen(path, "w");
	int error = page_frozen(file, &run->story, &run->history);
	run_end(run);
	free(run);
	return fclose(file) || error;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2]);
	if (argc == 3 && strcmp(argv[1], "frozen") == 0)
		return write_frozen(argv[2]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resources), cmocka_unit_test(what_is_refused), cmocka_unit_test(addresses),
		cmocka_unit_test(the_board), cmocka_unit_test(histories), cmocka_unit_test(cycles),       cmocka_unit_test(frozen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
