/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings: what goes in comes out; a file that was cut short gives what is whole in it; one that
 * is damaged, foreign or from another version explains itself; nothing crashes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../collectors/trace/source/decode.h"
#include "../../../collectors/trace/source/recording.h"

#define RECORDS 30000u

static struct record_event event_at(uint32_t n)
{
	struct record_event event = {.h = {.time_ns = 1000 + n, .seq = n + 1, .tid = n % 7, .cpu = (uint16_t)(n % 2)}};
	event.h.kind = RECORD_EVENT;
	event.h.words = sizeof(event) / 8;
	event.event = n % 20;
	event.args[0] = n * 2654435761u;
	return event;
}

static struct target_info info_of_test(void)
{
	static const struct target_probe probes[2] = {{1, "gc_cycle_begin", true}, {0, "unknown_one", false}};
	struct target_info info = {.tgid = 4711,
				   .pid = 11,
				   .ns_pid = 1,
				   .kind = "memlab-svc",
				   .missing = NULL,
				   .has_request_end = true,
				   .link_kind = "uprobe_multi",
				   .probes_found = 2,
				   .probes_attached = 1,
				   .probes = probes,
				   .attach_ns = 9000000,
				   .attached_at_ns = 999,
				   .fault_ns = 11000,
				   .ports = {80, 8080},
				   .port_count = 2,
				   .run_json = "{\"path\":\"naive\"}"};
	strcpy(info.comm, "odd\nname=%41");
	strcpy(info.exe, "/usr/bin/memlab-svc");
	return info;
}

static struct source_counts counts_of_test(uint32_t records)
{
	struct source_counts counts = {.cpus = 2, .execs = 3};
	counts.written_of[RECORD_EVENT] = records;
	counts.lost_of[RECORD_SWITCH] = 17;
	counts.event_hits[4] = 44;
	return counts;
}

/* A recording in memory; returns a descriptor of our own on it. */
static int record(uint32_t records, bool ended)
{
	struct recording *recording;
	struct target_info info = info_of_test();
	struct source_counts counts = counts_of_test(records);
	int fd = memfd_create("recording", MFD_CLOEXEC);
	int own = dup(fd);
	assert_int_equal(recording_create(fd, &info, &recording), 0);
	for (uint32_t n = 0; n < records; n++) {
		struct record_event event = event_at(n);
		assert_int_equal(recording_take(recording, &event.h), 0);
	}
	assert_int_equal(recording_attach(recording, "symbols", "main 0x10\n", 10), 0);
	assert_true(recording_bytes(recording) > 0);
	assert_int_equal(recording_close(recording, ended ? &counts : NULL), 0);
	return own;
}

static int open_fd(int fd, struct source **source, struct source_error *error)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*error = (struct source_error){0};
	return source_open_recording(path, source, error);
}

struct expected {
	uint32_t next;
	uint32_t wrong;
};

static void compare(void *context, const struct record *record)
{
	struct expected *expected = context;
	struct record_event event = event_at(expected->next++);
	expected->wrong += memcmp(record, &event, sizeof(event)) != 0;
}

/* All records of a source; the result of the last drain. */
static int drain_all(struct source *source, struct expected *expected)
{
	int result;
	*expected = (struct expected){0};
	do
		result = source_drain(source, compare, expected);
	while (result > 0);
	return result;
}

static void what_goes_in_comes_out(void **state)
{
	(void)state;
	int fd = record(RECORDS, true);
	struct source *source;
	struct source_error error;
	struct expected expected;
	assert_int_equal(open_fd(fd, &source, &error), 0);
	assert_true(source_target_alive(source));
	assert_int_equal(drain_all(source, &expected), 0);
	assert_int_equal(expected.next, RECORDS);
	assert_int_equal(expected.wrong, 0);
	assert_false(source_target_alive(source));
	assert_string_equal(source_trouble(source), "");
	source_close(source);
	close(fd);
}

static void the_target_and_the_counts_come_back(void **state)
{
	(void)state;
	int fd = record(10, true);
	struct source *source;
	struct source_error error;
	struct expected expected;
	struct target_info info, was = info_of_test();
	struct source_counts counts;
	size_t size;
	assert_int_equal(open_fd(fd, &source, &error), 0);
	drain_all(source, &expected);
	source_info(source, &info);
	assert_int_equal(info.tgid, 4711);
	assert_int_equal(info.pid, 11);
	assert_int_equal(info.ns_pid, 1);
	assert_string_equal(info.comm, was.comm);
	assert_string_equal(info.exe, was.exe);
	assert_string_equal(info.kind, "memlab-svc");
	assert_null(info.missing);
	assert_true(info.has_request_end);
	assert_string_equal(info.link_kind, "uprobe_multi");
	assert_string_equal(info.run_json, was.run_json);
	assert_int_equal(info.attached_at_ns, 999);
	assert_int_equal(info.fault_ns, 11000);
	assert_int_equal(info.port_count, 2);
	assert_int_equal(info.ports[1], 8080);
	assert_int_equal(info.probes_found, 2);
	assert_int_equal(info.probes_attached, 1);
	assert_string_equal(info.probes[0].name, "gc_cycle_begin");
	source_counts(source, &counts);
	assert_int_equal(counts.written, 10);
	assert_int_equal(counts.received, 10);
	assert_int_equal(counts.lost, 17);
	assert_int_equal(counts.lost_of[RECORD_SWITCH], 17);
	assert_int_equal(counts.event_hits[4], 44);
	assert_int_equal(counts.execs, 3);
	assert_memory_equal(source_attachment(source, "symbols", &size), "main 0x10\n", 10);
	assert_int_equal(size, 10);
	assert_null(source_attachment(source, "other", &size));
	source_close(source);
	close(fd);
}

static void an_abandoned_recording_says_so(void **state)
{
	(void)state;
	int fd = record(RECORDS, false);
	struct source *source;
	struct source_error error;
	struct expected expected;
	assert_int_equal(open_fd(fd, &source, &error), 0);
	assert_int_equal(drain_all(source, &expected), 0);
	assert_int_equal(expected.next, RECORDS);
	assert_non_null(strstr(source_trouble(source), "cut short"));
	source_close(source);
	close(fd);
}

/* Cut anywhere: either it explains itself at once, or it gives a correct beginning and says that it was cut. */
static void cut_at_every_length(void **state)
{
	(void)state;
	int fd = record(300, true);
	off_t size = lseek(fd, 0, SEEK_END);
	for (off_t length = size - 1; length >= 0; length--) {
		struct source *source;
		struct source_error error;
		struct expected expected;
		assert_int_equal(ftruncate(fd, length), 0);
		if (open_fd(fd, &source, &error)) {
			assert_int_equal(error.status, SOURCE_FAILED);
			assert_non_null(strchr(error.text, ';'));
			continue;
		}
		assert_true(drain_all(source, &expected) <= 0);
		assert_int_equal(expected.wrong, 0);
		assert_true(source_trouble(source)[0] != 0);
		source_close(source);
	}
	close(fd);
}

/* A damaged byte is noticed, wherever it is, unless it lies in nothing that is used. */
static void damaged_at_every_byte(void **state)
{
	(void)state;
	int fd = record(300, true);
	off_t size = lseek(fd, 0, SEEK_END);
	for (off_t at = 0; at < size; at++) {
		unsigned char good, bad;
		struct source *source;
		struct source_error error;
		struct expected expected;
		assert_int_equal(pread(fd, &good, 1, at), 1);
		bad = good ^ 0x55;
		assert_int_equal(pwrite(fd, &bad, 1, at), 1);
		if (!open_fd(fd, &source, &error)) {
			int result = drain_all(source, &expected);
			assert_int_equal(expected.wrong, 0);
			assert_true(result < 0 || source_trouble(source)[0] != 0);
			source_close(source);
		} else {
			assert_non_null(strchr(error.text, ';'));
		}
		assert_int_equal(pwrite(fd, &good, 1, at), 1);
	}
	close(fd);
}

static void refused(const void *bytes, size_t size, const char *because)
{
	int fd = memfd_create("foreign", MFD_CLOEXEC);
	struct source *source;
	struct source_error error;
	assert_true(write(fd, bytes, size) == (ssize_t)size);
	assert_true(open_fd(fd, &source, &error) < 0);
	assert_int_equal(error.status, SOURCE_FAILED);
	assert_non_null(strstr(error.text, because));
	close(fd);
}

static void foreign_files_and_versions(void **state)
{
	(void)state;
	struct source *source;
	struct source_error error;
	refused("", 0, "not a recording");
	refused("{\"target\":{}}\n", 14, "not a recording");
	refused(RECORDING_MAGIC "\x02\0\0\0\x01\0\0\0", 16, "format 2.1");
	refused(RECORDING_MAGIC "\x01\0\0\0\x01\0\0\0", 16, "format 1.1");
	refused(RECORDING_MAGIC "\x01\0\0\0\x02\0\0\0", 16, "format 1.2");
	refused(RECORDING_MAGIC "\x01\0\0\0\x03\0\0\0", 16, "format 1.3");
	refused(RECORDING_MAGIC "\x01\0\0\0\x04\0\0\0", 16, "format 1.4");
	refused(RECORDING_MAGIC "\x01\0\0\0\x05\0\0\0", 16, "cut short");
	assert_true(source_open_recording("/nonexistent/file", &source, &error) < 0);
	assert_non_null(strstr(error.text, "No such file"));
	assert_true(source_open_recording("/tmp", &source, &error) < 0);
}

/* A full disk is reported and stays reported. */
static void a_failed_write_sticks(void **state)
{
	(void)state;
	struct recording *recording;
	struct target_info info = info_of_test();
	struct source_counts counts = counts_of_test(0);
	FILE *full = fopen("/dev/full", "w");
	assert_true(recording_create(dup(fileno(full)), &info, &recording) < 0);
	fclose(full);
	int pipes[2];
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(recording_create(pipes[1], &info, &recording), 0);
	close(pipes[0]);
	signal(SIGPIPE, SIG_IGN);
	int result = 0;
	for (uint32_t n = 0; n < 2 * RECORDS && !result; n++) {
		struct record_event event = event_at(n);
		result = recording_take(recording, &event.h);
	}
	assert_true(result < 0);
	assert_int_equal(recording_close(recording, &counts), result);
}

static void sizes_and_names_of_records(void **state)
{
	(void)state;
	struct record_event event = event_at(0);
	assert_int_equal(record_kind_bytes(RECORD_TASK), sizeof(struct record_task));
	assert_int_equal(record_kind_bytes(0), 0);
	assert_int_equal(record_kind_bytes(200), 0);
	assert_string_equal(record_kind_name(RECORD_SWITCH), "switch");
	assert_null(record_kind_name(200));
	assert_true(record_valid(&event.h, sizeof(event)));
	assert_false(record_valid(&event.h, sizeof(event) - 8));
	assert_false(record_valid(&event.h, 8));
	event.h.words++;
	assert_false(record_valid(&event.h, sizeof(event) + 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),         cmocka_unit_test(the_target_and_the_counts_come_back),
		cmocka_unit_test(an_abandoned_recording_says_so), cmocka_unit_test(cut_at_every_length),
		cmocka_unit_test(damaged_at_every_byte),          cmocka_unit_test(foreign_files_and_versions),
		cmocka_unit_test(a_failed_write_sticks),          cmocka_unit_test(sizes_and_names_of_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
