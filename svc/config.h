/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line and the environment ask for. Parsed once at start; long options are accepted with one dash
 * too (-pool=on). What cannot be honoured is refused with one line, never ignored.
 */
#ifndef MEMLAB_SVC_CONFIG_H
#define MEMLAB_SVC_CONFIG_H

#include "heap/gc.h"
#include "store.h"

#define CONFIG_THREADS_MAX 64

enum serve_path { PATH_NAIVE, PATH_OPT };

struct config {
	char address[64]; /* numeric IPv4 or IPv6 */
	uint16_t port;    /* 0: any free one */
	uint64_t index_bytes, seed;
	const char *data; /* a file to load instead of making records from the seed; NULL */
	enum serve_path path;
	unsigned fixes; /* enum fix of serialize.h */
	bool pool;
	enum layout_id layout;
	enum record_form_id form;
	bool intern;
	unsigned threads;
	unsigned idle_timeout_s;
	uint64_t heap_profile_rate; /* bytes per sample; 0: off */
	bool list_sites;            /* print the allocation sites and end */
	struct gc_config gc;
};

/* Ends the process on --help, --version (0) and on anything wrong (2, one line on stderr). */
void config_parse(struct config *config, int argc, char **argv);

#endif
