/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `memlab-trace doctor` and `memlab-trace probes`: what works here, and what the target announces.
 */
#ifndef MEMLAB_DOCTOR_H
#define MEMLAB_DOCTOR_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * One line per fact, a line with the fix under what is not ok. `pid` 0: no target. Returns the
 * exit status: 0 if nothing fails, else 1.
 */
int doctor_print(FILE *out, pid_t pid);

/*
 * The probes of process `pid` with their descriptions and how often each was hit in `seconds`;
 * 0 seconds: only the list, and nothing is attached. What cannot be done goes to `errors` as one
 * line `memlab-trace: cause; next step`. Returns the exit status.
 */
int probes_print(FILE *out, FILE *errors, pid_t pid, double seconds);

#endif
