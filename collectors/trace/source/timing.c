/* SPDX-License-Identifier: Apache-2.0 */
#include "timing.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include "source.h"

int timing_start(struct timing *timing)
{
	timing->fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	timing->since_ns = source_now_ns();
	return timing->fd < 0 ? timing->fd : 0;
}

void timing_end(struct timing *timing)
{
	if (timing->fd < 0)
		return;
	close(timing->fd);
	timing->fd = -1;
	timing->timed_ns = source_now_ns() - timing->since_ns;
}

void timing_sum(const struct timing *timing, const struct bpf_object *object, struct timing_sum *sum)
{
	struct bpf_program *program;
	*sum = (struct timing_sum){.timed_ns = timing->fd >= 0 ? source_now_ns() - timing->since_ns : timing->timed_ns};
	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);
		int fd = bpf_program__fd(program);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
			continue;
		sum->run_ns += info.run_time_ns;
		sum->runs += info.run_cnt;
	}
}
