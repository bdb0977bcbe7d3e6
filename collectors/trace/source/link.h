/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One BPF program on many places of one file.
 *
 * uprobe_multi (kernel 6.6) takes all places in one link: attached and detached in
 * milliseconds, and its pid filter costs other processes nothing. libbpf knows it from 1.3 on;
 * here it is called directly. Where it is missing, one perf link per place watches every process
 * that runs the file and the program filters: slower to attach, 0.1 s each to detach.
 *
 * Links are descriptors: when the tracer dies, they and the semaphores' counts are gone.
 */
#ifndef MEMLAB_LINK_H
#define MEMLAB_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LINK_UPROBE_MULTI 48 /* expected attach type, to be set before the program is loaded */

struct link_place {
	uint64_t offset;           /* in the file */
	uint64_t semaphore_offset; /* 0: none */
	uint64_t cookie;
};

/* A link's descriptor or a negative errno. */
int link_uprobe_multi(int program, const char *path, const struct link_place *places, size_t count, pid_t pid);

/*
 * Detaches, all at the same time: each waits 40 to 70 ms for the kernel to be sure that nobody is inside a probe.
 */
void links_close(int *links, size_t count);

/* True if this kernel has uprobe_multi; needs the right to load programs. */
bool link_uprobe_multi_supported(void);

#endif
