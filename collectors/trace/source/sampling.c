/* SPDX-License-Identifier: Apache-2.0 */
#include "sampling.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "source.h"

static int open_tick(int cpu)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = SOURCE_SAMPLE_PERIOD_NS,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int start_cpu(struct sampling *sampling, const struct bpf_program *program, int cpu)
{
	int fd = open_tick(cpu);
	if (fd == -ENODEV) /* a CPU that could be, and is not now */
		return 0;
	if (fd < 0)
		return fd;
	struct bpf_link *link = bpf_program__attach_perf_event(program, fd); /* takes the descriptor */
	if (!link) {
		int error = -errno;
		close(fd);
		return error;
	}
	sampling->links[sampling->count++] = link;
	return 0;
}

int sampling_start(struct sampling *sampling, const struct bpf_program *program)
{
	int cpus = libbpf_num_possible_cpus(), error = 0;
	if (cpus < 0)
		return cpus;
	*sampling = (struct sampling){.links = calloc((size_t)cpus, sizeof(struct bpf_link *))};
	if (!sampling->links)
		return -ENOMEM;
	for (int cpu = 0; cpu < cpus && !error; cpu++)
		error = start_cpu(sampling, program, cpu);
	if (error)
		sampling_stop(sampling);
	return error;
}

void sampling_stop(struct sampling *sampling)
{
	while (sampling->count)
		bpf_link__destroy(sampling->links[--sampling->count]);
	free(sampling->links);
	*sampling = (struct sampling){0};
}
