/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: the knobs, from the environment as Go reads them. Pure but for getenv; any thread.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gc.h"

/* B, KiB .. TiB, as Go. SIZE_MAX: unknown. */
static unsigned suffix_shift(const char *suffix)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};

	if (*suffix == '\0' || strcmp(suffix, "B") == 0)
		return 0;
	for (unsigned i = 0; i < 4; i++)
		if (strcmp(suffix, names[i]) == 0)
			return (i + 1) * 10;
	return 64;
}

int gc_parse_bytes(const char *text, uint64_t *bytes)
{
	unsigned long long number;
	unsigned shift;
	char *end;

	if (strcmp(text, "off") == 0) {
		*bytes = GC_LIMIT_OFF;
		return 0;
	}
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	shift = suffix_shift(end);
	if (shift == 64)
		return -EINVAL;
	if (number > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;
	*bytes = number << shift;
	return 0;
}

static int parse_percent(const char *text, int *percent)
{
	long number;
	char *end;

	if (strcmp(text, "off") == 0) {
		*percent = GC_PERCENT_OFF;
		return 0;
	}
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || end == text || *end || number < 0 || number > 1000000)
		return -EINVAL;
	*percent = (int)number;
	return 0;
}

static bool debug_has(const char *debug, const char *setting)
{
	size_t length = strlen(setting);

	for (const char *p = debug; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, setting, length) == 0 && (p[length] == ',' || p[length] == '\0'))
			return true;
	}
	return false;
}

static int fail(char *error, size_t bytes, const char *name, const char *value, const char *expected)
{
	snprintf(error, bytes, "%s=%s: %s", name, value, expected);
	return -EINVAL;
}

/* A tenth of the group's limit stays free for what the heap does not know of: stacks, sockets, the page cache of files. */
static int parse_limit(const char *text, uint64_t *bytes)
{
	uint64_t group;

	if (strcmp(text, "cgroup") != 0)
		return gc_parse_bytes(text, bytes);
	group = gc_cgroup_limit();
	if (group == GC_LIMIT_OFF)
		return -EINVAL;
	*bytes = group / 10 * 9;
	return 0;
}

int gc_config_init(struct gc_config *config, char *error, size_t error_bytes)
{
	const char *percent = getenv("GOGC"), *limit = getenv("GOMEMLIMIT"), *debug = getenv("GODEBUG");

	*config = (struct gc_config){.gc_percent = 100, .memory_limit = GC_LIMIT_OFF, .limiter = true};
	if (percent && *percent && parse_percent(percent, &config->gc_percent) < 0)
		return fail(error, error_bytes, "GOGC", percent, "expected a percentage of 0 or more, or off");
	if (limit && *limit && parse_limit(limit, &config->memory_limit) < 0)
		return fail(error, error_bytes, "GOMEMLIMIT", limit,
			    strcmp(limit, "cgroup") ? "expected bytes with B, KiB, MiB, GiB or TiB, off, or cgroup"
						    : "this process's cgroup has no memory limit; give a size");
	config->trace = debug && debug_has(debug, "gctrace=1");
	config->lazy_return = debug && debug_has(debug, "madvdontneed=0");
	config->pool_debug = debug && debug_has(debug, "pooldebug=1");
	config->region_debug = debug && debug_has(debug, "regiondebug=1");
	config->prefault = !debug || !debug_has(debug, "prefault=0");
	config->sticky = !debug || !debug_has(debug, "gcsticky=0");
	return 0;
}
