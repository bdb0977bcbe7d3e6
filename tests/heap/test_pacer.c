/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pacer in simulation: no heap, no clock. A scenario is a mutator that allocates at some rate with some live heap, on
 * one CPU it shares with marking; each simulated millisecond allocates, marks as the pacer asks, and pays assists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../svc/heap/pacer.h"

#define MIB (1ull << 20)
#define STEP_NS 1000000.0
#define MARK_NS_PER_BYTE 0.15 /* 64 MiB in 10 ms */

struct world {
	struct gc_pacer pacer;
	uint64_t live, heap, goal, trigger;
	double alloc_per_step;
	int percent;
	uint64_t limit;
	bool limiter;
	double background_share; /* of a CPU that the workers get when they want it */
	/* measured */
	uint64_t peak, cycles;
	double assist_ns, mark_ns, time_ns;
	double assist_step_max_ns;
};

static void plan(struct world *w)
{
	struct gc_pacer_room room = {.live_bytes = w->live, .floor_bytes = w->heap, .percent = w->percent, .limit_bytes = w->limit, .limiter = w->limiter};
	struct gc_pacer_plan p = gc_pacer_plan(&w->pacer, &room);

	w->goal = p.goal_bytes;
	w->trigger = p.trigger_bytes;
}

/* One cycle's marking; the heap grows meanwhile. */
static void cycle(struct world *w)
{
	struct gc_pacer_state s = {.begin_bytes = w->heap, .goal_bytes = w->goal, .expected_bytes = w->live};
	double traced = 0, cpu = 0;
	uint64_t born = 0;

	while (traced < (double)w->live) {
		double assist, background = w->background_share * STEP_NS;

		s.heap_bytes = w->heap;
		s.traced_bytes = (uint64_t)traced;
		if (!gc_pacer_behind_bytes(&s))
			background = background < 0.05 * STEP_NS ? background : 0.05 * STEP_NS;
		assist = (double)gc_pacer_assist_bytes(&s, (uint64_t)w->alloc_per_step) * MARK_NS_PER_BYTE;
		/* Over the ceiling who allocates does nothing but mark. */
		if (w->heap > gc_pacer_ceiling_bytes(w->goal))
			assist = STEP_NS;
		assist = assist < STEP_NS ? assist : STEP_NS;
		traced += (background + assist) / MARK_NS_PER_BYTE;
		cpu += background + assist;
		w->assist_ns += assist;
		if (assist > w->assist_step_max_ns)
			w->assist_step_max_ns = assist;
		born += (uint64_t)(w->alloc_per_step * (1 - assist / STEP_NS));
		w->heap += (uint64_t)(w->alloc_per_step * (1 - assist / STEP_NS));
		w->peak = w->heap > w->peak ? w->heap : w->peak;
		w->time_ns += STEP_NS;
	}
	w->mark_ns += cpu;
	w->cycles++;
	w->heap = w->live + born;
}

static void run(struct world *w, unsigned cycles)
{
	for (unsigned i = 0; i < cycles; i++) {
		double begin = w->time_ns, marked = w->mark_ns;
		uint64_t allocated = 0;
		struct gc_pacer_cycle measured;

		plan(w);
		while (w->heap < w->trigger) {
			w->heap += (uint64_t)w->alloc_per_step;
			allocated += (uint64_t)w->alloc_per_step;
			w->time_ns += STEP_NS;
		}
		w->peak = w->heap > w->peak ? w->heap : w->peak;
		cycle(w);
		allocated += w->heap - w->live;
		measured = (struct gc_pacer_cycle){.traced_bytes = w->live,
						   .mark_cpu_ns = (uint64_t)(w->mark_ns - marked),
						   .alloc_bytes = allocated,
						   .wall_ns = (uint64_t)(w->time_ns - begin)};
		gc_pacer_learn(&w->pacer, &measured);
	}
}

static struct world world(uint64_t live, double mib_per_s)
{
	return (struct world){.live = live,
			      .heap = live,
			      .percent = 100,
			      .limit = UINT64_MAX,
			      .limiter = true,
			      .background_share = 0.3,
			      .alloc_per_step = mib_per_s * (double)MIB / 1000};
}

static void test_steady_service_needs_no_assists(void **state)
{
	struct world w = world(64 * MIB, 66);

	(void)state;
	run(&w, 5);
	w.assist_ns = w.peak = 0;
	run(&w, 20);
	assert_true(w.assist_ns == 0);
	assert_true(w.peak <= 128 * MIB + MIB);
	assert_true(w.peak >= 90 * MIB);
}

static void test_goal_is_go_s(void **state)
{
	struct gc_pacer pacer = {0};
	struct gc_pacer_room room = {.live_bytes = 100 * MIB, .floor_bytes = 100 * MIB, .percent = 100, .limit_bytes = UINT64_MAX, .limiter = true};

	(void)state;
	assert_int_equal(gc_pacer_plan(&pacer, &room).goal_bytes, 200 * MIB);
	room.percent = 50;
	assert_int_equal(gc_pacer_plan(&pacer, &room).goal_bytes, 150 * MIB);
	room.percent = -1;
	assert_true(gc_pacer_plan(&pacer, &room).goal_bytes == UINT64_MAX);
	assert_true(gc_pacer_plan(&pacer, &room).trigger_bytes == UINT64_MAX);
	room = (struct gc_pacer_room){.live_bytes = 0, .floor_bytes = 0, .percent = 100, .limit_bytes = UINT64_MAX, .limiter = true};
	assert_int_equal(gc_pacer_plan(&pacer, &room).goal_bytes, GC_HEAP_MIN_BYTES);
	room.percent = 1000000;
	room.live_bytes = UINT64_MAX / 2;
	assert_true(gc_pacer_plan(&pacer, &room).goal_bytes == UINT64_MAX);
}

static void test_trigger_lies_between_floor_and_goal(void **state)
{
	struct gc_pacer pacer = {.mark_ns_per_byte = 0.15, .alloc_bytes_per_ns = 0.07};

	(void)state;
	for (int percent = 1; percent <= 10000; percent *= 10)
		for (uint64_t live = MIB; live < 1ull << 36; live *= 4)
			for (uint64_t floor = live; floor < live * 4; floor += live / 2) {
				struct gc_pacer_room room = {.live_bytes = live, .floor_bytes = floor, .percent = percent, .limit_bytes = UINT64_MAX, .limiter = true};
				struct gc_pacer_plan p = gc_pacer_plan(&pacer, &room);

				assert_true(p.trigger_bytes >= floor);
				/* Beyond the goal already: after a few more allocations. */
				assert_true(p.trigger_bytes <= (p.goal_bytes > floor ? p.goal_bytes : floor + 64 * 1024));
			}
}

static void test_starved_workers_are_replaced_by_assists(void **state)
{
	struct world w = world(64 * MIB, 500);

	(void)state;
	w.background_share = 0;
	run(&w, 20);
	assert_true(w.assist_ns > 0);
	assert_true(w.peak <= gc_pacer_ceiling_bytes(128 * MIB) + 2 * MIB);
}

static void test_step_and_oscillation_stay_under_the_ceiling(void **state)
{
	struct world w = world(16 * MIB, 50);

	(void)state;
	for (int i = 0; i < 20; i++) {
		/* The live heap and the rate jump up and down; a jump is seen by the next plan only. */
		w.live = i % 2 ? 16 * MIB : 32 * MIB;
		w.heap = w.heap > w.live ? w.heap : w.live;
		w.alloc_per_step = (i % 3 ? 20 : 400) * (double)MIB / 1000;
		w.peak = 0;
		run(&w, 3);
		assert_true(w.peak <= gc_pacer_ceiling_bytes(64 * MIB) + MIB);
	}
}

static void test_limit_lowers_the_goal(void **state)
{
	struct world w = world(64 * MIB, 66);

	(void)state;
	w.limit = 100 * MIB;
	run(&w, 10);
	w.peak = 0;
	run(&w, 10);
	assert_true(w.peak <= 100 * MIB);
}

static double collector_share(struct world *w)
{
	run(w, 10);
	w->mark_ns = w->time_ns = 0;
	run(w, 30);
	return w->mark_ns / w->time_ns;
}

static void test_limiter_caps_the_collector(void **state)
{
	struct world capped = world(64 * MIB, 1000), spiral;

	(void)state;
	capped.limit = 60 * MIB; /* below the live heap */
	spiral = capped;
	spiral.limiter = false;
	assert_true(collector_share(&capped) <= 0.6);
	assert_true(collector_share(&spiral) > 0.8);
	assert_true(spiral.peak < capped.peak);
}

static void test_expected_work_grows_when_exceeded(void **state)
{
	(void)state;
	assert_int_equal(gc_pacer_expected(0, 0, 100), 100);
	assert_int_equal(gc_pacer_expected(50, 10, 100), 50);
	assert_int_equal(gc_pacer_expected(50, 60, 100), 100);
	assert_int_equal(gc_pacer_expected(50, 160, 100), 160);
}

/* Minor cycles that leave `survival` of the nursery; how many come before a full one is due, at most `most`. */
static unsigned minor_cycles(struct gc_pacer *pacer, double survival, unsigned most)
{
	struct gc_pacer_room room = {.live_bytes = 64 * MIB, .floor_bytes = 64 * MIB, .percent = 100, .limit_bytes = UINT64_MAX, .sticky = true, .old_bytes = 64 * MIB};
	unsigned count = 0;

	for (; count < most; count++) {
		struct gc_pacer_plan p = gc_pacer_plan(pacer, &room);
		uint64_t young = p.trigger_bytes - room.floor_bytes;
		struct gc_pacer_cycle c = {.traced_bytes = (uint64_t)(survival * (double)young), .minor = true, .young_bytes = young};

		assert_int_equal(p.goal_bytes, 128 * MIB);
		assert_true(p.trigger_bytes <= p.pace_bytes && p.pace_bytes <= p.goal_bytes);
		if (!p.minor)
			break;
		gc_pacer_learn(pacer, &c);
		room.floor_bytes += c.traced_bytes;
		room.old_bytes = room.floor_bytes;
	}
	return count;
}

static void full_cycle(struct gc_pacer *pacer)
{
	struct gc_pacer_cycle c = {.traced_bytes = 64 * MIB, .mark_cpu_ns = 10000000, .alloc_bytes = 64 * MIB, .wall_ns = 1000000000};

	gc_pacer_learn(pacer, &c);
}

static void test_minor_cycles_come_before_a_full_one(void **state)
{
	struct gc_pacer pacer = {0};
	struct gc_pacer_room room = {.live_bytes = 4 * MIB, .floor_bytes = 4 * MIB, .percent = 100, .limit_bytes = UINT64_MAX, .sticky = true, .old_bytes = 4 * MIB};

	(void)state;
	full_cycle(&pacer);
	/* A twentieth survives: 40 MiB of room in steps of less than 1 MiB. */
	assert_in_range(minor_cycles(&pacer, 0.05, 1000), 30, 60);
	assert_in_range(gc_pacer_survivors(&pacer, 1000), 40, 60);
	/* A small heap is marked faster than a minor cycle's handshakes take. */
	assert_false(gc_pacer_plan(&pacer, &room).minor);
	room.live_bytes = room.floor_bytes = room.old_bytes = 64 * MIB;
	assert_true(gc_pacer_plan(&pacer, &room).minor);
	room.percent = -1;
	assert_false(gc_pacer_plan(&pacer, &room).minor);
	room.percent = 100;
	room.sticky = false;
	assert_false(gc_pacer_plan(&pacer, &room).minor);
}

static void test_minor_cycles_that_do_not_pay_are_left_out(void **state)
{
	struct gc_pacer pacer = {0};
	unsigned before = 0;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		unsigned full = 0;

		assert_int_equal(minor_cycles(&pacer, 0.9, 1000), 1);
		for (; pacer.full_only; full++)
			full_cycle(&pacer);
		assert_true(full >= before && full > 0);
		before = full;
	}
	assert_true(before > 1);
}

/* GOGC=0 collects after every few allocations, but not while there are none. */
static void test_no_room_is_no_reason(void **state)
{
	struct gc_pacer pacer = {.mark_ns_per_byte = MARK_NS_PER_BYTE, .alloc_bytes_per_ns = 1000.0 * MIB / 1e9};
	struct gc_pacer_room room = {.live_bytes = 64 * MIB, .floor_bytes = 65 * MIB, .percent = 0, .limit_bytes = UINT64_MAX};

	(void)state;
	assert_in_range(gc_pacer_plan(&pacer, &room).trigger_bytes, 65 * MIB + 1, 66 * MIB);
}

/* Note [tight]: 64 MiB live, marked in 10 ms of one CPU, in which 10 MiB are allocated. */
static void test_a_tight_room_is_used_up_first(void **state)
{
	struct gc_pacer pacer = {.mark_ns_per_byte = MARK_NS_PER_BYTE, .alloc_bytes_per_ns = 1000.0 * MIB / 1e9};
	struct gc_pacer_room room = {.live_bytes = 64 * MIB, .floor_bytes = 64 * MIB, .percent = -1, .cpus = 2};
	struct gc_pacer_plan plan;

	(void)state;
	room.limit_bytes = 100 * MIB;
	plan = gc_pacer_plan(&pacer, &room);
	assert_in_range(plan.goal_bytes, 96 * MIB, 100 * MIB);
	assert_true(plan.trigger_bytes < plan.goal_bytes);
	room.limit_bytes = 72 * MIB;
	plan = gc_pacer_plan(&pacer, &room);
	assert_in_range(plan.goal_bytes, 68 * MIB, 72 * MIB);
	assert_int_equal(plan.trigger_bytes, plan.goal_bytes);
}

/* The room that the limiter insists on: allocated in the time that marking takes all CPUs. */
static void test_the_limiter_knows_the_cpus(void **state)
{
	struct gc_pacer pacer = {.mark_ns_per_byte = MARK_NS_PER_BYTE, .alloc_bytes_per_ns = 1000.0 * MIB / 1e9};
	struct gc_pacer_room room = {.live_bytes = 64 * MIB, .floor_bytes = 64 * MIB, .percent = -1, .limiter = true, .limit_bytes = 65 * MIB};

	(void)state;
	assert_in_range(gc_pacer_plan(&pacer, &room).goal_bytes, 64 * MIB, 65 * MIB);
	pacer.limiting = true;
	assert_in_range(gc_pacer_plan(&pacer, &room).goal_bytes, 73 * MIB, 75 * MIB);
	room.cpus = 2;
	assert_in_range(gc_pacer_plan(&pacer, &room).goal_bytes, 68 * MIB, 70 * MIB);
}

/* It is at work once more than half of all CPUs' time went, and until less than a quarter does. */
static void test_the_limiter_waits_for_half(void **state)
{
	struct gc_pacer_cycle cycle = {.traced_bytes = 64 * MIB, .mark_cpu_ns = 9000000, .alloc_bytes = MIB, .wall_ns = 10000000, .cpus = 2};
	struct gc_pacer pacer = {0};

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		gc_pacer_learn(&pacer, &cycle);
	assert_false(pacer.limiting);
	cycle.mark_cpu_ns = 12000000;
	for (unsigned i = 0; i < 20; i++)
		gc_pacer_learn(&pacer, &cycle);
	assert_true(pacer.limiting);
	cycle.mark_cpu_ns = 6000000;
	for (unsigned i = 0; i < 20; i++)
		gc_pacer_learn(&pacer, &cycle);
	assert_true(pacer.limiting);
	cycle.mark_cpu_ns = 4000000;
	for (unsigned i = 0; i < 20; i++)
		gc_pacer_learn(&pacer, &cycle);
	assert_false(pacer.limiting);
}

/* 20 ms, in 10 of which two CPUs marked and nobody allocated: 10 MiB in the other 10. */
static void test_who_waits_does_not_allocate(void **state)
{
	struct gc_pacer_cycle cycle = {.traced_bytes = 64 * MIB, .mark_cpu_ns = 20000000, .alloc_bytes = 10 * MIB, .wall_ns = 20000000, .cpus = 2};
	struct gc_pacer pacer = {0};

	(void)state;
	gc_pacer_learn(&pacer, &cycle);
	assert_in_range((uint64_t)(pacer.alloc_bytes_per_ns * 1e9 / (double)MIB + 0.5), 999, 1001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_room_is_no_reason),
		cmocka_unit_test(test_a_tight_room_is_used_up_first),
		cmocka_unit_test(test_the_limiter_knows_the_cpus),
		cmocka_unit_test(test_the_limiter_waits_for_half),
		cmocka_unit_test(test_who_waits_does_not_allocate),
		cmocka_unit_test(test_steady_service_needs_no_assists),
		cmocka_unit_test(test_goal_is_go_s),
		cmocka_unit_test(test_trigger_lies_between_floor_and_goal),
		cmocka_unit_test(test_starved_workers_are_replaced_by_assists),
		cmocka_unit_test(test_step_and_oscillation_stay_under_the_ceiling),
		cmocka_unit_test(test_minor_cycles_come_before_a_full_one),
		cmocka_unit_test(test_minor_cycles_that_do_not_pay_are_left_out),
		cmocka_unit_test(test_limit_lowers_the_goal),
		cmocka_unit_test(test_limiter_caps_the_collector),
		cmocka_unit_test(test_expected_work_grows_when_exceeded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
