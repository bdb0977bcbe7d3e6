/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memlab-trace: wires the parts. Records flow from the source (a live process) to attribution;
 * its summary goes to the views. One thread; the ring is drained on a timer, never by wake-ups,
 * because a wake-up per record costs the target more than the record.
 *
 * The report is printed before anything is detached, so that a second Ctrl-C loses nothing.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../svc/probes/probes.h"
#include "attribution/attribution.h"
#include "core/info.h"
#include "core/stacks.h"
#include "export/json.h"
#include "options.h"
#include "outputs.h"
#include "source/source.h"
#include "symbol/symbols.h"
#include "ui/screen.h"

#define DRAIN_INTERVAL_NS 5000000u   /* a full 8 MiB ring takes 10 ms at the highest rate seen */
#define REPORT_INTERVAL_NS 1000000000u

struct trace {
	struct trace_options options;
	struct source *source;
	struct attribution *attribution;
	struct stacks *stacks;   /* of allocations; NULL: not asked for */
	struct symbols *symbols;
	struct trace_info info;
	struct summary summary;
	uint64_t begin_ns;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
	if (interrupted)
		_exit(128 + signal_number);
	interrupted = 1;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("memlab-trace: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---------------------------------------------------------------- records */

static void take_record(void *context, const struct record *record)
{
	struct trace *trace = context;
	/* An unknown kind or a lack of memory is counted by attribution and shown as lost. */
	(void)attribution_feed(trace->attribution, record);
	if (trace->stacks && record->kind == RECORD_STACK)
		stacks_add_allocation(trace->stacks, (const struct record_stack *)record, 0);
}

/* Until nothing more comes: what the kernel wrote while we read is part of the story. */
static void drain_all(struct trace *trace)
{
	for (int round = 0; round < 100 && source_drain(trace->source, take_record, trace) > 0; round++)
		;
}

/* ------------------------------------------------------------------ views */

/*
 * What one request costs the target, modelled from what a probe and a record cost (docs/tracing.md):
 * a trap 0.58 us, a socket edge with its record 0.25 us, a scheduler record 0.15 us.
 */
static double modelled_ns_per_request(const struct trace *trace, const struct source_counts *counts)
{
	double traps = 0;
	for (unsigned id = 0; id < sizeof(counts->event_hits) / sizeof(counts->event_hits[0]); id++)
		traps += (double)counts->event_hits[id];
	double edges = (double)(counts->written_of[RECORD_RECV] + counts->written_of[RECORD_SEND]) * 1.5;
	double sched = (double)(counts->written_of[RECORD_SWITCH] + counts->written_of[RECORD_WAKING] +
				counts->written_of[RECORD_WAKEUP]);
	if (trace->summary.requests == 0)
		return -1;
	return (traps * 580 + edges * 220 + sched * 150) / (double)trace->summary.requests;
}

static void update_info(struct trace *trace)
{
	struct trace_info *info = &trace->info;
	struct source_counts counts;
	source_counts(trace->source, &counts);
	attribution_summary(trace->attribution, &trace->summary);
	/* The kernel's count includes losses after which no record of that CPU came. */
	if (trace->summary.lost < counts.lost)
		trace->summary.lost = counts.lost;
	info->duration_ns = source_now_ns() - trace->begin_ns;
	double seconds = (double)info->duration_ns / 1e9;
	uint64_t active_ns = trace->summary.last_ns - trace->summary.first_ns;
	info->requests_per_second = active_ns ? (double)trace->summary.requests * 1e9 / (double)active_ns : 0;
	info->cost.tracer_cpu_percent = (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e7 / seconds;
	info->cost.target_ns_per_request = modelled_ns_per_request(trace, &counts);
}

static int apply_fail_rule(const struct trace *trace)
{
	const struct fail_rule *rule = &trace->options.fail_if;
	const struct quantiles *server = &trace->summary.server;
	if (!rule->text || trace->summary.requests == 0)
		return EXIT_OK;
	uint64_t value = rule->percent == 50 ? server->p50 : rule->percent == 90 ? server->p90 : rule->percent == 99 ? server->p99
		: rule->percent == 99.9 ? server->p999 : rule->percent == 99.99 ? server->p9999 : server->max;
	bool failed = rule->above ? value > rule->limit_ns : value < rule->limit_ns;
	say("%s: %s (got %.3f ms)", rule->text, failed ? "failed" : "ok", (double)value / 1e6);
	return failed ? EXIT_FAIL_IF : EXIT_OK;
}

static int report(struct trace *trace)
{
	update_info(trace);
	if (trace->options.jsonl)
		export_json(stdout, &trace->info, &trace->summary);
	else
		screen_print(stdout, &trace->info, &trace->summary);
	fflush(stdout);
	int status = outputs_json(&trace->options, &trace->info, &trace->summary);
	if (trace->stacks) {
		int stacks_status = outputs_stacks(&trace->options, &trace->info, trace->stacks, trace->symbols);
		status = status != EXIT_OK ? status : stacks_status;
	}
	int verdict = apply_fail_rule(trace);
	return status != EXIT_OK ? status : verdict;
}

/* ------------------------------------------------------------------ watch */

/* Drains on a timer until interrupted, the time is over or the target has ended. */
static void watch(struct trace *trace)
{
	uint64_t end_ns = trace->options.duration_ns ? trace->begin_ns + trace->options.duration_ns : UINT64_MAX;
	uint64_t next_report_ns = trace->begin_ns + REPORT_INTERVAL_NS;
	while (!interrupted) {
		struct timespec pause = {.tv_nsec = DRAIN_INTERVAL_NS};
		nanosleep(&pause, NULL);
		bool alive = source_target_alive(trace->source);
		source_drain(trace->source, take_record, trace);
		uint64_t now_ns = source_now_ns();
		attribution_advance(trace->attribution, now_ns);
		if (!alive || now_ns >= end_ns)
			return;
		if (trace->options.jsonl && now_ns >= next_report_ns) {
			next_report_ns += REPORT_INTERVAL_NS;
			update_info(trace);
			export_json(stdout, &trace->info, &trace->summary);
			fflush(stdout);
		}
	}
}

static int open_target(struct trace *trace, struct target_info *target)
{
	const struct trace_options *options = &trace->options;
	struct source_options source_options = {
		.pid = options->pid,
		.watch_alloc = options->alloc == ALLOC_EVERY,
		.no_sched = options->withhold_sched,
		.verbose = options->verbose,
		.ring_bytes = options->ring_bytes,
	};
	struct source_error error = {0};
	if (source_open_live(&source_options, &trace->source, &error) < 0) {
		say("%s", error.text);
		return error.status;
	}
	source_info(trace->source, target);
	if (options->require_probes && target->probes_attached == 0) {
		say("no memlab probes in process %d (%s): is this memlab-svc? without --require-probes it is traced by its sockets",
		    options->pid, target->exe);
		return EXIT_NO_TARGET;
	}
	return EXIT_OK;
}

static void fill_info(struct trace *trace, const struct target_info *target)
{
	struct trace_info *info = &trace->info;
	*info = (struct trace_info){
		.version = MEMLAB_VERSION,
		.pid = target->pid,
		.kind = target->kind,
		.mode = "exact",
		.alloc_mode = trace->options.alloc == ALLOC_EVERY ? "every" : "counters",
		.probes_found = target->probes_found,
		.probes_attached = target->probes_attached,
		.attach_ns = target->attach_ns,
		.cost = {.target_ns_per_request = -1, .tracer_cpu_percent = -1, .budget_percent = -1},
		.run_json = target->run_json[0] ? target->run_json : NULL,
		.missing = target->missing,
	};
	memcpy(info->comm, target->comm, sizeof(info->comm));
	screen_detect(info, stdout, "auto");
}

/* Stacks need names, and names the files as they are now: the target may end before the report. */
static int open_stacks(struct trace *trace)
{
	if (trace->options.alloc != ALLOC_EVERY)
		return EXIT_OK;
	int error = symbols_open(&trace->symbols, trace->options.pid);
	trace->stacks = stacks_new(0);
	if (error == 0 && trace->stacks)
		return EXIT_OK;
	say("cannot read the symbols of process %d: %s", trace->options.pid, strerror(error ? -error : ENOMEM));
	return EXIT_ERROR;
}

static int trace_run(struct trace *trace)
{
	struct target_info target;
	int status = open_target(trace, &target);
	if (status != EXIT_OK)
		return status;
	fill_info(trace, &target);
	status = open_stacks(trace);
	if (status != EXIT_OK)
		return status;
	if (trace->stacks && target.probes_attached == 0) {
		say("process %d has no memlab probes, so its allocations cannot be seen; leave --alloc, --flame, --folded and --pprof out",
		    trace->options.pid);
		return EXIT_NO_TARGET;
	}
	struct attribution_config config = {
		.tgid = target.tgid,
		.has_end_events = target.has_request_end,
		.no_sched = trace->options.withhold_sched,
	};
	trace->attribution = attribution_new(&config);
	if (!trace->attribution) {
		say("out of memory");
		return EXIT_ERROR;
	}
	trace->begin_ns = source_now_ns();
	say("watching %s[%u] (not stopped, not ptraced); Ctrl-C prints the verdict", trace->info.comm, trace->info.pid);
	watch(trace);
	drain_all(trace);
	attribution_finish(trace->attribution);
	return report(trace);
}

int main(int argc, char **argv)
{
	struct trace trace = {0};
	trace_options_parse(&trace.options, argc, argv);
	struct sigaction action = {.sa_handler = on_interrupt};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	int status = trace_run(&trace);
	stacks_free(trace.stacks);
	symbols_close(trace.symbols);
	attribution_free(trace.attribution);
	source_close(trace.source);
	return status;
}
