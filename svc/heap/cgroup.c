/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup: see cgroup.h. Lines of /proc/self/cgroup are `number:controllers:path`; version 2 has number 0 and no controllers. In a container
 * the path may be the host's and not exist below /sys/fs/cgroup: then only the root that is visible counts.
 */
#include "cgroup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gc.h"

#define UNLIMITED_V1 (1ull << 60) /* version 1 writes "no limit" as a number near 2^63 */

/* The number in a file; UINT64_MAX if it is missing or says "max". */
static uint64_t read_limit(const char *path)
{
	uint64_t limit = UINT64_MAX;
	FILE *file = fopen(path, "re");
	if (!file)
		return UINT64_MAX;
	if (fscanf(file, "%" SCNu64, &limit) != 1 || limit >= UNLIMITED_V1)
		limit = UINT64_MAX;
	fclose(file);
	return limit;
}

/* The smallest limit of `group` and the groups above it. */
static uint64_t smallest(const char *root, char *group, const char *name)
{
	uint64_t least = UINT64_MAX;
	for (;;) {
		char path[4608];
		snprintf(path, sizeof(path), "%s%s/%s", root, group, name);
		uint64_t limit = read_limit(path);
		least = limit < least ? limit : least;
		char *slash = strrchr(group, '/');
		if (!slash)
			return least;
		*slash = '\0';
	}
}

static uint64_t limit_of_line(char *line, const char *sys)
{
	char root[512];
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!group)
		return UINT64_MAX;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	controllers++;
	if (!*controllers)
		return smallest(sys, group, "memory.max");
	if (strcmp(controllers, "memory"))
		return UINT64_MAX;
	snprintf(root, sizeof(root), "%s/memory", sys);
	return smallest(root, group, "memory.limit_in_bytes");
}

uint64_t gc_cgroup_limit_in(const char *proc, const char *sys)
{
	char line[4096];
	uint64_t least = UINT64_MAX;
	FILE *file = fopen(proc, "re");
	if (!file)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), file)) {
		uint64_t limit = limit_of_line(line, sys);
		least = limit < least ? limit : least;
	}
	fclose(file);
	return least;
}

uint64_t gc_cgroup_limit(void)
{
	return gc_cgroup_limit_in("/proc/self/cgroup", "/sys/fs/cgroup");
}
