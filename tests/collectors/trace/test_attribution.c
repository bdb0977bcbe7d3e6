/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attribution as a whole, against a simulated machine that knows the truth: exact without losses, in any order within
 * the watermark; with losses never wrong where it claims to be right; never inconsistent, whatever it is fed.
 */
#include <errno.h>

#include "machine.h"

#define STEPS 3000
#define SEEDS 60

static struct machine tell_machine(struct story *story, uint64_t seed)
{
	struct machine machine = machine_new(story, seed);

	machine_run(&machine, STEPS);
	return machine;
}

static void assert_blame(const struct blame *got, const struct blame *want, const char *span, uint64_t seed, uint32_t n)
{
	int differs = 0;

	for (int c = 0; c < CAUSE_COUNT; c++) {
		if (got->ns[c] == want->ns[c])
			continue;
		differs = 1;
		print_error("seed %llu request %u %s %s: %llu, not %llu\n", (unsigned long long)seed, n, span,
			    cause_name((enum cause)c), (unsigned long long)got->ns[c], (unsigned long long)want->ns[c]);
	}
	assert_false(differs);
}

static void assert_truth(const struct request *request, const struct truth *truth, uint64_t seed, uint32_t n)
{
	assert_int_equal(request->sock, truth->sock);
	assert_int_equal(request->arrival_ns, truth->arrival_ns);
	assert_int_equal(request->begin_ns, truth->begin_ns);
	assert_int_equal(request->end_ns, truth->end_ns);
	assert_blame(&request->queue, &truth->queue, "queue", seed, n);
	assert_blame(&request->service, &truth->service, "service", seed, n);
	assert_true(request->steal_ns <= truth->queue.ns[CAUSE_OWN] + truth->service.ns[CAUSE_OWN]);
}

static void test_exact_without_losses(void **state)
{
	uint32_t total = 0;
	double steal_ns = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct story story = story_new(1);
		struct machine machine = tell_machine(&story, seed);
		story_play(&story);
		assert_int_equal(story.request_count, machine.request_count);
		for (uint32_t i = 0; i < machine.request_count; i++) {
			assert_truth(&story.requests[i], &machine.requests[i], seed, i);
			assert_int_equal(story.requests[i].flags & REQUEST_LOSS, 0);
		}
		assert_int_equal(story.summary.checks.sum_error_ns_max, 0);
		assert_int_equal(story.summary.lost, 0);
		assert_int_equal(story.summary.late, 0);
		assert_int_equal(story.summary.negative, 0);
		total += machine.request_count;
		steal_ns += story.summary.total_steal_ns;
		machine_free(&machine);
		story_free(&story);
	}
	assert_true(total > 20u * SEEDS);
	assert_true(steal_ns > 0);
}

/* Any order within the watermark gives the same: records change places at random, by less than it. */
static void test_order_does_not_matter(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct story story = story_new(1), mixed;
		struct machine machine = tell_machine(&story, seed);
		story_play(&story);
		mixed = story_new(1);
		mixed.records = malloc(story.count * sizeof(*mixed.records));
		mixed.count = mixed.capacity = story.count;
		memcpy(mixed.records, story.records, story.count * sizeof(*mixed.records));
		for (uint32_t i = 0; i < 4 * story.count; i++) {
			uint32_t a = (uint32_t)machine_random(&machine, story.count);
			uint32_t b = (a + (uint32_t)machine_random(&machine, 200)) % story.count;
			union merge_slot slot = mixed.records[a];
			if (mixed.records[b].h.time_ns > slot.h.time_ns + 3 * MS ||
			    slot.h.time_ns > mixed.records[b].h.time_ns + 3 * MS)
				continue;
			mixed.records[a] = mixed.records[b];
			mixed.records[b] = slot;
		}
		story_feed(&mixed);
		assert_int_equal(mixed.summary.late, 0);
		assert_int_equal(mixed.summary.lost, 0);
		assert_int_equal(mixed.request_count, story.request_count);
		assert_memory_equal(mixed.requests, story.requests, story.request_count * sizeof(*story.requests));
		assert_memory_equal(&mixed.summary, &story.summary, sizeof(story.summary));
		machine_free(&machine);
		story_free(&story);
		story_free(&mixed);
	}
}

static const struct truth *truth_of(const struct machine *machine, const struct request *request)
{
	for (uint32_t i = 0; i < machine->request_count; i++)
		if (machine->requests[i].sock == request->sock && machine->requests[i].begin_ns == request->begin_ns)
			return &machine->requests[i];
	return NULL;
}

/*
 * Two things cannot be known. Whether the thread that held the CPU was marking, when its own begin was lost: gc_cpu and
 * runq are compared together. Whether a sleeping thread served somebody whose read was lost: what is said to be
 * blocked must be, the rest may be unattributed.
 */
static int blame_differs(const struct blame *got, const struct blame *want)
{
	struct blame a = *got, b = *want;

	if (a.ns[CAUSE_BLOCKED] > b.ns[CAUSE_BLOCKED])
		return 1;
	/* A moment's sleep after the arrival: whether inside another request is not known after a loss. */
	uint64_t delivery_ns = a.ns[CAUSE_WAKE] > b.ns[CAUSE_WAKE] ? a.ns[CAUSE_WAKE] - b.ns[CAUSE_WAKE] : 0;
	if (delivery_ns <= 5 * US) {
		a.ns[CAUSE_WAKE] -= delivery_ns;
		a.ns[CAUSE_UNATTRIBUTED] += delivery_ns;
	}
	a.ns[CAUSE_UNATTRIBUTED] += a.ns[CAUSE_BLOCKED];
	b.ns[CAUSE_UNATTRIBUTED] += b.ns[CAUSE_BLOCKED];
	a.ns[CAUSE_RUNQ] += a.ns[CAUSE_GC_CPU];
	b.ns[CAUSE_RUNQ] += b.ns[CAUSE_GC_CPU];
	a.ns[CAUSE_BLOCKED] = b.ns[CAUSE_BLOCKED] = a.ns[CAUSE_GC_CPU] = b.ns[CAUSE_GC_CPU] = 0;
	return memcmp(&a, &b, sizeof(a)) != 0;
}

static void print_blame(const char *span, const struct blame *got, const struct blame *want)
{
	for (int c = 0; c < CAUSE_COUNT; c++)
		if (got->ns[c] != want->ns[c])
			print_error("  %s %s: %llu, not %llu\n", span, cause_name((enum cause)c),
				    (unsigned long long)got->ns[c], (unsigned long long)want->ns[c]);
}

static void fail_wrong(const struct machine *machine, const struct request *request, const struct truth *truth,
		       uint64_t seed)
{
	const struct story *story = machine->story;

	print_error("seed %llu: wrong and not flagged: sock %llu arrival %llu begin %llu end %llu\n",
		    (unsigned long long)seed, (unsigned long long)request->sock, (unsigned long long)request->arrival_ns,
		    (unsigned long long)request->begin_ns, (unsigned long long)request->end_ns);
	if (truth) {
		print_error("  truth: arrival %llu end %llu\n", (unsigned long long)truth->arrival_ns,
			    (unsigned long long)truth->end_ns);
		print_blame("queue", &request->queue, &truth->queue);
		print_blame("service", &request->service, &truth->service);
	}
	for (uint32_t i = 1; i < story->count; i++)
		for (uint32_t j = i; j-- > 0;) {
			const struct record *h = &story->records[i].h, *before = &story->records[j].h;
			if (before->cpu != h->cpu)
				continue;
			if (before->lost != h->lost)
				print_error("  lost on CPU %u between %llu and %llu\n", h->cpu,
					    (unsigned long long)before->time_ns, (unsigned long long)h->time_ns);
			break;
		}
	fail();
}

/* With losses a request is either flagged or right. */
static void test_losses_are_flagged_or_harmless(void **state)
{
	uint32_t right = 0, flagged = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 4 * SEEDS; seed++) {
		struct story story = story_new(1);
		struct machine machine = tell_machine(&story, seed);
		uint32_t lost = 0;
		for (uint32_t i = MACHINE_THREADS + 4; i < story.count; i++)
			if (machine_random(&machine, 300) == 0)
				story.drop[i] = ++lost != 0;
		story_play(&story);
		assert_true(story.summary.lost <= lost);
		assert_true(story.summary.lost + 2 * MACHINE_CPUS >= lost);
		assert_int_equal(story.summary.checks.sum_error_ns_max, 0);
		for (uint32_t i = 0; i < story.request_count; i++) {
			const struct request *request = &story.requests[i];
			const struct truth *truth = truth_of(&machine, request);
			assert_sums(request);
			if (request->flags & REQUEST_LOSS) {
				flagged++;
				continue;
			}
			right++;
			if (!truth || truth->arrival_ns != request->arrival_ns || truth->end_ns != request->end_ns ||
			    blame_differs(&request->queue, &truth->queue) ||
			    blame_differs(&request->service, &truth->service))
				fail_wrong(&machine, request, truth, seed);
		}
		for (uint32_t i = 0; i < story.summary.worst_count; i++)
			assert_int_equal(story.summary.worst[i].flags & REQUEST_LOSS, 0);
		machine_free(&machine);
		story_free(&story);
	}
	assert_true(right > 1000);
	assert_true(flagged > 100);
}

/* Withholding a kind of record on purpose makes `unattributed` grow; nothing else takes its time silently. */
static void test_withheld_records_show(void **state)
{
	static const enum record_kind kinds[] = {RECORD_SWITCH, RECORD_WAKING, RECORD_WAKEUP};

	(void)state;
	for (uint32_t k = 0; k < 3; k++) {
		struct story story = story_new(1), less = story_new(1);
		struct machine machine = tell_machine(&story, 7), again = tell_machine(&less, 7);
		story_play(&story);
		uint32_t kept = 0;
		for (uint32_t i = 0; i < less.count; i++)
			if (less.records[i].h.kind != kinds[k])
				less.records[kept++] = less.records[i];
		less.count = kept;
		story_play(&less);
		assert_int_equal(less.request_count, story.request_count);
		assert_true(less.summary.checks.unattributed_percent > story.summary.checks.unattributed_percent + 5);
		assert_int_equal(less.summary.checks.sum_error_ns_max, 0);
		machine_free(&machine);
		machine_free(&again);
		story_free(&story);
		story_free(&less);
	}
}

/* ---- The order of records. */

static void test_late_records(void **state)
{
	(void)state;
	struct story story = story_new(1);
	struct machine machine = tell_machine(&story, 3);

	story_number(&story);
	/* One record from the middle comes last, far behind the watermark. */
	union merge_slot late = story.records[story.count / 2];
	story.config.watermark_ns = 1 * MS;
	memmove(&story.records[story.count / 2], &story.records[story.count / 2 + 1],
		(story.count - story.count / 2 - 1) * sizeof(late));
	story.records[story.count - 1] = late;
	story_feed(&story);
	assert_int_equal(story.summary.late, 1);
	assert_int_equal(story.summary.lost, 0); /* it was missed first, and then it came */
	assert_int_equal(story.summary.checks.sum_error_ns_max, 0);
	machine_free(&machine);
	story_free(&story);
}

/* Records of one CPU that come too late together, before any newer one of it: late, not lost. */
static void test_late_before_their_hole_is_seen(void **state)
{
	(void)state;
	struct story story = story_new(1);

	tell_task(&story, 1 * MS, 0, 101, ON_CPU, 0);
	tell_recv(&story, 300 * MS, 0, 101, 1, 299 * MS);
	tell_send(&story, 310 * MS, 0, 101, 1);
	tell_end(&story, 310 * MS, 0, 101, 1, 300 * MS);
	tell_recv(&story, 900 * MS, 0, 101, 1, 899 * MS);
	tell_send(&story, 910 * MS, 0, 101, 1);
	tell_end(&story, 910 * MS, 0, 101, 1, 900 * MS);
	story_number(&story);
	story.config.on_request = story_take;
	story.config.context = &story;
	struct attribution *attribution = attribution_new(&story.config);
	assert_int_equal(attribution_feed(attribution, &story.records[0].h), 0);
	attribution_advance(attribution, 500 * MS);
	for (uint32_t i = 1; i < story.count; i++)
		assert_int_equal(attribution_feed(attribution, &story.records[i].h), 0);
	attribution_finish(attribution);
	attribution_summary(attribution, &story.summary);
	assert_int_equal(story.summary.late, 3);
	assert_int_equal(story.summary.lost, 0);
	assert_int_equal(story.summary.requests, 1);
	attribution_free(attribution);
	story_free(&story);
}

/* The reader was stopped between its two sources: of one it has all up to now, of the other the rest comes with the next turn. */
static void test_a_source_behind_is_not_late(void **state)
{
	(void)state;
	struct story story = story_new(1);

	tell_task(&story, 1 * MS, 0, 101, ON_CPU, 0);
	tell_switch(&story, 2500 * MS, 1, 900, RECORD_LEFT_SLEEPING, 102);
	tell_recv(&story, 1010 * MS, 0, 101, 1, 1009 * MS);
	tell_send(&story, 1020 * MS, 0, 101, 1);
	tell_end(&story, 1020 * MS, 0, 101, 1, 1010 * MS);
	for (uint32_t i = 0; i < story.count; i++)
		story.records[i].h.seq = i < 2 ? 1 : i; /* two CPUs */
	story.config.on_request = story_take;
	story.config.context = &story;
	struct attribution *attribution = attribution_new(&story.config);
	struct record complete = {.kind = RECORD_COMPLETE, .words = sizeof(complete) / 8, .time_ns = 1000 * MS};
	assert_int_equal(attribution_feed(attribution, &story.records[0].h), 0);
	assert_int_equal(attribution_feed(attribution, &complete), 0);
	for (uint32_t i = 1; i < story.count; i++)
		assert_int_equal(attribution_feed(attribution, &story.records[i].h), 0);
	assert_int_equal(story.request_count, 0);
	complete.time_ns = 2600 * MS;
	assert_int_equal(attribution_feed(attribution, &complete), 0);
	assert_int_equal(story.request_count, 1);
	attribution_finish(attribution);
	attribution_summary(attribution, &story.summary);
	assert_int_equal(story.summary.late, 0);
	assert_int_equal(story.summary.lost, 0);
	assert_int_equal(story.summary.requests, 1);
	attribution_free(attribution);
	story_free(&story);
}

/* Preempted between the reserve and the clock: number and time disagree, nothing is lost. */
static void test_numbers_out_of_order(void **state)
{
	(void)state;
	struct story story = story_new(1);

	tell_task(&story, 0, 0, 101, ON_CPU, 0);
	tell_recv(&story, 2 * MS, 0, 101, 1, 1 * MS);
	tell_switch(&story, 3 * MS, 0, 101, RECORD_LEFT_PREEMPTED, 900);
	tell_switch(&story, 4 * MS, 0, 900, RECORD_LEFT_SLEEPING, 101);
	tell_send(&story, 5 * MS, 0, 101, 1);
	tell_end(&story, 6 * MS, 0, 101, 1, 2 * MS);
	story_number(&story);
	union merge_slot send = story.records[4];
	send.h.seq = story.records[2].h.seq;
	story.records[2].h.seq++;
	story.records[3].h.seq++;
	story.records[4] = story.records[3];
	story.records[3] = story.records[2];
	story.records[2] = send;
	story_feed(&story);
	assert_int_equal(story.summary.lost, 0);
	assert_int_equal(story.request_count, 1);
	assert_int_equal(story.requests[0].end_ns, 5 * MS);
	assert_int_equal(story.requests[0].service.ns[CAUSE_RUNQ], 1 * MS);
	assert_int_equal(story.requests[0].flags, 0);
	story_free(&story);
}

static void test_unknown_records(void **state)
{
	(void)state;
	struct attribution_config config = {.tgid = TARGET};
	struct attribution *attribution = attribution_new(&config);
	union merge_slot slot = {.h = {.kind = RECORD_KIND_LIMIT, .words = 3}};

	assert_int_equal(attribution_feed(attribution, &slot.h), -EINVAL);
	slot.h.kind = 0;
	assert_int_equal(attribution_feed(attribution, &slot.h), -EINVAL);
	slot.h.kind = RECORD_RECV; /* too short */
	assert_int_equal(attribution_feed(attribution, &slot.h), -EINVAL);
	attribution_finish(attribution);
	attribution_free(attribution);
	attribution_free(NULL);
}

/* Nothing becomes final before the watermark has passed it; advance moves it without records. */
static void test_advance(void **state)
{
	(void)state;
	struct story story = story_new(1);

	tell_task(&story, 0, 0, 101, ON_CPU, 0);
	tell_recv(&story, 2 * MS, 0, 101, 1, 1 * MS);
	tell_send(&story, 5 * MS, 0, 101, 1);
	tell_end(&story, 6 * MS, 0, 101, 1, 2 * MS);
	story_number(&story);
	story.config.on_request = story_take;
	story.config.context = &story;
	struct attribution *attribution = attribution_new(&story.config);
	for (uint32_t i = 0; i < story.count; i++)
		assert_int_equal(attribution_feed(attribution, &story.records[i].h), 0);
	assert_int_equal(story.request_count, 0);
	attribution_advance(attribution, 106 * MS);
	assert_int_equal(story.request_count, 0);
	attribution_advance(attribution, 106 * MS + 1);
	assert_int_equal(story.request_count, 1);
	attribution_finish(attribution);
	attribution_summary(attribution, &story.summary);
	assert_int_equal(story.summary.requests, 1);
	assert_int_equal(story.summary.cut, 0);
	attribution_free(attribution);
	story_free(&story);
}

/* ---- CPU time: the timeline against the kernel's count. */

/* 100 stretches of 1 ms; the kernel counts `charged_ns` for each and the hypervisor took `steal_ns` of it. */
static struct summary cpu_time_story(uint64_t charged_ns, uint64_t steal_ns)
{
	struct story story = story_new(1);
	uint64_t time_ns = SECOND, exec_ns = 5 * SECOND;
	uint32_t steal = UINT32_MAX - 1000; /* the count is cut to 32 bits and comes round */

	tell_task(&story, time_ns - MS, 0, 101, ASLEEP, exec_ns);
	for (int i = 0; i < 100; i++) {
		tell_waking(&story, time_ns, 0, 101);
		tell_wakeup(&story, time_ns + 1, 0, 101, 0);
		tell_switch(&story, time_ns + 2, 0, 0, RECORD_LEFT_PREEMPTED, 101)->cpu_steal_ns = steal;
		exec_ns += charged_ns;
		steal += (uint32_t)steal_ns;
		struct record_switch *leaves = tell_sleep(&story, time_ns + 2 + 1 * MS, 0, 101, 0);
		leaves->prev_exec_ns = exec_ns;
		leaves->cpu_steal_ns = steal;
		time_ns += 2 * MS;
	}
	story_play(&story);
	struct summary summary = story.summary;
	story_free(&story);
	return summary;
}

static void test_cpu_time_check(void **state)
{
	(void)state;
	struct summary exact = cpu_time_story(1 * MS, 0), switches = cpu_time_story(1 * MS + 3 * US, 0);
	struct summary stolen = cpu_time_story(700 * US, 300 * US), wrong = cpu_time_story(900 * US, 0);

	assert_true(exact.checks.cpu_time_error_percent < 1e-9);
	assert_true(exact.checks.switch_ns_mean < 1e-9);
	assert_true(switches.checks.cpu_time_error_percent < 1e-9);
	assert_in_range((uint64_t)switches.checks.switch_ns_mean, 2900, 3000);
	assert_true(stolen.checks.cpu_time_error_percent < 1e-9);
	assert_int_equal(stolen.checks.steal_ns, 99 * 300 * US);
	assert_true(wrong.checks.cpu_time_error_percent > 11);
	assert_true(wrong.checks.cpu_time_error_percent < 12);
}

/* What was doubted is not compared. */
static void test_cpu_time_of_doubted_threads(void **state)
{
	(void)state;
	struct story story = story_new(1);
	uint64_t time_ns = SECOND;

	tell_task(&story, time_ns - MS, 0, 101, ASLEEP, 0);
	tell_switch(&story, time_ns - MS + 1, 0, 900, RECORD_LEFT_SLEEPING, 0);
	for (uint64_t i = 1; i <= 100; i++) {
		tell_waking(&story, time_ns, 0, 101);
		tell_wakeup(&story, time_ns + 1, 0, 101, 0);
		/* No switch in: it is found running. */
		tell_recv(&story, time_ns + 500 * US, 0, 101, 1, time_ns);
		tell_send(&story, time_ns + 900 * US, 0, 101, 1);
		tell_end(&story, time_ns + 900 * US, 0, 101, 1, time_ns + 500 * US);
		tell_sleep(&story, time_ns + 1 * MS, 0, 101, 0)->prev_exec_ns = i * MS;
		time_ns += 2 * MS;
	}
	story_play(&story);
	assert_int_equal(story.summary.checks.doubts, 100);
	assert_true(story.summary.checks.cpu_time_error_percent < 1e-9);
	assert_true(story.summary.checks.unattributed_percent > 50);
	for (uint32_t i = 0; i < story.request_count; i++)
		assert_int_equal(story.requests[i].service.ns[CAUSE_OWN], 400 * US);
	story_free(&story);
}

/* Any bytes at all: no crash, no sum that does not close. */
static void test_garbage(void **state)
{
	static const size_t sizes[RECORD_KIND_LIMIT] = {
		[RECORD_SWITCH] = sizeof(struct record_switch), [RECORD_WAKING] = sizeof(struct record_wake),
		[RECORD_WAKEUP] = sizeof(struct record_wake),   [RECORD_RECV] = sizeof(struct record_recv),
		[RECORD_SEND] = sizeof(struct record_send),     [RECORD_CLOSE] = sizeof(struct record_close),
		[RECORD_EVENT] = sizeof(struct record_event),   [RECORD_STACK] = sizeof(struct record_stack),
		[RECORD_FAULT] = sizeof(struct record_fault),   [RECORD_TASK] = sizeof(struct record_task),
		[RECORD_EXIT] = sizeof(struct record_exit),     [RECORD_REQUEST] = sizeof(struct record_request),
		[RECORD_MODE] = sizeof(struct record_mode),
	};
	struct record_stack bytes;

	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct machine dice = {.random = seed};
		struct story story = story_new((int)(seed & 1));
		struct attribution *attribution;
		story.config.on_request = story_take;
		story.config.context = &story;
		story.config.fault_minor_ns = seed % 3 * US;
		attribution = attribution_new(&story.config);
		for (uint32_t i = 0; i < 4000; i++) {
			memset(&bytes, 0, sizeof(bytes));
			/* Small numbers, so that threads, sockets and CPUs meet each other. */
			for (size_t b = 0; b < sizeof(struct record_task); b++)
				((uint8_t *)&bytes)[b] = b % 4 ? 0 : (uint8_t)machine_random(&dice, 4);
			do
				bytes.h.kind = (uint8_t)(1 + machine_random(&dice, RECORD_KIND_LIMIT - 1));
			while (bytes.h.kind == RECORD_ARRIVAL); /* the source keeps it to itself */
			bytes.h.words = (uint8_t)(sizes[bytes.h.kind] / 8);
			bytes.h.time_ns = i * US + machine_random(&dice, 3 * MS);
			bytes.h.tid = 100 + (uint32_t)machine_random(&dice, 3);
			bytes.h.cpu = (uint16_t)machine_random(&dice, 3);
			bytes.h.seq = i + (uint32_t)machine_random(&dice, 3);
			if (bytes.h.kind == RECORD_EVENT || bytes.h.kind == RECORD_STACK) {
				bytes.event = (uint32_t)machine_random(&dice, 40);
				bytes.args[5] = i * US;
			}
			if (bytes.h.kind == RECORD_RECV)
				((struct record_recv *)&bytes)->arrival_ns = i * US + machine_random(&dice, 3 * MS);
			if (bytes.h.kind == RECORD_REQUEST) {
				struct record_request *request = (struct record_request *)&bytes;
				request->arrival_ns = i * US - machine_random(&dice, i * US + 1);
				request->begin_ns = i * US + machine_random(&dice, 3 * MS);
				request->asleep_ns = i * US - machine_random(&dice, i * US + 1);
				request->awake_ns = i * US;
			}
			if (bytes.h.kind == RECORD_SWITCH)
				((struct record_switch *)&bytes)->prev_tgid = ((struct record_switch *)&bytes)->next_tgid = TARGET;
			assert_int_equal(attribution_feed(attribution, &bytes.h), 0);
		}
		attribution_finish(attribution);
		attribution_summary(attribution, &story.summary);
		assert_int_equal(story.summary.checks.sum_error_ns_max, 0);
		assert_int_equal(story.summary.requests, story.request_count);
		for (uint32_t i = 0; i < story.request_count; i++) {
			assert_true(story.requests[i].arrival_ns <= story.requests[i].begin_ns);
			assert_true(story.requests[i].begin_ns <= story.requests[i].end_ns);
			assert_sums(&story.requests[i]);
		}
		attribution_free(attribution);
		story_free(&story);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_without_losses),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_losses_are_flagged_or_harmless),
		cmocka_unit_test(test_withheld_records_show),
		cmocka_unit_test(test_late_records),
		cmocka_unit_test(test_late_before_their_hole_is_seen),
		cmocka_unit_test(test_a_source_behind_is_not_late),
		cmocka_unit_test(test_numbers_out_of_order),
		cmocka_unit_test(test_unknown_records),
		cmocka_unit_test(test_advance),
		cmocka_unit_test(test_cpu_time_check),
		cmocka_unit_test(test_cpu_time_of_doubted_threads),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
