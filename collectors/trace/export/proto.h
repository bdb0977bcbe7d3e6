/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little of protocol buffers that profile.proto needs: varints and length-delimited fields, appended to a growing
 * buffer. After a lack of memory every call does nothing and `failed` stays 1.
 */
#ifndef MEMLAB_TRACE_EXPORT_PROTO_H
#define MEMLAB_TRACE_EXPORT_PROTO_H

#include <stddef.h>
#include <stdint.h>

/* All 0 is an empty message. */
struct proto {
	uint8_t *data;
	size_t size, room;
	int failed;
};

void proto_free(struct proto *proto);
void proto_clear(struct proto *proto);

void proto_varint(struct proto *proto, uint64_t value);
/* Fields; a number of 0 is the default and is left out, as the format wants it. */
void proto_number(struct proto *proto, unsigned field, uint64_t value);
void proto_bytes(struct proto *proto, unsigned field, const void *data, size_t size);
void proto_message(struct proto *proto, unsigned field, const struct proto *message);
/* The fields of another message, as if they had been added here. */
void proto_append(struct proto *proto, const struct proto *fields);

#endif
