/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /debug/knobs: what can be changed while the service runs. GET shows the values, POST changes them:
 *   curl -X POST 'http://127.0.0.1:8080/debug/knobs?gogc=200&gomemlimit=1GiB&gc=now'
 * All of a request is applied or nothing. Only for clients on this machine.
 */
#ifndef MEMLAB_SVC_KNOBS_H
#define MEMLAB_SVC_KNOBS_H

#include "handlers.h"

/* NULL, or what is wrong with the request (nothing was changed then). */
const char *knobs_apply(const struct service *service, const struct request *request);
/* The values as a JSON object. */
void knobs_add(struct buffer *buffer, const struct service *service);

#endif
