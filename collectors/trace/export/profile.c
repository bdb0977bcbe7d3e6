/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two sets of stacks: `all` by thread and kind, and `inside`, what lay inside requests, by server time, cause, span, path and
 * thread, packed into the label. Between the two stands a ring per thread of its newest samples, in which a request looks
 * for its own: it becomes final a second or so after they came.
 */
#include "profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../bpf/hist.h"
#include "../core/text.h"

#define SAMPLES_FIRST 256u
#define SAMPLES_MAX 32768u /* per thread: more than a second of one that sleeps 20,000 times in it */
#define LOOK_MAX 4096u     /* samples looked at per request */
#define STACKS_INSIDE (1u << 18)
#define OPEN_NS UINT64_MAX /* the thread has not come back yet */

/* Requests are told apart by hist.h's buckets, four in one. */
#define SPEEDS ((HIST_BUCKETS + 3) / 4)
#define SLOW_PERCENT 1
#define ORDINARY_PERCENT 90

enum { KIND_CPU, KIND_LEFT }; /* of `all`; KIND_LEFT + enum record_left */

struct sample {
	uint64_t begin_ns, end_ns; /* equal: a tick */
	uint32_t stack;            /* index into `all` */
};

struct sampled {
	struct sample *samples; /* a ring; its room is a power of two */
	uint32_t room, used, next;
};

struct speed {
	uint64_t requests;
	uint64_t ns[2][CAUSE_COUNT]; /* [0 queue, 1 service] */
};

struct profile {
	struct roster *roster;
	uint64_t period_ns, samples;
	struct stacks *all, *inside;
	struct sampled *threads; /* by roster number */
	uint32_t thread_room;
	struct speed speeds[SPEEDS];
};

/* ---- labels */

static uint32_t all_label(uint32_t thread, unsigned kind)
{
	return thread | kind << 12;
}

static uint32_t all_thread(uint32_t label)
{
	return label & 0xfff;
}

static unsigned all_kind(uint32_t label)
{
	return label >> 12;
}

/* Where a sample lay: in which request, and in which part of it. */
struct place {
	unsigned speed, cause, span, path, known, thread;
};

_Static_assert(SPEEDS <= 1u << 11 && CAUSE_COUNT <= 1u << 4 && ROSTER_LIMIT < 1u << 12, "a place fits into a label");

static uint32_t place_pack(const struct place *place)
{
	return place->speed | place->cause << 11 | place->span << 15 | place->path << 16 | place->known << 17 | place->thread << 18;
}

static struct place place_unpack(uint32_t label)
{
	return (struct place){label & 0x7ff, label >> 11 & 0xf, label >> 15 & 1, label >> 16 & 1, label >> 17 & 1, label >> 18 & 0xfff};
}

/* ---- life */

struct profile *profile_new(struct roster *roster, uint64_t period_ns)
{
	struct profile *profile = calloc(1, sizeof(*profile));
	if (!profile)
		return NULL;
	profile->roster = roster;
	profile->period_ns = period_ns;
	profile->all = stacks_new(0);
	profile->inside = stacks_new(STACKS_INSIDE);
	if (profile->all && profile->inside)
		return profile;
	profile_free(profile);
	return NULL;
}

void profile_free(struct profile *profile)
{
	if (!profile)
		return;
	for (uint32_t i = 0; i < profile->thread_room; i++)
		free(profile->threads[i].samples);
	free(profile->threads);
	stacks_free(profile->all);
	stacks_free(profile->inside);
	free(profile);
}

uint64_t profile_samples(const struct profile *profile)
{
	return profile->samples;
}

const struct stacks *profile_stacks(const struct profile *profile)
{
	return profile->all;
}

/* ---- samples */

static struct sampled *thread_of(struct profile *profile, uint32_t number)
{
	if (number >= profile->thread_room) {
		uint32_t room = profile->thread_room ? profile->thread_room : 16;
		while (room <= number)
			room *= 2;
		struct sampled *threads = realloc(profile->threads, room * sizeof(*threads));
		if (!threads)
			return NULL;
		memset(threads + profile->thread_room, 0, (room - profile->thread_room) * sizeof(*threads));
		profile->threads = threads;
		profile->thread_room = room;
	}
	return &profile->threads[number];
}

/* The sample `back` places before the newest. */
static struct sample *sample_at(const struct sampled *thread, uint32_t back)
{
	return back < thread->used ? &thread->samples[(thread->next - 1 - back) & (thread->room - 1)] : NULL;
}

/* When the ring is full and memory is short, the oldest is forgotten. */
static void sampled_grow(struct sampled *thread)
{
	uint32_t room = thread->room ? 2 * thread->room : SAMPLES_FIRST;
	struct sample *samples = room <= SAMPLES_MAX ? malloc(room * sizeof(*samples)) : NULL;
	if (!samples)
		return;
	for (uint32_t i = 0; i < thread->used; i++)
		samples[i] = *sample_at(thread, thread->used - 1 - i);
	free(thread->samples);
	thread->samples = samples;
	thread->room = room;
	thread->next = thread->used;
}

static void sampled_add(struct sampled *thread, struct sample sample)
{
	if (thread->used == thread->room)
		sampled_grow(thread);
	if (thread->room == 0)
		return;
	thread->samples[thread->next++ & (thread->room - 1)] = sample;
	if (thread->used < thread->room)
		thread->used++;
}

static void take_sample(struct profile *profile, const struct record_stack *record)
{
	bool tick = record->event == RECORD_SAMPLE_CPU;
	unsigned left = record->args[0] <= RECORD_LEFT_ENDED ? (unsigned)record->args[0] : RECORD_LEFT_ENDED;
	uint32_t number = roster_number(profile->roster, record->h.tid), depth = record->depth;
	struct sampled *thread = thread_of(profile, number);
	if (!thread || depth > RECORD_STACK_DEPTH)
		return;
	uint32_t flags = (depth == RECORD_STACK_DEPTH ? STACK_CUT : 0) | (tick && record->args[0] ? STACK_KERNEL : 0);
	uint64_t ns = tick ? profile->period_ns : 0;
	long stack = stacks_put(profile->all, all_label(number, tick ? KIND_CPU : KIND_LEFT + left), record->frames, depth, flags, 1, ns);
	if (stack < 0)
		return;
	profile->samples++;
	if (number) /* threads without a number share one, and so have no order */
		sampled_add(thread, (struct sample){record->h.time_ns, tick ? record->h.time_ns : OPEN_NS, (uint32_t)stack});
}

/* The thread has a CPU again; ticks cannot have come meanwhile. */
static void come_back(struct profile *profile, uint32_t tid, uint64_t time_ns)
{
	uint32_t number = roster_number(profile->roster, tid);
	struct sample *sample = number && number < profile->thread_room ? sample_at(&profile->threads[number], 0) : NULL;
	if (!sample || sample->end_ns != OPEN_NS)
		return;
	sample->end_ns = time_ns > sample->begin_ns ? time_ns : sample->begin_ns + 1;
	stacks_more(profile->all, sample->stack, 0, sample->end_ns - sample->begin_ns);
}

void profile_record(struct profile *profile, const struct record *record)
{
	const struct record_stack *stack = (const struct record_stack *)record;
	const struct record_switch *change = (const struct record_switch *)record;
	if (record->kind == RECORD_STACK && (stack->event == RECORD_SAMPLE_CPU || stack->event == RECORD_SAMPLE_OFFCPU))
		take_sample(profile, stack);
	else if (record->kind == RECORD_SWITCH && change->next_tid)
		come_back(profile, change->next_tid, record->time_ns);
}

/* ---- requests */

/* How many of the newest samples begin at or after `time_ns`. */
static uint32_t samples_since(const struct sampled *thread, uint64_t time_ns)
{
	uint32_t low = 0, high = thread->used;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (sample_at(thread, middle)->begin_ns >= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t request_thread(const struct profile *profile, const struct request *request)
{
	uint32_t number = roster_number(profile->roster, request->tid);
	return number < profile->thread_room ? number : 0;
}

bool profile_wants(const struct profile *profile, const struct request *request)
{
	uint32_t number = request_thread(profile, request);
	if (!number)
		return false;
	const struct sample *last = sample_at(&profile->threads[number], samples_since(&profile->threads[number], request->end_ns));
	return last && last->end_ns >= request->arrival_ns;
}

static void file_sample(struct profile *profile, const struct sample *sample, struct place place, uint64_t ns)
{
	const struct stack *stack = stacks_at(profile->all, sample->stack);
	(void)stacks_add(profile->inside, place_pack(&place), stack->frames, stack->depth, stack->flags, 1, ns);
}

/* A tick counts where the thread was on a CPU; time away counts for each stretch away, in whichever cause. */
static void match(struct profile *profile, const struct sample *sample, const struct request *request,
		  const struct stretch *stretch, struct place place)
{
	bool tick = sample->begin_ns == sample->end_ns;
	place.cause = stretch->cause;
	place.span = stretch->begin_ns >= request->begin_ns;
	if (tick && stretch->on_cpu && sample->begin_ns >= stretch->begin_ns && sample->begin_ns < stretch->end_ns)
		file_sample(profile, sample, place, profile->period_ns);
	if (tick || stretch->on_cpu)
		return;
	uint64_t from_ns = sample->begin_ns > stretch->begin_ns ? sample->begin_ns : stretch->begin_ns;
	uint64_t to_ns = sample->end_ns < stretch->end_ns ? sample->end_ns : stretch->end_ns;
	if (to_ns > from_ns)
		file_sample(profile, sample, place, to_ns - from_ns);
}

void profile_request(struct profile *profile, const struct request *request, const struct stretch *stretches, unsigned count)
{
	struct place place = {.speed = hist_bucket(request->end_ns - request->arrival_ns) / 4, .path = request->path != 0,
			      .known = request->has_service != 0, .thread = request_thread(profile, request)};
	struct speed *speed = &profile->speeds[place.speed];
	speed->requests++;
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
		speed->ns[0][cause] += request->queue.ns[cause];
		speed->ns[1][cause] += request->service.ns[cause];
	}
	if (!count || !place.thread)
		return;
	const struct sampled *thread = &profile->threads[place.thread];
	const struct sample *sample;
	unsigned at = count; /* samples and stretches are both walked from the newest */
	for (uint32_t back = samples_since(thread, request->end_ns), end = back + LOOK_MAX; back < end; back++) {
		sample = sample_at(thread, back);
		if (!sample || sample->end_ns < request->arrival_ns)
			return;
		while (at > 1 && stretches[at - 1].begin_ns > sample->end_ns)
			at--;
		for (unsigned i = at; i > 0 && stretches[i - 1].end_ns > sample->begin_ns; i--)
			match(profile, sample, request, &stretches[i - 1], place);
	}
}

/* ---- views of all samples */

static int tree_of_all(struct profile *profile, bool on_cpu, const struct frame_namer *namer, struct tree *tree)
{
	static const char *const left[] = {[RECORD_LEFT_PREEMPTED] = "[runnable, without a CPU]", [RECORD_LEFT_SLEEPING] = "[asleep]",
					   [RECORD_LEFT_WAITING] = "[waiting in the kernel: disk, page, lock]", [RECORD_LEFT_ENDED] = "[ended or stopped]"};
	int error = 0;
	for (size_t i = 0; !error && i < stacks_size(profile->all); i++) {
		const struct stack *stack = stacks_at(profile->all, i);
		unsigned kind = all_kind(stack->label);
		if ((kind == KIND_CPU) != on_cpu || stack->amount == 0)
			continue;
		const char *outer[] = {roster_entry(profile->roster, all_thread(stack->label))->comm, on_cpu ? NULL : left[kind - KIND_LEFT]};
		error = tree_add_stack(tree, outer, on_cpu ? 1 : 2, stack, NULL, namer, stack->amount, 0);
	}
	return error;
}

/* ---- views by request */

enum cohort_kind { SLOW, ORDINARY, COHORTS };

/* What the samples of a cohort add up to, and the exact time of its mean request. */
struct share {
	double sampled_ns[2][CAUSE_COUNT], exact_ns[2][CAUSE_COUNT];
};

struct shares {
	unsigned slow_from, ordinary_below; /* in speeds */
	struct share of[COHORTS];
};

/* How many speeds from one end hold at most this part of all requests; at least one that holds any. */
static unsigned speeds_within(const struct profile *profile, double percent, bool from_top)
{
	uint64_t total = 0, running = 0;
	unsigned taken = 0;
	for (unsigned i = 0; i < SPEEDS; i++)
		total += profile->speeds[i].requests;
	for (; taken < SPEEDS; taken++) {
		uint64_t requests = profile->speeds[from_top ? SPEEDS - 1 - taken : taken].requests;
		if (running && (double)(running + requests) > percent / 100 * (double)total)
			break;
		running += requests;
	}
	return taken;
}

/* COHORTS: neither one. When all requests are alike, there are only slow ones. */
static enum cohort_kind cohort_of(const struct shares *shares, unsigned speed)
{
	return speed >= shares->slow_from ? SLOW : speed < shares->ordinary_below ? ORDINARY : COHORTS;
}

static void exact_times(const struct profile *profile, struct shares *shares)
{
	double requests[COHORTS] = {0};
	for (unsigned speed = 0; speed < SPEEDS; speed++) {
		unsigned cohort = cohort_of(shares, speed);
		if (cohort == COHORTS)
			continue;
		requests[cohort] += (double)profile->speeds[speed].requests;
		for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
			shares->of[cohort].exact_ns[0][cause] += (double)profile->speeds[speed].ns[0][cause];
			shares->of[cohort].exact_ns[1][cause] += (double)profile->speeds[speed].ns[1][cause];
		}
	}
	for (unsigned cohort = 0; cohort < COHORTS; cohort++)
		for (unsigned cause = 0; cause < CAUSE_COUNT && requests[cohort]; cause++) {
			shares->of[cohort].exact_ns[0][cause] /= requests[cohort];
			shares->of[cohort].exact_ns[1][cause] /= requests[cohort];
		}
}

static void shares_find(struct profile *profile, struct shares *shares)
{
	*shares = (struct shares){.slow_from = SPEEDS - speeds_within(profile, SLOW_PERCENT, true),
				  .ordinary_below = speeds_within(profile, ORDINARY_PERCENT, false)};
	exact_times(profile, shares);
	for (size_t i = 0; i < stacks_size(profile->inside); i++) {
		const struct stack *stack = stacks_at(profile->inside, i);
		struct place place = place_unpack(stack->label);
		unsigned cohort = cohort_of(shares, place.speed);
		if (cohort != COHORTS && !(stack->flags & STACK_OVERFLOW))
			shares->of[cohort].sampled_ns[place.span][place.cause] += (double)stack->amount;
	}
}

static const char *const span_names[] = {"queue", "service"};

struct drawing {
	struct tree *tree;
	const struct frame_namer *namer;
	enum profile_view view;
};

/* `stack` NULL: no sample hit this cause. */
static int draw(const struct drawing *drawing, const struct place *place, unsigned cohort, const struct stack *stack, double ns)
{
	uint64_t value = cohort == SLOW ? (uint64_t)(ns + 0.5) : 0, base = cohort == ORDINARY ? (uint64_t)(ns + 0.5) : 0;
	const char *cause = cause_name((enum cause)place->cause);
	const char *outer[] = {cause, span_names[place->span], "[no sample]"};
	char leaf[32];
	snprintf(leaf, sizeof(leaf), "[%s]", cause);
	if (!value && !base)
		return 0;
	if (drawing->view == PROFILE_TAIL)
		return stack ? tree_add_stack(drawing->tree, outer, 2, stack, NULL, drawing->namer, value, base)
			     : tree_add(drawing->tree, outer, NULL, 3, value, base);
	if (stack)
		return tree_add_stack(drawing->tree, NULL, 0, stack, leaf, drawing->namer, value, base);
	const char *unknown[] = {"[no sample]", leaf};
	return tree_add(drawing->tree, unknown, NULL, 2, value, base);
}

static int draw_stacks(struct profile *profile, const struct drawing *drawing, const struct shares *shares)
{
	int error = 0;
	for (size_t i = 0; !error && i < stacks_size(profile->inside); i++) {
		const struct stack *stack = stacks_at(profile->inside, i);
		struct place place = place_unpack(stack->label);
		unsigned cohort = cohort_of(shares, place.speed);
		if (cohort == COHORTS || stack->flags & STACK_OVERFLOW)
			continue;
		const struct share *share = &shares->of[cohort];
		double part = (double)stack->amount / share->sampled_ns[place.span][place.cause];
		error = draw(drawing, &place, cohort, stack, share->exact_ns[place.span][place.cause] * part);
	}
	return error;
}

static int draw_rest(const struct drawing *drawing, const struct shares *shares)
{
	int error = 0;
	for (unsigned i = 0; i < COHORTS * 2 * CAUSE_COUNT && !error; i++) {
		struct place place = {.cause = i % CAUSE_COUNT, .span = i / CAUSE_COUNT % 2};
		const struct share *share = &shares->of[i / (2 * CAUSE_COUNT)];
		if (share->sampled_ns[place.span][place.cause] == 0)
			error = draw(drawing, &place, i / (2 * CAUSE_COUNT), NULL, share->exact_ns[place.span][place.cause]);
	}
	return error;
}

int profile_tree(struct profile *profile, enum profile_view view, const struct frame_namer *namer, struct tree *tree)
{
	struct shares shares;
	struct drawing drawing = {tree, namer, view};
	if (view == PROFILE_CPU || view == PROFILE_OFFCPU)
		return tree_of_all(profile, view == PROFILE_CPU, namer, tree);
	shares_find(profile, &shares);
	int error = draw_stacks(profile, &drawing, &shares);
	return error ? error : draw_rest(&drawing, &shares);
}

/* ---- pprof */

struct labelling {
	const struct profile *profile;
	enum profile_view view;
	struct shares shares;
	char thread[64];
};

static const char *thread_text(struct labelling *labelling, uint32_t number)
{
	const struct roster_entry *entry = roster_entry(labelling->profile->roster, number);
	snprintf(labelling->thread, sizeof(labelling->thread), "%s[%u]", entry->comm, entry->tid);
	return labelling->thread;
}

static int label_all(void *context, const struct stack *stack, struct pprof_label *labels)
{
	static const char *const left[] = {"runnable", "asleep", "waiting", "ended"};
	struct labelling *labelling = context;
	unsigned kind = all_kind(stack->label);
	if ((kind == KIND_CPU) != (labelling->view == PROFILE_CPU) || stack->amount == 0)
		return -1;
	labels[0] = (struct pprof_label){"thread", thread_text(labelling, all_thread(stack->label))};
	labels[1] = (struct pprof_label){"state", kind == KIND_CPU ? "running" : left[kind - KIND_LEFT]};
	return 2;
}

static int label_inside(void *context, const struct stack *stack, struct pprof_label *labels)
{
	static const char *const speeds[] = {[SLOW] = "slow", [ORDINARY] = "ordinary", [COHORTS] = "between"};
	struct labelling *labelling = context;
	struct place place = place_unpack(stack->label);
	if (stack->flags & STACK_OVERFLOW)
		return 0;
	labels[0] = (struct pprof_label){"cause", cause_name((enum cause)place.cause)};
	labels[1] = (struct pprof_label){"span", place.span ? "service" : "queue"};
	labels[2] = (struct pprof_label){"thread", thread_text(labelling, place.thread)};
	labels[3] = (struct pprof_label){"speed", speeds[cohort_of(&labelling->shares, place.speed)]};
	labels[4] = (struct pprof_label){"path", place.path ? "opt" : "naive"};
	return place.known ? 5 : 4;
}

int profile_pprof(struct profile *profile, enum profile_view view, FILE *file, struct symbols *symbols, uint64_t wall_ns,
		  uint64_t duration_ns)
{
	struct labelling labelling = {.profile = profile, .view = view};
	const struct pprof_options options = {
		.count_type = "samples",
		.amount_type = view == PROFILE_CPU ? "cpu" : view == PROFILE_OFFCPU ? "offcpu" : "request_time",
		.amount_unit = "nanoseconds",
		.period = profile->period_ns,
		.wall_ns = wall_ns,
		.duration_ns = duration_ns,
		.labels = view == PROFILE_REQUESTS ? label_inside : label_all,
		.context = &labelling,
	};
	if (view == PROFILE_REQUESTS)
		shares_find(profile, &labelling.shares);
	return export_pprof(file, view == PROFILE_REQUESTS ? profile->inside : profile->all, symbols, &options);
}
