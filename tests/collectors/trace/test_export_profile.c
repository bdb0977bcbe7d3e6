/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of time joined to requests, and the scenes around the worst ones: made-up records of known truth. */
#include "golden.h"

#include "../../../collectors/trace/core/json_reader.h"
#include "../../../collectors/trace/export/profile.h"
#include "../../../collectors/trace/export/scene.h"
#include "../../../collectors/trace/export/timeline.h"
#include "../../../svc/probes/probes.h"

#define PERIOD 1000000u
#define LOOP 71u /* the serving thread */
#define MS 1000000ull

enum { MAIN = 0x1000, SLOW = 0x2000, FAST = 0x3000, WAIT = 0x4000 };

static struct frame_name name_of(void *context, uint64_t address)
{
	static const char *const names[] = {"?", "main", "slow", "fast", "wait"};
	(void)context;
	return (struct frame_name){.function = names[(address + 1) >> 12]};
}

static const struct frame_namer namer = {.name = name_of};

struct fixture {
	struct roster roster;
	struct profile *profile;
};

static void feed(struct fixture *fixture, const void *record)
{
	roster_record(&fixture->roster, record);
	profile_record(fixture->profile, record);
}

static void tick(struct fixture *fixture, uint64_t time_ns, uint32_t tid, uint64_t innermost)
{
	struct record_stack record = {.h = {.kind = RECORD_STACK, .time_ns = time_ns, .tid = tid}, .event = RECORD_SAMPLE_CPU,
				      .depth = 2, .frames = {innermost, MAIN}};
	feed(fixture, &record);
}

static void away(struct fixture *fixture, uint64_t from_ns, uint64_t to_ns, uint32_t tid, uint64_t left)
{
	struct record_stack record = {.h = {.kind = RECORD_STACK, .time_ns = from_ns, .tid = tid}, .event = RECORD_SAMPLE_OFFCPU,
				      .depth = 2, .args = {left}, .frames = {WAIT, MAIN}};
	struct record_switch back = {.h = {.kind = RECORD_SWITCH, .time_ns = to_ns}, .next_tid = tid};
	feed(fixture, &record);
	feed(fixture, &back);
}

static void meet(struct fixture *fixture, uint32_t tid, const char *comm)
{
	struct record_task record = {.h = {.kind = RECORD_TASK, .tid = tid}};
	strncpy(record.comm, comm, sizeof(record.comm) - 1);
	feed(fixture, &record);
}

/* A request served on LOOP: `own_ns` on a CPU, then `runq_ns` off it; no queue. */
static void serve(struct fixture *fixture, uint64_t begin_ns, uint64_t own_ns, uint64_t runq_ns)
{
	struct request request = {.arrival_ns = begin_ns, .begin_ns = begin_ns, .end_ns = begin_ns + own_ns + runq_ns, .tid = LOOP};
	const struct stretch stretches[] = {{begin_ns, begin_ns + own_ns, CAUSE_OWN, 0, 1},
					    {begin_ns + own_ns, request.end_ns, CAUSE_RUNQ, 0, 0}};
	request.service.ns[CAUSE_OWN] = own_ns;
	request.service.ns[CAUSE_RUNQ] = runq_ns;
	bool wanted = profile_wants(fixture->profile, &request);
	profile_request(fixture->profile, &request, stretches, wanted ? 2 : 0);
}

static const struct tree_node *find(const struct tree_node *node, const char *path)
{
	char name[64];
	while (node && *path) {
		size_t length = strcspn(path, "/");
		snprintf(name, sizeof(name), "%.*s", (int)length, path);
		path += length + (path[length] == '/');
		for (node = node->child; node && strcmp(node->name, name) != 0;)
			node = node->next;
	}
	return node;
}

static uint64_t value_at(struct tree *tree, const char *path)
{
	const struct tree_node *node = find(tree_root(tree), path);
	return node ? node->value : 0;
}

static struct tree *draw(struct fixture *fixture, enum profile_view view)
{
	struct tree *tree = tree_new();
	assert_int_equal(profile_tree(fixture->profile, view, &namer, tree), 0);
	return tree;
}

static void end(struct fixture *fixture)
{
	profile_free(fixture->profile);
	roster_free(&fixture->roster);
}

static void all_of_the_time(void **state)
{
	(void)state;
	struct fixture fixture = {0};
	fixture.profile = profile_new(&fixture.roster, PERIOD);
	meet(&fixture, LOOP, "loop");
	meet(&fixture, 72, "gc-mark");
	for (unsigned i = 0; i < 10; i++)
		tick(&fixture, i * MS, LOOP, i < 7 ? SLOW : FAST);
	tick(&fixture, 3, 72, FAST);
	away(&fixture, 20 * MS, 25 * MS, LOOP, RECORD_LEFT_SLEEPING);
	away(&fixture, 30 * MS, 31 * MS, LOOP, RECORD_LEFT_PREEMPTED);
	struct tree *cpu = draw(&fixture, PROFILE_CPU), *off = draw(&fixture, PROFILE_OFFCPU);
	assert_int_equal(value_at(cpu, "loop/main/slow"), 7 * MS);
	assert_int_equal(value_at(cpu, "loop/main/fast"), 3 * MS);
	assert_int_equal(value_at(cpu, "gc-mark/main"), 1 * MS);
	assert_int_equal(tree_root(cpu)->value, 11 * MS);
	assert_int_equal(value_at(off, "loop/[asleep]/main/wait"), 5 * MS);
	assert_int_equal(value_at(off, "loop/[runnable, without a CPU]"), 1 * MS);
	assert_int_equal(profile_samples(fixture.profile), 13);
	tree_free(cpu);
	tree_free(off);
	end(&fixture);
}

/*
 * 990 requests of 1 ms in `fast`, 10 of 20 ms: half in `slow`, half waiting for a CPU. The causes' exact times are spread over the
 * stacks that samples found, whatever their number.
 */
static void slow_and_ordinary(void **state)
{
	(void)state;
	struct fixture fixture = {0};
	fixture.profile = profile_new(&fixture.roster, PERIOD);
	uint64_t now_ns = 1000 * MS;
	for (unsigned i = 0; i < 1000; i++) {
		bool slow = i % 100 == 99;
		if (slow) { /* 10 ticks, of which 8 in `slow` */
			for (unsigned t = 0; t < 10; t++)
				tick(&fixture, now_ns + t * MS, LOOP, t < 8 ? SLOW : FAST);
			away(&fixture, now_ns + 10 * MS, now_ns + 20 * MS, LOOP, RECORD_LEFT_PREEMPTED);
		} else if (i % 10 == 0) {
			tick(&fixture, now_ns + MS / 2, LOOP, FAST);
		}
		serve(&fixture, now_ns, slow ? 10 * MS : MS, slow ? 10 * MS : 0);
		now_ns += 40 * MS;
	}
	struct tree *tail = draw(&fixture, PROFILE_TAIL), *diff = draw(&fixture, PROFILE_DIFF);
	assert_int_equal(tree_root(tail)->value, 20 * MS); /* one mean slow request */
	assert_int_equal(tree_root(tail)->base, 1 * MS);
	assert_int_equal(value_at(tail, "own/service/main/slow"), 8 * MS);
	assert_int_equal(value_at(tail, "own/service/main/fast"), 2 * MS);
	assert_int_equal(value_at(tail, "runq/service/main/wait"), 10 * MS);
	assert_int_equal(find(tree_root(tail), "own/service/main/fast")->base, 1 * MS);
	assert_int_equal(value_at(diff, "main/wait/[runq]"), 10 * MS);
	assert_int_equal(value_at(diff, "main/slow/[own]"), 8 * MS);
	assert_int_equal(find(tree_root(diff), "main/slow")->base, 0);
	tree_free(tail);
	tree_free(diff);
	end(&fixture);
}

static void what_no_sample_hit(void **state)
{
	(void)state;
	struct fixture fixture = {0};
	fixture.profile = profile_new(&fixture.roster, PERIOD);
	serve(&fixture, 5 * MS, 3 * MS, 1 * MS);
	struct tree *tail = draw(&fixture, PROFILE_TAIL), *diff = draw(&fixture, PROFILE_DIFF);
	assert_int_equal(value_at(tail, "own/service/[no sample]"), 3 * MS);
	assert_int_equal(value_at(tail, "runq/service/[no sample]"), 1 * MS);
	assert_int_equal(value_at(diff, "[no sample]/[own]"), 3 * MS);
	tree_free(tail);
	tree_free(diff);
	end(&fixture);
}

/* A thread's ring of samples is bounded; what is asked for is the newest part, and rubbish is left out. */
static void bounds(void **state)
{
	(void)state;
	struct fixture fixture = {0};
	fixture.profile = profile_new(&fixture.roster, PERIOD);
	for (unsigned i = 0; i < 100000; i++)
		away(&fixture, i * MS, i * MS + MS / 2, LOOP, RECORD_LEFT_SLEEPING);
	struct request old = {.arrival_ns = 10 * MS, .begin_ns = 10 * MS, .end_ns = 11 * MS, .tid = LOOP};
	struct request fresh = {.arrival_ns = 99990 * MS, .begin_ns = 99990 * MS, .end_ns = 99991 * MS, .tid = LOOP};
	struct request other = {.arrival_ns = 99990 * MS, .begin_ns = 99990 * MS, .end_ns = 99991 * MS, .tid = 5};
	assert_false(profile_wants(fixture.profile, &old));
	assert_true(profile_wants(fixture.profile, &fresh));
	assert_false(profile_wants(fixture.profile, &other));
	struct record_stack hostile = {.h = {.kind = RECORD_STACK, .tid = LOOP}, .event = RECORD_SAMPLE_CPU, .depth = RECORD_STACK_DEPTH + 1};
	feed(&fixture, &hostile);
	hostile.depth = 0;
	hostile.event = RECORD_SAMPLE_OFFCPU;
	hostile.args[0] = UINT64_MAX;
	feed(&fixture, &hostile);
	assert_int_equal(profile_samples(fixture.profile), 100001);
	end(&fixture);
}

static struct record_event event(uint64_t time_ns, uint32_t tid, uint32_t id, uint64_t cycle)
{
	return (struct record_event){.h = {.kind = RECORD_EVENT, .time_ns = time_ns, .tid = tid}, .event = id, .args = {cycle}};
}

/* A request that a cycle began before and outlasts, with two slices of marking in it, and a mutator's handshake. */
static void a_scene(void **state)
{
	(void)state;
	struct scenes *scenes = scenes_new();
	const struct record_event events[] = {
		event(5 * MS, 80, EVENT_gc_cycle_begin, 12), event(6 * MS, 81, EVENT_gc_mark_begin, 12), event(7 * MS, 81, EVENT_gc_mark_end, 12),
		event(11 * MS, 81, EVENT_gc_mark_begin, 12), event(12 * MS, LOOP, EVENT_gc_handshake_begin, 12),
		event(13 * MS, LOOP, EVENT_gc_handshake_end, 12), event(14 * MS, 81, EVENT_gc_mark_end, 12),
		event(14 * MS, 80, EVENT_gc_assist_end, 12), /* its begin was not seen */
	};
	for (unsigned i = 0; i < sizeof(events) / sizeof(*events); i++)
		scenes_record(scenes, &events[i].h);
	struct request request = {.arrival_ns = 10 * MS, .begin_ns = 12 * MS, .end_ns = 20 * MS, .tid = LOOP};
	const struct stretch stretches[] = {{10 * MS, 12 * MS, CAUSE_GC_CPU, 0, 0}, {12 * MS, 13 * MS, CAUSE_STOP, 0, 1}, {13 * MS, 20 * MS, CAUSE_OWN, 0, 1}};
	scenes_request(scenes, &request, stretches, 3);
	const struct scene *scene = scenes_find(scenes, &request);
	assert_non_null(scene);
	assert_int_equal(scene->stretch_count, 3);
	assert_int_equal(scene->doing_count, 3);
	assert_int_equal(scene->doings[0].kind, DOING_HANDSHAKE);
	assert_int_equal(scene->doings[1].kind, DOING_MARK);
	assert_int_equal(scene->doings[1].begin_ns, 11 * MS);
	assert_int_equal(scene->doings[2].kind, DOING_CYCLE);
	for (unsigned i = 1; i < WORST_COUNT + 5; i++) { /* worse ones come; the oldest is the shortest and goes */
		struct request worse = {.arrival_ns = 100 * MS * i, .begin_ns = 100 * MS * i, .end_ns = 100 * MS * i + 20 * MS + i, .tid = LOOP};
		scenes_request(scenes, &worse, stretches, 0);
	}
	assert_null(scenes_find(scenes, &request));
	scenes_free(scenes);
}

/* Two requests of one backlog: what they share is drawn once, and the collector stands on its own tracks. */
static void a_timeline_with_scenes(void **state)
{
	(void)state;
	struct scenes *scenes = scenes_new();
	struct trace_info info = {.pid = 70, .comm = "svc"};
	struct summary *summary = calloc(1, sizeof(*summary));
	struct fixture fixture = {0};
	const struct record_event events[] = {event(1 * MS, 80, EVENT_gc_cycle_begin, 12), event(11 * MS, 81, EVENT_gc_mark_begin, 12),
					      event(12 * MS, 81, EVENT_gc_mark_end, 12)};
	fixture.profile = profile_new(&fixture.roster, PERIOD);
	meet(&fixture, LOOP, "loop");
	meet(&fixture, 81, "</gc>\x1b[2J");
	for (unsigned i = 0; i < 3; i++)
		scenes_record(scenes, &events[i].h);
	for (unsigned i = 0; i < 2; i++) {
		struct request request = {.arrival_ns = (10 + i) * MS, .begin_ns = 12 * MS + i, .end_ns = 14 * MS + i, .tid = LOOP};
		const struct stretch stretches[] = {{request.arrival_ns, 12 * MS, CAUSE_GC_CPU, 0, 0}, {12 * MS, request.end_ns, CAUSE_OWN, 0, 1}};
		scenes_request(scenes, &request, stretches, 2);
		summary->worst[summary->worst_count++] = request;
	}
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	assert_int_equal(export_timeline(file, &info, summary, scenes, &fixture.roster), 0);
	fclose(file);
	assert_true(json_is_object(text));
	golden_check("timeline-scenes.json", text);
	free(text);
	free(summary);
	scenes_free(scenes);
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_the_time),
		cmocka_unit_test(slow_and_ordinary),
		cmocka_unit_test(what_no_sample_hit),
		cmocka_unit_test(bounds),
		cmocka_unit_test(a_scene),
		cmocka_unit_test(a_timeline_with_scenes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
