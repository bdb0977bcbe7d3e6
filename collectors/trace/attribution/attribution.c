/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attribution: the parts wired together. Records come out of the merge in order, each goes first to the
 * thread it is about and then to whoever keeps that kind: schedule, collector, requests.
 */
#include "attribution.h"

#include <stdlib.h>

#include "../../../svc/probes/probes.h"
#include "aggregate.h"
#include "blame.h"
#include "collector.h"
#include "merge.h"
#include "request.h"
#include "schedule.h"
#include "thread.h"

#define ATTRIBUTION_WATERMARK_NS 100000000u
/* Less CPU time than this says nothing about a thread's check. */
#define CHECK_CPU_NS 50000000u
/* A thread that ended is kept for requests that it read. */
#define GONE_KEEP_NS (5 * 1000000000ull)
#define TIDY_STEP_NS 1000000000ull

struct attribution {
	struct attribution_config config;
	struct merge merge;
	struct threads threads;
	struct collector collector;
	struct requests requests;
	struct aggregate aggregate;
	uint64_t started, tidied_ns;
	uint64_t ring_lost_from_ns, ring_lost_to_ns; /* of the flight ring whose record comes next; 0: nothing */
	int failed; /* -ENOMEM on the way of a record */
};

static void attribution_finished(void *context, const struct request *request, uint64_t without_gc_ns)
{
	struct attribution *attribution = context;
	struct request finished = *request;

	finished.without_gc_ns = without_gc_ns;
	finished.among_worst = (uint8_t)aggregate_add(&attribution->aggregate, &finished, without_gc_ns);
	if (attribution->config.on_request)
		attribution->config.on_request(attribution->config.context, &finished);
}

/* The thread's flight ring has told something; what was overtaken before it concerns this thread alone. */
static void attribution_ring(struct attribution *attribution, struct thread *thread, uint64_t time_ns)
{
	if (attribution->ring_lost_to_ns)
		thread_loses_events(&attribution->threads, thread, attribution->ring_lost_from_ns,
				    attribution->ring_lost_to_ns);
	attribution->ring_lost_to_ns = 0;
	if (attribution->threads.tail && thread_may_move(&attribution->threads, thread))
		thread_appears(&attribution->threads, thread, time_ns);
}

static void attribution_request(struct attribution *attribution, const struct record_request *record)
{
	struct thread *thread = thread_get(&attribution->threads, record->h.tid);

	if (!thread)
		return;
	if (attribution->ring_lost_to_ns)
		attribution_ring(attribution, thread, record->h.time_ns);
	requests_whole(&attribution->requests, thread, record);
}

static void attribution_event(struct attribution *attribution, const struct record_event *record)
{
	struct thread *thread = thread_get(&attribution->threads, record->h.tid);

	if (!thread)
		return;
	if (record->h.kind == RECORD_EVENT && record->h.cpu < RECORD_CPU_LIMIT)
		schedule_acts(&attribution->threads, thread, &record->h, record->run_delay_ns);
	/* What was read out of a flight ring names no CPU. */
	if (record->h.cpu < RECORD_CPU_LIMIT)
		thread_acts(&attribution->threads, thread, record->h.cpu, record->h.time_ns);
	else
		attribution_ring(attribution, thread, record->h.time_ns);
	if (record->event == EVENT_request_end) {
		requests_end_event(&attribution->requests, thread, record);
		return;
	}
	if (record->event == EVENT_request_times) {
		requests_times_event(thread, record);
		return;
	}
	collector_event(&attribution->collector, &attribution->threads, thread, record);
	if (record->event == EVENT_gc_cycle_end)
		aggregate_cycle(&attribution->aggregate, record->h.time_ns);
}

static void attribution_socket(struct attribution *attribution, const struct record *record)
{
	const struct record_recv *recv = record->kind == RECORD_RECV ? (const struct record_recv *)record : NULL;
	const struct record_send *send = recv ? NULL : (const struct record_send *)record;
	struct thread *thread = thread_get(&attribution->threads, record->tid);
	uint32_t stolen_ns = recv ? recv->cpu_stolen_ns : send->cpu_stolen_ns;
	int failed;

	if (!thread || attribution->threads.tail)
		return;
	schedule_account(&attribution->threads, thread, record, recv ? recv->run_delay_ns : send->run_delay_ns);
	thread_acts(&attribution->threads, thread, record->cpu, record->time_ns);
	if (stolen_ns)
		thread_steal_told(&attribution->threads, thread, stolen_ns, record->time_ns);
	if (recv)
		failed = requests_recv(&attribution->requests, thread, recv);
	else
		failed = requests_send(&attribution->requests, thread, send);
	if (failed)
		attribution->failed = failed;
}

static void attribution_schedule(struct attribution *attribution, const struct record *record)
{
	struct threads *threads = &attribution->threads;

	if (threads->no_sched && record->kind != RECORD_TASK && record->kind != RECORD_EXIT)
		return;
	switch (record->kind) {
	case RECORD_SWITCH:
		schedule_switch(threads, attribution->config.tgid, (const struct record_switch *)record);
		break;
	case RECORD_WAKING:
		schedule_waking(threads, (const struct record_wake *)record);
		break;
	case RECORD_WAKEUP:
		schedule_wakeup(threads, (const struct record_wake *)record);
		break;
	case RECORD_TASK:
		schedule_task(threads, (const struct record_task *)record);
		break;
	case RECORD_EXIT:
		schedule_exit(threads, (const struct record_exit *)record);
		break;
	}
}

static void attribution_fault(struct attribution *attribution, const struct record_fault *record)
{
	struct thread *thread = thread_get(&attribution->threads, record->h.tid);

	if (!thread)
		return;
	schedule_acts(&attribution->threads, thread, &record->h, record->run_delay_ns);
	if (record->what == RECORD_FAULT_PAGED && thread->sched == SCHED_RUNNING && thread->cpu == record->h.cpu) {
		thread_paged(&attribution->threads, thread, record->h.time_ns);
		return;
	}
	thread_acts(&attribution->threads, thread, record->h.cpu, record->h.time_ns);
	if (record->what != RECORD_FAULT_PAGED)
		thread_faults(&attribution->threads, thread, record->h.time_ns);
}

/* Threads that ended a while ago make room. */
static void attribution_tidy(struct attribution *attribution, uint64_t now_ns)
{
	struct map *map = &attribution->threads.by_tid;

	if (now_ns < attribution->tidied_ns + TIDY_STEP_NS)
		return;
	attribution->tidied_ns = now_ns;
	for (uint32_t i = 0; i < map->capacity;) {
		struct thread *thread = map_at(map, i);
		if (thread && thread->sched == SCHED_GONE && now_ns - thread->heard_ns > GONE_KEEP_NS)
			thread_forget(&attribution->threads, thread);
		else
			i++;
	}
}

static void attribution_record(void *context, const struct record *record)
{
	struct attribution *attribution = context;

	if (!attribution->started) {
		attribution->started = 1;
		attribution->requests.first_ns = record->time_ns;
	}
	switch (record->kind) {
	case RECORD_RECV:
	case RECORD_SEND:
		attribution_socket(attribution, record);
		break;
	case RECORD_CLOSE:
		requests_close(&attribution->requests, (const struct record_close *)record);
		break;
	case RECORD_STACK: /* begins like an event; samples are no events */
		if (((const struct record_event *)record)->event >= RECORD_SAMPLE_CPU)
			break;
		/* fall through */
	case RECORD_EVENT:
		attribution_event(attribution, (const struct record_event *)record);
		break;
	case RECORD_REQUEST:
		attribution_request(attribution, (const struct record_request *)record);
		break;
	case RECORD_MODE:
		attribution->threads.tail = ((const struct record_mode *)record)->tail != 0;
		break;
	case RECORD_FAULT:
		attribution_fault(attribution, (const struct record_fault *)record);
		break;
	default:
		attribution_schedule(attribution, record);
		break;
	}
	requests_settle(&attribution->requests, record->time_ns);
	attribution_tidy(attribution, record->time_ns);
}

static void attribution_gap(void *context, uint16_t cpu, uint64_t from_ns, uint64_t to_ns)
{
	struct attribution *attribution = context;

	if (cpu >= RECORD_CPU_LIMIT) { /* the record that follows says whose ring it is */
		attribution->ring_lost_from_ns = from_ns;
		attribution->ring_lost_to_ns = to_ns;
		return;
	}
	threads_damage(&attribution->threads, cpu, from_ns, to_ns);
}

struct attribution *attribution_new(const struct attribution_config *config)
{
	struct attribution *attribution = calloc(1, sizeof(*attribution));

	if (!attribution)
		return NULL;
	attribution->config = *config;
	struct merge_sink sink = {attribution_record, attribution_gap, attribution};
	merge_init(&attribution->merge, config->watermark_ns ? config->watermark_ns : ATTRIBUTION_WATERMARK_NS, &sink);
	if (threads_init(&attribution->threads) < 0) {
		free(attribution);
		return NULL;
	}
	attribution->threads.no_sched = config->no_sched != 0;
	attribution->threads.fault_minor_ns = config->fault_minor_ns;
	attribution->requests = (struct requests){
		.threads = &attribution->threads,
		.has_end_events = config->has_end_events,
		.finished = attribution_finished,
		.context = attribution,
	};
	return attribution;
}

void attribution_free(struct attribution *attribution)
{
	if (!attribution)
		return;
	merge_free(&attribution->merge);
	requests_free(&attribution->requests);
	threads_free(&attribution->threads);
	free(attribution);
}

int attribution_feed(struct attribution *attribution, const struct record *record)
{
	attribution->failed = 0;
	if (record->kind == RECORD_COMPLETE) {
		attribution_advance(attribution, record->time_ns);
		return attribution->failed;
	}
	int result = merge_feed(&attribution->merge, record);
	return result ? result : attribution->failed;
}

void attribution_advance(struct attribution *attribution, uint64_t now_ns)
{
	merge_advance(&attribution->merge, now_ns);
	if (attribution->started)
		requests_settle(&attribution->requests, attribution->merge.horizon_ns);
}

void attribution_finish(struct attribution *attribution)
{
	merge_finish(&attribution->merge);
	requests_finish(&attribution->requests);
}

/* ---- What a thread was in. */

/* Asleep is told apart later: CAUSE_COUNT until then. */
static enum cause cause_of(enum state state)
{
	switch (state) {
	case STATE_MARK:
		return CAUSE_GC_CPU;
	case STATE_SWEEP:
		return CAUSE_ALLOC;
	case STATE_STEAL:
		return CAUSE_OWN;
	case STATE_IDLE:
		return CAUSE_COUNT;
	default:
		return (enum cause)state;
	}
}

struct stretches {
	struct stretch *list;
	unsigned used, limit;
};

/* Returns 0 when there is no room. */
static int stretches_add(struct stretches *stretches, const struct piece *piece, uint64_t begin_ns, uint64_t to_ns)
{
	struct stretch *last = stretches->used ? &stretches->list[stretches->used - 1] : NULL;
	enum cause cause = cause_of((enum state)piece->state);

	if (last && last->cause == cause && last->cpu == piece->cpu)
		return 1; /* goes on */
	if (last)
		last->end_ns = begin_ns;
	if (stretches->used == stretches->limit)
		return 0;
	stretches->list[stretches->used++] = (struct stretch){begin_ns, to_ns, cause, piece->cpu, piece->on_cpu};
	return 1;
}

/* As blame has it: asleep in service is blocked; in the queue it is being woken, or not explained. */
static void stretches_wake(struct stretches *stretches, int queue)
{
	uint64_t asleep_ns = 0;

	for (unsigned i = 0; i < stretches->used; i++)
		if (stretches->list[i].cause == CAUSE_COUNT)
			asleep_ns += stretches->list[i].end_ns - stretches->list[i].begin_ns;
	enum cause asleep = !queue ? CAUSE_BLOCKED : asleep_ns <= BLAME_DELIVERY_NS ? CAUSE_WAKE : CAUSE_UNATTRIBUTED;
	for (unsigned i = 0; i < stretches->used; i++)
		if (stretches->list[i].cause == CAUSE_COUNT)
			stretches->list[i].cause = asleep;
}

#define PIECES_AT_ONCE 64

unsigned attribution_stretches(const struct attribution *attribution, uint32_t tid, uint64_t from_ns, uint64_t to_ns, int queue,
			     struct stretch *list, unsigned limit)
{
	const struct thread *thread = map_get(&attribution->threads.by_tid, tid);
	struct stretches stretches = {list, 0, limit};
	struct piece pieces[PIECES_AT_ONCE];
	uint32_t count = PIECES_AT_ONCE;
	int room = 1;

	while (thread && room && count == PIECES_AT_ONCE && from_ns < to_ns) {
		count = timeline_pieces(&thread->timeline, from_ns, to_ns, pieces, PIECES_AT_ONCE);
		for (uint32_t i = 0; i < count && room; i++)
			room = stretches_add(&stretches, &pieces[i], pieces[i].begin_ns > from_ns ? pieces[i].begin_ns : from_ns, to_ns);
		from_ns = pieces[PIECES_AT_ONCE - 1].begin_ns + 1;
	}
	stretches_wake(&stretches, queue);
	return stretches.used;
}

/* ---- Summary. */

struct cpu_sums {
	uint64_t all_ns, worker_ns, assist_ns, mark_ns, steal_ns, switch_ns, switches;
	double error_percent;
};

static void cpu_sums_add(struct cpu_sums *sums, const struct cputime *cputime, int collector)
{
	sums->all_ns += cputime_used_ns(cputime);
	if (collector)
		sums->worker_ns += cputime_used_ns(cputime);
	sums->steal_ns += cputime->steal_ns;
	sums->switch_ns += cputime->switch_ns;
	sums->switches += cputime->switches;
	if (cputime->exec_ns < CHECK_CPU_NS)
		return;
	double error = 100 * (double)cputime->error_ns / (double)cputime->exec_ns;
	if (error > sums->error_percent)
		sums->error_percent = error;
}

static struct cpu_sums threads_sums(const struct threads *threads)
{
	struct cpu_sums sums = {.assist_ns = threads->gone_assist_ns, .mark_ns = threads->gone_mark_ns};

	cpu_sums_add(&sums, &threads->gone, 0);
	cpu_sums_add(&sums, &threads->gone_collector, 1);
	for (uint32_t i = 0; i < threads->by_tid.capacity; i++) {
		const struct thread *thread = map_at(&threads->by_tid, i);
		if (!thread)
			continue;
		cpu_sums_add(&sums, &thread->cputime, thread->collector);
		sums.assist_ns += thread->timeline.total[CAUSE_ASSIST];
		sums.mark_ns += thread->timeline.total[STATE_MARK];
	}
	return sums;
}

static void summary_threads(const struct threads *threads, struct summary *summary)
{
	struct cpu_sums sums = threads_sums(threads);
	double collector_ns = (double)(sums.worker_ns + sums.assist_ns + sums.mark_ns);

	summary->gc.assist_ns = sums.assist_ns;
	summary->gc.worker_cpu_ns = sums.worker_ns;
	summary->gc.cpu_fraction = sums.all_ns ? collector_ns / (double)sums.all_ns : 0;
	/* In tail mode not every stretch on a CPU is known. */
	summary->checks.cpu_time_error_percent = threads->tail ? -1 : sums.error_percent;
	summary->checks.switch_ns_mean = sums.switches ? (double)sums.switch_ns / (double)sums.switches : 0;
	summary->checks.steal_ns = sums.steal_ns;
	summary->checks.doubts = threads->doubts;
	summary->checks.unmatched = threads->unmatched;
	summary->checks.fault_estimated_ns = threads->fault_estimated_ns;
}

/* Nobody tells, or no longer: what was told of some requests says nothing of all. */
static void summary_without_steal(struct summary *summary)
{
	summary->total_steal_ns = -1;
	for (int c = 0; c < COHORT_COUNT; c++)
		summary->cohort[c].steal_ns = 0;
}

void attribution_summary(const struct attribution *attribution, struct summary *summary)
{
	*summary = (struct summary){
		.cut = attribution->requests.cut,
		.lost = attribution->merge.lost,
		.late = attribution->merge.late,
		.negative = attribution->requests.negative,
	};
	aggregate_summary(&attribution->aggregate, summary);
	summary_threads(&attribution->threads, summary);
	if (!attribution->threads.steal_told || attribution->threads.tail)
		summary_without_steal(summary);
	summary->gc.cycles = attribution->collector.cycles;
	duration_quantiles(&attribution->collector.handshake, &summary->gc.handshake);
	duration_quantiles(&attribution->collector.stop, &summary->gc.stop);
	summary->culprit_count = culprits_greatest(&attribution->threads.culprits, summary->culprits);
}
