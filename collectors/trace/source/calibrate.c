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
#include "run_time.h"
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

/* The map's one value: a count, then room for a stack. */
#define STACK_AT 8
#define STACK_BYTES 384
#define VALUE_BYTES (STACK_AT + STACK_BYTES)

static int load(const struct bpf_insn *program, size_t count)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = LINK_UPROBE_MULTI);
	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "memlab_calib", "GPL", program, count, &options);
}

/* A program that adds 1 to the count. */
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
	return load(program, sizeof(program) / sizeof(program[0]));
}

/* A program that takes the user's stack. */
static int load_stack(int map)
{
	const struct bpf_insn program[] = {
		{.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 2, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = map},
		{.imm = STACK_AT},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = STACK_BYTES},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 4, .imm = BPF_F_USER_STACK},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_stack},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	return load(program, sizeof(program) / sizeof(program[0]));
}

static uint64_t count_of(int map)
{
	uint32_t key = 0;
	union {
		uint64_t count;
		char bytes[VALUE_BYTES];
	} value = {0};
	bpf_map_lookup_elem(map, &key, &value);
	return value.count;
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

static int attach(int program)
{
	struct link_place place = {0};
	int result = probe_offset(&place.offset);
	return result ? result : link_uprobe_multi(program, "/proc/self/exe", &place, 1, getpid());
}

/* While the program, which does next to nothing, is attached. */
static double time_counting(int program)
{
	int statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (statistics < 0)
		return 0;
	struct runs before = runs_of(program);
	time_calls();
	struct runs after = runs_of(program);
	close(statistics);
	return after.count > before.count ? (double)(after.ns - before.ns) / (double)(after.count - before.count) : 0;
}

static int measure_trap(struct calibration *calibration, int map, int program)
{
	double plain_ns = time_calls();
	int link = attach(program);
	if (link < 0)
		return link;
	calibration->trap_ns = time_calls() - plain_ns;
	calibration->threads_covered = other_thread_counts(map);
	calibration->counting_ns = time_counting(program);
	close(link);
	return 0;
}

static int measure_stack(struct calibration *calibration, int program)
{
	double plain_ns = time_calls();
	int link = attach(program);
	if (link < 0)
		return link;
	calibration->stack_ns = time_calls() - plain_ns - calibration->trap_ns;
	close(link);
	return 0;
}

static void close_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

int calibrate(struct calibration *calibration)
{
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "memlab_calib", sizeof(uint32_t), VALUE_BYTES, 1, NULL);
	if (map < 0)
		return map;
	int counter = load_counter(map), stack = load_stack(map);
	int result = counter < 0 ? counter : measure_trap(calibration, map, counter);
	if (!result)
		result = stack < 0 ? stack : measure_stack(calibration, stack);
	calibration->clock_ns = time_clock();
	close_open(counter);
	close_open(stack);
	close(map);
	return result;
}
