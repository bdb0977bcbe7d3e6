/* SPDX-License-Identifier: Apache-2.0 */
/* Parse everything, then apply everything. */
#include "knobs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heap_profile.h"

struct knobs {
	bool has_percent, has_limit, has_rate, collect;
	int percent;
	uint64_t limit, rate;
};

static bool parse_percent(const char *text, int *percent)
{
	char *end;
	if (!strcmp(text, "off")) {
		*percent = GC_PERCENT_OFF;
		return true;
	}
	long value = strtol(text, &end, 10);
	*percent = (int)value;
	return text[0] >= '0' && text[0] <= '9' && !*end && value >= 1 && value <= 100000;
}

static const char *parse(const struct request *request, struct knobs *knobs)
{
	const char *percent = request->argument(request, "gogc");
	const char *limit = request->argument(request, "gomemlimit");
	const char *rate = request->argument(request, "heap_profile_rate");
	const char *collect = request->argument(request, "gc");
	knobs->has_percent = percent;
	knobs->has_limit = limit;
	knobs->has_rate = rate;
	knobs->collect = collect;
	if (!percent && !limit && !rate && !collect)
		return "nothing to change; knobs are gogc, gomemlimit, heap_profile_rate and gc=now";
	if (percent && !parse_percent(percent, &knobs->percent))
		return "gogc must be a percentage from 1 to 100000 or off";
	if (limit && gc_parse_bytes(limit, &knobs->limit))
		return "gomemlimit must be a size such as 512MiB or off";
	if (rate && strcmp(rate, "off") && gc_parse_bytes(rate, &knobs->rate))
		return "heap_profile_rate must be a number of bytes such as 512KiB, or off";
	if (collect && strcmp(collect, "now"))
		return "gc can only be now";
	return NULL;
}

const char *knobs_apply(const struct service *service, const struct request *request)
{
	struct knobs knobs = {0};
	const char *wrong = parse(request, &knobs);
	if (wrong)
		return wrong;
	if (knobs.has_percent)
		gc_set_percent(service->heap, knobs.percent);
	if (knobs.has_limit)
		gc_set_memory_limit(service->heap, knobs.limit);
	if (knobs.has_rate)
		heap_profile_set_rate(knobs.rate);
	if (knobs.collect && service->collect)
		service->collect();
	return NULL;
}

void knobs_add(struct buffer *buffer, const struct service *service)
{
	struct gc_stats stats;
	gc_stats(service->heap, &stats);
	if (stats.gc_percent == GC_PERCENT_OFF)
		buffer_add_text(buffer, "{\"gogc\":\"off\",");
	else
		buffer_add_format(buffer, "{\"gogc\":%d,", stats.gc_percent);
	if (stats.limit_bytes == GC_LIMIT_OFF)
		buffer_add_text(buffer, "\"gomemlimit\":\"off\",");
	else
		buffer_add_format(buffer, "\"gomemlimit\":%" PRIu64 ",", stats.limit_bytes);
	buffer_add_format(buffer, "\"heap_profile_rate\":%" PRIu64 ",", heap_profile_rate());
	buffer_add_format(buffer, "\"gc_cycles\":%" PRIu64 "}\n", stats.cycles);
}
