/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP: the only file that knows libmicrohttpd. Each event loop is a thread with a listener, a daemon, a mutator and
 * counters of its own; loops share nothing they write.
 *
 * server_create binds, server_start serves, server_stop answers what is in flight and ends the threads; all
 * are called by the main thread.
 */
#ifndef MEMLAB_SVC_SERVER_H
#define MEMLAB_SVC_SERVER_H

#include "handlers.h"

struct server;

/*
 * Binds config->threads listeners. Negative errno: -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -EINVAL (not an address),
 * -ENOMEM, ... `loops` (config->threads counters) must outlive the server.
 */
int server_create(const struct config *config, struct metrics *loops, struct server **server);
uint16_t server_port(const struct server *server);
/* From here on requests are answered. Negative errno. */
int server_start(struct server *server, const struct service *service);
/* Returns when all requests in flight are answered or the grace time is over. */
void server_stop(struct server *server);
/* NULL allowed. */
void server_destroy(struct server *server);

#endif
