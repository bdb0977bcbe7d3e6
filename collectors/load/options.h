/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of memlab-load. Long options also work with one dash (-rate=20k).
 */
#ifndef MEMLAB_LOAD_OPTIONS_H
#define MEMLAB_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "keys.h"
#include "schedule.h"
#include "url.h"

#define OPTIONS_CONNECTIONS_MAX 10000
#define OPTIONS_PIPELINE_MAX 128
#define OPTIONS_ERROR_BYTES 256

enum lookup_format { FORMAT_JSON, FORMAT_BIN };

struct load_options {
	struct url url;
	double rates[SCHEDULE_STEPS_MAX];
	uint32_t rate_count;
	enum arrivals arrivals;
	uint32_t connections;
	uint32_t pipeline; /* requests outstanding per connection */
	uint64_t duration_ns, warmup_ns, timeout_ns;
	enum key_order key_order;
	double zipf_exponent;
	uint64_t keys, seed;
	bool keys_given, seed_given; /* otherwise the service is asked */
	enum lookup_format format;
	bool check, stamp, spin;
	const char *json_path, *hgrm_path, *edges_path; /* "-" is standard output; NULL is none */
};

/*
 * Fills `options` from the command line. Prints and exits 0 for --help and --version. Otherwise 0, or -EINVAL
 * with one line in `error` that names the cause and the next step.
 */
int options_parse(struct load_options *options, int argc, char **argv, char error[OPTIONS_ERROR_BYTES]);

const char *lookup_format_name(enum lookup_format format);

#endif
