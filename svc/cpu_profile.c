/* SPDX-License-Identifier: Apache-2.0 */
/*
 * begin: a timer for each thread that does not block SIGPROF, the CPU clocks of those that do. The handler takes the
 * next free sample (an atomic counter) and fills it. end: timers away, wait until no handler is inside, name the
 * addresses, write.
 *
 * SIGPROF keeps its handler for ever: one that was sent just before its timer was deleted finds the profile over.
 */
#include "cpu_profile.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "profile_proto.h"
#include "symbol.h"

#define INTERVAL_NS 10000000
#define FRAMES_MAX 62
#define SAMPLES_MAX 65536
#define THREADS_MAX 128

struct sample {
	uint32_t ready;  /* atomic: filled */
	uint32_t count;  /* frames */
	uint64_t weight; /* intervals */
	uint64_t frames[FRAMES_MAX];
};

struct thread {
	pid_t id;
	bool timed; /* else it takes no signals */
	timer_t timer;
	uint64_t cpu_ns; /* at the beginning */
	char name[32];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool running; /* lock */
static struct thread threads[THREADS_MAX];
static unsigned thread_count;
static uint64_t begin_ns;
static struct sample *samples; /* mapped once */
static uint32_t sample_count;  /* atomic; beyond SAMPLES_MAX: lost */
static uint32_t sampling;      /* atomic */
static uint32_t handlers;      /* atomic: inside */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	return clock_gettime(clock, &now) ? 0 : (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The kernel's number of a thread's CPU clock: pthread_getcpuclockid wants a pthread_t that we do not have. */
static clockid_t cpu_clock(pid_t thread)
{
	return (clockid_t)(~(unsigned)thread << 3 | 6);
}

/* ------------------------------------------------------------- the handler */

struct registers {
	uint64_t pc, fp;
};

static struct registers registers_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (struct registers){(uint64_t)context->uc_mcontext.gregs[REG_RIP],
				  (uint64_t)context->uc_mcontext.gregs[REG_RBP]};
#elif defined(__aarch64__)
	return (struct registers){context->uc_mcontext.pc, context->uc_mcontext.regs[29]};
#else
#error "registers of this processor"
#endif
}

/*
 * Frame pointers of code that keeps none are any number, so a frame is read by the kernel, which says no where a plain
 * load would end the process.
 */
static bool read_frame(uint64_t fp, uint64_t frame[2])
{
	struct iovec to = {frame, 16}, from = {(void *)(uintptr_t)fp, 16};
	return fp % 8 == 0 && fp > 4096 && process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 16;
}

static uint32_t walk(const ucontext_t *context, uint64_t *frames)
{
	struct registers at = registers_of(context);
	uint64_t frame[2];
	uint32_t count = 0;
	frames[count++] = at.pc;
	while (count < FRAMES_MAX && read_frame(at.fp, frame) && frame[1] > 4096) {
		frames[count++] = frame[1];
		if (frame[0] <= at.fp) /* the stack grows down: callers lie higher */
			break;
		at.fp = frame[0];
	}
	return count;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	(void)number;
	__atomic_fetch_add(&handlers, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&sampling, __ATOMIC_SEQ_CST) && info->si_code == SI_TIMER) {
		uint32_t place = __atomic_fetch_add(&sample_count, 1, __ATOMIC_RELAXED);
		if (place < SAMPLES_MAX) {
			struct sample *sample = &samples[place];
			sample->count = walk(context, sample->frames);
			sample->weight = 1 + (uint64_t)info->si_overrun;
			__atomic_store_n(&sample->ready, 1, __ATOMIC_RELEASE);
		}
	}
	__atomic_fetch_sub(&handlers, 1, __ATOMIC_SEQ_CST);
	errno = saved;
}

/* ----------------------------------------------------------------- threads */

/* Name and blocked signals of a thread, from its status. */
static bool read_status(struct thread *thread, uint64_t *blocked)
{
	char path[64], line[256];
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", thread->id);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "Name: %31[^\n]", thread->name);
		sscanf(line, "SigBlk: %" SCNx64, blocked);
	}
	fclose(file);
	return true;
}

static bool thread_begin(struct thread *thread)
{
	uint64_t blocked = 0;
	if (!read_status(thread, &blocked))
		return false;
	thread->cpu_ns = clock_ns(cpu_clock(thread->id));
	thread->timed = !(blocked >> (SIGPROF - 1) & 1);
	if (!thread->timed)
		return true;
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
	event._sigev_un._tid = thread->id;
	const struct itimerspec every = {{0, INTERVAL_NS}, {0, INTERVAL_NS}};
	if (timer_create(cpu_clock(thread->id), &event, &thread->timer))
		return false;
	if (!timer_settime(thread->timer, 0, &every, NULL))
		return true;
	timer_delete(thread->timer);
	return false;
}

static void threads_begin(void)
{
	DIR *tasks = opendir("/proc/self/task");
	thread_count = 0;
	if (!tasks)
		return;
	for (struct dirent *entry; thread_count < THREADS_MAX && (entry = readdir(tasks));) {
		threads[thread_count] = (struct thread){.id = atoi(entry->d_name)};
		if (threads[thread_count].id > 0 && thread_begin(&threads[thread_count]))
			thread_count++;
	}
	closedir(tasks);
}

static int prepare(void)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	if (!samples) {
		void *room = mmap(NULL, SAMPLES_MAX * sizeof(*samples), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (room == MAP_FAILED)
			return -ENOMEM;
		samples = room;
	}
	sample_count = 0;
	sigfillset(&action.sa_mask);
	return sigaction(SIGPROF, &action, NULL) ? -errno : 0;
}

int cpu_profile_begin(void)
{
	pthread_mutex_lock(&lock);
	int error = running ? -EBUSY : prepare();
	if (!error) {
		begin_ns = clock_ns(CLOCK_MONOTONIC);
		__atomic_store_n(&sampling, 1, __ATOMIC_SEQ_CST);
		threads_begin();
		running = true;
		if (!thread_count)
			error = -EAGAIN;
	}
	running = running && error != -EAGAIN;
	pthread_mutex_unlock(&lock);
	return error;
}

static void stop_sampling(void)
{
	for (unsigned i = 0; i < thread_count; i++)
		if (threads[i].timed)
			timer_delete(threads[i].timer);
	__atomic_store_n(&sampling, 0, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&handlers, __ATOMIC_SEQ_CST))
		sched_yield();
}

/* ------------------------------------------------------------------ output */

/* Frames that were seen already have a location; an open table of addresses. */
struct location_map {
	struct {
		uint64_t address, id;
	} * slots;
	size_t room; /* a power of two, larger than all frames there can be different of */
};

struct output {
	struct profile profile;
	struct symbols *symbols;
	uint64_t *mappings; /* numbers, by symbols_index; 0: not written yet */
	struct location_map map;
};

static uint64_t mapping_of(struct output *output, uint64_t address)
{
	const struct code_file *file = output->symbols ? symbols_file(output->symbols, address) : NULL;
	if (!file)
		return 0;
	uint64_t *id = &output->mappings[symbols_index(output->symbols, file)];
	if (!*id)
		*id = profile_mapping(&output->profile, file->start, file->end, file->offset, file->path);
	return *id;
}

static const char *function_of(struct output *output, uint64_t address)
{
	const char *name = output->symbols ? symbols_function(output->symbols, address) : NULL;
	const struct code_file *file = output->symbols ? symbols_file(output->symbols, address) : NULL;
	if (name)
		return name;
	const char *base = file ? strrchr(file->path, '/') : NULL;
	return base ? base + 1 : file ? file->path : "unknown";
}

static uint64_t location_of(struct output *output, uint64_t address)
{
	struct location_map *map = &output->map;
	size_t slot = (size_t)(address * 0x9e3779b97f4a7c15u >> 20) & (map->room - 1);
	while (map->slots[slot].id && map->slots[slot].address != address)
		slot = (slot + 1) & (map->room - 1);
	if (!map->slots[slot].id) {
		const struct code_file *file = output->symbols ? symbols_file(output->symbols, address) : NULL;
		map->slots[slot].address = address;
		map->slots[slot].id = profile_location(&output->profile, address, mapping_of(output, address),
						       function_of(output, address), file ? file->path : "", 0);
	}
	return map->slots[slot].id;
}

/* Return addresses are one past the call: the call is what counts. */
static uint64_t frame_address(const struct sample *sample, uint32_t i)
{
	return sample->frames[i] - (i > 0);
}

static void put_sample(struct output *output, const struct sample *sample)
{
	uint64_t ids[FRAMES_MAX];
	for (uint32_t i = 0; i < sample->count; i++)
		ids[i] = location_of(output, frame_address(sample, i));
	profile_sample(&output->profile, ids, sample->count, (uint64_t[]){sample->weight, sample->weight * INTERVAL_NS},
		       2);
}

static uint64_t silent_ns(const struct thread *thread)
{
	uint64_t now = clock_ns(cpu_clock(thread->id));
	return !thread->timed && now > thread->cpu_ns ? now - thread->cpu_ns : 0;
}

static void put_silent(struct output *output, const struct thread *thread)
{
	uint64_t ns = silent_ns(thread);
	if (!ns)
		return;
	uint64_t ids[2] = {profile_location(&output->profile, 0, 0, thread->name, "a thread that takes no signals", 0),
			   profile_location(&output->profile, 0, 0, "threads that take no signals", "", 0)};
	profile_sample(&output->profile, ids, 2, (uint64_t[]){(ns + INTERVAL_NS / 2) / INTERVAL_NS, ns}, 2);
}

static uint32_t taken(void)
{
	uint32_t count = __atomic_load_n(&sample_count, __ATOMIC_RELAXED);
	return count < SAMPLES_MAX ? count : SAMPLES_MAX;
}

static void add_profile(struct buffer *buffer, struct output *output)
{
	struct profile *profile = &output->profile;
	profile_begin(profile);
	profile_sample_type(profile, "samples", "count");
	profile_sample_type(profile, "cpu", "nanoseconds");
	profile_period(profile, "cpu", "nanoseconds", INTERVAL_NS);
	profile_duration(profile, clock_ns(CLOCK_MONOTONIC) - begin_ns);
	/* The program first: pprof takes it for the main binary. */
	mapping_of(output, (uint64_t)(uintptr_t)&cpu_profile_begin);
	for (uint32_t i = 0; i < taken(); i++)
		if (samples[i].ready)
			put_sample(output, &samples[i]);
	for (unsigned i = 0; i < thread_count; i++)
		put_silent(output, &threads[i]);
	profile_finish(profile, buffer);
}

/* Innermost functions only. Names are compared by where they lie: each function has one. */
static void add_functions(struct buffer *buffer, struct output *output)
{
	uint32_t count = taken();
	const char **names = calloc(count ? count : 1, sizeof(*names));
	for (uint32_t i = 0; names && i < count; i++)
		names[i] = function_of(output, samples[i].frames[0]);
	for (uint32_t i = 0; names && i < count; i++) {
		uint64_t weight = 0;
		const char *name = names[i];
		for (uint32_t j = i; name && j < count; j++)
			if (names[j] == name) {
				weight += samples[j].weight;
				names[j] = NULL;
			}
		if (name)
			buffer_add_format(buffer, "%" PRIu64 " %s\n", weight, name);
	}
	free(names);
}

static void add_text(struct buffer *buffer, struct output *output)
{
	buffer_add_format(buffer, "%.3f s; one sample per %d ms of CPU time; %u taken, %u lost\nsamples function\n",
			  (double)(clock_ns(CLOCK_MONOTONIC) - begin_ns) / 1e9, INTERVAL_NS / 1000000, taken(),
			  sample_count - taken());
	add_functions(buffer, output);
	for (unsigned i = 0; i < thread_count; i++)
		if (silent_ns(&threads[i]))
			buffer_add_format(buffer, "%.1f %s (takes no signals)\n",
					  (double)silent_ns(&threads[i]) / INTERVAL_NS, threads[i].name);
}

static size_t location_room(void)
{
	size_t frames = 1, room = 64;
	for (uint32_t i = 0; i < taken(); i++)
		frames += samples[i].count;
	while (room < 2 * frames)
		room *= 2;
	return room;
}

void cpu_profile_end(struct buffer *buffer, int text)
{
	struct output output = {.symbols = NULL};
	pthread_mutex_lock(&lock);
	stop_sampling();
	output.symbols = symbols_read();
	output.map.room = location_room();
	output.map.slots = calloc(output.map.room, sizeof(*output.map.slots));
	output.mappings = calloc(output.symbols ? symbols_count(output.symbols) + 1 : 1, sizeof(*output.mappings));
	if (!output.map.slots || !output.mappings)
		abort();
	if (text)
		add_text(buffer, &output);
	else
		add_profile(buffer, &output);
	free(output.map.slots);
	free(output.mappings);
	symbols_free(output.symbols);
	memset(samples, 0, taken() * sizeof(*samples));
	running = false;
	pthread_mutex_unlock(&lock);
}
