/* SPDX-License-Identifier: Apache-2.0 */
/* The `run{}` object that every memlab JSON carries: what ran, with which settings, on what. */
#ifndef MEMLAB_SVC_RUNINFO_H
#define MEMLAB_SVC_RUNINFO_H

#include "buffer.h"
#include "config.h"

void runinfo_add(struct buffer *buffer, const struct config *config, uint64_t records);

#endif
