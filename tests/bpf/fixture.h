/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the live source share: a target (targets/echo.c) to start and talk to, a
 * source on it, and everything the source handed over, kept in order.
 */
#ifndef MEMLAB_TESTS_FIXTURE_H
#define MEMLAB_TESTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../collectors/trace/source/source.h"
#include "../../collectors/trace/targets/event.h"

#define KEPT_LIMIT 200000u

struct kept {
	uint64_t offset[KEPT_LIMIT];
	size_t count, bytes;
	char data[KEPT_LIMIT * 64];
};

static struct kept kept;

static inline void keep(void *context, const struct record *record)
{
	(void)context;
	size_t size = (size_t)record->words * 8;
	if (kept.count == KEPT_LIMIT || kept.bytes + size > sizeof(kept.data))
		fail_msg("too many records for the fixture");
	memcpy(kept.data + kept.bytes, record, size);
	kept.offset[kept.count++] = kept.bytes;
	kept.bytes += size;
}

static inline const struct record *kept_at(size_t index)
{
	return (const struct record *)(const void *)(kept.data + kept.offset[index]);
}

/* The n-th record of a kind (0: first) about thread `tid` (0: any); NULL: there are not so many. */
static inline const void *kept_find(uint8_t kind, uint32_t tid, size_t n)
{
	for (size_t i = 0; i < kept.count; i++) {
		const struct record *record = kept_at(i);
		if (record->kind == kind && (tid == 0 || record->tid == tid) && n-- == 0)
			return record;
	}
	return NULL;
}

static inline size_t kept_count(uint8_t kind, uint32_t tid)
{
	size_t n = 0;
	for (size_t i = 0; i < kept.count; i++)
		n += kept_at(i)->kind == kind && (tid == 0 || kept_at(i)->tid == tid);
	return n;
}

/* Drains until there are `count` records of a kind; what a thread does after answering comes a little later. */
static inline void drain_until(struct source *source, uint8_t kind, size_t count)
{
	uint64_t give_up_ns = source_now_ns() + 10000000000u;
	do {
		assert_true(source_drain(source, keep, NULL) >= 0);
		if (kept_count(kind, 0) >= count)
			return;
		usleep(2000);
	} while (source_now_ns() < give_up_ns);
	fail_msg("only %zu of %zu records of kind %d came", kept_count(kind, 0), count, kind);
}

struct target {
	pid_t pid;
	uint16_t port;
};

/* The file among the targets; programs lie in tests/bpf/ or beside it. */
static inline void target_path(const char *name, char *path, size_t size)
{
	char self[512];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	assert_true(length > 0);
	self[length] = 0;
	*strrchr(self, '/') = 0;
	assert_true((size_t)snprintf(path, size, "%s/../bpf/targets/%s", self, name) < size);
}

/* Starts a copy of targets/echo with one argument; it dies with us. */
static inline struct target target_start_file(const char *path, const char *argument)
{
	int pipes[2];
	assert_int_equal(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(pipes[1], 1);
		close(pipes[0]);
		close(pipes[1]);
		execl(path, path, argument, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	FILE *out = fdopen(pipes[0], "r");
	int port = 0;
	assert_int_equal(fscanf(out, "%d", &port), 1);
	fclose(out);
	return (struct target){pid, (uint16_t)port};
}

static inline struct target target_start(const char *argument)
{
	char path[640];
	target_path("echo", path, sizeof(path));
	return target_start_file(path, argument);
}

static inline void target_stop(struct target target)
{
	kill(target.pid, SIGKILL);
	waitpid(target.pid, NULL, 0);
}

static inline int target_connect(struct target target)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(target.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* every send is a segment */
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static inline void send_bytes(int fd, const char *bytes)
{
	assert_int_equal(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
}

static inline void receive_bytes(int fd, size_t size)
{
	char answer[4096];
	assert_int_equal(recv(fd, answer, size, MSG_WAITALL), (ssize_t)size);
}

/* Sends `bytes` and waits until as many came back. */
static inline void target_ask(int fd, const char *bytes)
{
	send_bytes(fd, bytes);
	receive_bytes(fd, strlen(bytes));
}

/* Freezes the target, so that what is sent meanwhile waits in its socket. */
static inline void target_freeze(struct target target)
{
	int status;
	kill(target.pid, SIGSTOP);
	assert_int_equal(waitpid(target.pid, &status, WUNTRACED), target.pid);
}

static inline void target_thaw(struct target target)
{
	kill(target.pid, SIGCONT);
}

static inline struct source *open_source(struct target target, struct source_options options)
{
	struct source *source = NULL;
	struct source_error error = {0};
	options.pid = target.pid;
	kept.count = kept.bytes = 0;
	if (source_open_live(&options, &source, &error))
		fail_msg("status %d: %s", error.status, error.text);
	return source;
}

/* The target's number in the records. */
static inline uint32_t target_tgid(const struct source *source)
{
	struct target_info info;
	source_info(source, &info);
	return info.tgid;
}

#endif
