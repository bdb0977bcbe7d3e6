/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

static const struct {
	const char *name;
	size_t bytes;
} kinds[RECORD_KIND_LIMIT] = {
	[RECORD_SWITCH] = {"switch", sizeof(struct record_switch)},
	[RECORD_WAKING] = {"waking", sizeof(struct record_wake)},
	[RECORD_WAKEUP] = {"wakeup", sizeof(struct record_wake)},
	[RECORD_RECV] = {"recv", sizeof(struct record_recv)},
	[RECORD_SEND] = {"send", sizeof(struct record_send)},
	[RECORD_CLOSE] = {"close", sizeof(struct record_close)},
	[RECORD_EVENT] = {"event", sizeof(struct record_event)},
	[RECORD_STACK] = {"stack", sizeof(struct record_stack)},
	[RECORD_FAULT] = {"fault", sizeof(struct record_fault)},
	[RECORD_TASK] = {"task", sizeof(struct record_task)},
	[RECORD_EXIT] = {"exit", sizeof(struct record_exit)},
	[RECORD_ARRIVAL] = {"arrival", sizeof(struct record_arrival)},
	[RECORD_REQUEST] = {"request", sizeof(struct record_request)},
	[RECORD_MODE] = {"mode", sizeof(struct record_mode)},
	[RECORD_COMPLETE] = {"complete", sizeof(struct record)},
};

size_t record_kind_bytes(uint8_t kind)
{
	return kind < RECORD_KIND_LIMIT ? kinds[kind].bytes : 0;
}

const char *record_kind_name(uint8_t kind)
{
	return kind < RECORD_KIND_LIMIT ? kinds[kind].name : NULL;
}

bool record_valid(const struct record *record, size_t available)
{
	if (available < sizeof(*record))
		return false;
	size_t bytes = record_kind_bytes(record->kind);
	return bytes && bytes == (size_t)record->words * 8 && bytes <= available;
}
