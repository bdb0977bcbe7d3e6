/* SPDX-License-Identifier: Apache-2.0 */
/* See edges.h. Written by hand because printf would cost more than the request. */
#include "decimal.h"
#include "edges.h"

#define FIELDS 6

void edges_begin(FILE *file)
{
	if (file)
		fputs("local_port,sequence,intended_ns,send_ns,receipt_ns,status\n", file);
}

void edges_write(FILE *file, const struct connection *connection, const struct flight *flight, uint64_t receipt_ns)
{
	uint64_t fields[FIELDS] = {connection->local_port, connection->sequence, flight->intended_ns,
				   flight->send_ns,        receipt_ns,           connection->response.status};
	char line[FIELDS * (DECIMAL_BYTES_MAX + 1)], *at = line;

	if (!file)
		return;
	for (int i = 0; i < FIELDS; i++) {
		at = decimal_append(at, fields[i]);
		*at++ = i + 1 < FIELDS ? ',' : '\n';
	}
	fwrite_unlocked(line, 1, (size_t)(at - line), file);
}
