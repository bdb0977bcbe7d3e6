/* SPDX-License-Identifier: Apache-2.0 */
/* Budget: see budget.h. */
#include "budget.h"

#include <sched.h>

#include "../../svc/probes/probes.h"

/* From docs/tracing.md: clock readings and what others' sockets and switches cost on the way included. */
#define COST_RECV_NS 400.0
#define COST_SEND_NS 250.0
#define COST_SCHED_NS 150.0
#define COST_FLIGHT_NS 70.0
#define COST_SAMPLE_NS 1500.0 /* a stack */

unsigned budget_cpus(int pid)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	return sched_getaffinity(pid, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

double budget_target_ns(const struct budget *budget, const struct source_counts *counts)
{
	const uint64_t *written = counts->written_of;
	double sched = (double)(written[RECORD_SWITCH] + written[RECORD_WAKING] + written[RECORD_WAKEUP]);
	double ns = sched * COST_SCHED_NS + (double)written[RECORD_RECV] * COST_RECV_NS +
		    (double)written[RECORD_SEND] * COST_SEND_NS + (double)counts->flights * COST_FLIGHT_NS +
		    (double)counts->samples * COST_SAMPLE_NS;
	return budget->trap_ns < 0 ? ns : ns + (double)counts->traps * budget->trap_ns;
}

double budget_bpf_percent(const struct budget *budget, const struct source_counts *counts)
{
	double ns = (double)counts->bpf_ns - (double)counts->bpf_runs * budget->counting_ns;
	return ns > 0 ? 100 * ns / (double)counts->bpf_over_ns : 0;
}

uint64_t budget_requests(const struct source_counts *counts)
{
	uint64_t ends = counts->event_hits[EVENT_request_end], reads = counts->written_of[RECORD_RECV];
	return ends ? ends : reads;
}

static void look(struct budget *budget, uint64_t now_ns, const struct source_counts *counts, double tracer_s)
{
	double target_ns = budget_target_ns(budget, counts);
	uint64_t requests = budget_requests(counts);
	double seconds = (double)(now_ns - budget->looked_ns) / 1e9;
	if (budget->looked_ns && seconds > 0) {
		double used_s = (target_ns - budget->target_ns) / 1e9 + tracer_s - budget->tracer_s;
		budget->used_percent = 100 * used_s / seconds / budget->cpus;
		budget->requests_per_s = (double)(requests - budget->requests) / seconds;
	}
	budget->looked_ns = now_ns;
	budget->requests = requests;
	budget->target_ns = target_ns;
	budget->tracer_s = tracer_s;
}

bool budget_exceeded(struct budget *budget, uint64_t now_ns, const struct source_counts *counts, double tracer_s)
{
	bool first = budget->looked_ns == 0;
	if (!first && (budget->next_ns == 0 || now_ns < budget->next_ns))
		return false;
	uint64_t before = budget->requests;
	look(budget, now_ns, counts, tracer_s);
	budget->next_ns = now_ns + (first ? BUDGET_FIRST_NS : BUDGET_EVERY_NS);
	return !first && budget->requests - before >= BUDGET_REQUESTS_MIN && budget->used_percent > budget->percent;
}
