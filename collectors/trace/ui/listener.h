/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracer's HTTP side: the live page, its data, the flame graph, the profile and /metrics.
 *
 * Read only, fixed paths, no files. It listens on loopback unless the owner of the machine says otherwise by a flag of
 * its own, and then still answers only to requests that name it by a loopback host (a page elsewhere cannot reach it
 * through a name that points here). No thread of its own: call listener_poll from the loop that also owns the data;
 * answers are made inside that call.
 */
#ifndef MEMLAB_TRACE_UI_LISTENER_H
#define MEMLAB_TRACE_UI_LISTENER_H

#include <stdint.h>
#include <stdio.h>

#include "../export/metrics.h"
#include "../export/views.h"

struct listener;

/* Each writes one resource and returns 0, -ENOENT (404: not in this run) or another negative errno (500). NULL: 404. */
struct listener_content {
	void *context;
	int (*data)(void *context, FILE *file); /* data.json: page_data() */
	int (*metrics)(void *context, FILE *file, enum metrics_format format);
	int (*flame)(void *context, FILE *file, enum flame_kind kind);   /* flame-KIND.svg */
	int (*profile)(void *context, FILE *file, enum pprof_kind kind); /* profile-KIND.pb.gz */
};

/*
 * `address`: "127.0.0.1:9435", "[::1]:9435", ":9435" or "9435" (both loopback); port 0: any free one. `anyone` allows
 * other addresses than loopback. 0, -EINVAL: no such address, -EPERM: not loopback and not allowed, -EADDRINUSE,
 * -ENOMEM.
 */
int listener_open(struct listener **listener, const char *address, int anyone, const struct listener_content *content);
void listener_close(struct listener *listener); /* NULL allowed */

/* Answers what has come; never waits. */
void listener_poll(struct listener *listener);

uint16_t listener_port(const struct listener *listener);

#endif
