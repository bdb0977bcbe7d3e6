/* SPDX-License-Identifier: Apache-2.0 */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

uint32_t roster_number(struct roster *roster, uint32_t tid)
{
	int is_new;
	uint32_t number = ids_get(&roster->numbers, tid, &is_new);
	if (number == 0 || number > ROSTER_LIMIT)
		return 0;
	if (number > roster->room) {
		uint32_t room = roster->room ? 2 * roster->room : 16;
		struct roster_entry *entries = realloc(roster->entries, room * sizeof(*entries));
		if (!entries)
			return 0;
		memset(entries + roster->room, 0, (room - roster->room) * sizeof(*entries));
		roster->entries = entries;
		roster->room = room;
	}
	roster->entries[number - 1].tid = tid;
	return number;
}

void roster_record(struct roster *roster, const struct record *record)
{
	if (record->kind != RECORD_TASK)
		return;
	const struct record_task *task = (const struct record_task *)record;
	uint32_t number = roster_number(roster, record->tid);
	if (number)
		memcpy(roster->entries[number - 1].comm, task->comm, sizeof(task->comm));
}

const struct roster_entry *roster_entry(const struct roster *roster, uint32_t number)
{
	static const struct roster_entry nobody = {.comm = "?"};
	if (number == 0 || number > roster->room)
		return &nobody;
	return &roster->entries[number - 1];
}

void roster_free(struct roster *roster)
{
	ids_free(&roster->numbers);
	free(roster->entries);
	*roster = (struct roster){0};
}
