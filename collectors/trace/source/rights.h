/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracer's rights: which it has, and how it gives them all up once attached.
 */
#ifndef MEMLAB_RIGHTS_H
#define MEMLAB_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

/* What loading programs takes: CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN, which includes them. */
bool rights_to_load(void);

/* The names of the wanted capabilities this process lacks, "CAP_BPF CAP_PERFMON"; "" if none. */
void rights_missing(char *text, size_t size);

/* Gives up every capability that loading and looking into processes does not take. 0 or a negative errno. */
int rights_keep_to_load(void);

/*
 * Gives up every capability, in the bounding set too, for good, also across exec. Open sources
 * go on: they hold descriptors. What cannot be done afterwards: opening another source, files
 * that root may open only because it is root (another user's directory, /proc of a process with
 * more rights). So open outputs and resolve files first. Call it before there is a second
 * thread: rights belong to threads. 0 or a negative errno.
 */
int rights_drop(void);

#endif
