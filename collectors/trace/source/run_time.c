/* SPDX-License-Identifier: Apache-2.0 */
/* Run time: see run_time.h. */
#include "run_time.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

struct runs runs_of(int program)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	if (program < 0 || bpf_obj_get_info_by_fd(program, &info, &size) != 0)
		return (struct runs){0};
	return (struct runs){info.run_cnt, info.run_time_ns};
}

static struct runs runs_so_far(const struct bpf_object *object)
{
	struct bpf_program *program;
	struct runs sum = {0};
	bpf_object__for_each_program(program, object) {
		struct runs runs = runs_of(bpf_program__fd(program));
		sum.count += runs.count;
		sum.ns += runs.ns;
	}
	return sum;
}

void run_time_begin(struct run_time *run_time, const struct bpf_object *object, uint64_t now_ns)
{
	*run_time = (struct run_time){.statistics = bpf_enable_stats(BPF_STATS_RUN_TIME), .begin_ns = now_ns, .before = runs_so_far(object)};
}

#define REQUESTS_MIN 20u

void run_time_look(struct run_time *run_time, const struct bpf_object *object, uint64_t now_ns, uint64_t requests)
{
	if (run_time->statistics < 0 || now_ns - run_time->begin_ns < RUN_TIME_NS)
		return;
	struct runs runs = runs_so_far(object);
	run_time->found = (struct runs){runs.count - run_time->before.count, runs.ns - run_time->before.ns};
	run_time->over_ns = requests < REQUESTS_MIN ? 0 : now_ns - run_time->begin_ns;
	run_time_close(run_time);
}

void run_time_close(struct run_time *run_time)
{
	if (run_time->statistics >= 0)
		close(run_time->statistics);
	run_time->statistics = -1;
}
