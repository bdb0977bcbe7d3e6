/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target in PID and network namespaces of its own, traced from outside: pids differ, ports
 * live in another network. (The other way round, a tracer in a namespace of its own, is
 * namespace.bats, which runs the other programs inside one.)
 */
#include "fixture.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

static void enter_network(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(setns(fd, CLONE_NEWNET), 0);
	close(fd);
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

/* The next children are born into a new PID namespace: only one process can be had that way, so a helper does it. */
static struct target contained_start(void)
{
	int home = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	assert_int_equal(unshare(CLONE_NEWNET | CLONE_NEWPID), 0);
	loopback_up();
	struct target target = target_start("2");
	assert_int_equal(setns(home, CLONE_NEWPID), 0);
	close(home);
	return target;
}

static void a_contained_target_from_outside(void **state)
{
	(void)state;
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct target target = contained_start();
	int fd = target_connect(target);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	close(home);
	struct target stranger = target_start("0");

	struct source *source = open_source(target, (struct source_options){0});
	struct target_info info;
	source_info(source, &info);
	assert_int_equal(info.pid, target.pid);
	assert_int_equal(info.ns_pid, 1);
	assert_int_equal(info.port_count, 1);
	assert_int_equal(info.ports[0], target.port);
	target_ask(fd, "h12");
	drain_until(source, RECORD_SEND, 1);
	const struct record_recv *recv = kept_find(RECORD_RECV, info.tgid, 0);
	assert_int_equal(recv->bytes, 3);
	assert_true(recv->arrival_ns != 0);
	assert_int_equal(kept_count(RECORD_EVENT, info.tgid), 2);
	const struct record_task *task = kept_find(RECORD_TASK, info.tgid, 0);
	assert_int_equal(task->ns_tid, 1);
	assert_int_equal(kept_count(RECORD_TASK, 0), 3);
	source_close(source);
	target_stop(stranger);
	target_stop(target);
}

/* The connection is made from inside after the tracer has attached from outside. */
static void connected_after_attach(void **state)
{
	(void)state;
	char path[64];
	struct target target = contained_start();
	snprintf(path, sizeof(path), "/proc/%d/ns/net", target.pid);
	struct source *source = open_source(target, (struct source_options){0});
	enter_network(path);
	int fd = target_connect(target);
	target_ask(fd, "p1");
	drain_until(source, RECORD_SEND, 1);
	assert_int_equal(kept_count(RECORD_RECV, 0), 1);
	close(fd);
	source_close(source);
	target_stop(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_contained_target_from_outside),
		cmocka_unit_test(connected_after_attach),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
