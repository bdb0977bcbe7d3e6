/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../svc/probes/probes.h"
#include "attribution/attribution.h"
#include "budget.h"
#include "core/clock.h"
#include "core/info.h"
#include "core/roster.h"
#include "core/stacks.h"
#include "export/json.h"
#include "export/profile.h"
#include "export/scene.h"
#include "export/views.h"
#include "launch.h"
#include "outputs.h"
#include "recorded.h"
#include "slice.h"
#include "source/calibrate.h"
#include "source/recording.h"
#include "source/rights.h"
#include "source/source.h"
#include "symbol/symbols.h"
#include "ui/board.h"
#include "ui/live.h"
#include "ui/screen.h"

/*
 * Waking up costs more than what is read then, so the ring is given as long as it can hold at RING_BYTES_PER_S, more than any
 * rate seen, and the flight rings' 0.3 s are far off.
 */
#define RING_BYTES_PER_S 64000000u
#define DRAIN_INTERVAL_MIN_NS 2000000u
#define DRAIN_INTERVAL_MAX_NS 32000000u
#define REPORT_INTERVAL_NS 1000000000u
/*
 * How long records are kept for sorting. The source says up to when it has been read, and what remains is a thread of the target that loses
 * its CPU between an entry of its flight ring and the entry's time.
 */
#define WATERMARK_NS 200000000u
/* The first report comes as soon as there is something to tell. */
#define FIRST_REPORT_NS (WATERMARK_NS + 250000000u)

/* Of one request; a backlog has the most. */
#define STRETCHES_MAX 4096

struct trace {
	const struct trace_options *options;
	int pid; /* of the target */
	struct source *source;
	struct target_info target;
	struct attribution *attribution;
	struct stacks *stacks;   /* of allocations; NULL: not asked for */
	struct profile *profile; /* of time; NULL: not asked for */
	struct scenes *scenes;   /* around the worst requests; NULL: not asked for */
	struct roster roster;
	struct stretch stretches[STRETCHES_MAX]; /* scratch of take_request */
	struct symbols *symbols;
	struct board *board;     /* who watches along: page, metrics, live view; NULL: nobody */
	struct live *live;       /* NULL: no terminal to draw on */
	struct recording *recording;
	int recording_error;
	struct recorded recorded; /* stacks that a recording has, or will have */
	struct outputs outputs;
	struct trace_info info;
	struct summary summary;
	struct budget budget;
	struct slices slices;
	uint64_t begin_ns, newest_ns;
	double begin_cpu_s; /* what loading and attaching took is not part of watching */
};

void trace_say(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("memlab-trace: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

/* ---------------------------------------------------------------- signals */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
	if (interrupted)
		_exit(128 + signal_number);
	interrupted = 1;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_interrupt};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---------------------------------------------------------------- records */

static void take_allocation(struct trace *trace, const struct record_stack *record)
{
	bool sampled = record->event == EVENT_alloc_sample;
	uint64_t period_bytes = sampled && record->args[2] > 1 ? record->args[2] : 0;
	if (record->event >= RECORD_SAMPLE_CPU)
		return;
	(void)stacks_add_allocation(trace->stacks, roster_number(&trace->roster, record->h.tid), record, period_bytes);
	if (!sampled)
		return;
	trace->info.alloc_samples++;
	trace->info.alloc_period_bytes = record->args[2];
}

static void take_record(void *context, const struct record *record)
{
	struct trace *trace = context;
	slices_step(&trace->slices);
	if (record->time_ns > trace->newest_ns)
		trace->newest_ns = record->time_ns;
	if (record->kind == RECORD_MODE)
		trace->info.mode = ((const struct record_mode *)record)->tail ? "tail" : "exact";
	if (trace->recording && trace->recording_error == 0)
		trace->recording_error = recording_take(trace->recording, record);
	/* An unknown kind or a lack of memory is counted by attribution. */
	(void)attribution_feed(trace->attribution, record);
	roster_record(&trace->roster, record);
	if (trace->board)
		board_record(trace->board, record);
	if (trace->scenes)
		scenes_record(trace->scenes, record);
	if (trace->profile)
		profile_record(trace->profile, record);
	if (trace->stacks && record->kind == RECORD_STACK)
		take_allocation(trace, (const struct record_stack *)record);
}

/* What its thread was in, from arrival to end. */
static unsigned request_stretches(struct trace *trace, const struct request *request)
{
	unsigned count = attribution_stretches(trace->attribution, request->tid, request->arrival_ns, request->begin_ns, 1, trace->stretches,
					     STRETCHES_MAX);
	return count + attribution_stretches(trace->attribution, request->tid, request->begin_ns, request->end_ns, 0,
					   trace->stretches + count, STRETCHES_MAX - count);
}

static void take_request(void *context, const struct request *request)
{
	struct trace *trace = context;
	slices_step(&trace->slices);
	outputs_request(&trace->outputs, request);
	if (trace->board)
		board_request(trace->board, request);
	bool sampled = trace->profile && profile_wants(trace->profile, request);
	bool scene = trace->scenes && request->among_worst;
	unsigned count = sampled || scene ? request_stretches(trace, request) : 0;
	if (trace->profile)
		profile_request(trace->profile, request, trace->stretches, sampled ? count : 0);
	if (scene)
		scenes_request(trace->scenes, request, trace->stretches, count);
}

/* All that was written up to now is part of the story; a busy target writes on while we read. */
static void drain_rest(struct trace *trace)
{
	uint64_t end_ns = source_now_ns();
	for (int round = 0; round < 100 && source_drain(trace->source, take_record, trace) > 0; round++)
		if (source_complete_ns(trace->source) >= end_ns)
			break;
}

/* ------------------------------------------------------------------- cost */

static double own_cpu_seconds(void)
{
	return (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

/* ------------------------------------------------------------------ views */

/* A command that has just been started cannot say yet how it runs. */
static void describe_run(struct trace *trace)
{
	if (trace->info.run_json || !trace->options->launch)
		return;
	source_info(trace->source, &trace->target);
	trace->info.run_json = trace->target.run_json[0] ? trace->target.run_json : NULL;
}

/* Why mode auto may not leave exact mode, whatever it costs; NULL: it may. */
static const char *exact_needed(const struct trace_options *options)
{
	return options->sample ? "but stacks of time need every switch" : options->kernel_net ? "but --kernel-net needs every send" : NULL;
}

/* Mode auto that has stayed in exact mode over the budget: why. */
static void explain_exact(struct trace *trace)
{
	struct source_counts counts;
	struct trace_info *info = &trace->info;
	double seconds = (double)info->duration_ns / 1e9;
	source_counts(trace->source, &counts);
	double used_s = budget_target_ns(&trace->budget, &counts) / 1e9 + own_cpu_seconds() - trace->begin_cpu_s;
	double used_percent = 100 * used_s / seconds / trace->budget.cpus;
	if (trace->options->command == COMMAND_REPORT || trace->options->mode != MODE_AUTO || strcmp(info->mode, "exact") != 0 || info->mode_why[0] || used_percent <= trace->budget.percent)
		return;
	const char *needed = exact_needed(trace->options);
	const char *why = needed ? needed
			  : info->duration_ns < BUDGET_FIRST_NS + BUDGET_EVERY_NS ? "but that was too short a time to judge"
			  : (double)budget_requests(&counts) < BUDGET_REQUESTS_MIN * seconds ? "but so few requests say nothing about their price"
										  : "but not in each second alone";
	snprintf(info->mode_why, sizeof(info->mode_why), "exact mode took %.1f %% of %u CPU%s, over the budget of %g %%, %s", used_percent,
		 trace->budget.cpus, trace->budget.cpus == 1 ? "" : "s", trace->budget.percent, why);
	trace_say("mode auto: exact: %s", info->mode_why);
}

static void update_story(struct trace *trace)
{
	struct trace_info *info = &trace->info;
	struct source_counts counts;
	source_counts(trace->source, &counts);
	attribution_summary(trace->attribution, &trace->summary);
	/* The kernel's count includes losses after which no record of that CPU came. */
	if (trace->summary.lost < counts.lost)
		trace->summary.lost = counts.lost;
	uint64_t now_ns = trace->options->command == COMMAND_REPORT ? trace->newest_ns : source_now_ns();
	info->duration_ns = now_ns > trace->begin_ns ? now_ns - trace->begin_ns : 1;
	uint64_t active_ns = trace->summary.last_ns - trace->summary.first_ns;
	info->requests_per_second = active_ns ? (double)trace->summary.requests * 1e9 / (double)active_ns : 0;
	if (trace->options->command == COMMAND_REPORT)
		return;
	describe_run(trace);
	info->cost.tracer_cpu_percent = (own_cpu_seconds() - trace->begin_cpu_s) * 100 / ((double)info->duration_ns / 1e9);
	info->cost.bpf_cpu_percent = counts.bpf_over_ns ? budget_bpf_percent(&trace->budget, &counts) : -1;
	uint64_t requests = budget_requests(&counts);
	if (requests && trace->budget.trap_ns >= 0)
		info->cost.target_ns_per_request = budget_target_ns(&trace->budget, &counts) / (double)requests;
}

static int apply_fail_rule(const struct trace *trace)
{
	const struct fail_rule *rule = &trace->options->fail_if;
	if (!rule->text || trace->summary.requests == 0)
		return EXIT_OK;
	uint64_t value_ns = fail_rule_value(rule, &trace->summary.server);
	bool failed = rule->above ? value_ns > rule->limit_ns : value_ns < rule->limit_ns;
	trace_say("%s: %s (got %.3f ms)", rule->text, failed ? "failed" : "ok", (double)value_ns / 1e6);
	return failed ? EXIT_FAIL_IF : EXIT_OK;
}

static struct story trace_story(const struct trace *trace)
{
	return (struct story){&trace->info, &trace->summary, trace->stacks, trace->profile, trace->symbols, &trace->roster};
}

static void print_verdict(struct trace *trace)
{
	if (trace->options->jsonl)
		export_json(stdout, &trace->info, &trace->summary);
	else
		screen_print(stdout, &trace->info, &trace->summary);
	fflush(stdout);
}

static int close_recording(struct trace *trace)
{
	if (!trace->recording)
		return EXIT_OK;
	struct source_counts counts;
	source_counts(trace->source, &counts);
	int attached = 0;
	if (trace->symbols)
		attached = recorded_attach(trace->recording, &trace->recorded, trace->symbols, trace->stacks,
					   trace->profile ? profile_stacks(trace->profile) : NULL);
	int error = recording_close(trace->recording, &counts);
	trace->recording = NULL;
	error = trace->recording_error ? trace->recording_error : attached ? attached : error;
	if (error)
		trace_say("cannot write %s: %s; choose another file for -o", trace->options->record_path, strerror(-error));
	return error ? EXIT_ERROR : EXIT_OK;
}

static int finish(struct trace *trace)
{
	attribution_finish(trace->attribution);
	update_story(trace);
	explain_exact(trace);
	live_close(trace->live);
	trace->live = NULL;
	print_verdict(trace);
	const char *trouble = source_trouble(trace->source);
	if (trouble[0])
		trace_say("%s", trouble);
	struct story story = trace_story(trace);
	int recorded = close_recording(trace);
	int status = outputs_write(&trace->outputs, &story, trace->scenes, trace->board);
	int verdict = apply_fail_rule(trace);
	return recorded ? recorded : status ? status : verdict;
}

/* ------------------------------------------------------------------ watch */

/* Once a second, or at every turn of the loop where somebody reads along. Returns true when the user quits. */
static bool show(struct trace *trace, uint64_t now_ns, uint64_t *next_ns)
{
	bool due = now_ns >= *next_ns;
	if (due) {
		*next_ns += REPORT_INTERVAL_NS;
		update_story(trace);
		live_refresh(trace->live);
	}
	if (due && !trace->live) {
		if (trace->options->jsonl)
			export_json(stdout, &trace->info, &trace->summary);
		else
			screen_print_line(stdout, &trace->info, &trace->summary);
		fflush(stdout);
	}
	if (trace->board)
		board_poll(trace->board);
	return trace->live && live_tick(trace->live, now_ns, board_story(trace->board), board_history(trace->board));
}

/* Mode auto: over to tail mode when exact mode takes more than it may. */
static void keep_budget(struct trace *trace, uint64_t now_ns)
{
	struct source_counts counts;
	struct budget *budget = &trace->budget;
	if (trace->options->mode != MODE_AUTO || exact_needed(trace->options) || strcmp(trace->info.mode, "exact") != 0 || now_ns < budget->next_ns)
		return;
	source_counts(trace->source, &counts);
	if (!budget_exceeded(budget, now_ns, &counts, own_cpu_seconds()))
		return;
	int error = source_tail(trace->source);
	if (error == 0)
		trace->info.mode = "tail";
	snprintf(trace->info.mode_why, sizeof(trace->info.mode_why), "at %.0f req/s exact mode took %.1f %% of %u CPU%s, over the budget of %g %%%s",
		 budget->requests_per_s, budget->used_percent, budget->cpus, budget->cpus == 1 ? "" : "s", budget->percent,
		 error ? ", but the target keeps no flight rings for tail mode" : "");
	if (!trace->live && budget->next_ns)
		trace_say("mode auto: %s: %s", trace->info.mode, trace->info.mode_why);
	if (error)
		budget->next_ns = UINT64_MAX; /* nothing can be changed: said once */
}

static struct timespec drain_pause(const struct trace *trace)
{
	uint64_t ns = trace->options->ring_bytes * 1000000000u / RING_BYTES_PER_S / 4;
	ns = ns < DRAIN_INTERVAL_MIN_NS ? DRAIN_INTERVAL_MIN_NS : ns;
	return (struct timespec){.tv_nsec = (long)(ns < DRAIN_INTERVAL_MAX_NS ? ns : DRAIN_INTERVAL_MAX_NS)};
}

/* Drains on a timer until interrupted, the time is over, the user quits or the target has ended. */
static void watch(struct trace *trace)
{
	uint64_t end_ns = trace->options->duration_ns ? trace->begin_ns + trace->options->duration_ns : UINT64_MAX;
	uint64_t next_ns = trace->begin_ns + FIRST_REPORT_NS;
	const struct timespec pause = drain_pause(trace);
	while (!interrupted) {
		nanosleep(&pause, NULL);
		bool alive = source_target_alive(trace->source);
		slices_begin(&trace->slices, (uint64_t)pause.tv_nsec / 2);
		source_drain(trace->source, take_record, trace);
		slices_end(&trace->slices);
		uint64_t now_ns = source_now_ns();
		keep_budget(trace, now_ns);
		if (show(trace, now_ns, &next_ns) || !alive || now_ns >= end_ns)
			return;
	}
}

/* ------------------------------------------------------------------- open */

static int open_attribution(struct trace *trace)
{
	struct attribution_config config = {
		.tgid = trace->target.tgid,
		.has_end_events = trace->target.has_request_end,
		.no_sched = trace->target.no_sched,
		.watermark_ns = WATERMARK_NS,
		.fault_minor_ns = trace->target.fault_ns,
		.on_request = take_request,
		.context = trace,
	};
	trace->attribution = attribution_new(&config);
	if (!trace->attribution)
		trace_say("out of memory");
	return trace->attribution ? EXIT_OK : EXIT_ERROR;
}

static const char *const alloc_modes[] = {[ALLOC_COUNTERS] = "counters", [ALLOC_SAMPLE] = "sample", [ALLOC_EVERY] = "every", [ALLOC_MALLOC] = "malloc"};

static const char *const modes[] = {[MODE_AUTO] = "auto", [MODE_EXACT] = "exact", [MODE_TAIL] = "tail"};

/* Which probes are not attached, and when they would be. */
static void list_left_out(struct trace *trace)
{
	static const struct {
		const char *name, *when;
	} reasons[] = {{"gc_alloc", "--alloc=every"},     {"alloc_sample", "--alloc=sample"},      {"gc_pool_miss", "memlab-trace probes"},
		       {"request_end", "--no-flight"}, {"request_flight", "not with --no-flight"}};
	char *text = trace->info.probes_left_out;
	size_t used = 0, size = sizeof(trace->info.probes_left_out);
	for (uint32_t i = 0; i < trace->target.probes_found && used < size; i++) {
		const struct target_probe *probe = &trace->target.probes[i];
		const char *when = "not in this mode";
		for (unsigned r = 0; r < sizeof(reasons) / sizeof(*reasons); r++)
			when = strcmp(reasons[r].name, probe->name) == 0 ? reasons[r].when : when;
		if (!probe->attached)
			used += (size_t)snprintf(text + used, size - used, "%s%s (%s)", used ? ", " : "", probe->name, when);
	}
}

static void fill_info(struct trace *trace)
{
	struct trace_info *info = &trace->info;
	const struct target_info *target = &trace->target;
	*info = (struct trace_info){
		.version = MEMLAB_VERSION,
		.pid = target->pid,
		.kind = target->kind,
		.mode = trace->target.tail ? "tail" : "exact",
		.mode_asked = trace->options->command == COMMAND_REPORT ? NULL : modes[trace->options->mode],
		.alloc_mode = alloc_modes[trace->options->alloc],
		.probes_found = target->probes_found,
		.probes_attached = target->probes_attached,
		.attach_ns = target->attach_ns,
		.cost = {.target_ns_per_request = -1, .tracer_cpu_percent = -1, .bpf_cpu_percent = -1,
			 .budget_percent = trace->options->command == COMMAND_REPORT ? -1 : trace->options->budget_percent},
		.run_json = target->run_json[0] ? target->run_json : NULL,
		.missing = target->missing,
	};
	memcpy(info->comm, target->comm, sizeof(info->comm));
	list_left_out(trace);
	screen_detect(info, stdout, trace->options->color);
}

/* Is there anything of the kind asked for? Else says what to do. */
static bool allocations_watched(const struct trace *trace)
{
	const struct target_info *target = &trace->target;
	bool sampled = trace->options->alloc == ALLOC_SAMPLE;
	if ((trace->options->alloc == ALLOC_EVERY || sampled) && target->probes_attached == 0)
		trace_say("process %u has no memlab probes, so its collected heap cannot be seen; --alloc=malloc watches its malloc",
			  target->pid);
	else if (trace->options->alloc == ALLOC_MALLOC && target->malloc_functions == 0)
		trace_say("no function of process %u's malloc library can be watched%s%s; leave --alloc=malloc out", target->pid,
			  target->malloc_refused[0] ? ": " : "", target->malloc_refused);
	else
		return true;
	return false;
}

/* The stacks that outputs want and a recording does not have: said, with what would have them. */
static bool recorded_suffices(const struct trace *trace)
{
	const struct trace_options *options = trace->options;
	if (options->alloc != ALLOC_COUNTERS && !trace->recorded.allocations)
		trace_say("%s has no stacks of allocations; record with --alloc=sample or --alloc=every", options->report_path);
	else if (trace_options_want_samples(options) && !trace->recorded.samples)
		trace_say("%s has no stacks of time; record with --sample", options->report_path);
	else
		return true;
	return false;
}

/* Which stacks there will be, and their names: of files as they are now, since the target may end before the report. */
static int open_names(struct trace *trace)
{
	const struct trace_options *options = trace->options;
	struct recorded *recorded = &trace->recorded;
	int error;
	if (options->command == COMMAND_REPORT) {
		error = recorded_read(trace->source, recorded, &trace->symbols);
		if (error)
			trace_say("the names in %s cannot be read: %s; record it again", options->report_path, strerror(-error));
		else if (!recorded_suffices(trace))
			return EXIT_USAGE;
		trace->info.alloc_mode = recorded->alloc_mode;
		return error ? EXIT_ERROR : EXIT_OK;
	}
	recorded->allocations = options->alloc != ALLOC_COUNTERS;
	recorded->samples = options->sample;
	snprintf(recorded->alloc_mode, sizeof(recorded->alloc_mode), "%s", alloc_modes[options->alloc]);
	if (!recorded->allocations && !recorded->samples)
		return EXIT_OK;
	if (recorded->allocations && !allocations_watched(trace))
		return EXIT_NO_TARGET;
	error = symbols_open(&trace->symbols, (pid_t)trace->target.pid);
	if (error)
		trace_say("cannot read the symbols of process %u: %s", trace->target.pid, strerror(-error));
	return error ? EXIT_ERROR : EXIT_OK;
}

static int open_stacks(struct trace *trace)
{
	int status = open_names(trace);
	if (status != EXIT_OK)
		return status;
	trace->stacks = trace->recorded.allocations ? stacks_new(0) : NULL;
	trace->profile = trace->recorded.samples ? profile_new(&trace->roster, SOURCE_SAMPLE_PERIOD_NS) : NULL;
	if ((trace->stacks || !trace->recorded.allocations) && (trace->profile || !trace->recorded.samples))
		return EXIT_OK;
	trace_say("out of memory");
	return EXIT_ERROR;
}

static int open_scenes(struct trace *trace)
{
	if (!trace->options->timeline_path)
		return EXIT_OK;
	trace->scenes = scenes_new();
	if (!trace->scenes)
		trace_say("out of memory");
	return trace->scenes ? EXIT_OK : EXIT_ERROR;
}

static int listen_to(struct trace *trace)
{
	int error = board_listen(trace->board, trace->options->listen, trace->options->listen_anyone);
	if (error == 0) {
		trace_say("page and metrics on http://127.0.0.1:%u/", board_port(trace->board));
		return EXIT_OK;
	}
	trace_say("cannot listen on %s: %s; %s", trace->options->listen, strerror(-error),
		  error == -EPERM ? "only loopback is served unless --listen-anyone is given" : "choose another --listen ADDRESS:PORT");
	return error == -EINVAL || error == -EPERM ? EXIT_USAGE : EXIT_ERROR;
}

/* Whoever watches along: a page, a scraper, a terminal, a frozen report. */
static int open_board(struct trace *trace)
{
	const struct trace_options *options = trace->options;
	bool terminal = options->command == COMMAND_TRACE && !options->jsonl && live_open(&trace->live) == 0;
	if (!terminal && !options->listen && !options->html_path)
		return EXIT_OK;
	struct story story = trace_story(trace);
	trace->board = board_new(&story);
	if (!trace->board) {
		trace_say("out of memory");
		return EXIT_ERROR;
	}
	return options->listen ? listen_to(trace) : EXIT_OK;
}

static int open_recording(struct trace *trace)
{
	const char *path = trace->options->record_path;
	if (!path)
		return EXIT_OK;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error = fd < 0 ? -errno : recording_create(fd, &trace->target, &trace->recording);
	if (error)
		trace_say("cannot write %s: %s; choose another file for -o", path, strerror(-error));
	return error ? EXIT_ERROR : EXIT_OK;
}

/* What both kinds of trace need once the source is open. */
static int open_rest(struct trace *trace)
{
	source_info(trace->source, &trace->target);
	fill_info(trace);
	int status = open_attribution(trace);
	status = status ? status : open_stacks(trace);
	status = status ? status : open_scenes(trace);
	status = status ? status : outputs_open(&trace->outputs, trace->options);
	status = status ? status : open_recording(trace);
	return status ? status : open_board(trace);
}

static int open_live(struct trace *trace)
{
	const struct trace_options *options = trace->options;
	struct calibration calibration = {0};
	if (calibrate(&calibration) != 0)
		calibration = (struct calibration){.trap_ns = -1};
	trace->budget = (struct budget){
		.percent = options->budget_percent,
		.cpus = budget_cpus(trace->pid),
		.trap_ns = calibration.trap_ns,
		.counting_ns = calibration.counting_ns,
	};
	if ((options->alloc == ALLOC_EVERY || options->alloc == ALLOC_MALLOC) && trace->budget.trap_ns >= 0)
		trace_say("each allocation will cost the target about %.1f us while its stack is taken",
			  (calibration.trap_ns + calibration.stack_ns) / 1e3);
	struct source_options source_options = {
		.pid = trace->pid,
		.watch_alloc = options->alloc == ALLOC_EVERY,
		.watch_alloc_samples = options->alloc == ALLOC_SAMPLE,
		.watch_malloc = options->alloc == ALLOC_MALLOC,
		.watch_sends = options->kernel_net,
		.sample_cpu = options->sample,
		.sample_offcpu = options->sample,
		.no_sched = options->withhold_sched,
		.withhold_arrivals = options->withhold_arrivals,
		.tail = options->mode == MODE_TAIL,
		.watch_faults = options->mode != MODE_TAIL,
		.count_run_time = true,
		.flight = !options->no_flight,
		.verbose = options->verbose,
		.ring_bytes = options->ring_bytes,
	};
	struct source_error error = {0};
	if (source_open_live(&source_options, &trace->source, &error) < 0) {
		trace_say("%s", error.text);
		return error.status;
	}
	int status = open_rest(trace);
	if (status == EXIT_OK && options->kernel_net && !trace->target.sends_begin) {
		trace_say("this kernel does not tell when it begins to send, Linux 6.16 does; leave --kernel-net out");
		return EXIT_ERROR;
	}
	if (status == EXIT_OK && options->require_probes && trace->target.probes_attached == 0) {
		trace_say("no memlab probes in process %d (%s): is this memlab-svc? without --require-probes it is traced by its sockets",
			  trace->pid, trace->target.exe);
		return EXIT_NO_TARGET;
	}
	return status;
}

static void trace_close(struct trace *trace)
{
	live_close(trace->live);
	if (trace->recording)
		recording_close(trace->recording, NULL);
	board_free(trace->board);
	stacks_free(trace->stacks);
	profile_free(trace->profile);
	scenes_free(trace->scenes);
	roster_free(&trace->roster);
	symbols_close(trace->symbols);
	attribution_free(trace->attribution);
	source_close(trace->source);
}

/* ---------------------------------------------------------------- programs */

int trace_live(const struct trace_options *options)
{
	static struct trace trace; /* too large for a stack */
	trace = (struct trace){.options = options, .pid = options->launch ? launch(options->launch) : options->pid};
	if (trace.pid < 0) {
		trace_say("cannot start %s: %s", options->launch[0], strerror(-trace.pid));
		return EXIT_NO_TARGET;
	}
	catch_signals();
	int status = open_live(&trace);
	if (status == EXIT_OK) {
		int error = rights_drop();
		if (error)
			trace_say("cannot give up the rights that attaching took: %s; going on with them", strerror(-error));
		trace.begin_ns = trace.target.attached_at_ns; /* as in a recording's report: what was seen before is part of the story */
		trace.begin_cpu_s = own_cpu_seconds();
		if (!trace.live)
			trace_say("watching %s[%u] (not stopped, not ptraced); Ctrl-C prints the verdict", trace.info.comm,
				  trace.info.pid);
		watch(&trace);
		bool left = !source_target_alive(trace.source);
		drain_rest(&trace);
		status = finish(&trace);
		if (status == EXIT_OK && left && trace.summary.requests == 0) {
			trace_say("process %d ended before a request was seen", trace.pid);
			status = EXIT_TARGET_LEFT;
		}
	}
	trace_close(&trace);
	launch_end(options->launch ? trace.pid : 0);
	return status;
}

int trace_report(const struct trace_options *options)
{
	static struct trace trace; /* too large for a stack */
	trace = (struct trace){.options = options, .budget.trap_ns = -1};
	struct source_error error = {0};
	if (source_open_recording(options->report_path, &trace.source, &error) < 0) {
		trace_say("%s", error.text);
		return error.status;
	}
	int status = open_rest(&trace);
	if (status == EXIT_OK) {
		trace.begin_ns = trace.target.attached_at_ns;
		while (source_drain(trace.source, take_record, &trace) > 0)
			;
		status = finish(&trace);
	}
	trace_close(&trace);
	return status;
}
