/* SPDX-License-Identifier: Apache-2.0 */
#include "views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../export/tail.h"
#include "../export/timeline.h"
#include "live.h"

/* ---- options */

enum { KEY_LISTEN = 0x4c00, KEY_ANYONE, KEY_HTML, KEY_TIMELINE, KEY_TAIL, KEY_COLOR, KEY_NO_LIVE };

static const struct argp_option option_table[] = {
	{"listen", KEY_LISTEN, "ADDRESS:PORT", 0,
	 "serve the live page, /metrics, /data.json, /flame.svg and /profile.pb.gz; loopback only, port 0: any free "
	 "one",
	 0},
	{"listen-anyone", KEY_ANYONE, 0, 0, "let --listen take an address that others can reach; there is no password",
	 0},
	{"html", KEY_HTML, "FILE.html", 0, "write the live page, frozen, as one file that needs no network", 0},
	{"timeline", KEY_TIMELINE, "FILE.json", 0, "write the worst requests as a Chrome trace (Perfetto, speedscope)",
	 0},
	{"color", KEY_COLOR, "auto|always|never", 0,
	 "colour, which only repeats what words say (auto: on a terminal, without NO_COLOR)", 0},
	{"no-live", KEY_NO_LIVE, 0, 0, "no live view, also on a terminal", 0},
	{0}};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct views_options *options = state->input;
	switch (key) {
	case KEY_LISTEN:
		options->listen = value;
		return 0;
	case KEY_ANYONE:
		options->anyone = 1;
		return 0;
	case KEY_HTML:
		options->html = value;
		return 0;
	case KEY_TIMELINE:
		options->timeline = value;
		return 0;
	case KEY_COLOR:
		options->color = value;
		return 0;
	case KEY_NO_LIVE:
		options->no_live = 1;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp views_argp = {.options = option_table, .parser = parse_option};

/* ---- watching */

struct views {
	struct views_options options;
	struct board_source source;
	struct board *board;
	struct live *live; /* NULL: none */
};

static int listen_or_say(struct views *views)
{
	const char *address = views->options.listen;
	int error = board_listen(views->board, address, views->options.anyone);
	if (error == -EPERM)
		fprintf(stderr,
			"memlab-trace: %s can be reached from elsewhere; add --listen-anyone if that is meant\n",
			address);
	else if (error == -EINVAL)
		fprintf(stderr,
			"memlab-trace: %s is no address to listen on; give ADDRESS:PORT, for example 127.0.0.1:9435\n",
			address);
	else if (error)
		fprintf(stderr, "memlab-trace: cannot listen on %s: %s; choose another port\n", address,
			strerror(-error));
	else
		fprintf(stderr, "memlab-trace: live page and /metrics on port %u of %s\n", board_port(views->board),
			address);
	return error;
}

int views_open(struct views **out, const struct views_options *options, const struct board_source *source)
{
	struct views *views = calloc(1, sizeof(*views));
	int error = -ENOMEM;
	if (views && (views->board = board_new(source))) {
		views->options = *options;
		views->source = *source;
		error = options->listen ? listen_or_say(views) : 0;
		if (!error && !options->no_live && live_open(&views->live))
			views->live = NULL; /* no terminal: the verdict at the end is the view */
	} else {
		fputs("memlab-trace: out of memory\n", stderr);
	}
	if (error) {
		views_free(views);
		return error;
	}
	*out = views;
	return 0;
}

void views_close(struct views *views)
{
	if (!views)
		return;
	live_close(views->live);
	views->live = NULL;
}

void views_free(struct views *views)
{
	if (!views)
		return;
	views_close(views);
	board_free(views->board);
	free(views);
}

void views_request(void *context, const struct request *request)
{
	struct views *views = context;
	board_request(views->board, request);
}

int views_wants_updates(const struct views *views)
{
	return views->live || board_port(views->board);
}

int views_tick(struct views *views, uint64_t now_ns)
{
	board_poll(views->board);
	if (!views->live)
		return 0;
	return live_tick(views->live, now_ns, views->source.info, views->source.summary, board_history(views->board));
}

/* ---- files */

static int write_tail(FILE *file, const struct summary *summary)
{
	struct tree *tree = tree_new();
	int error = tree ? tree_add_tail(tree, summary) : -ENOMEM;
	if (!error)
		error = export_flame(file, tree, &tail_flame_options);
	tree_free(tree);
	return error;
}

static int write_kind(struct views *views, int key, FILE *file)
{
	switch (key) {
	case KEY_HTML:
		return board_freeze(views->board, file);
	case KEY_TIMELINE:
		return export_timeline(file, views->source.info, views->source.summary);
	default:
		return write_tail(file, views->source.summary);
	}
}

static int write_file(struct views *views, const char *option, int key, const char *path)
{
	if (!path)
		return 0;
	FILE *file = fopen(path, "we");
	int error = file ? write_kind(views, key, file) : -errno;
	if (file && fclose(file) && !error)
		error = -errno;
	if (error)
		fprintf(stderr, "memlab-trace: cannot write %s: %s; choose another file for --%s\n", path,
			strerror(-error), option);
	return error;
}

int views_finish(struct views *views)
{
	int html = write_file(views, "html", KEY_HTML, views->options.html);
	int timeline = write_file(views, "timeline", KEY_TIMELINE, views->options.timeline);
	int tail = write_file(views, "flame", KEY_TAIL, views->options.tail);
	return html ? html : timeline ? timeline : tail;
}
