/* SPDX-License-Identifier: Apache-2.0 */

#include "service.h"

#include <string.h>

void service_metrics(const struct service *service, struct metrics *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < service->config->threads; i++)
		metrics_sum(sum, &service->loops[i]);
}
