/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The summary as one JSON object on one line: the document scripts and tests rely on. Every number
 * of the screen is in it. Keys are only ever added.
 *
 *   target{pid,comm,kind}, run{...} as the target states it, mode, alloc_mode, missing, next,
 *   probes{found,attached,attach_ns,left_out: which are not attached and what would attach them}, duration_s, requests, requests_per_s, cut, lost, late, negative,
 *   cost{target_ns_per_request,tracer_cpu_percent,bpf_cpu_percent,budget_percent}: null when not known,
 *   server_ns, queue_ns, service_ns {count,p50,p90,p99,p999,p9999,max,mean},
 *   server_interval_ns{p50,...,p9999}: [low, high], 95 %, null: too few requests to tell,
 *   causes{<cause>:{queue_ns:{p50,p99,p999,total},service_ns:{...},error_percent{...}: of its share, 95 %, or null}}: means over the cohorts, sums over all requests,
 *   why[]: the causes of the slowest 1 %, the greatest first: {cause,percent,error_percent,mean_ns,queue_percent,service_percent,
 *   taken_by{comm,tid,threads} or null, rest{causes,...}: all behind it but for unattributed},
 *   cohort{p50,p99,p999}: how many; cohort_floor_ns{...}; cohort_server_ns{...}: their mean server time,
 *   without_gc_ns{p50,p99,p999,...}, gc_tail_ns{p50,p99,p999}, gc_tail_percent: of p99, at least 0, gc{...}, alloc{...}, worst[], culprits[],
 *   series[], series_p99_ns_max, checks{...}, no_requests: why none was seen
 */
#ifndef MEMLAB_TRACE_EXPORT_JSON_H
#define MEMLAB_TRACE_EXPORT_JSON_H

#include <stdio.h>

#include "../attribution/result.h"
#include "../core/info.h"

/* Ends with a newline. 0 or -EIO. */
int export_json(FILE *file, const struct trace_info *info, const struct summary *summary);

#endif
