/* SPDX-License-Identifier: Apache-2.0 */
/* See truth.h. */
#include "truth.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A shorter gap is an interrupt, or a cache miss. */
#define GAP_NS 20000u
/* Nobody has to wait longer than this for a wait that never comes. */
#define SPIN_CPU_LIMIT_NS 2000000000u

uint64_t truth_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void truth_tell(const char *kind, uint64_t begin_ns, uint64_t end_ns)
{
	static int file = -2;
	char line[96];
	if (file == -2) {
		const char *path = getenv("MEMLAB_INJECT_TRUTH");
		file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	}
	if (file < 0 || !kind)
		return;
	int length = snprintf(line, sizeof(line), "%s,%llu,%llu\n", kind, (unsigned long long)begin_ns,
			      (unsigned long long)end_ns);
	if (write(file, line, (size_t)length) != length)
		abort();
}

/* The file's CPU time is as of the last tick or switch; the clock's is as of now. */
struct truth_account truth_account(void)
{
	static _Thread_local int file = -1;
	unsigned long long cpu_ns = 0, wait_ns = 0;
	struct timespec used;
	char text[64] = "";
	if (file < 0)
		file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	if (pread(file, text, sizeof(text) - 1, 0) <= 0 || sscanf(text, "%llu %llu", &cpu_ns, &wait_ns) != 2)
		abort();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (struct truth_account){(uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec, wait_ns};
}

static bool spin_goes_on(const struct truth_spin *spin, uint64_t ran_ns, uint64_t waited_ns)
{
	return ran_ns < SPIN_CPU_LIMIT_NS && !(spin->cpu_ns && ran_ns >= spin->cpu_ns) &&
	       !(spin->wait_ns && waited_ns >= spin->wait_ns) && !(spin->until && atomic_load(spin->until));
}

void truth_spin(const struct truth_spin *spin)
{
	uint64_t wait_before_ns = truth_account().wait_ns, waited_ns = 0, ran_ns = 0;
	uint64_t since_ns = truth_now_ns(), last_ns = since_ns;
	while (spin_goes_on(spin, ran_ns, waited_ns)) {
		uint64_t now_ns = truth_now_ns(), gap_ns = now_ns - last_ns;
		if (gap_ns < GAP_NS) {
			ran_ns += gap_ns;
			last_ns = now_ns;
			continue;
		}
		uint64_t wait_ns = truth_account().wait_ns - wait_before_ns;
		if (wait_ns > gap_ns)
			wait_ns = gap_ns; /* the rest was while the account was read, and belongs to the gap that this makes */
		if (wait_ns > 0) {
			truth_tell(spin->running, since_ns, last_ns);
			truth_tell(spin->waiting, now_ns - wait_ns, now_ns);
			waited_ns += wait_ns;
			since_ns = now_ns;
		}
		wait_before_ns += wait_ns;
		last_ns = now_ns; /* so that a wait while the account was read shows too */
	}
	truth_tell(spin->running, since_ns, last_ns);
}
