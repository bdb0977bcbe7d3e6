/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of both versions of control groups, from files as the kernel writes them. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../svc/cgroup.h"

static char root[64];

static void put(const char *path, const char *text)
{
	char full[256];
	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *at = strchr(full + strlen(root) + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(full, 0755);
		*at = '/';
	}
	FILE *file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static uint64_t limit_of(const char *cgroup)
{
	char proc[128];
	put("/proc", cgroup);
	snprintf(proc, sizeof(proc), "%s/proc", root);
	return cgroup_memory_limit(proc, root);
}

static void test_limits(void **state)
{
	(void)state;
	put("/a/b/memory.max", "max\n");
	put("/a/memory.max", "1073741824\n");
	put("/memory/x/y/memory.limit_in_bytes", "9223372036854771712\n");
	put("/memory/x/memory.limit_in_bytes", "536870912\n");
	put("/memory/memory.limit_in_bytes", "9223372036854771712\n");
	assert_int_equal(limit_of("0::/a/b\n"), 1073741824);
	assert_int_equal(limit_of("0::/c\n"), UINT64_MAX);
	assert_int_equal(limit_of("0::/\n"), UINT64_MAX);
	assert_int_equal(limit_of("5:cpu,cpuacct:/x\n4:memory:/x/y\n0::/\n"), 536870912);
	assert_int_equal(limit_of("4:memory:/elsewhere\n"), UINT64_MAX);
	assert_int_equal(limit_of("4:memory:/x/y\n0::/a/b\n"), 536870912);
	assert_int_equal(limit_of("nonsense\n"), UINT64_MAX);
	assert_int_equal(cgroup_memory_limit("/does/not/exist", root), UINT64_MAX);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(root, "/tmp/memlab-cgroup-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_limits)};
	return cmocka_run_group_tests_name("cgroup", tests, set_up, tear_down);
}
