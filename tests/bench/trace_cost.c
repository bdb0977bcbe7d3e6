/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What watching costs the target, per request: the echo target and one client play ping-pong, in
 * short windows, without and with the tracer in the order ABBA, so that drift of the machine falls
 * out. The cost is the difference of the target's CPU time per request, with its 95 % interval.
 *
 *   trace_cost [WINDOWS [SECONDS]]      default: 24 windows of each kind, 0.2 s
 */
#include <math.h>
#include <sched.h>

#include "../bpf/fixture.h"

struct variant {
	const char *name;
	const char *ask;
	struct source_options options;
};

static void ignore(void *context, const struct record *record)
{
	(void)context;
	(void)record;
}

static void pin(pid_t pid, int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	sched_setaffinity(pid, sizeof(set), &set);
}

/* The target's CPU time so far. */
static double cpu_ns(pid_t pid)
{
	char path[64];
	double ns = 0;
	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	FILE *file = fopen(path, "re");
	if (file && fscanf(file, "%lf", &ns) != 1)
		ns = 0;
	if (file)
		fclose(file);
	return ns;
}

/* CPU time of the target per request; the source, if any, is drained on a timer as the tracer does. */
static double window(struct target target, int fd, const struct variant *variant, struct source *source, double seconds)
{
	uint64_t begin_ns = source_now_ns(), end_ns = begin_ns + (uint64_t)(seconds * 1e9), drain_ns = begin_ns;
	double before_ns = cpu_ns(target.pid);
	uint64_t requests = 0, now_ns;
	do {
		target_ask(fd, variant->ask);
		requests++;
		now_ns = source_now_ns();
		if (source && now_ns - drain_ns > 5000000) {
			source_drain(source, ignore, NULL);
			drain_ns = now_ns;
		}
	} while (now_ns < end_ns);
	return (cpu_ns(target.pid) - before_ns) / (double)requests;
}

static double traced_window(struct target target, int fd, const struct variant *variant, double seconds)
{
	struct source *source = open_source(target, variant->options);
	double ns = window(target, fd, variant, source, seconds);
	source_close(source);
	return ns;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(struct target target, int fd, const struct variant *variant, int rounds, double seconds)
{
	double differences[1024], sum = 0, squares = 0, base = 0;
	for (int round = 0; round < rounds; round++) {
		double off1 = window(target, fd, variant, NULL, seconds);
		double on1 = traced_window(target, fd, variant, seconds);
		double on2 = traced_window(target, fd, variant, seconds);
		double off2 = window(target, fd, variant, NULL, seconds);
		base += (off1 + off2) / 2 / rounds;
		differences[round] = (on1 + on2 - off1 - off2) / 2;
		sum += differences[round];
		squares += differences[round] * differences[round];
	}
	double mean = sum / rounds, deviation = sqrt((squares / rounds - mean * mean) / (rounds - 1));
	qsort(differences, (size_t)rounds, sizeof(differences[0]), compare);
	printf("%-44s %6.0f ns/request %+6.0f +- %.0f (median %+.0f)\n", variant->name, base, mean, 1.96 * deviation,
	       differences[rounds / 2]);
}

int main(int argc, char **argv)
{
	static const struct variant variants[] = {
		{"three socket edges", "p", {.no_sched = true, .no_probes = true}},
		{"socket edges, scheduler", "p", {.no_probes = true}},
		{"socket edges, request_end", "r", {.no_sched = true}},
		{"socket edges, requests from the flight ring", "r", {.no_sched = true, .flight = true}},
		{"socket edges, scheduler, request_end", "r", {0}},
		{"the same and two more probes", "h", {0}},
	};
	int rounds = argc > 1 ? atoi(argv[1]) / 2 : 12;
	double seconds = argc > 2 ? atof(argv[2]) : 0.2;
	if (rounds < 2 || rounds > 1024 || seconds <= 0) {
		fputs("trace_cost: at least 4 windows, longer than 0 s; see the head of trace_cost.c\n", stderr);
		return 2;
	}
	struct target target = target_start("0");
	int fd = target_connect(target);
	pin(target.pid, 0);
	pin(0, 1);
	for (size_t v = 0; v < sizeof(variants) / sizeof(variants[0]); v++)
		measure(target, fd, &variants[v], rounds, seconds);
	target_stop(target);
	return 0;
}
