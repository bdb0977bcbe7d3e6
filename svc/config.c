/* SPDX-License-Identifier: Apache-2.0 */
/* The command line and the environment as one struct. */
#include "config.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "heap_profile.h"
#include "indexing.h"
#include "serialize.h"

__attribute__((visibility("default"))) const char *argp_program_version = "memlab-svc " MEMLAB_VERSION;

enum option_key {
	OPTION_LISTEN = 256,
	OPTION_PATH,
	OPTION_FIX,
	OPTION_POOL,
	OPTION_THREADS,
	OPTION_MEMLIMIT,
	OPTION_LIMIT_POLICY,
	OPTION_GC_LIMITER,
	OPTION_IDLE_TIMEOUT,
	OPTION_HEAP_PROFILE_RATE,
	OPTION_SITES
};

static const struct argp_option options[] = {
	{"listen", OPTION_LISTEN, "ADDRESS:PORT", 0, "where to listen (127.0.0.1:8080; port 0: any free one)", 0},
	INDEXING_OPTIONS,
	{"path", OPTION_PATH, "naive|opt", 0, "how answers are made (naive)", 0},
	{"fix", OPTION_FIX, "LIST", 0, "repair habits of the naive path: buffer,boxing,strings,header,log", 0},
	{"pool", OPTION_POOL, "on|off", 0, "use response objects again on the opt path (on)", 0},
	{"threads", OPTION_THREADS, "N", 0, "event loops (1)", 0},
	{"memlimit", OPTION_MEMLIMIT, "SIZE|cgroup", 0, "soft memory limit, as GOMEMLIMIT; cgroup: 90 % of its limit",
	 0},
	{"limit-policy", OPTION_LIMIT_POLICY, "degrade|shed|exit", 0,
	 "over the memory limit: go on slower, refuse lookups with 503, or end (degrade)", 0},
	{"gc-limiter", OPTION_GC_LIMITER, "on|off", 0, "cap the collector at half the CPU time (on)", 0},
	{"idle-timeout", OPTION_IDLE_TIMEOUT, "SECONDS", 0, "close a connection without progress after this time (75)",
	 0},
	{"heap-profile-rate", OPTION_HEAP_PROFILE_RATE, "BYTES|off", 0,
	 "the heap profile takes an object about every so many bytes (512KiB; 1: every object)", 0},
	{"sites", OPTION_SITES, NULL, 0, "print every allocation site and end", 0},
	{0}};

static const char doc[] =
	"Serves deterministic records over HTTP from a garbage-collected heap.\v"
	"Environment: GOGC, GOMEMLIMIT and GODEBUG=gctrace=1 as for Go programs.\n"
	"Try: memlab-svc --listen 127.0.0.1:8080 & curl 'http://127.0.0.1:8080/lookup?key=7&fmt=json'";

static const struct option_table table = {"memlab-svc", options};

/* ------------------------------------------------------------- values */

static bool on_off(const char *option, const char *text)
{
	static const char *const names[] = {"off", "on"};
	return option_choice(&table, option, text, names, 2);
}

/* A tenth stays free for what the heap does not know of: stacks, sockets, the page cache of our own files. */
static uint64_t limit_of_cgroup(void)
{
	uint64_t limit = gc_cgroup_limit();
	if (limit == UINT64_MAX)
		option_refuse(&table, "--memlimit=cgroup: this process's cgroup has no memory limit; give a size");
	return limit / 10 * 9;
}

static unsigned fix_list(const char *text)
{
	unsigned fixes = 0;
	for (const char *at = text; *at;) {
		size_t length = strcspn(at, ",");
		char name[32];
		snprintf(name, sizeof(name), "%.*s", (int)length, at);
		fixes |= 1u << option_choice(&table, "fix", name, fix_names, FIX_COUNT);
		at += length + (at[length] == ',');
	}
	return fixes;
}

static void listen_address(struct config *config, const char *text)
{
	const char *colon = strrchr(text, ':');
	if (!colon)
		option_refuse(&table, "--listen=%s has no port; write it as 127.0.0.1:8080", text);
	size_t length = (size_t)(colon - text);
	if (length >= 2 && text[0] == '[' && colon[-1] == ']') {
		text++;
		length -= 2;
	}
	if (length >= sizeof(config->address))
		option_refuse(&table, "--listen=%s is too long; write it as 127.0.0.1:8080", text);
	memcpy(config->address, text, length);
	config->address[length] = '\0';
	if (length == 0)
		strcpy(config->address, "0.0.0.0");
	config->port = (uint16_t)option_number(&table, "listen", colon + 1, 0, UINT16_MAX);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	static const char *const paths[] = {"naive", "opt"}, *const policies[] = {"degrade", "shed", "exit"};
	struct config *config = state->input;
	switch (key) {
	case OPTION_LISTEN:
		listen_address(config, value);
		return 0;
	case OPTION_PATH:
		config->path = option_choice(&table, "path", value, paths, 2);
		return 0;
	case OPTION_FIX:
		config->fixes = fix_list(value);
		return 0;
	case OPTION_POOL:
		config->pool = on_off("pool", value);
		return 0;
	case OPTION_THREADS:
		config->threads = (unsigned)option_number(&table, "threads", value, 1, CONFIG_THREADS_MAX);
		return 0;
	case OPTION_MEMLIMIT:
		config->gc.memory_limit =
			strcmp(value, "cgroup") ? option_bytes(&table, "memlimit", value) : limit_of_cgroup();
		return 0;
	case OPTION_LIMIT_POLICY:
		config->gc.limit_policy = option_choice(&table, "limit-policy", value, policies, 3);
		return 0;
	case OPTION_GC_LIMITER:
		config->gc.limiter = on_off("gc-limiter", value);
		return 0;
	case OPTION_IDLE_TIMEOUT:
		config->idle_timeout_s = (unsigned)option_number(&table, "idle-timeout", value, 1, 86400);
		return 0;
	case OPTION_SITES:
		config->list_sites = true;
		return 0;
	case OPTION_HEAP_PROFILE_RATE:
		config->heap_profile_rate = strcmp(value, "off") ? option_bytes(&table, "heap-profile-rate", value) : 0;
		return 0;
	default:
		return indexing_option(&table, config, key, value) ? 0 : ARGP_ERR_UNKNOWN;
	}
}

/* --------------------------------------------------------------- whole */

static void set_defaults(struct config *config)
{
	*config = (struct config){.address = "127.0.0.1",
				  .port = 8080,
				  .pool = true,
				  .threads = 1,
				  .idle_timeout_s = 75,
				  .heap_profile_rate = HEAP_PROFILE_RATE_DEFAULT};
	indexing_defaults(config);
	char error[256];
	if (gc_config_init(&config->gc, error, sizeof(error)))
		option_refuse(&table, "%s", error);
}

void config_parse(struct config *config, int argc, char **argv)
{
	static const struct argp argp = {options, parse_option, NULL, doc, NULL, NULL, NULL};
	set_defaults(config);
	option_check(&table, argc, argv);
	if (argp_parse(&argp, argc, argv, ARGP_NO_ARGS, NULL, config))
		exit(2);
	if (config->fixes && config->path == PATH_OPT)
		option_refuse(&table, "--fix repairs the naive path; leave out --path=opt, which has every fix");
	if (config->gc.limit_policy != GC_LIMIT_DEGRADE && config->gc.memory_limit == GC_LIMIT_OFF)
		option_refuse(&table, "--limit-policy needs a limit; add --memlimit or GOMEMLIMIT");
	if (dataset_count(config->index_bytes) < 16)
		option_refuse(&table, "--index-size is too small for 16 records; choose at least 64KiB");
}
