/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options in two passes: the first accepts one-dash long options and refuses unknown ones in one line of our own;
 * argp then does the values and --help.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "options.h"
#include "quantity.h"

#define CONNECTIONS_DEFAULT 64

enum option_key {
	OPTION_URL = 0x100,
	OPTION_RATE,
	OPTION_ARRIVALS,
	OPTION_CONNECTIONS,
	OPTION_PIPELINE,
	OPTION_DURATION,
	OPTION_WARMUP,
	OPTION_TIMEOUT,
	OPTION_KEYS,
	OPTION_SEED,
	OPTION_ZIPF,
	OPTION_UNIFORM,
	OPTION_SEQUENTIAL,
	OPTION_FORMAT,
	OPTION_CHECK,
	OPTION_STAMP,
	OPTION_SPIN,
	OPTION_JSON,
	OPTION_HGRM,
	OPTION_EDGES
};

static const struct argp_option option_table[] = {
	{"url", OPTION_URL, "URL", 0,
	 "Target, default http://127.0.0.1:8080. With a path, that path is requested as it is; "
	 "without, records of memlab-svc are looked up",
	 1},
	{"rate", OPTION_RATE, "R[,R...]", 0, "Requests per second (20000, 60k); several are steps, one after the other",
	 1},
	{"arrivals", OPTION_ARRIVALS, "KIND", 0, "constant (default) or poisson", 1},
	{"connections", OPTION_CONNECTIONS, "N", 0, "Keep-alive connections, 1 to 10000, default 64", 1},
	{"pipeline", OPTION_PIPELINE, "N", 0, "Requests outstanding per connection, 1 (default) to 128", 1},
	{"duration", OPTION_DURATION, "TIME", 0, "Measured window of each step, default 10s (500ms, 30s, 2m)", 1},
	{"warmup", OPTION_WARMUP, "TIME", 0, "Before each window, at its rate, not counted; default 1s", 1},
	{"timeout", OPTION_TIMEOUT, "TIME", 0, "A request without an answer fails after this; default 10s", 1},
	{"keys", OPTION_KEYS, "N", 0, "Records 0..N-1; otherwise asked from the service's /debug/allocs", 2},
	{"seed", OPTION_SEED, "S", 0, "Seed of keys, arrivals and, for --check, records; otherwise the service's", 2},
	{"zipf", OPTION_ZIPF, "S", 0, "Keys by Zipf's law with exponent S, default 1.1", 2},
	{"uniform", OPTION_UNIFORM, NULL, 0, "Every key equally likely", 2},
	{"sequential", OPTION_SEQUENTIAL, NULL, 0, "Keys one after the other", 2},
	{"format", OPTION_FORMAT, "F", 0, "json (default) or bin", 2},
	{"check", OPTION_CHECK, NULL, 0, "Compare every body with the record computed from the seed", 2},
	{"stamp", OPTION_STAMP, NULL, 0, "Send the header X-Memlab-Times: INTENDED_NS SEND_NS", 2},
	{"spin", OPTION_SPIN, NULL, 0, "Poll instead of sleeping: takes a whole CPU, sends on time", 2},
	{"json", OPTION_JSON, "FILE", 0, "Write the results as JSON (- is standard output)", 3},
	{"hgrm", OPTION_HGRM, "FILE", 0, "Write the response times as an HdrHistogram percentile table", 3},
	{"edges", OPTION_EDGES, "FILE", 0, "Write one CSV line per answered request with its times", 3},
	{NULL, 0, NULL, 0, NULL, 0},
};

struct parse {
	struct load_options *options;
	char *error;
};

static error_t refuse(struct parse *parse, const char *option, const char *value, const char *advice)
{
	snprintf(parse->error, OPTIONS_ERROR_BYTES, "--%s '%s' is not valid; %s", option, value, advice);
	return EINVAL;
}

static error_t parse_count(struct parse *parse, const char *option, const char *value, uint32_t limit, uint32_t *count)
{
	char advice[64];
	uint64_t number;

	if (!quantity_u64(value, &number) && number >= 1 && number <= limit) {
		*count = (uint32_t)number;
		return 0;
	}
	snprintf(advice, sizeof(advice), "write a number from 1 to %u", limit);
	return refuse(parse, option, value, advice);
}

static error_t parse_duration(struct parse *parse, const char *option, const char *value, uint64_t least_ns,
			      uint64_t *ns)
{
	uint64_t duration;

	if (quantity_duration(value, &duration) || duration < least_ns)
		return refuse(parse, option, value, "write a time such as 500ms, 30s or 2m");
	*ns = duration;
	return 0;
}

/* One of two words. */
static error_t parse_word(struct parse *parse, const char *option, const char *value, const char *first,
			  const char *second, bool *is_second)
{
	char advice[64];

	*is_second = !strcmp(value, second);
	if (*is_second || !strcmp(value, first))
		return 0;
	snprintf(advice, sizeof(advice), "write %s or %s", first, second);
	return refuse(parse, option, value, advice);
}

static error_t parse_keys(struct parse *parse, const char *value)
{
	struct load_options *options = parse->options;

	if (quantity_u64(value, &options->keys) || options->keys < 1 || options->keys > 1ull << 40)
		return refuse(parse, "keys", value, "write the number of records, 1 or more");
	options->keys_given = true;
	return 0;
}

static error_t parse_seed(struct parse *parse, const char *value)
{
	if (quantity_u64(value, &parse->options->seed))
		return refuse(parse, "seed", value, "write a number");
	parse->options->seed_given = true;
	return 0;
}

static error_t parse_zipf(struct parse *parse, const char *value)
{
	parse->options->key_order = KEYS_ZIPF;
	if (quantity_real(value, 20, &parse->options->zipf_exponent))
		return refuse(parse, "zipf", value, "write the exponent, 0 to 20, such as 1.1");
	return 0;
}

static error_t parse_switches(int key, struct load_options *options)
{
	switch (key) {
	case OPTION_UNIFORM:
		options->key_order = KEYS_UNIFORM;
		return 0;
	case OPTION_SEQUENTIAL:
		options->key_order = KEYS_SEQUENTIAL;
		return 0;
	case OPTION_CHECK:
		options->check = true;
		return 0;
	case OPTION_STAMP:
		options->stamp = true;
		return 0;
	case OPTION_SPIN:
		options->spin = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct load_options *options = parse->options;
	bool second = false;
	error_t error;

	switch (key) {
	case OPTION_URL:
		return url_parse(value, &options->url) ? refuse(parse, "url", value, "write it as http://HOST:PORT")
						       : 0;
	case OPTION_RATE:
		return quantity_rates(value, options->rates, SCHEDULE_STEPS_MAX, &options->rate_count)
			       ? refuse(parse, "rate", value,
					"write requests per second such as 20000, 60k or 5k,20k,60k")
			       : 0;
	case OPTION_ARRIVALS:
		error = parse_word(parse, "arrivals", value, "constant", "poisson", &second);
		options->arrivals = second ? ARRIVALS_POISSON : ARRIVALS_CONSTANT;
		return error;
	case OPTION_FORMAT:
		error = parse_word(parse, "format", value, "json", "bin", &second);
		options->format = second ? FORMAT_BIN : FORMAT_JSON;
		return error;
	case OPTION_CONNECTIONS:
		return parse_count(parse, "connections", value, OPTIONS_CONNECTIONS_MAX, &options->connections);
	case OPTION_PIPELINE:
		return parse_count(parse, "pipeline", value, OPTIONS_PIPELINE_MAX, &options->pipeline);
	case OPTION_DURATION:
		return parse_duration(parse, "duration", value, 1, &options->duration_ns);
	case OPTION_WARMUP:
		return parse_duration(parse, "warmup", value, 0, &options->warmup_ns);
	case OPTION_TIMEOUT:
		return parse_duration(parse, "timeout", value, NS_PER_MS, &options->timeout_ns);
	case OPTION_KEYS:
		return parse_keys(parse, value);
	case OPTION_SEED:
		return parse_seed(parse, value);
	case OPTION_ZIPF:
		return parse_zipf(parse, value);
	case OPTION_JSON:
		options->json_path = value;
		return 0;
	case OPTION_HGRM:
		options->hgrm_path = value;
		return 0;
	case OPTION_EDGES:
		options->edges_path = value;
		return 0;
	case ARGP_KEY_ARG:
		snprintf(parse->error, OPTIONS_ERROR_BYTES, "unexpected argument '%s'; see memlab-load --help", value);
		return EINVAL;
	default:
		return parse_switches(key, options);
	}
}

/* The table's entry whose name is the first `length` bytes of `name`. */
static const struct argp_option *option_find(const char *name, size_t length)
{
	static const struct argp_option built_in[] = {
		{"help", '?', NULL, 0, NULL, 0}, {"usage", 'u', NULL, 0, NULL, 0}, {"version", 'V', NULL, 0, NULL, 0}};

	for (const struct argp_option *option = option_table; option->name; option++) {
		if (strlen(option->name) == length && !memcmp(option->name, name, length))
			return option;
	}
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
		if (strlen(built_in[i].name) == length && !memcmp(built_in[i].name, name, length))
			return &built_in[i];
	}
	return NULL;
}

/* Gives a one-dash long option its second dash. argv keeps the text, so it lives as long as the process. */
static char *two_dashes(const char *argument)
{
	struct kept {
		struct kept *next;
		char text[];
	};
	static struct kept *all;
	size_t bytes = strlen(argument) + 2;
	struct kept *kept = malloc(sizeof(*kept) + bytes);

	if (!kept)
		return NULL;
	snprintf(kept->text, bytes, "-%s", argument);
	kept->next = all;
	all = kept;
	return kept->text;
}

/* Refuses unknown options and missing or needless values, before argp would in two lines of its own. */
static int arguments_normalize(int argc, char **argv, char *error)
{
	for (int i = 1; i < argc; i++) {
		const char *argument = argv[i];

		if (!strcmp(argument, "-?") || !strcmp(argument, "-V"))
			continue;
		if (argument[0] != '-' || argument[1] == '\0')
			continue;
		const char *name = argument + (argument[1] == '-' ? 2 : 1);
		size_t length = strcspn(name, "=");
		const struct argp_option *option = option_find(name, length);
		const char *problem = !option                                         ? "unknown option"
				      : name[length] && !option->arg                  ? "needless value in"
				      : option->arg && !name[length] && i + 1 == argc ? "missing value of"
										      : NULL;
		if (problem) {
			snprintf(error, OPTIONS_ERROR_BYTES, "%s %s; see memlab-load --help", problem, argument);
			return -EINVAL;
		}
		if (argument[1] != '-')
			argv[i] = two_dashes(argument);
		if (!argv[i])
			return -ENOMEM;
		if (option->arg && !name[length])
			i++;
	}
	return 0;
}

static void options_default(struct load_options *options)
{
	*options = (struct load_options){
		.rates = {1000},
		.rate_count = 1,
		.connections = CONNECTIONS_DEFAULT,
		.pipeline = 1,
		.duration_ns = 10 * NS_PER_S,
		.warmup_ns = NS_PER_S,
		.timeout_ns = 10 * NS_PER_S,
		.zipf_exponent = 1.1,
		.seed = 42,
	};
	url_parse("http://127.0.0.1:8080", &options->url);
}

static int options_agree(const struct load_options *options, char *error)
{
	if (options->check && options->url.path[0]) {
		snprintf(error, OPTIONS_ERROR_BYTES, "--check needs record lookups; give --url without a path");
		return -EINVAL;
	}
	return 0;
}

static void version_print(FILE *stream, struct argp_state *state)
{
	(void)state;
	fprintf(stream, "memlab-load %s\n", MEMLAB_VERSION);
}

int options_parse(struct load_options *options, int argc, char **argv, char error[OPTIONS_ERROR_BYTES])
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.doc = "Drive an HTTP service with requests on a fixed schedule that never waits for answers, and "
		       "report "
		       "response times from the intended start of each (and, beside them, the uncorrected ones)."
		       "\vEverything is also in memlab-load(1). Exit status: 0 all answered, 1 some requests failed or "
		       "another "
		       "error, 2 usage, 4 target not found, 5 target went away.",
	};
	struct parse parse = {options, error};

	options_default(options);
	argp_program_version_hook = version_print;
	int status = arguments_normalize(argc, argv, error);

	if (status)
		return status;
	error[0] = '\0';
	if (argp_parse(&argp, argc, argv, 0, NULL, &parse)) {
		if (!error[0])
			snprintf(error, OPTIONS_ERROR_BYTES, "bad arguments; see memlab-load --help");
		return -EINVAL;
	}
	return options_agree(options, error);
}

const char *lookup_format_name(enum lookup_format format)
{
	return format == FORMAT_BIN ? "bin" : "json";
}
