/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The views as main uses them: their command-line options, and one object that is told of requests and time.
 *
 *   static const struct argp_child children[] = {{&views_argp, 0, "Views:", 4}, {0}};     input: struct views_options
 *   views_open(&views, &options, &source)   before attaching: an address that is taken is known at once
 *   attribution_config.on_request = views_request, .context = views
 *   views_tick(views, now_ns)               in the drain loop; 1: the user wants to quit. info and summary are renewed
 * by main once a second, as for --jsonl, when views_wants_updates() says so views_finish(views) after the last summary:
 * writes the files asked for views_close(views)                      puts the terminal back: before the verdict is
 * printed
 *
 * Errors are one line on stderr, as main's are. One thread.
 */
#ifndef MEMLAB_TRACE_UI_VIEWS_H
#define MEMLAB_TRACE_UI_VIEWS_H

#include <argp.h>

#include "board.h"

struct views_options {
	const char *listen;   /* --listen ADDRESS:PORT; NULL: none */
	int anyone;           /* --listen-anyone: other addresses than loopback are allowed */
	const char *html;     /* --html FILE: the page, frozen */
	const char *timeline; /* --timeline FILE: the worst requests as a Chrome trace */
	const char *tail;     /* --flame tail:FILE, which main parses: the tail flame graph */
	const char *color;    /* --color auto|always|never; NULL: auto */
	int no_live;          /* --no-live, or main prints something else on stdout (--jsonl) */
};

/* A child parser: its input is a struct views_options, all 0. */
extern const struct argp views_argp;

struct views;

/* 0, or a negative errno after one line on stderr; *views is then untouched. */
int views_open(struct views **views, const struct views_options *options, const struct board_source *source);
void views_close(struct views *views); /* closes the live view; NULL allowed */
void views_free(struct views *views);  /* NULL allowed; closes too */

/* For attribution's on_request; `views` is a struct views. */
void views_request(void *views, const struct request *request);

/* 1: somebody looks on while it runs, so the summary has to be renewed every second. */
int views_wants_updates(const struct views *views);

/* Serves and draws; never waits. 1: the user wants to quit. */
int views_tick(struct views *views, uint64_t now_ns);

/* Writes --html, --timeline and the tail flame graph. 0 or the first negative errno, each failure after one line on
 * stderr. */
int views_finish(struct views *views);

#endif
