/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets of the configured address. Called by the main thread. */
#ifndef MEMLAB_SVC_LISTENER_H
#define MEMLAB_SVC_LISTENER_H

#include "config.h"

/* A bound socket, or negative errno. It refuses connections until listen(). `shared`: others of ours take the same
 * port. */
int listener_bind(const struct config *config, uint16_t port, bool shared);
uint16_t listener_port(int fd);
/* Sockets that share a port would also share it with another service of the same user: look first. 0 or negative errno.
 */
int listener_check_free(const struct config *config);

#endif
