/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os: everything the heap asks of the operating system: address space, futexes, clocks, threads.
 * No state. Any thread.
 */
#ifndef MEMLAB_HEAP_OS_H
#define MEMLAB_HEAP_OS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GC_OS_PAGE_BYTES 4096u
#define GC_OS_HUGE_BYTES (2u << 20)

/* Address space without memory behind it; NULL on failure. `writable`: usable at once, backed on first touch. */
void *gc_os_reserve(size_t bytes, bool writable);
/* Make part of a reservation usable. 0 or -ENOMEM. */
int gc_os_commit(void *p, size_t bytes);
void gc_os_release(void *p, size_t bytes);
/*
 * Give the memory back, keep the address space. It reads as zero afterwards; `lazy`: as zero or as before, and the system
 * takes it when it needs it.
 */
void gc_os_discard(void *p, size_t bytes, bool lazy);
/* Memory for all of it now, as if written to. 0 or negative errno. */
int gc_os_touch(void *p, size_t bytes);
/* No access any more, no memory either. */
void gc_os_close(void *p, size_t bytes);
void gc_os_huge(void *p, size_t bytes, bool on);

/* Sleep while *word == value, at most timeout_ns (0: for ever). Spurious returns are possible. */
void gc_os_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns);
void gc_os_wake(uint32_t *word, int count);

uint64_t gc_os_now_ns(void);
uint64_t gc_os_thread_cpu_ns(void);
uint64_t gc_os_process_cpu_ns(void);
void gc_os_sleep_ns(uint64_t ns);
unsigned gc_os_cpus(void);

/* A thread that takes no signals. 0 or negative errno. */
int gc_os_thread(pthread_t *thread, const char *name, void *(*main)(void *), void *argument);
/* Lower the calling thread's priority; one way only. */
void gc_os_thread_polite(void);

static inline void gc_os_relax(void)
{
	__builtin_ia32_pause();
}

#endif
