/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics: every metric of metrics.def, in the classic text format or as OpenMetrics with exemplars. */
#ifndef MEMLAB_SVC_METRICS_PAGE_H
#define MEMLAB_SVC_METRICS_PAGE_H

#include "buffer.h"
#include "service.h"

enum metrics_format { METRICS_CLASSIC, METRICS_OPENMETRICS };

/* What a scraper asks for; `accept` may be NULL. */
enum metrics_format metrics_negotiate(const char *accept);
const char *metrics_content_type(enum metrics_format format);
void metrics_page_add(struct buffer *buffer, const struct service *service, enum metrics_format format);

#endif
