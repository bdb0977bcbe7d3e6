/* SPDX-License-Identifier: Apache-2.0 */
/* See schedule.h. */
#include <math.h>

#include "clock.h"
#include "schedule.h"

static const struct schedule_step *current(const struct schedule *schedule)
{
	return &schedule->steps[schedule->step];
}

static double gap_ns(struct schedule *schedule)
{
	return -log(random_unit(&schedule->random)) * (double)NS_PER_S / current(schedule)->rate;
}

/* Constant starts are computed from their index, not summed, so that rounding never accumulates. */
static void place_next(struct schedule *schedule)
{
	if (schedule->arrivals == ARRIVALS_POISSON)
		schedule->offset_ns += gap_ns(schedule);
	else
		schedule->offset_ns = (double)schedule->index * (double)NS_PER_S / current(schedule)->rate;
	schedule->index++;
}

/* Moves on to the next step while the start found lies past the end of its step. */
static void settle_next(struct schedule *schedule)
{
	for (;;) {
		const struct schedule_step *step = current(schedule);

		place_next(schedule);
		if (schedule->offset_ns < (double)(step->end_ns - step->begin_ns)) {
			schedule->next_ns = step->begin_ns + (uint64_t)schedule->offset_ns;
			return;
		}
		if (schedule->step + 1 == schedule->step_count)
			break;
		schedule->step++;
		schedule->index = 0;
		schedule->offset_ns = 0;
	}
	schedule->next_ns = SCHEDULE_OVER;
}

void schedule_init(struct schedule *schedule, enum arrivals arrivals, const double *rates, uint32_t rate_count,
		   uint64_t warmup_ns, uint64_t measured_ns, uint64_t seed, uint64_t begin_ns)
{
	schedule->arrivals = arrivals;
	schedule->step_count = rate_count;
	schedule->step = 0;
	schedule->index = 0;
	schedule->offset_ns = 0;
	random_seed(&schedule->random, seed, 3);
	for (uint32_t i = 0; i < rate_count; i++) {
		uint64_t begin = begin_ns + i * (warmup_ns + measured_ns);

		schedule->steps[i] = (struct schedule_step){
			.rate = rates[i],
			.begin_ns = begin,
			.measured_ns = begin + warmup_ns,
			.end_ns = begin + warmup_ns + measured_ns,
		};
	}
	settle_next(schedule);
}

void schedule_advance(struct schedule *schedule)
{
	if (schedule->next_ns != SCHEDULE_OVER)
		settle_next(schedule);
}

void schedule_stop(struct schedule *schedule, uint64_t now_ns)
{
	while (schedule->step_count > schedule->step + 1 &&
	       schedule->steps[schedule->step_count - 1].begin_ns >= now_ns)
		schedule->step_count--;
	struct schedule_step *last = &schedule->steps[schedule->step_count - 1];

	if (last->end_ns > now_ns)
		last->end_ns = now_ns > last->begin_ns ? now_ns : last->begin_ns;
	if (schedule->next_ns >= now_ns)
		schedule->next_ns = SCHEDULE_OVER;
}

uint64_t schedule_end_ns(const struct schedule *schedule)
{
	return schedule->steps[schedule->step_count - 1].end_ns;
}

const char *arrivals_name(enum arrivals arrivals)
{
	return arrivals == ARRIVALS_POISSON ? "poisson" : "constant";
}
