/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* glibc looks for the name; all else is hidden. */
__attribute__((visibility("default"))) const char *argp_program_version = "memlab-trace " MEMLAB_VERSION;

enum option_key {
	KEY_ALLOC = 256, KEY_SAMPLE, KEY_REQUIRE, KEY_WITHHOLD, KEY_JSON, KEY_JSONL, KEY_FLAME, KEY_FOLDED, KEY_PPROF, KEY_HTML, KEY_REQUESTS,
	KEY_FAIL_IF, KEY_RING, KEY_MODE, KEY_LISTEN, KEY_ANYONE, KEY_COLOR, KEY_NO_FLIGHT, KEY_TIMELINE,
	KEY_BUDGET, KEY_WITHHOLD_ARRIVALS, KEY_FOLLOW, KEY_KERNEL_NET
};

static const struct argp_option option_table[] = {
	{0, 0, 0, 0, "Whom and how:", 1},
	{"pid", 'p', "PID", 0, "the process to watch", 1},
	{"duration", 'd', "SECONDS", 0, "how long (default: until Ctrl-C or the target ends); 1.5s, 200ms work too", 1},
	{"mode", KEY_MODE, "MODE", 0,
	 "exact: every request with all its edges and every switch; tail: every request from the target's flight ring, and of the "
	 "scheduler what can have delayed one; auto (default): exact, until that costs more than the budget", 1},
	{"budget", KEY_BUDGET, "PERCENT", 0,
	 "what target and tracer may spend for watching in mode auto, of the CPUs the target may use (default 2%)", 1},
	{"alloc", KEY_ALLOC, "MODE", 0,
	 "counters: what the target counts itself, for every request, nearly free (default); sample: a stack for each "
	 "allocation that the service samples (at its heap profile's rate), nearly free too; every: a stack for each "
	 "allocation of the collected heap; malloc: a stack for each call of the malloc library, in any program. The price "
	 "of a stack is measured and said first", 1},
	{"sample", KEY_SAMPLE, 0, 0,
	 "sample the target's time even where no output here needs it: for the flame graphs of a recording's report, or of the page", 1},
	{"kernel-net", KEY_KERNEL_NET, 0, 0,
	 "tell what part of own the kernel's sending is; needs every send, so mode auto stays exact, and Linux 6.16", 1},
	{"no-flight", KEY_NO_FLIGHT, 0, 0,
	 "trap at the end of each request, even where the target keeps flight rings that tell the same for nearly nothing", 1},
	{"follow", KEY_FOLLOW, 0, 0,
	 "when the process ends, wait for the next that runs the same file and watch that. A small process stays behind for it, with the "
	 "rights that attaching takes; files hold the last story", 1},
	{"require-probes", KEY_REQUIRE, 0, 0, "refuse a process without memlab's probes", 1},
	{"ring-size", KEY_RING, "BYTES", 0, "size of the ring between kernel and tracer, a power of two (default 8MiB)", 1},
	{0, 0, 0, 0, "What to show:", 2},
	{"jsonl", KEY_JSONL, 0, 0, "print one JSON object a second instead of the screen", 2},
	{"listen", KEY_LISTEN, "ADDRESS:PORT", 0, "serve the live page and /metrics, for example on 127.0.0.1:9435", 2},
	{"listen-anyone", KEY_ANYONE, 0, 0, "allow other addresses than loopback for --listen", 2},
	{"color", KEY_COLOR, "WHEN", 0, "auto (default), always or never", 2},
	{"fail-if", KEY_FAIL_IF, "RULE", 0, "leave with status 99 if the rule holds, for example 'p99>5ms'", 2},
	{0, 0, 0, 0, "What to leave behind:", 3},
	{"json", KEY_JSON, "FILE", 0, "the whole result as one JSON object", 3},
	{"requests", KEY_REQUESTS, "FILE.csv", 0, "a line per request with its times and causes", 3},
	{"html", KEY_HTML, "FILE.html", 0, "the page as one file that needs no network", 3},
	{"timeline", KEY_TIMELINE, "FILE.json", 0,
	 "the worst requests as a Chrome trace, for Perfetto or speedscope: their spans, what their threads did, the collector", 3},
	{"flame", KEY_FLAME, "[KIND:]FILE.svg", 0,
	 "a flame graph. KIND: alloc_bytes (default) and alloc_objects, which imply --alloc=every (see --alloc); tail: the slowest "
	 "1 % of requests by cause, then stack; diff: slow against ordinary requests; cpu, offcpu: all of the target's time. The "
	 "last four sample the target: a stack for each thread that leaves its CPU, and a thousand a second of what runs", 3},
	{"folded", KEY_FOLDED, "KIND:FILE", 0, "the same as folded stacks", 3},
	{"pprof", KEY_PPROF, "[KIND:]FILE.pb.gz", 0,
	 "a pprof profile. KIND: alloc (default), which implies --alloc=every; cpu, offcpu, requests: samples of time with the labels "
	 "thread, and for requests cause, span, path and speed (slow, ordinary, between)", 3},
	{"output", 'o', "FILE", 0, "record: where the records go", 3},
	{0, 0, 0, 0, "Help:", -1},
	{"verbose", 'v', 0, 0, "libbpf's own messages on stderr", -1},
	{"withhold-sched", KEY_WITHHOLD, 0, OPTION_HIDDEN, 0, -1},
	{"withhold-arrivals", KEY_WITHHOLD_ARRIVALS, 0, OPTION_HIDDEN, 0, -1},
	{0}
};

static _Noreturn void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void usage_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("memlab-trace: ", stderr);
	vfprintf(stderr, format, args);
	fputs("; see memlab-trace --help\n", stderr);
	va_end(args);
	exit(EXIT_USAGE);
}

bool trace_parse_time(const char *text, uint64_t *ns)
{
	static const struct { const char *suffix; double ns; } units[] = {
		{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"", 1e9}};
	char *end;
	errno = 0;
	double value = strtod(text, &end);
	if (end == text || errno || !(value >= 0) || value > 1e9)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].suffix) == 0) {
			*ns = (uint64_t)(value * units[i].ns);
			return true;
		}
	}
	return false;
}

bool trace_parse_fail_rule(const char *text, struct fail_rule *rule)
{
	static const struct { const char *name; double percent; } names[] = {
		{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"p999", 99.9}, {"p99.99", 99.99}, {"p9999", 99.99}, {"max", 100}};
	size_t length = strcspn(text, "<> ");
	const char *operator = text + length + strspn(text + length, " ");
	if (*operator != '<' && *operator != '>')
		return false;
	const char *limit = operator + 1;
	limit += strspn(limit, " ");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) != length || strncmp(names[i].name, text, length) != 0)
			continue;
		uint64_t ns;
		if (!isdigit((unsigned char)*limit) || !trace_parse_time(limit, &ns))
			return false;
		*rule = (struct fail_rule){text, names[i].percent, *operator == '>', ns};
		return true;
	}
	return false;
}

uint64_t fail_rule_value(const struct fail_rule *rule, const struct quantiles *quantiles)
{
	if (rule->percent == 50)
		return quantiles->p50;
	if (rule->percent == 90)
		return quantiles->p90;
	if (rule->percent == 99)
		return quantiles->p99;
	if (rule->percent == 99.9)
		return quantiles->p999;
	return rule->percent == 99.99 ? quantiles->p9999 : quantiles->max;
}

static bool parse_bytes(const char *text, uint64_t *bytes)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	int shift = strcmp(end, "KiB") == 0 ? 10 : strcmp(end, "MiB") == 0 ? 20 : *end == '\0' ? 0 : -1;
	if (end == text || errno || shift < 0 || value > (1ull << 40 >> shift))
		return false;
	*bytes = (uint64_t)value << shift;
	return true;
}

/* The number of the name; -1: none of them. */
static int kind_parse(const char *name, size_t length, int count, const char *(*name_of)(int))
{
	for (int kind = 0; kind < count; kind++)
		if (strlen(name_of(kind)) == length && strncmp(name, name_of(kind), length) == 0)
			return kind;
	return -1;
}

static const char *flame_name(int kind)
{
	return flame_kind_name((enum flame_kind)kind);
}

static const char *pprof_name(int kind)
{
	return pprof_kind_name((enum pprof_kind)kind);
}

static bool mode_parse(const char *name, enum watch_mode *mode)
{
	static const char *const names[] = {[MODE_AUTO] = "auto", [MODE_EXACT] = "exact", [MODE_TAIL] = "tail"};
	for (int m = MODE_AUTO; m <= MODE_TAIL; m++) {
		if (strcmp(name, names[m]) == 0) {
			*mode = (enum watch_mode)m;
			return true;
		}
	}
	return false;
}

static bool percent_parse(const char *text, double *percent)
{
	char *end;
	double value = strtod(text, &end);
	if (end == text || !(value >= 0) || value > 100 || (*end && strcmp(end, "%") != 0))
		return false;
	*percent = value;
	return true;
}

static bool alloc_mode_parse(const char *name, enum alloc_mode *mode)
{
	static const char *const names[] = {
		[ALLOC_COUNTERS] = "counters", [ALLOC_SAMPLE] = "sample", [ALLOC_EVERY] = "every", [ALLOC_MALLOC] = "malloc"};
	for (int m = ALLOC_COUNTERS; m <= ALLOC_MALLOC; m++) {
		if (strcmp(name, names[m]) == 0) {
			*mode = (enum alloc_mode)m;
			return true;
		}
	}
	return false;
}

/* Stacks of allocations, or of time, are asked for. */
static void want_stacks(struct trace_options *options, bool allocations)
{
	if (!allocations)
		options->sample = true;
	else if (options->alloc == ALLOC_COUNTERS)
		options->alloc = ALLOC_EVERY;
}

/* Cuts "KIND:" off *arg; without a known kind: `otherwise`, or an error when that is < 0. */
static int take_kind(char **arg, const char *option, int count, const char *(*name_of)(int), int otherwise)
{
	char *colon = strchr(*arg, ':');
	int kind = colon ? kind_parse(*arg, (size_t)(colon - *arg), count, name_of) : -1;
	if (kind >= 0)
		*arg = colon + 1;
	else if (otherwise < 0)
		usage_error("--%s %s: needs KIND:FILE with KIND tail, diff, cpu, offcpu, alloc_bytes or alloc_objects", option, *arg);
	if (**arg == '\0')
		usage_error("--%s: the file name is missing", option);
	return kind < 0 ? otherwise : kind;
}

static void take_flame(struct trace_options *options, const char **paths, char *arg, const char *option, int otherwise)
{
	int kind = take_kind(&arg, option, FLAME_KIND_COUNT, flame_name, otherwise);
	paths[kind] = arg;
	want_stacks(options, kind == FLAME_ALLOC_BYTES || kind == FLAME_ALLOC_OBJECTS);
}

static void take_pprof(struct trace_options *options, char *arg)
{
	int kind = take_kind(&arg, "pprof", PPROF_KIND_COUNT, pprof_name, PPROF_ALLOC);
	options->pprof_path[kind] = arg;
	want_stacks(options, kind == PPROF_ALLOC);
}

static void take_pid(struct trace_options *options, const char *arg)
{
	char *end;
	errno = 0;
	long pid = strtol(arg, &end, 10);
	if (errno || *end || end == arg || pid <= 0 || pid > 0x7fffffff)
		usage_error("-p %s: not a process id", arg);
	options->pid = (int)pid;
}

/* Options that are set, and options whose word is kept. */
static bool take_plain(struct trace_options *options, int key, char *arg)
{
	static const struct {
		int key;
		bool word;
		size_t place;
	} plain[] = {
		{KEY_SAMPLE, false, offsetof(struct trace_options, sample)},
		{KEY_KERNEL_NET, false, offsetof(struct trace_options, kernel_net)},
		{KEY_REQUIRE, false, offsetof(struct trace_options, require_probes)},
		{KEY_FOLLOW, false, offsetof(struct trace_options, follow)},
		{KEY_NO_FLIGHT, false, offsetof(struct trace_options, no_flight)},
		{KEY_WITHHOLD, false, offsetof(struct trace_options, withhold_sched)},
		{KEY_WITHHOLD_ARRIVALS, false, offsetof(struct trace_options, withhold_arrivals)},
		{KEY_JSONL, false, offsetof(struct trace_options, jsonl)},
		{KEY_ANYONE, false, offsetof(struct trace_options, listen_anyone)},
		{'v', false, offsetof(struct trace_options, verbose)},
		{KEY_JSON, true, offsetof(struct trace_options, json_path)},
		{KEY_HTML, true, offsetof(struct trace_options, html_path)},
		{KEY_TIMELINE, true, offsetof(struct trace_options, timeline_path)},
		{KEY_REQUESTS, true, offsetof(struct trace_options, requests_path)},
		{KEY_LISTEN, true, offsetof(struct trace_options, listen)},
		{KEY_COLOR, true, offsetof(struct trace_options, color)},
		{'o', true, offsetof(struct trace_options, record_path)},
	};
	for (size_t p = 0; p < sizeof(plain) / sizeof(*plain); p++) {
		void *place = (char *)options + plain[p].place;
		if (plain[p].key != key)
			continue;
		if (plain[p].word)
			*(const char **)place = arg;
		else
			*(bool *)place = true;
		return true;
	}
	return false;
}

/* Options whose value means something. */
static bool take_value(struct trace_options *options, int key, char *arg)
{
	switch (key) {
	case 'p':
		take_pid(options, arg);
		return true;
	case 'd':
		if (!trace_parse_time(arg, &options->duration_ns) || options->duration_ns == 0)
			usage_error("-d %s: not a length of time (10, 1.5s, 200ms)", arg);
		return true;
	case KEY_MODE:
		if (!mode_parse(arg, &options->mode))
			usage_error("--mode %s: must be auto, exact or tail", arg);
		return true;
	case KEY_BUDGET:
		if (!percent_parse(arg, &options->budget_percent))
			usage_error("--budget %s: not a part of the CPUs (2%%, 0.5%%)", arg);
		return true;
	case KEY_ALLOC:
		if (!alloc_mode_parse(arg, &options->alloc))
			usage_error("--alloc %s: must be counters, sample, every or malloc", arg);
		return true;
	case KEY_FLAME:
		take_flame(options, options->flame_path, arg, "flame", FLAME_ALLOC_BYTES);
		return true;
	case KEY_FOLDED:
		take_flame(options, options->folded_path, arg, "folded", -1);
		return true;
	case KEY_PPROF:
		take_pprof(options, arg);
		return true;
	case KEY_FAIL_IF:
		if (!trace_parse_fail_rule(arg, &options->fail_if))
			usage_error("--fail-if '%s': needs QUANTILE>TIME, for example 'p99>5ms' or 'max>20ms'", arg);
		return true;
	case KEY_RING:
		if (!parse_bytes(arg, &options->ring_bytes) || options->ring_bytes < 4096 || options->ring_bytes > 1u << 30 ||
		    (options->ring_bytes & (options->ring_bytes - 1)))
			usage_error("--ring-size %s: must be a power of two from 4 KiB to 1024 MiB", arg);
		return true;
	default:
		return false;
	}
}

/* What is no option: the command to start, behind --, or the recording. */
static void take_argument(struct trace_options *options, char *arg, struct argp_state *state)
{
	if (state->quoted && state->next > state->quoted) {
		options->launch = &state->argv[state->next - 1];
		state->next = state->argc;
	} else if (options->command == COMMAND_REPORT && !options->report_path) {
		options->report_path = arg;
	} else {
		usage_error("'%s' is not an option; to watch a process: memlab-trace -p PID", arg);
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct trace_options *options = state->input;
	if (key == ARGP_KEY_ARG)
		take_argument(options, arg, state);
	else if (!take_plain(options, key, arg) && !take_value(options, key, arg))
		return key == ARGP_KEY_ERROR ? EINVAL : ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp argp = {
	option_table, parse_option, "-p PID\n-- COMMAND [ARGUMENT...]\nrecord -o FILE -p PID\nreport FILE\nprobes -p PID\ndoctor [-p PID]",
	"See what memory management costs each request of a live process.\v"
	"The target is neither stopped nor ptraced; killing the tracer leaves nothing behind. Ctrl-C prints the verdict.\n\n"
	"Exit status: 0 ok, 1 error, 2 usage, 3 no permission, 4 target or probes not found, 5 target ended before "
	"anything was seen, 99 --fail-if held.",
	0, 0, 0};

static enum command take_command(int *argc, char **argv)
{
	static const char *const names[] = {[COMMAND_RECORD] = "record", [COMMAND_REPORT] = "report",
					    [COMMAND_PROBES] = "probes", [COMMAND_DOCTOR] = "doctor"};
	for (int command = COMMAND_RECORD; *argc > 1 && command <= COMMAND_DOCTOR; command++) {
		if (strcmp(argv[1], names[command]) != 0)
			continue;
		memmove(&argv[1], &argv[2], (size_t)(*argc - 1) * sizeof(*argv));
		--*argc;
		return (enum command)command;
	}
	return COMMAND_TRACE;
}

bool trace_options_want_samples(const struct trace_options *options)
{
	static const enum flame_kind kinds[] = {FLAME_DIFF, FLAME_CPU, FLAME_OFFCPU}; /* the tail is by cause, too */
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
		if (options->flame_path[kinds[k]] || options->folded_path[kinds[k]])
			return true;
	for (int kind = 0; kind < PPROF_KIND_COUNT; kind++)
		if (kind != PPROF_ALLOC && options->pprof_path[kind])
			return true;
	return false;
}

/* What each command needs, and what makes no sense with it. */
static void check_options(const struct trace_options *options)
{
	enum command command = options->command;
	if (strcmp(options->color, "auto") != 0 && strcmp(options->color, "always") != 0 && strcmp(options->color, "never") != 0)
		usage_error("--color %s: must be auto, always or never", options->color);
	if (command == COMMAND_REPORT) {
		if (!options->report_path)
			usage_error("which recording? memlab-trace report FILE");
		if (options->pid || options->listen)
			usage_error("a recording has no process: -p and --listen are for live ones");
		return;
	}
	if (options->mode == MODE_TAIL && options->sample)
		usage_error("--mode tail does not see each switch: the stacks of time need --mode exact or auto");
	if (options->mode == MODE_TAIL && options->kernel_net)
		usage_error("--mode tail does not see sends: --kernel-net needs --mode exact or auto");
	if (options->mode == MODE_TAIL && options->no_flight)
		usage_error("--mode tail is made of the flight rings: leave --no-flight out");
	if (options->launch && (options->pid || (command != COMMAND_TRACE && command != COMMAND_RECORD)))
		usage_error("a command to start (-- %s) goes with neither -p nor probes, doctor or report", options->launch[0]);
	if (options->follow && (options->launch || command != COMMAND_TRACE))
		usage_error("--follow needs a process that somebody else starts again: -p PID");
	if (options->pid == 0 && !options->launch && command != COMMAND_DOCTOR)
		usage_error("which process? give -p PID, or -- COMMAND to start one");
	if (command == COMMAND_RECORD && !options->record_path)
		usage_error("where to? memlab-trace record -o FILE -p PID");
	if (command != COMMAND_RECORD && options->record_path)
		usage_error("-o is for memlab-trace record");
}

void trace_options_parse(struct trace_options *options, int argc, char **argv)
{
	*options = (struct trace_options){.command = take_command(&argc, argv), .ring_bytes = 8u << 20, .color = "auto",
					  .budget_percent = 2};
	argp_err_exit_status = EXIT_USAGE;
	/* Long options with one dash too, as Go's tools have them. */
	if (argp_parse(&argp, argc, argv, ARGP_LONG_ONLY, 0, options) != 0)
		exit(EXIT_USAGE);
	check_options(options);
}
