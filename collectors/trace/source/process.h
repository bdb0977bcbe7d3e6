/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process as /proc shows it: who it is, which files its code comes from, and two
 * descriptors that outlive the tracer's rights: its memory (read only) and its end.
 *
 * The pid is the tracer's name for it. Never stops the process, never writes to it.
 * One thread at a time.
 */
#ifndef MEMLAB_PROCESS_H
#define MEMLAB_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/* A file mapped with execute permission. */
struct process_file {
	char path[64];   /* opens the very file, also if deleted or in another mount namespace */
	char name[256];  /* what the process calls it */
	uint64_t start;  /* of the first executable mapping */
	uint64_t offset; /* in the file, of that mapping */
	uint64_t device, inode;
};

struct process {
	pid_t pid;    /* of the thread group's leader, in the tracer's PID namespace */
	pid_t ns_pid; /* in its own PID namespace */
	int pidfd;    /* readable when the process has ended */
	int memory;   /* /proc/PID/mem; -1: not allowed */
	char comm[16];
	char exe[256];
	struct process_file *files; /* the executable first */
	size_t file_count;
};

/* `pid` may be any thread of it. */
int process_open(struct process *process, pid_t pid, struct source_error *error);
void process_close(struct process *process);

bool process_alive(const struct process *process);

/* Reads memory of the process; all of it or -EIO. */
int process_read(const struct process *process, uint64_t address, void *bytes, size_t size);

#endif
