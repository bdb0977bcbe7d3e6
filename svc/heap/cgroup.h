/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup: the memory limit that this process's control group sets, version 1 or 2. Any thread. */
#ifndef MEMLAB_HEAP_CGROUP_H
#define MEMLAB_HEAP_CGROUP_H

#include <stdint.h>

/*
 * The smallest limit from the process's group up to the root, UINT64_MAX if there is none. `proc` and `sys` are
 * /proc/self/cgroup and /sys/fs/cgroup but in tests.
 */
uint64_t gc_cgroup_limit_in(const char *proc, const char *sys);

#endif
