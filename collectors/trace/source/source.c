/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <errno.h>
#include <string.h>

#include "../core/clock.h"
#include "operations.h"

void source_close(struct source *source)
{
	if (source)
		source->operations->close(source);
}

int source_drain(struct source *source, void (*take)(void *context, const struct record *record), void *context)
{
	return source->operations->drain(source, take, context);
}

uint64_t source_complete_ns(const struct source *source)
{
	return source->complete_ns;
}

uint64_t source_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

bool source_target_alive(const struct source *source)
{
	return source->operations->target_alive(source);
}

void source_info(const struct source *source, struct target_info *info)
{
	memset(info, 0, sizeof(*info));
	source->operations->info(source, info);
}

void source_counts(const struct source *source, struct source_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	source->operations->counts(source, counts);
}

int source_tail(struct source *source)
{
	return source->operations->tail ? source->operations->tail(source) : -ENOTSUP;
}

const char *source_trouble(const struct source *source)
{
	return source->operations->trouble ? source->operations->trouble(source) : "";
}

const void *source_attachment(const struct source *source, const char *name, size_t *size)
{
	return source->operations->attachment ? source->operations->attachment(source, name, size) : NULL;
}
