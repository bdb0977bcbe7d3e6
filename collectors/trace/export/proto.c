/* SPDX-License-Identifier: Apache-2.0 */
#include "proto.h"

#include <stdlib.h>
#include <string.h>

enum wire_type { WIRE_VARINT = 0, WIRE_BYTES = 2 };

void proto_free(struct proto *proto)
{
	free(proto->data);
	memset(proto, 0, sizeof(*proto));
}

void proto_clear(struct proto *proto)
{
	proto->size = 0;
}

static void append(struct proto *proto, const void *data, size_t size)
{
	if (proto->size + size > proto->room && !proto->failed) {
		size_t room = proto->room ? proto->room : 256;
		while (room < proto->size + size)
			room *= 2;
		uint8_t *grown = realloc(proto->data, room);
		if (!grown) {
			proto->failed = 1;
			return;
		}
		proto->data = grown;
		proto->room = room;
	}
	if (proto->failed || !size)
		return;
	memcpy(proto->data + proto->size, data, size);
	proto->size += size;
}

void proto_varint(struct proto *proto, uint64_t value)
{
	uint8_t bytes[10];
	size_t size = 0;
	while (value >= 0x80) {
		bytes[size++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	bytes[size++] = (uint8_t)value;
	append(proto, bytes, size);
}

void proto_number(struct proto *proto, unsigned field, uint64_t value)
{
	if (!value)
		return;
	proto_varint(proto, field << 3 | WIRE_VARINT);
	proto_varint(proto, value);
}

void proto_bytes(struct proto *proto, unsigned field, const void *data, size_t size)
{
	proto_varint(proto, field << 3 | WIRE_BYTES);
	proto_varint(proto, size);
	append(proto, data, size);
}

void proto_message(struct proto *proto, unsigned field, const struct proto *message)
{
	proto_bytes(proto, field, message->data, message->size);
	proto->failed |= message->failed;
}

void proto_append(struct proto *proto, const struct proto *fields)
{
	append(proto, fields->data, fields->size);
	proto->failed |= fields->failed;
}
