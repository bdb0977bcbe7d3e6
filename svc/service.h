/* SPDX-License-Identifier: Apache-2.0 */
/* One service: what its event loops, handlers and pages share. */
#ifndef MEMLAB_SVC_SERVICE_H
#define MEMLAB_SVC_SERVICE_H

#include "config.h"
#include "metrics.h"

/* Set before the first loop runs. */
struct service {
	const struct config *config;
	struct gc_heap *heap;
	const struct store *store;
	const struct metrics *loops; /* config->threads of them */
	const char *run_info;        /* run{} as JSON, ended by NUL */
	void (*collect)(void);       /* have another thread run a collection; returns at once; NULL: not offered */
	bool stopping;               /* atomic; set once: not ready for new clients */
	bool shedding;               /* atomic; over the memory limit: lookups get 503 */
};

/* All loops together. */
void service_metrics(const struct service *service, struct metrics *sum);

#endif
