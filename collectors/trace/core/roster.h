/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target's threads by number and name: small numbers fit into the labels of stacks.
 *
 * Numbers start at 1 and stay; names are those last heard. Names are hostile. One thread at a time.
 */
#ifndef MEMLAB_TRACE_ROSTER_H
#define MEMLAB_TRACE_ROSTER_H

#include <stdint.h>

#include "../../../bpf/record.h"
#include "ids.h"

#define ROSTER_LIMIT 4095u /* threads beyond have the number 0 */

struct roster_entry {
	uint32_t tid;
	char comm[RECORD_COMM_BYTES + 1];
};

struct roster { /* all 0 is an empty one */
	struct ids numbers;
	struct roster_entry *entries;
	uint32_t room;
};

/* 0: no number, for lack of room or memory. */
uint32_t roster_number(struct roster *roster, uint32_t tid);

/* Hears names from RECORD_TASK; other kinds say nothing. */
void roster_record(struct roster *roster, const struct record *record);

/* Never NULL; of the number 0 it is "?" without a tid. */
const struct roster_entry *roster_entry(const struct roster *roster, uint32_t number);

void roster_free(struct roster *roster);

#endif
