/* SPDX-License-Identifier: Apache-2.0 */
/* The opt path's encoders: one pass, straight into the buffer. */
#include "serialize.h"

/* Not inline: it calls others, and saving registers for that would be a tenth of the binary encoder's instructions. */
static __attribute__((noinline)) char *put_json(char *to, const struct record_view *view)
{
	to = PUT_CONSTANT(to, "{\"id\":");
	to = put_u64(to, view->id);
	to = PUT_CONSTANT(to, ",\"created_s\":");
	to = put_u64(to, view->created_s);
	to = PUT_CONSTANT(to, ",\"balance_cents\":");
	to = put_i64(to, view->balance_cents);
	to = PUT_CONSTANT(to, ",\"visits\":");
	to = put_u64(to, view->visits);
	to = PUT_CONSTANT(to, ",\"name\":\"");
	to = put_escaped(to, view->name.bytes, view->name.length);
	to = PUT_CONSTANT(to, "\",\"country\":\"");
	to = put_escaped(to, view->country.bytes, view->country.length);
	to = PUT_CONSTANT(to, "\",\"city\":\"");
	to = put_escaped(to, view->city.bytes, view->city.length);
	to = PUT_CONSTANT(to, "\",\"plan\":\"");
	to = put_escaped(to, view->plan.bytes, view->plan.length);
	to = PUT_CONSTANT(to, "\",\"payload\":\"");
	to = put_base64(to, view->payload.bytes, view->payload.length);
	return PUT_CONSTANT(to, "\"}\n");
}

static inline __attribute__((always_inline)) char *put_slice(char *to, struct slice slice)
{
	return put_bytes(to, slice.bytes, slice.length);
}

static char *put_bin(char *to, const struct record_view *view)
{
	to = put_u64_le(to, view->id);
	to = put_u64_le(to, view->created_s);
	to = put_u64_le(to, (uint64_t)view->balance_cents);
	to = put_u32_le(to, view->visits);
	*to++ = (char)view->name.length;
	*to++ = (char)view->country.length;
	*to++ = (char)view->city.length;
	*to++ = (char)view->plan.length;
	to = put_u32_le(to, view->payload.length);
	to = put_slice(to, view->name);
	to = put_slice(to, view->country);
	to = put_slice(to, view->city);
	to = put_slice(to, view->plan);
	return put_slice(to, view->payload);
}

size_t serialize_opt(const struct record_view *view, enum format format, char *to)
{
	if (format == FORMAT_BIN)
		return (size_t)(put_bin(to, view) - to);
	return (size_t)(put_json(to, view) - to);
}
