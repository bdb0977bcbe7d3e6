/* SPDX-License-Identifier: Apache-2.0 */
/* pacer: see pacer.h. */
#include "pacer.h"

#define MARK_SHARE 0.05        /* of one CPU, while a cycle is on */
#define RUNWAY_MIN 0.10        /* of the room between live and goal */
#define RUNWAY_MAX 0.40
#define SMOOTHING 0.5          /* weight of the newest cycle */
#define SPREAD_END 0.90        /* marking should be done at this part of the runway */
#define ASSIST_SLACK 0.30      /* of the runway, before allocating threads have to help */
#define TRIGGER_STEP_BYTES (64ull << 10) /* at least allocated between cycles */
#define LIMITER_ON 0.5         /* share of all CPUs' time */
#define LIMITER_OFF 0.25
#define LIMIT_SLACK 32           /* the goal stays this part of the limit below it */
#define LIMIT_ROOM_MIN_BYTES (256ull << 10) /* between cycles, whatever the limit says */
#define NURSERY_MIN_BYTES (4ull << 20)
#define NURSERY_MAX_BYTES (16ull << 20) /* what lies in a shared cache when it is used again */
#define NURSERY_PART 4                  /* of the live heap */
#define MINOR_RUNWAY_PART 2             /* of the nursery, in which a minor cycle should be done */
#define MINOR_STEP_PART 4               /* of the nursery, at least allocated between minor cycles */
#define SURVIVAL_MAX 0.5                /* above, a minor cycle was not worth it */
#define FULL_ONLY_MAX 7
#define CEILING_EXTRA_PERCENT 25
#define CEILING_EXTRA_BYTES (4ull << 20)

static double smooth(double old, double new)
{
	return old == 0 ? new : old * (1 - SMOOTHING) + new * SMOOTHING;
}

/* What marking took from the mutators, if it was spread over all CPUs; an eighth is always theirs. */
static double mutator_ns(const struct gc_pacer_cycle *cycle)
{
	double wall = (double)cycle->wall_ns, left = wall - (double)cycle->mark_cpu_ns / (cycle->cpus ? cycle->cpus : 1);

	return left > wall / 8 ? left : wall / 8;
}

static void minor_learn(struct gc_pacer *pacer, const struct gc_pacer_cycle *cycle)
{
	double survival = cycle->young_bytes ? (double)cycle->traced_bytes / (double)cycle->young_bytes : 0;

	pacer->survival = smooth(pacer->survival, survival);
	if (survival < SURVIVAL_MAX) {
		pacer->full_only_last /= 2;
		return;
	}
	pacer->full_only_last = pacer->full_only_last < FULL_ONLY_MAX ? 2 * pacer->full_only_last + 1 : FULL_ONLY_MAX;
	pacer->full_only = pacer->full_only_last;
}

static void limiter_learn(struct gc_pacer *pacer, const struct gc_pacer_cycle *cycle)
{
	double all_ns = (double)cycle->wall_ns * (cycle->cpus ? cycle->cpus : 1);

	pacer->mark_share = smooth(pacer->mark_share, (double)cycle->mark_cpu_ns / all_ns);
	if (pacer->mark_share > LIMITER_ON)
		pacer->limiting = true;
	else if (pacer->mark_share < LIMITER_OFF)
		pacer->limiting = false;
}

void gc_pacer_learn(struct gc_pacer *pacer, const struct gc_pacer_cycle *cycle)
{
	if (cycle->minor)
		minor_learn(pacer, cycle);
	else if (pacer->full_only)
		pacer->full_only--;
	/* What a minor cycle costs is not proportional to what it traces. */
	if (cycle->traced_bytes && !cycle->minor)
		pacer->mark_ns_per_byte =
			smooth(pacer->mark_ns_per_byte, (double)cycle->mark_cpu_ns / (double)cycle->traced_bytes);
	if (!cycle->wall_ns)
		return;
	pacer->alloc_bytes_per_ns = smooth(pacer->alloc_bytes_per_ns, (double)cycle->alloc_bytes / mutator_ns(cycle));
	limiter_learn(pacer, cycle);
}

static uint64_t percent_goal(uint64_t live, int percent)
{
	uint64_t base = live > GC_HEAP_MIN_BYTES ? live : GC_HEAP_MIN_BYTES, room, goal;

	if (percent < 0 || __builtin_mul_overflow(base, (uint64_t)percent, &room) ||
	    __builtin_add_overflow(live, room / 100, &goal))
		return UINT64_MAX;
	return goal;
}

/* Bytes allocated in the time that marking the live heap takes one thread. */
static double mark_time_bytes(const struct gc_pacer *pacer, uint64_t live)
{
	return pacer->mark_ns_per_byte * (double)live * pacer->alloc_bytes_per_ns;
}

/* Note [tight]. */
static bool is_tight(const struct gc_pacer *pacer, const struct gc_pacer_room *r, uint64_t goal)
{
	return r->limit_bytes != UINT64_MAX && goal >= r->limit_bytes - r->limit_bytes / LIMIT_SLACK &&
	       (goal < r->live_bytes || mark_time_bytes(pacer, r->live_bytes) > (double)(goal - r->live_bytes));
}

static uint64_t limited_goal(const struct gc_pacer *pacer, const struct gc_pacer_room *r, uint64_t goal)
{
	/* What spans cannot use of their pages, and what is allocated while the cycle ends. */
	uint64_t slack = r->limit_bytes / LIMIT_SLACK;
	uint64_t least = r->floor_bytes;

	if (goal <= r->limit_bytes - slack)
		return goal;
	goal = r->limit_bytes - slack;
	if (r->limiter && pacer->limiting)
		least += (uint64_t)(mark_time_bytes(pacer, r->live_bytes) / (r->cpus ? r->cpus : 1));
	least += LIMIT_ROOM_MIN_BYTES;
	return goal > least ? goal : least;
}

/* Bytes allocated while a thin marking of the live heap runs. */
static double runway_of(const struct gc_pacer *pacer, uint64_t live, double room)
{
	double runway = mark_time_bytes(pacer, live) / MARK_SHARE;

	if (runway < room * RUNWAY_MIN)
		return room * RUNWAY_MIN;
	return runway < room * RUNWAY_MAX ? runway : room * RUNWAY_MAX;
}

static uint64_t nursery_of(const struct gc_pacer_room *r)
{
	uint64_t part = r->live_bytes / NURSERY_PART;

	if (r->nursery_bytes)
		return r->nursery_bytes;
	if (part < NURSERY_MIN_BYTES)
		return NURSERY_MIN_BYTES;
	return part < NURSERY_MAX_BYTES ? part : NURSERY_MAX_BYTES;
}

/*
 * A minor cycle first, if the heap that it can leave behind does not call for a full one. After a long cycle its births may
 * fill the nursery already: then it follows at once, or nearly.
 */
static void minor_plan(const struct gc_pacer *pacer, const struct gc_pacer_room *r, struct gc_pacer_plan *plan)
{
	uint64_t nursery = nursery_of(r), runway = nursery / MINOR_RUNWAY_PART, end = r->old_bytes + nursery + runway;
	double room = plan->goal_bytes > r->old_bytes ? (double)(plan->goal_bytes - r->old_bytes) : 0;
	uint64_t soonest = r->floor_bytes + nursery / MINOR_STEP_PART;

	if (!r->sticky || pacer->full_only || r->percent < 0 || r->live_bytes == 0 ||
	    end > plan->goal_bytes - (uint64_t)runway_of(pacer, r->live_bytes, room))
		return;
	/* Who is over the ceiling waits for a cycle: it must be due. */
	if (soonest > plan->goal_bytes)
		soonest = r->floor_bytes > plan->goal_bytes ? r->floor_bytes : plan->goal_bytes;
	plan->minor = true;
	plan->trigger_bytes = end - runway > soonest ? end - runway : soonest;
	plan->pace_bytes = plan->trigger_bytes + runway;
}

uint64_t gc_pacer_survivors(const struct gc_pacer *pacer, uint64_t young_bytes)
{
	return (uint64_t)(pacer->survival * (double)young_bytes);
}

struct gc_pacer_plan gc_pacer_plan(const struct gc_pacer *pacer, const struct gc_pacer_room *r)
{
	struct gc_pacer_plan plan = {.goal_bytes = percent_goal(r->live_bytes, r->percent)};
	uint64_t floor = r->floor_bytes > r->live_bytes ? r->floor_bytes : r->live_bytes;
	double room;

	if (r->limit_bytes != UINT64_MAX)
		plan.goal_bytes = limited_goal(pacer, r, plan.goal_bytes);
	if (plan.goal_bytes == UINT64_MAX) {
		plan.trigger_bytes = plan.pace_bytes = UINT64_MAX;
		return plan;
	}
	plan.pace_bytes = plan.goal_bytes;
	room = plan.goal_bytes > floor ? (double)(plan.goal_bytes - floor) : 0;
	plan.trigger_bytes = floor + (uint64_t)(room - runway_of(pacer, r->live_bytes, room));
	if (is_tight(pacer, r, plan.goal_bytes))
		plan.trigger_bytes = floor + (uint64_t)room;
	/* Without room (GOGC=0) too a cycle follows an allocation, not the cycle before. */
	if (plan.trigger_bytes <= floor)
		plan.trigger_bytes = floor + TRIGGER_STEP_BYTES;
	minor_plan(pacer, r, &plan);
	return plan;
}

uint64_t gc_pacer_expected(uint64_t traced_last, uint64_t traced_now, uint64_t begin_bytes)
{
	if (traced_last == 0 || traced_now > traced_last || traced_last > begin_bytes)
		return begin_bytes > traced_now ? begin_bytes : traced_now;
	return traced_last;
}

static double runway_used(const struct gc_pacer_state *s)
{
	double runway = s->goal_bytes > s->begin_bytes ? (double)(s->goal_bytes - s->begin_bytes) : 1;

	return s->heap_bytes > s->begin_bytes ? (double)(s->heap_bytes - s->begin_bytes) / runway : 0;
}

/* Bytes short of a straight line from nothing at `from` to everything at `to`, both parts of the runway. */
static uint64_t short_bytes(const struct gc_pacer_state *s, double from, double to)
{
	double part = (runway_used(s) - from) / (to - from);
	double wanted = (part < 0 ? 0 : part < 1 ? part : 1) * (double)s->expected_bytes;

	return wanted > (double)s->traced_bytes ? (uint64_t)(wanted - (double)s->traced_bytes) : 0;
}

uint64_t gc_pacer_behind_bytes(const struct gc_pacer_state *s)
{
	return short_bytes(s, 0, SPREAD_END);
}

uint64_t gc_pacer_assist_bytes(const struct gc_pacer_state *s, uint64_t bytes)
{
	uint64_t left = s->expected_bytes > s->traced_bytes ? s->expected_bytes - s->traced_bytes : 0;
	uint64_t room = s->goal_bytes > s->heap_bytes ? s->goal_bytes - s->heap_bytes : 0;
	double ratio = (double)left / (double)(room + bytes + 1);

	if (short_bytes(s, ASSIST_SLACK, SPREAD_END) == 0)
		return 0;
	return (uint64_t)((double)bytes * ratio);
}

uint64_t gc_pacer_ceiling_bytes(uint64_t goal_bytes)
{
	uint64_t ceiling;

	if (__builtin_add_overflow(goal_bytes, goal_bytes / 100 * CEILING_EXTRA_PERCENT + CEILING_EXTRA_BYTES, &ceiling))
		return UINT64_MAX;
	return ceiling;
}
