/* SPDX-License-Identifier: Apache-2.0 */
/* Timelines: sums against the plainest possible model, holes, memory. */
#include "records.h"

#include "../../../collectors/trace/attribution/timeline.h"

static uint64_t dice_state;
static uint64_t dice(uint64_t below)
{
	dice_state = dice_state * 6364136223846793005ull + 1442695040888963407ull;
	return (dice_state >> 33) % below;
}

static struct piece piece_at(uint64_t begin_ns, uint8_t state, uint16_t cpu, uint8_t on_cpu)
{
	return (struct piece){.begin_ns = begin_ns, .state = state, .cpu = cpu, .on_cpu = on_cpu};
}

static uint64_t sum(const uint64_t ns[TIMELINE_COLUMNS])
{
	uint64_t all = 0;

	for (int s = 0; s < STATE_COUNT; s++)
		all += ns[s];
	return all;
}

static void test_nothing_known(void **state)
{
	struct timeline timeline = {0};
	uint64_t ns[TIMELINE_COLUMNS];

	(void)state;
	timeline_span(&timeline, 10, 30, ns);
	assert_int_equal(ns[CAUSE_UNATTRIBUTED], 20);
	timeline_set(&timeline, piece_at(20, CAUSE_OWN, 0, 1));
	timeline_span(&timeline, 10, 30, ns);
	assert_int_equal(ns[CAUSE_UNATTRIBUTED], 10);
	assert_int_equal(ns[CAUSE_OWN], 10);
	timeline_span(&timeline, 20, 20, ns);
	assert_int_equal(sum(ns), 0);
	timeline_span(&timeline, 5, 20, ns);
	assert_int_equal(ns[CAUSE_UNATTRIBUTED], 15);
	timeline_free(&timeline);
}

static void test_open_piece_put_right(void **state)
{
	struct timeline timeline = {0};
	uint64_t ns[TIMELINE_COLUMNS];

	(void)state;
	timeline_set(&timeline, piece_at(0, CAUSE_OWN, 0, 1));
	timeline_set(&timeline, piece_at(10, CAUSE_RUNQ, 0, 0));
	timeline_recast(&timeline, (enum state)CAUSE_GC_CPU, 5);
	timeline_set(&timeline, piece_at(30, CAUSE_OWN, 0, 1));
	timeline_span(&timeline, 0, 40, ns);
	assert_int_equal(ns[CAUSE_GC_CPU], 20);
	assert_int_equal(ns[CAUSE_RUNQ], 0);
	assert_int_equal(ns[CAUSE_OWN], 20);
	assert_int_equal(ns[TIMELINE_ON_CPU], 20);
	assert_int_equal(timeline_note(&timeline, 0)->culprit, 5);
	assert_null(timeline_note(&timeline, 1));
	/* A time that goes back counts as the latest known. */
	timeline_set(&timeline, piece_at(25, CAUSE_STOP, 0, 1));
	timeline_span(&timeline, 0, 40, ns);
	assert_int_equal(ns[CAUSE_STOP], 10);
	timeline_free(&timeline);
}

/* One byte per nanosecond: the model. */
#define SPAN 4000
struct model {
	uint8_t state[SPAN], cpu[SPAN], on_cpu[SPAN];
};

static void model_set(struct model *model, uint64_t from, struct piece piece)
{
	for (uint64_t t = from; t < SPAN; t++) {
		model->state[t] = piece.state;
		model->cpu[t] = (uint8_t)piece.cpu;
		model->on_cpu[t] = piece.on_cpu;
	}
}

static void model_void(struct model *model, uint64_t from, uint64_t to, uint32_t cpu)
{
	for (uint64_t t = from; t < to; t++) {
		if (cpu != TIMELINE_EVERY_CPU && model->on_cpu[t] && model->cpu[t] != cpu)
			continue;
		model->state[t] = CAUSE_UNATTRIBUTED;
		model->on_cpu[t] = 0;
	}
}

static void model_check(const struct model *model, const struct timeline *timeline, uint64_t now)
{
	uint64_t ns[TIMELINE_COLUMNS], want[TIMELINE_COLUMNS] = {0};
	uint64_t from = dice(now + 1), to = from + dice(now - from + 1);

	timeline_span(timeline, from, to, ns);
	for (uint64_t t = from; t < to; t++) {
		want[model->state[t]]++;
		want[TIMELINE_ON_CPU] += model->on_cpu[t];
	}
	assert_memory_equal(ns, want, sizeof(ns));
}

static void test_against_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct timeline timeline = {0};
		static struct model model;
		uint64_t now = 0;
		dice_state = seed;
		memset(&model, CAUSE_UNATTRIBUTED, sizeof(model));
		memset(model.on_cpu, 0, sizeof(model.on_cpu));
		while (now < SPAN - 30) {
			struct piece piece = piece_at(now, (uint8_t)dice(STATE_COUNT), (uint16_t)dice(2), (uint8_t)dice(2));
			timeline_set(&timeline, piece);
			model_set(&model, now, piece);
			now += 1 + dice(20);
			if (dice(40) == 0) {
				uint64_t from = dice(now), to = now - dice(now - from);
				uint32_t cpu = dice(3) ? (uint32_t)dice(2) : TIMELINE_EVERY_CPU;
				/* What is open goes on behind the hole unless the hole reaches the present. */
				struct piece open = *timeline_open(&timeline);
				timeline_void(&timeline, from, to, cpu);
				model_void(&model, from, to, cpu);
				model_set(&model, now, open);
				timeline_set(&timeline, (open.begin_ns = now, open));
			}
			model_check(&model, &timeline, now);
		}
		timeline_free(&timeline);
	}
}

/* A minute of 20,000 pieces a second: what nobody reaches back to is forgotten. */
static void test_memory_is_bounded(void **state)
{
	struct timeline timeline = {0};
	uint64_t ns[TIMELINE_COLUMNS];

	(void)state;
	for (uint64_t i = 0; i < 60 * 20000; i++)
		timeline_set(&timeline, piece_at(i * 50 * US, i % 2 ? CAUSE_OWN : CAUSE_ALLOC, 0, 1));
	assert_true(timeline.capacity * sizeof(struct timeline_block) < 4u << 20);
	/* What is kept is exact, what is forgotten is unattributed, and both sum up. */
	timeline_span(&timeline, 59 * SECOND, 60 * SECOND, ns);
	assert_int_equal(ns[CAUSE_OWN] + ns[CAUSE_ALLOC], SECOND);
	assert_in_range(ns[CAUSE_ALLOC], SECOND / 2 - 50 * US, SECOND / 2 + 50 * US);
	timeline_span(&timeline, 0, 60 * SECOND, ns);
	assert_int_equal(sum(ns), 60 * SECOND);
	assert_true(ns[CAUSE_UNATTRIBUTED] > 50 * SECOND);
	assert_int_equal(timeline.total[CAUSE_OWN] + timeline.total[CAUSE_ALLOC], 60 * SECOND - 50 * US);
	timeline_free(&timeline);
}

/* Requests that reach back 5 s keep what they need. */
static void test_memory_follows_the_backlog(void **state)
{
	struct timeline timeline = {0};
	uint64_t ns[TIMELINE_COLUMNS];

	(void)state;
	for (uint64_t i = 0; i < 20 * 20000; i++) {
		timeline_set(&timeline, piece_at(i * 50 * US, i % 2 ? CAUSE_OWN : CAUSE_ALLOC, 0, 1));
		timeline_reach(&timeline, i * 50 * US / 4);
	}
	timeline_span(&timeline, 15 * SECOND, 20 * SECOND, ns);
	assert_int_equal(ns[CAUSE_UNATTRIBUTED], 0);
	timeline_free(&timeline);
}

static void test_hard_limit(void **state)
{
	struct timeline timeline = {0};
	uint64_t ns[TIMELINE_COLUMNS], count = (uint64_t)TIMELINE_BLOCK_LIMIT * BLOCK_PIECES + 100000;

	(void)state;
	timeline_reach(&timeline, 1000 * SECOND);
	for (uint64_t i = 0; i < count; i++)
		timeline_set(&timeline, piece_at(i, i % 2 ? CAUSE_OWN : CAUSE_ALLOC, 0, 1));
	assert_int_equal(timeline.capacity, TIMELINE_BLOCK_LIMIT);
	timeline_span(&timeline, 0, count, ns);
	assert_int_equal(sum(ns), count);
	assert_in_range(ns[CAUSE_UNATTRIBUTED], 100000 - 2 * BLOCK_PIECES, 100000 + 2 * BLOCK_PIECES);
	timeline_free(&timeline);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_open_piece_put_right),
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_memory_follows_the_backlog),
		cmocka_unit_test(test_hard_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
