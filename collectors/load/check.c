/* SPDX-License-Identifier: Apache-2.0 */
/* See check.h. */
#include <string.h>

#include "../../svc/dataset/dataset.h"
#include "check.h"

_Static_assert(CHECK_BODY_BYTES > DATASET_BODY_BYTES_MAX, "the longest body fits");

bool check_body(enum lookup_format format, uint64_t seed, uint64_t key, const struct response_body *body)
{
	struct dataset_record record;
	char expected[DATASET_BODY_BYTES_MAX];
	size_t length;

	dataset_record(seed, key, &record);
	length = format == FORMAT_BIN ? dataset_bin(&record, (uint8_t *)expected) : dataset_json(&record, expected);
	return body->length == length && length <= body->capacity && !memcmp(body->bytes, expected, length);
}
