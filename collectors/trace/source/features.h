/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine and this process allow: the facts behind `memlab-trace doctor`. Each is
 * looked at, or tried, not guessed from a version.
 */
#ifndef MEMLAB_FEATURES_H
#define MEMLAB_FEATURES_H

#include <stddef.h>
#include <sys/types.h>

enum feature_state {
	FEATURE_OK,
	FEATURE_WARN, /* works, but something will be missing or dear */
	FEATURE_FAIL  /* memlab-trace cannot work */
};

struct feature {
	const char *name; /* "kernel", "BTF", ... */
	enum feature_state state;
	char found[200]; /* what is there */
	char fix[200];   /* what to do about it; "" for FEATURE_OK */
};

#define FEATURE_LIMIT 24

/*
 * Fills `features` (room for FEATURE_LIMIT) and returns how many. `pid` > 0: looks at that process
 * too. Tries things: needs some milliseconds, leaves nothing behind.
 */
size_t features_check(pid_t pid, struct feature *features);

/* "ok", "warn", "FAIL". */
const char *feature_state_name(enum feature_state state);

#endif
