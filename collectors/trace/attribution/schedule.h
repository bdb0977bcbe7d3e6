/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedule: what the scheduler's records (switch, waking, wakeup, task, exit) say about threads and CPUs.
 *
 *   asleep --waking--> waking --wakeup--> runnable --switch in--> running --switch out--> asleep | runnable
 *
 * Foreign switches are recorded while a thread of the target waits on that CPU, so the one who leaves at a switch is who
 * held the CPU since the switch before: a wait is split exactly by who ran. Who ran first is a guess until then
 * (nothing is recorded while nobody waits) and is put right by that record.
 * A called thread whose CPU sleeps is in `wake`, not in `runq`: nobody has taken its CPU, it is coming out of halt.
 */
#ifndef MEMLAB_ATTRIBUTION_SCHEDULE_H
#define MEMLAB_ATTRIBUTION_SCHEDULE_H

#include "../../../bpf/record.h"
#include "thread.h"

void schedule_switch(struct threads *threads, uint32_t tgid, const struct record_switch *record);
void schedule_waking(struct threads *threads, const struct record_wake *record);
void schedule_wakeup(struct threads *threads, const struct record_wake *record);
void schedule_task(struct threads *threads, const struct record_task *record);
/* Before what it did is told to the thread; its run-queue wait so far by the kernel's account, low 32 bits, 0: unknown. */
void schedule_acts(struct threads *threads, struct thread *thread, const struct record *record, uint32_t run_delay_ns);
/* A read or a send, before it is told to the thread itself: the kernel's sum of the thread's run-queue waits. */
void schedule_account(struct threads *threads, struct thread *thread, const struct record *record,
		      uint64_t run_delay_ns);
void schedule_exit(struct threads *threads, const struct record_exit *record);

#endif
