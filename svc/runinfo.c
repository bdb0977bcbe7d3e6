/* SPDX-License-Identifier: Apache-2.0 */
/* The run's description as one JSON object. */
#include "runinfo.h"

#include <gnu/libc-version.h>
#include <inttypes.h>
#include <sched.h>
#include <sys/utsname.h>

#include "serialize.h"

static void add_text(struct buffer *buffer, const char *key, const char *value)
{
	buffer_add_format(buffer, "\"%s\":", key);
	buffer_add_json_text(buffer, value);
	buffer_add(buffer, ",", 1);
}

static void add_number(struct buffer *buffer, const char *key, uint64_t value)
{
	buffer_add_format(buffer, "\"%s\":%" PRIu64 ",", key, value);
}

/* As the environment would say it: a number, or "off". */
static void add_gc(struct buffer *buffer, const struct gc_config *gc)
{
	if (gc->gc_percent == GC_PERCENT_OFF)
		add_text(buffer, "gogc", "off");
	else
		add_number(buffer, "gogc", (uint64_t)gc->gc_percent);
	if (gc->memory_limit == GC_LIMIT_OFF)
		add_text(buffer, "gomemlimit", "off");
	else
		add_number(buffer, "gomemlimit", gc->memory_limit);
}

static unsigned cpus_allowed(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

static void add_machine(struct buffer *buffer)
{
	struct utsname name;
	uname(&name);
	add_text(buffer, "commit", MEMLAB_COMMIT);
	add_text(buffer, "compiler", "gcc " __VERSION__);
	add_text(buffer, "libc", gnu_get_libc_version());
	add_text(buffer, "kernel", name.release);
	buffer_add_format(buffer, "\"cpus\":%u", cpus_allowed());
}

void runinfo_add(struct buffer *buffer, const struct config *config, uint64_t records)
{
	char fixes[64];
	buffer_add(buffer, "{", 1);
	add_text(buffer, "path", config->path == PATH_OPT ? "opt" : "naive");
	fix_list_text(config->fixes, fixes, sizeof(fixes));
	add_text(buffer, "fix", fixes);
	add_text(buffer, "pool", config->pool ? "on" : "off");
	add_text(buffer, "layout", layout_names[config->layout]);
	add_text(buffer, "record", record_form_names[config->form]);
	add_text(buffer, "intern", config->intern ? "on" : "off");
	add_number(buffer, "index_bytes", config->index_bytes);
	add_number(buffer, "records", records);
	add_number(buffer, "seed", config->seed);
	add_number(buffer, "threads", config->threads);
	add_gc(buffer, &config->gc);
	buffer_add_text(buffer, "\"profilers_on\":false,");
	add_machine(buffer);
	buffer_add(buffer, "}", 1);
}
