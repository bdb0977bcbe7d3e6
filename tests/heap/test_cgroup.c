/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of both versions of control groups, from files as the kernel writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../svc/heap/cgroup.h"
#include "../../svc/heap/gc.h"

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
	return gc_cgroup_limit_in(proc, root);
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
	assert_int_equal(gc_cgroup_limit_in("/does/not/exist", root), UINT64_MAX);
}

/* GOMEMLIMIT=cgroup is 90 % of this process's own, or says that there is none. */
static void test_the_environment_asks_for_it(void **state)
{
	uint64_t group = gc_cgroup_limit();
	struct gc_config config;
	char error[128] = "";

	(void)state;
	setenv("GOMEMLIMIT", "cgroup", 1);
	if (group == GC_LIMIT_OFF) {
		assert_int_equal(gc_config_init(&config, error, sizeof(error)), -EINVAL);
		assert_string_equal(error, "GOMEMLIMIT=cgroup: this process's cgroup has no memory limit; give a size");
	} else {
		assert_int_equal(gc_config_init(&config, error, sizeof(error)), 0);
		assert_int_equal(config.memory_limit, group / 10 * 9);
	}
	unsetenv("GOMEMLIMIT");
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_limits), cmocka_unit_test(test_the_environment_asks_for_it)};
	return cmocka_run_group_tests_name("cgroup", tests, set_up, tear_down);
}
