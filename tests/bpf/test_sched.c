/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler's records: threads that sleep, are woken, wait, are preempted, move and end, and
 * strangers on the CPU the target waits for.
 */
#include "fixture.h"

#include <sched.h>

static struct target target;
static struct source *source;
static int connection;

static int setup(void **state)
{
	(void)state;
	target = target_start("0");
	source = open_source(target, (struct source_options){0});
	connection = target_connect(target);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(connection);
	source_close(source);
	target_stop(target);
	return 0;
}

/* The n-th CPU we may use, from the first again when there are fewer. */
static int cpu_nth(int n)
{
	cpu_set_t set;
	assert_int_equal(sched_getaffinity(getppid(), sizeof(set), &set), 0);
	n %= CPU_COUNT(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &set) && n-- == 0)
			return cpu;
	return 0;
}

static void pin(pid_t pid, int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	if (cpu < 0)
		memset(&set, 0xff, sizeof(set));
	else
		CPU_SET((size_t)cpu, &set);
	assert_int_equal(sched_setaffinity(pid, sizeof(set), &set), 0);
}

static pid_t hog_start(int cpu)
{
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(0, cpu);
		for (;;)
			__asm__ volatile("");
	}
	return pid;
}

static void hog_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The first record of a kind about the thread at or after `time_ns`. */
static const struct record *after(uint8_t kind, uint32_t tid, uint64_t time_ns)
{
	const struct record *record = NULL, *best = NULL;
	for (size_t n = 0; (record = kept_find(kind, tid, n)); n++)
		if (record->time_ns >= time_ns && (!best || record->time_ns < best->time_ns))
			best = record;
	assert_non_null(best);
	return best;
}

/* The first switch at or after a time in which the thread leaves (or comes). */
static const struct record_switch *switch_after(uint64_t time_ns, uint32_t tid, bool leaves)
{
	const struct record_switch *record = NULL, *best = NULL;
	for (size_t n = 0; (record = kept_find(RECORD_SWITCH, 0, n)); n++)
		if (record->h.time_ns >= time_ns && (leaves ? record->prev_tid : record->next_tid) == tid &&
		    (!best || record->h.time_ns < best->h.time_ns))
			best = record;
	assert_non_null(best);
	return best;
}

static void a_sleep_inside_a_request(void **state)
{
	(void)state;
	uint32_t tid = target_tgid(source);
	target_ask(connection, "s");
	drain_until(source, RECORD_SEND, 1);
	const struct record *recv = after(RECORD_RECV, tid, 0);
	const struct record_switch *sleeps = switch_after(recv->time_ns, tid, true);
	const struct record *waking = after(RECORD_WAKING, tid, sleeps->h.time_ns);
	const struct record *wakeup = after(RECORD_WAKEUP, tid, waking->time_ns);
	const struct record_switch *comes = switch_after(wakeup->time_ns, tid, false);
	const struct record *send = after(RECORD_SEND, tid, comes->h.time_ns);
	assert_int_equal(sleeps->prev_left, RECORD_LEFT_SLEEPING);
	assert_int_equal(sleeps->prev_tgid, tid);
	assert_true(waking->time_ns - sleeps->h.time_ns > 4000000);
	assert_string_equal(comes->next_comm, "echo");
	assert_string_equal(sleeps->prev_comm, "echo");
	assert_true(sleeps->prev_exec_ns > 0);
	assert_non_null(send);
}

static bool is_stranger_pair(const struct record_switch *record, uint32_t tgid)
{
	return record->h.kind == RECORD_SWITCH && record->prev_tgid != tgid && record->next_tgid != tgid;
}

/*
 * Two hogs share the target's CPU. Switches between them are recorded while the target waits there, and never
 * at other times.
 */
static void strangers_are_recorded_while_the_target_waits(void **state)
{
	(void)state;
	uint32_t tid = target_tgid(source);
	int cpu = cpu_nth(1);
	pin(0, cpu_nth(0));
	pin(target.pid, cpu);
	pid_t hogs[3] = {hog_start(cpu), hog_start(cpu), hog_start(cpu)};
	size_t pairs = 0, switches = 0;
	for (int request = 0; request < 5; request++) {
		target_ask(connection, "w");
		target_ask(connection, "s");
		source_drain(source, keep, NULL);
	}
	drain_until(source, RECORD_SEND, 10);
	for (int hog = 0; hog < 3; hog++)
		hog_stop(hogs[hog]);
	pin(0, -1);
	bool waits = false;
	for (size_t i = 0; i < kept.count; i++) {
		const struct record_switch *record = (const void *)kept_at(i);
		const struct record_wake *wake = (const void *)record;
		if (wake->h.kind == RECORD_WAKEUP && wake->h.tid == tid)
			waits = !wake->running;
		if (record->h.kind != RECORD_SWITCH || record->h.cpu != cpu)
			continue;
		switches++;
		if (is_stranger_pair(record, tid)) {
			assert_true(waits);
			pairs++;
		}
		if (record->prev_tid == tid)
			waits = record->prev_left == RECORD_LEFT_PREEMPTED;
		if (record->next_tid == tid)
			waits = false;
	}
	print_message("%zu of %zu switches are between strangers\n", pairs, switches);
	assert_true(pairs > 0);
	struct source_counts counts;
	source_counts(source, &counts);
	assert_true(counts.waiting <= 1);
}

/* Sent back and forth between CPUs while it works: no count of waiting threads is left behind. */
static void nobody_waits_after_migrations(void **state)
{
	(void)state;
	pid_t hogs[2] = {hog_start(cpu_nth(0)), hog_start(cpu_nth(1))};
	for (int round = 0; round < 200; round++) {
		send_bytes(connection, "h");
		pin(target.pid, cpu_nth(round));
		receive_bytes(connection, 1);
		kept.count = kept.bytes = 0;
		source_drain(source, keep, NULL);
	}
	hog_stop(hogs[0]);
	hog_stop(hogs[1]);
	struct source_counts counts;
	uint64_t give_up_ns = source_now_ns() + 5000000000u;
	do {
		usleep(10000);
		source_counts(source, &counts);
	} while (counts.waiting && source_now_ns() < give_up_ns);
	assert_int_equal(counts.waiting, 0);
}

static void new_threads_are_announced_and_end(void **state)
{
	(void)state;
	drain_until(source, RECORD_TASK, 1);
	kept.count = kept.bytes = 0;
	target_ask(connection, "t");
	drain_until(source, RECORD_EXIT, 1);
	const struct record_exit *ended = kept_find(RECORD_EXIT, 0, 0);
	const struct record_task *born = kept_find(RECORD_TASK, ended->h.tid, 0);
	assert_non_null(born);
	assert_int_equal(born->tgid, target_tgid(source));
	assert_int_not_equal(born->h.tid, born->tgid);
	assert_true(born->h.time_ns < ended->h.time_ns);
	assert_non_null(kept_find(RECORD_WAKEUP, born->h.tid, 0));
	switch_after(born->h.time_ns, born->h.tid, false);
}

static void states_are_renewed_every_second(void **state)
{
	(void)state;
	drain_until(source, RECORD_TASK, 3);
	const struct record_task *first = kept_find(RECORD_TASK, 0, 0), *last = kept_find(RECORD_TASK, 0, 2);
	assert_true(last->h.time_ns - first->h.time_ns >= 1900000000);
}

static void faults_are_recorded_when_asked_for(void **state)
{
	(void)state;
	struct source *faults = open_source(target, (struct source_options){.watch_faults = true});
	target_ask(connection, "m");
	drain_until(faults, RECORD_SEND, 1);
	assert_true(kept_count(RECORD_FAULT, target_tgid(faults)) >= 8);
	source_close(faults);
	source_drain(source, keep, NULL);
}

static void withheld_scheduler(void **state)
{
	(void)state;
	struct source *quiet = open_source(target, (struct source_options){.no_sched = true});
	target_ask(connection, "s");
	drain_until(quiet, RECORD_SEND, 1);
	assert_int_equal(kept_count(RECORD_SWITCH, 0), 0);
	assert_int_equal(kept_count(RECORD_WAKING, 0), 0);
	assert_int_equal(kept_count(RECORD_WAKEUP, 0), 0);
	source_close(quiet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_sleep_inside_a_request, setup, teardown),
		cmocka_unit_test_setup_teardown(strangers_are_recorded_while_the_target_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_waits_after_migrations, setup, teardown),
		cmocka_unit_test_setup_teardown(new_threads_are_announced_and_end, setup, teardown),
		cmocka_unit_test_setup_teardown(states_are_renewed_every_second, setup, teardown),
		cmocka_unit_test_setup_teardown(faults_are_recorded_when_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(withheld_scheduler, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
