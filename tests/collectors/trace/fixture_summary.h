/* SPDX-License-Identifier: Apache-2.0 */
/* Hand-made summaries for the tests of the views: round numbers, every field set. */
#ifndef MEMLAB_TESTS_FIXTURE_SUMMARY_H
#define MEMLAB_TESTS_FIXTURE_SUMMARY_H

#include <string.h>

#include "../../../collectors/trace/attribution/result.h"
#include "../../../collectors/trace/core/info.h"

static inline struct trace_info fixture_info(void)
{
	struct trace_info info = {
		.version = "0.1",
		.pid = 4711,
		.comm = "memlab-svc",
		.kind = "memlab-svc",
		.mode = "exact",
		.alloc_mode = "counters",
		.probes_found = 14,
		.probes_attached = 14,
		.attach_ns = 9210000,
		.duration_ns = 10000000000,
		.requests_per_second = 12000,
		.cost = {.target_ns_per_request = 212, .tracer_cpu_percent = 0.84, .bpf_cpu_percent = 0.31, .budget_percent = 2},
		.run_json = "{\"path\":\"naive\",\"layout\":\"map\",\"index_bytes\":67108864,\"gogc\":\"100\",\n "
			    "\"seed\":42}",
	};
	return info;
}

/* Twice 10 of `queue` and `service`: a cohort whose mean is exactly their sum. */
static inline void fixture_cohort(struct cohort *cohort, uint64_t count, double scale)
{
	static const double queue[CAUSE_COUNT] = {120, 80, 390, 40, 2280, 500, 12, 0, 1, 10};
	static const double service[CAUSE_COUNT] = {130, 170, 90, 20, 260, 220, 0, 3, 2, 23};
	cohort->count = count;
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
		cohort->queue_ns[cause] = queue[cause] * scale;
		cohort->service_ns[cause] = service[cause] * scale;
		cohort->server_ns += (queue[cause] + service[cause]) * scale;
	}
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++)
		cohort->share_error[cause] = (queue[cause] + service[cause]) / 43510;
	cohort->floor_ns = (uint64_t)(cohort->server_ns * 0.95);
}

static inline struct request fixture_worst(void)
{
	struct request worst = {
		.arrival_ns = 5000000000,
		.begin_ns = 5008100000,
		.end_ns = 5009700000,
		.tid = 4712,
		.peer_port = 51234,
		.local_port = 8080,
		.collector_ns = 900000,
		.cycle = 12,
		.culprit = "memlab-gc",
		.culprit_tid = 4713,
		.has_service = 1,
		.key = 8841,
		.allocs = 12,
		.alloc_bytes = 1536,
		.status = 200,
	};
	worst.queue.ns[CAUSE_GC_CPU] = 7400000;
	worst.queue.ns[CAUSE_OWN] = 700000;
	worst.service.ns[CAUSE_GC_CPU] = 900000;
	worst.service.ns[CAUSE_OWN] = 700000;
	return worst;
}

static inline struct summary fixture_summary(void)
{
	struct summary summary = {
		.first_ns = 1000000000,
		.last_ns = 11000000000,
		.requests = 120000,
		.server = {120000, 31200, 62000, 4150000, 8200000, 9100000, 9700000, 130000.5},
		.queue = {120000, 11200, 22000, 3150000, 7200000, 8000000, 8100000, 90000},
		.service = {120000, 20000, 40000, 1000000, 1200000, 1500000, 1600000, 40000.5},
		.server_interval = {{31000, 31500}, {61000, 63100}, {3900000, 4500000}, {7000000, 9000000}, {0, 0}},
		.without_gc = {120000, 30100, 58000, 410000, 1100000, 1300000, 1400000, 50000},
		.gc = {.cycles = 37,
		       .handshake = {900, 4000, 9000, 21000, 30000, 30000, 31000, 5000},
		       .stop = {10, 1000, 2000, 3000, 3000, 3000, 3000, 1500},
		       .assist_ns = 123456789,
		       .worker_cpu_ns = 987654321,
		       .cpu_fraction = 0.12},
		.alloc = {.requests = 120000, .total = 1440000, .total_bytes = 184320000},
		.worst_count = 1,
		.culprits = {{"memlab-gc", 4713, 1, 900000000}, {"memlab-load", 4720, 0, 300000000}},
		.culprit_count = 2,
		.series_count = 60,
		.checks = {.unattributed_percent = 0.8, .cpu_time_error_percent = 0.4},
	};
	fixture_cohort(&summary.cohort[COHORT_P50], 2400, 7);
	fixture_cohort(&summary.cohort[COHORT_P99], 1200, 1000);
	fixture_cohort(&summary.cohort[COHORT_P999], 120, 1900);
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
		summary.total_queue_ns[cause] = summary.cohort[COHORT_P99].queue_ns[cause] * 2000;
		summary.total_service_ns[cause] = summary.cohort[COHORT_P99].service_ns[cause] * 2000;
	}
	summary.worst[0] = fixture_worst();
	for (unsigned i = 0; i < summary.series_count; i++) {
		summary.series[i].requests = 12000;
		summary.series[i].cycles = i % 5 == 4;
		summary.series[i].p99_ns = i % 5 == 4 ? 4000000 + 100000 * i : 400000 + 7000 * i;
	}
	return summary;
}

/* Every send was seen from its begin. */
static inline void fixture_kernel_net(struct summary *summary)
{
	summary->total_net_ns = 140e6;
	for (int c = 0; c < COHORT_COUNT; c++)
		summary->cohort[c].net_ns = summary->cohort[c].service_ns[CAUSE_OWN] / 2;
	summary->worst[0].net_ns = 400000;
}

/* Half of what the program had for its own in the tail was taken from it. */
static inline void fixture_steal(struct summary *summary)
{
	summary->total_steal_ns = 90e6;
	for (int c = COHORT_P99; c < COHORT_COUNT; c++)
		summary->cohort[c].steal_ns = (summary->cohort[c].queue_ns[CAUSE_OWN] + summary->cohort[c].service_ns[CAUSE_OWN]) / 2;
	summary->worst[0].steal_ns = 700000;
}

/* Most requests carried their client's times, the worst among them. */
static inline void fixture_client_times(struct summary *summary)
{
	summary->client_wait = (struct quantiles){119000, 900, 4000, 2100000, 5300000, 6000000, 6200000, 30000};
	summary->response = (struct quantiles){119000, 45000, 81000, 6450000, 13600000, 15000000, 15900000, 180000};
	summary->worst[0].send_ns = summary->worst[0].arrival_ns - 15000;
	summary->worst[0].intended_ns = summary->worst[0].send_ns - 6200000;
}

/* A stranger: no probes, sockets and scheduler only, hostile name. */
static inline struct trace_info fixture_info_foreign(void)
{
	struct trace_info info = fixture_info();
	memcpy(info.comm, "ng\033[2Jx\xff<&>\"\xe2\x80\xae", 14);
	info.comm[14] = info.comm[15] = '\0';
	info.kind = "process";
	info.probes_found = info.probes_attached = 0;
	info.run_json = NULL;
	info.missing = "alloc, assist, stop and gc_cpu: the process has no memlab probes; what they cost is in own, "
		       "runq and blocked";
	return info;
}

#endif
