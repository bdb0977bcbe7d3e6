/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live view's pages from a recording: two seconds of the simulated machine are recorded, read again, attributed as
 * the tracer does it, and drawn at two sizes. Golden, so that nothing on the way from record to screen changes unseen.
 */
#include "golden.h"
#include "machine.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../../../collectors/trace/core/text.h"
#include "../../../collectors/trace/source/recording.h"
#include "../../../collectors/trace/ui/pages.h"

#define STEPS 200000u
#define CYCLE_STEPS 40000u

static void record_machine(struct recording *recording)
{
	struct story story = story_new(1);
	struct machine machine = machine_new(&story, 7);

	for (uint32_t i = 0; i < STEPS; i++) {
		if (i % CYCLE_STEPS == CYCLE_STEPS / 4)
			tell(&story, machine.now_ns, 1, COLLECTOR_TID, EVENT_gc_cycle_begin, i / CYCLE_STEPS + 1, 0);
		if (i % CYCLE_STEPS == CYCLE_STEPS / 2)
			tell(&story, machine.now_ns, 1, COLLECTOR_TID, EVENT_gc_cycle_end, i / CYCLE_STEPS + 1, 0);
		machine_step(&machine);
	}
	story_number(&story);
	for (uint32_t i = 0; i < story.count; i++)
		assert_int_equal(recording_take(recording, &story.records[i].h), 0);
	machine_free(&machine);
	story_free(&story);
}

/* Its descriptor; a file in memory. */
static int record(void)
{
	struct recording *recording;
	struct target_info info = {
		.tgid = TARGET, .pid = TARGET, .ns_pid = TARGET, .kind = "memlab-svc", .has_request_end = true,
		.link_kind = "uprobe_multi", .attach_ns = 9 * MS, .run_json = "{\"path\":\"naive\",\"gogc\":\"100\"}",
	};
	const struct source_counts counts = {.cpus = MACHINE_CPUS};
	int fd = memfd_create("recording", MFD_CLOEXEC), own = dup(fd);

	strcpy(info.comm, "memlab-svc");
	assert_int_equal(recording_create(fd, &info, &recording), 0);
	record_machine(recording);
	assert_int_equal(recording_close(recording, &counts), 0);
	return own;
}

struct reader {
	struct attribution *attribution;
	struct history history;
};

static void reader_request(void *context, const struct request *request)
{
	struct reader *reader = context;
	history_add(&reader->history, request);
}

static void reader_record(void *context, const struct record *record)
{
	struct reader *reader = context;
	cycles_record(&reader->history.cycles, record);
	assert_int_equal(attribution_feed(reader->attribution, record), 0);
}

static struct reader *read_recording(int fd, struct summary *summary)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	struct attribution_config config = {
		.tgid = TARGET, .has_end_events = 1, .on_request = reader_request, .context = reader};
	struct source_error error = {0};
	struct source *source;
	char path[64];
	int result;

	assert_non_null(reader);
	reader->attribution = attribution_new(&config);
	assert_non_null(reader->attribution);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(source_open_recording(path, &source, &error), 0);
	do
		result = source_drain(source, reader_record, reader);
	while (result > 0);
	assert_int_equal(result, 0);
	attribution_finish(reader->attribution);
	attribution_summary(reader->attribution, summary);
	source_close(source);
	return reader;
}

static void check_page(enum page page, const struct trace_info *info, const struct summary *summary,
		       const struct history *history)
{
	char *text = NULL, name[64];
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	assert_int_equal(page_print(file, page, info, summary, history, NULL, 0, "\n"), 0);
	fputc('\n', file);
	fclose(file);
	snprintf(name, sizeof(name), "recorded-%s-%dx%d.txt", page_name(page), info->columns, info->rows);
	golden_check(name, text);
	free(text);
}

static void every_page_at_two_sizes(void **state)
{
	static const int sizes[][2] = {{24, 80}, {60, 200}};
	struct trace_info info = {.version = "0.1", .pid = TARGET, .comm = "memlab-svc", .kind = "memlab-svc", .mode = "exact",
				  .alloc_mode = "counters", .probes_found = 24, .probes_attached = 21, .attach_ns = 9 * MS,
				  .duration_ns = 2 * SECOND, .run_json = "{\"path\":\"naive\",\"gogc\":\"100\"}"};
	struct summary summary;
	int fd = record();

	(void)state;
	struct reader *reader = read_recording(fd, &summary);
	assert_true(summary.requests > 1000);
	assert_int_equal(summary.gc.cycles, STEPS / CYCLE_STEPS);
	reader->history.tail_floor_ns = summary.server.p99;
	info.requests_per_second = (double)summary.requests / 2;
	for (unsigned i = 0; i < 2; i++) {
		info.rows = sizes[i][0];
		info.columns = sizes[i][1];
		for (unsigned page = 0; page < PAGE_COUNT; page++)
			if (page != PAGE_FLAME) /* the machine has no stacks */
				check_page(page, &info, &summary, &reader->history);
	}
	attribution_free(reader->attribution);
	free(reader);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_page_at_two_sizes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
