/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the requests go, and what the service says about itself before the run.
 */
#ifndef MEMLAB_LOAD_TARGET_H
#define MEMLAB_LOAD_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "url.h"

#define TARGET_ABOUT_BYTES 65536

struct target {
	struct sockaddr_storage address;
	socklen_t address_bytes;
	uint64_t control_requests; /* sent outside the schedule */
	bool known;                /* it answered as memlab-svc does */
	uint64_t records, seed;    /* when known */
	const char *run;           /* its run{} object inside `about`, or NULL */
	size_t run_bytes;
	char about[TARGET_ABOUT_BYTES]; /* the body of /debug/allocs */
};

/* Looks the host up. 0, or a getaddrinfo error code. */
int target_resolve(struct target *target, const struct url *url);

/*
 * GET /debug/allocs on a connection of its own. 0 when the target answered at all (`known` says whether as
 * memlab-svc does), or a negative errno.
 */
int target_ask(struct target *target, const struct url *url, uint64_t timeout_ns);

#endif
