/* SPDX-License-Identifier: Apache-2.0 */
/* os: see os.h. */
#include "os.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void *gc_os_reserve(size_t bytes, bool writable)
{
	int protection = writable ? PROT_READ | PROT_WRITE : PROT_NONE;
	void *p = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int gc_os_commit(void *p, size_t bytes)
{
	return mprotect(p, bytes, PROT_READ | PROT_WRITE) == 0 ? 0 : -ENOMEM;
}

void gc_os_release(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

void gc_os_discard(void *p, size_t bytes, bool lazy)
{
	if (!lazy || madvise(p, bytes, MADV_FREE) < 0)
		madvise(p, bytes, MADV_DONTNEED);
}

int gc_os_touch(void *p, size_t bytes)
{
	return madvise(p, bytes, MADV_POPULATE_WRITE) == 0 ? 0 : -errno;
}

void gc_os_close(void *p, size_t bytes)
{
	mprotect(p, bytes, PROT_NONE);
	madvise(p, bytes, MADV_DONTNEED);
}

void gc_os_huge(void *p, size_t bytes, bool on)
{
	madvise(p, bytes, on ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

void gc_os_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
	struct timespec timeout = {.tv_sec = timeout_ns / 1000000000u, .tv_nsec = timeout_ns % 1000000000u};

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns ? &timeout : NULL, NULL, 0);
}

void gc_os_wake(uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t gc_os_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t gc_os_thread_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t gc_os_process_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void gc_os_sleep_ns(uint64_t ns)
{
	struct timespec t = {.tv_sec = ns / 1000000000u, .tv_nsec = ns % 1000000000u};

	nanosleep(&t, NULL);
}

unsigned gc_os_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

int gc_os_thread(pthread_t *thread, const char *name, void *(*main)(void *), void *argument)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(thread, NULL, main, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return -error;
	pthread_setname_np(*thread, name);
	return 0;
}

void gc_os_thread_polite(void)
{
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
}
