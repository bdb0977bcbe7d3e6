/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real records of a real process: what the programs write, from the first attach on.
 */
#include <cpuid.h>

#include "fixture.h"

static void thread_states_at_attach(void **state)
{
	(void)state;
	struct target target = target_start("3");
	struct source *source = open_source(target, (struct source_options){0});
	assert_true(source_drain(source, keep, NULL) > 0);
	assert_int_equal(kept_count(RECORD_TASK, 0), 4);
	const struct record_task *task = kept_find(RECORD_TASK, target_tgid(source), 0);
	assert_non_null(task);
	assert_int_equal(task->tgid, task->h.tid);
	assert_string_equal(task->comm, "echo");
	assert_true(task->exec_ns > 0);
	assert_false(task->running);
	source_close(source);
	target_stop(target);
}

static void what_is_known_of_the_target(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *source = open_source(target, (struct source_options){0});
	struct target_info info;
	source_info(source, &info);
	assert_int_equal(info.pid, target.pid);
	assert_string_equal(info.comm, "echo");
	assert_string_equal(info.link_kind, "uprobe_multi");
	assert_string_equal(info.run_json, "{\"path\":\"echo\"}");
	assert_int_equal(info.port_count, 1);
	assert_int_equal(info.ports[0], target.port);
	assert_true(info.probes_found >= 20);
	assert_int_equal(info.probes_attached,
			 info.probes_found - 4); /* all but gc_alloc, alloc_sample, gc_pool_miss, request_flight */
	assert_true(info.has_request_end);
	source_close(source);
	target_stop(target);
}

static void a_request_has_all_its_edges(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *source = open_source(target, (struct source_options){0});
	int fd = target_connect(target);
	uint64_t before_ns = source_now_ns();
	target_ask(fd, "h123456789");
	drain_until(source, RECORD_SEND, 1);

	const struct record_recv *recv = kept_find(RECORD_RECV, 0, 0);
	const struct record_send *send = kept_find(RECORD_SEND, 0, 0);
	assert_int_equal(kept_count(RECORD_RECV, 0), 1);
	assert_int_equal(kept_count(RECORD_SEND, 0), 1);
	assert_int_equal(recv->bytes, 10);
	assert_int_equal(send->bytes, 10);
	assert_int_equal(recv->h.tid, target_tgid(source));
	assert_int_equal(recv->local_port, target.port);
	assert_true(recv->sock == send->sock && recv->peer_port == send->peer_port);
	assert_true(before_ns <= recv->arrival_ns && recv->arrival_ns <= recv->h.time_ns);
	assert_true(recv->h.time_ns < send->h.time_ns && send->h.time_ns <= source_now_ns());

	const struct record_event *begin = kept_find(RECORD_EVENT, 0, 0), *end = kept_find(RECORD_EVENT, 0, 1);
	assert_int_equal(begin->event, EVENT_gc_handshake_begin);
	assert_int_equal(end->event, EVENT_gc_handshake_end);
	assert_int_equal(begin->args[0], 11);
	assert_int_equal(begin->args[1], 22);
	assert_int_equal(begin->args[2], 0);
	assert_true(recv->h.time_ns < begin->h.time_ns && begin->h.time_ns < end->h.time_ns);

	assert_true(kept_count(RECORD_WAKING, target_tgid(source)) >= 1);
	assert_true(kept_count(RECORD_WAKEUP, target_tgid(source)) >= 1);
	assert_true(kept_count(RECORD_SWITCH, 0) >= 2);
	source_close(source);
	target_stop(target);
}

/* The kernel's own count of steal on a CPU, in its ticks of 10 ms. */
static uint64_t stat_steal_ns(unsigned cpu)
{
	char line[256], name[16];
	unsigned long long steal = 0;
	FILE *file = fopen("/proc/stat", "re");
	assert_non_null(file);
	snprintf(name, sizeof(name), "cpu%u ", cpu);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			assert_int_equal(sscanf(line, "%*s %*u %*u %*u %*u %*u %*u %*u %llu", &steal), 1);
	fclose(file);
	return steal * 10000000;
}

static bool kvm(void)
{
	unsigned a, b, c, d;
	char name[13] = "";
	__cpuid(0x40000000, a, b, c, d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
	return strcmp(name, "KVMKVMKVM") == 0;
}

#define STEAL_CPUS 64
#define STEAL_SLACK_NS 20000000 /* the kernel counts in ticks, and later */

/* A machine without a hypervisor that counts says 0; else reads and sends say what /proc/stat rounds. */
static void what_the_hypervisor_took(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *source = open_source(target, (struct source_options){0});
	int fd = target_connect(target);
	uint64_t before_ns[STEAL_CPUS];
	for (unsigned cpu = 0; cpu < STEAL_CPUS; cpu++)
		before_ns[cpu] = stat_steal_ns(cpu);
	target_ask(fd, "p123456789");
	drain_until(source, RECORD_SEND, 1);
	const struct record_recv *recv = kept_find(RECORD_RECV, 0, 0);
	const struct record_send *send = kept_find(RECORD_SEND, 0, 0);
	unsigned cpu = recv->h.cpu % STEAL_CPUS;
	if (recv->cpu_stolen_ns) {
		assert_true((int32_t)(recv->cpu_stolen_ns - (uint32_t)before_ns[cpu]) > -STEAL_SLACK_NS);
		assert_true((int32_t)((uint32_t)stat_steal_ns(cpu) - recv->cpu_stolen_ns) > -STEAL_SLACK_NS);
	} else {
		assert_false(kvm() && before_ns[cpu] > 100000000);
		print_message("no hypervisor tells what it takes\n");
	}
	if (send->h.cpu == recv->h.cpu)
		assert_true(send->cpu_stolen_ns - recv->cpu_stolen_ns < 1000000000);
	source_close(source);
	target_stop(target);
}

/* What the source calls complete has been handed over: a request that was answered before is there, and time does not stand still. */
static void it_says_how_far_it_has_read(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct source *source = open_source(target, (struct source_options){0});
	int fd = target_connect(target);
	uint64_t complete_ns = source_complete_ns(source);
	assert_int_equal(complete_ns, 0);
	for (unsigned round = 1; round <= 20; round++) {
		target_ask(fd, "h123456789");
		uint64_t answered_ns = source_now_ns();
		for (int look = 0; look < 1000 && source_complete_ns(source) < answered_ns; look++)
			source_drain(source, keep, NULL);
		assert_true(source_complete_ns(source) >= answered_ns);
		assert_true(source_complete_ns(source) <= source_now_ns());
		assert_int_equal(kept_count(RECORD_RECV, 0), round);
		assert_true(source_complete_ns(source) > complete_ns);
		complete_ns = source_complete_ns(source);
		const struct record *last = kept_find(RECORD_COMPLETE, 0, kept_count(RECORD_COMPLETE, 0) - 1);
		assert_int_equal(last->time_ns, complete_ns);
	}
	source_close(source);
	target_stop(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_states_at_attach),
		cmocka_unit_test(what_is_known_of_the_target),
		cmocka_unit_test(a_request_has_all_its_edges),
		cmocka_unit_test(what_the_hypervisor_took),
		cmocka_unit_test(it_says_how_far_it_has_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
