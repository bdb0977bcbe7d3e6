/* SPDX-License-Identifier: Apache-2.0 */
/* GET /debug/allocs: the heap's and the service's counters as one JSON object. Stops nobody. */
#ifndef MEMLAB_SVC_DEBUG_ALLOCS_H
#define MEMLAB_SVC_DEBUG_ALLOCS_H

#include "buffer.h"
#include "service.h"

void debug_allocs_add(struct buffer *buffer, const struct service *service);

#endif
