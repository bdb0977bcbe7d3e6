/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client times: what a load generator says in the header X-Memlab-Times of when it meant to send a request and when it
 * did: two decimal numbers of nanoseconds of its own clock, with one space between them. Any thread.
 */
#ifndef MEMLAB_SVC_CLIENT_TIMES_H
#define MEMLAB_SVC_CLIENT_TIMES_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the text is that, sent no earlier than meant and not at 0. If not, nothing is stored. */
bool client_times_parse(const char *text, uint64_t *intended_ns, uint64_t *send_ns);

#endif
