/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: probes.def as USDT probes.
 *
 *   PROBE_FIRE(gc_assist_begin, cycle, debt_bytes);
 *
 * A probe nobody watches costs the load of a 16-bit semaphore and a predicted
 * branch; its arguments are not even computed. A watched one calls a function
 * (probes.c) whose body is a one-byte nop with a USDT note: the kernel emulates
 * a nop, which is 18 times cheaper than single-stepping another instruction, a
 * function of its own puts the arguments into the ABI's registers, where a
 * tracer reads them without decoding, and a nop behind the frame's set-up
 * leaves the caller in the stack. The notes survive strip. Five-byte nops are not used:
 * the kernel's optimisation of them can overwrite the red zone.
 *
 * The kernel counts watchers up and down in the semaphore, so code that must
 * prepare something only for watchers asks PROBE_WATCHED(name).
 *
 * Each probe has a twin, provider memlab_ring, for tracers that read flight rings (flight.h): while the twin is
 * watched, a thread that keeps a ring writes the event there, for tens of nanoseconds, and all others trap at
 * the twin. So those who want the trap and those who read the rings do not disturb each other.
 *
 * With -DMEMLAB_NO_PROBES nothing at all is left. Any thread may fire.
 */
#ifndef MEMLAB_PROBES_H
#define MEMLAB_PROBES_H

#include <stdint.h>

/* EVENT_gc_cycle_begin = 1, ...: the ids that ring records carry. */
enum event_id {
#define PROBE(id, name, argc, params, doc) EVENT_##name = (id),
#include "probes.def"
	EVENT_ID_LIMIT = 48
};

#define PROBE_ARGS_MAX 6

#ifdef MEMLAB_NO_PROBES

#define PROBE_WATCHED(name) 0
#define PROBE_RING_WATCHED(name) 0
#define PROBE_FIRE(name, ...) ((void)0)

#else

#define PROBE(id, name, argc, params, doc)                                                                             \
	extern volatile unsigned short memlab_semaphore_##name, memlab_semaphore_ring_##name;                          \
	void memlab_probe_##name params;                                                                               \
	void memlab_probe_ring_##name params;
#include "probes.def"

/* Set once, by flight.c with the first ring: writes the event to the calling thread's ring. False: it has none. */
extern _Bool (*memlab_probe_by_ring)(uint32_t event, const uint64_t *args);

#define PROBE_WATCHED(name) __builtin_expect(memlab_semaphore_##name != 0, 0)
#define PROBE_RING_WATCHED(name) __builtin_expect(memlab_semaphore_ring_##name != 0, 0)
#define PROBE_BY_RING(name, ...)                                                                                       \
	(memlab_probe_by_ring &&                                                                                       \
	 memlab_probe_by_ring(EVENT_##name, (const uint64_t[PROBE_ARGS_MAX + 1]){__VA_ARGS__}))
/* Arguments may be evaluated more than once. */
#define PROBE_FIRE(name, ...)                                                                                          \
	do {                                                                                                           \
		if (PROBE_WATCHED(name))                                                                               \
			memlab_probe_##name(__VA_ARGS__);                                                              \
		if (PROBE_RING_WATCHED(name) && !PROBE_BY_RING(name, __VA_ARGS__))                                     \
			memlab_probe_ring_##name(__VA_ARGS__);                                                         \
	} while (0)

#endif

/*
 * The run's description, one JSON object (the `run{}` of every memlab JSON), for
 * tracers: they read it through /proc/PID/mem at the dynamic symbol
 * `memlab_run_info`, which survives strip. Written once at start, before the
 * service listens; empty in other programs.
 */
#define MEMLAB_RUN_INFO_BYTES 1024
extern char memlab_run_info[MEMLAB_RUN_INFO_BYTES];

#endif
