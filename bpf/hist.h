/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * One bucket rule for everyone: BPF programs, tracer, load generator, service.
 *
 * Log-linear: values below 2*HIST_SUB have a bucket each; above, every power of two is
 * cut into HIST_SUB equal buckets, so that a bucket is at most 1/HIST_SUB
 * (0.78 %) of its value wide. The idea is that of HdrHistogram (Gil Tene). Values are
 * nanoseconds by habit, but any u64 below 2^HIST_BITS has a bucket; larger ones
 * are counted in the last.
 *
 * Everything here is pure: no allocation, no clock, no floating point, and it passes the
 * BPF verifier. A histogram is an array of HIST_BUCKETS counters; adding two is adding arrays.
 */
#ifndef MEMLAB_HIST_H
#define MEMLAB_HIST_H

#ifndef __bpf__
#include <stdint.h>
typedef uint32_t hist_u32;
typedef uint64_t hist_u64;
#else
typedef __u32 hist_u32;
typedef __u64 hist_u64;
#endif

#define HIST_SUB_BITS 7
#define HIST_SUB (1u << HIST_SUB_BITS)
#define HIST_BITS 40 /* the last bucket ends at 2^40 ns = 1099 s */
#define HIST_BUCKETS ((HIST_BITS - HIST_SUB_BITS + 1) * HIST_SUB)

/* Index of the highest set bit; v must not be 0. */
static inline hist_u32 hist_log2(hist_u64 v)
{
#ifdef __bpf__
	hist_u32 r = 0;
	if (v >> 32) { v >>= 32; r += 32; }
	if (v >> 16) { v >>= 16; r += 16; }
	if (v >> 8) { v >>= 8; r += 8; }
	if (v >> 4) { v >>= 4; r += 4; }
	if (v >> 2) { v >>= 2; r += 2; }
	return r + (hist_u32)(v >> 1);
#else
	return 63 - (hist_u32)__builtin_clzll(v);
#endif
}

/* The bucket of a value: 0 to HIST_BUCKETS - 1. */
static inline hist_u32 hist_bucket(hist_u64 value)
{
	if (value < HIST_SUB)
		return (hist_u32)value;
	hist_u32 shift = hist_log2(value) - HIST_SUB_BITS;
	hist_u32 bucket = (shift << HIST_SUB_BITS) + (hist_u32)(value >> shift);
	return bucket < HIST_BUCKETS ? bucket : HIST_BUCKETS - 1;
}

/* The smallest value of a bucket; hist_floor(HIST_BUCKETS) is the end of the last. */
static inline hist_u64 hist_floor(hist_u32 bucket)
{
	if (bucket < 2 * HIST_SUB)
		return bucket;
	hist_u32 shift = (bucket >> HIST_SUB_BITS) - 1;
	return (hist_u64)(HIST_SUB + (bucket & (HIST_SUB - 1))) << shift;
}

/* The largest value of a bucket: what percentiles report, so that they never flatter. */
static inline hist_u64 hist_ceiling(hist_u32 bucket)
{
	return hist_floor(bucket + 1) - 1;
}

#ifndef __bpf__
/*
 * The value at or below which `percent` of all counted values lie (0 < percent <= 100),
 * to within one bucket; 0 when nothing was counted. The smallest bucket whose running
 * count reaches ceil(percent/100 * total).
 */
static inline uint64_t hist_percentile(const uint64_t counts[HIST_BUCKETS], double percent)
{
	uint64_t total = 0;
	for (uint32_t b = 0; b < HIST_BUCKETS; b++)
		total += counts[b];
	if (total == 0)
		return 0;
	double exact = percent / 100.0 * (double)total;
	uint64_t rank = (uint64_t)exact;
	if ((double)rank < exact || rank == 0)
		rank++;
	uint64_t running = 0;
	for (uint32_t b = 0; b < HIST_BUCKETS; b++) {
		running += counts[b];
		if (running >= rank)
			return hist_ceiling(b);
	}
	return hist_ceiling(HIST_BUCKETS - 1);
}
#endif

#endif
