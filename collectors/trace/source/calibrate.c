/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function of our own with a one-byte nop, as memlab's probes have, is watched through
 * uprobe_multi by a program that only counts; it is timed with and without.
 */
#include "calibrate.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "link.h"
#include "source.h"

#define BATCHES 9
#define BATCH_CALLS 200

extern const char calibrate_probe[];

__attribute__((noinline, noclone)) static void calibrate_call(void)
{
	__asm__ volatile(".globl calibrate_probe\n.hidden calibrate_probe\ncalibrate_probe: nop" ::: "memory");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, BATCHES, sizeof(*values), compare);
	return values[BATCHES / 2];
}

static double time_calls(void)
{
	double batches[BATCHES];
	for (int b = 0; b < BATCHES; b++) {
		uint64_t begin_ns = source_now_ns();
		for (int call = 0; call < BATCH_CALLS; call++)
			calibrate_call();
		batches[b] = (double)(source_now_ns() - begin_ns) / BATCH_CALLS;
	}
	return median(batches);
}

static double time_clock(void)
{
	double batches[BATCHES];
	for (int b = 0; b < BATCHES; b++) {
		uint64_t begin_ns = source_now_ns(), end_ns = begin_ns;
		for (int call = 0; call < BATCH_CALLS; call++)
			end_ns = source_now_ns();
		batches[b] = (double)(end_ns - begin_ns) / BATCH_CALLS;
	}
	return median(batches);
}

/* Where the nop lies in our own file. */
static int probe_offset(uint64_t *offset)
{
	uint64_t address = (uintptr_t)calibrate_probe, start, end, at;
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int result = -ENOENT;
	if (!maps)
		return -errno;
	while (result && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start, &end, &at) != 3)
			continue;
		if (address < start || address >= end)
			continue;
		*offset = address - start + at;
		result = 0;
	}
	fclose(maps);
	return result;
}

/* A program that adds 1 to the map's first word. */
static int load_counter(int map)
{
	const struct bpf_insn program[] = {
		{.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = map},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 1},
		{.code = BPF_STX | BPF_DW | BPF_ATOMIC, .dst_reg = 1, .src_reg = 2, .imm = BPF_ADD},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = LINK_UPROBE_MULTI);
	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "memlab_calib", "GPL", program, sizeof(program) / sizeof(program[0]),
			     &options);
}

static uint64_t count_of(int map)
{
	uint32_t key = 0;
	uint64_t count = 0;
	bpf_map_lookup_elem(map, &key, &count);
	return count;
}

static void *call_once(void *unused)
{
	calibrate_call();
	return unused;
}

static bool other_thread_counts(int map)
{
	pthread_t thread;
	uint64_t before = count_of(map);
	if (pthread_create(&thread, NULL, call_once, NULL))
		return false;
	pthread_join(thread, NULL);
	return count_of(map) == before + 1;
}

static int measure(struct calibration *calibration, int map, int program)
{
	struct link_place place = {0};
	int result = probe_offset(&place.offset);
	if (result)
		return result;
	double plain_ns = time_calls();
	int link = link_uprobe_multi(program, "/proc/self/exe", &place, 1, getpid());
	if (link < 0)
		return link;
	calibration->trap_ns = time_calls() - plain_ns;
	calibration->threads_covered = other_thread_counts(map);
	calibration->clock_ns = time_clock();
	close(link);
	return 0;
}

int calibrate(struct calibration *calibration)
{
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "memlab_calib", sizeof(uint32_t), sizeof(uint64_t), 1, NULL);
	if (map < 0)
		return map;
	int program = load_counter(map);
	int result = program < 0 ? program : measure(calibration, map, program);
	if (program >= 0)
		close(program);
	close(map);
	return result;
}
