/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#include <errno.h>
#include <stdlib.h>

#include "../core/clock.h"
#include "../export/metrics.h"
#include "listener.h"
#include "page.h"

struct board {
	struct story story;
	struct history history;
	struct metrics *metrics;
	struct listener *listener;
	uint64_t wall_offset_ns; /* real time minus CLOCK_MONOTONIC */
};

struct board *board_new(const struct story *story)
{
	struct board *board = calloc(1, sizeof(*board));
	if (!board)
		return NULL;
	board->story = *story;
	board->metrics = metrics_new();
	board->wall_offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	if (board->metrics)
		return board;
	free(board);
	return NULL;
}

void board_free(struct board *board)
{
	if (!board)
		return;
	listener_close(board->listener);
	metrics_free(board->metrics);
	free(board);
}

void board_request(void *context, const struct request *request)
{
	struct board *board = context;
	history_add(&board->history, request);
	metrics_request(board->metrics, request, request->end_ns + board->wall_offset_ns);
}

void board_record(struct board *board, const struct record *record)
{
	cycles_record(&board->history.cycles, record);
}

/* ---- what the listener serves */

static int write_data(void *context, FILE *file)
{
	const struct board *board = context;
	return page_data(file, &board->story, &board->history);
}

static int write_metrics(void *context, FILE *file, enum metrics_format format)
{
	const struct board *board = context;
	return metrics_write(file, board->metrics, format, board->story.info, board->story.summary,
			     clock_ns(CLOCK_PROCESS_CPUTIME_ID));
}

static int write_flame(void *context, FILE *file, enum flame_kind kind)
{
	const struct board *board = context;
	return story_has_flame(&board->story, kind) ? story_flame(file, &board->story, kind) : -ENOENT;
}

static int write_profile(void *context, FILE *file, enum pprof_kind kind)
{
	const struct board *board = context;
	return story_pprof(file, &board->story, kind, clock_ns(CLOCK_REALTIME));
}

int board_listen(struct board *board, const char *address, int anyone)
{
	const struct listener_content content = {
		.context = board,
		.data = write_data,
		.metrics = write_metrics,
		.flame = write_flame,
		.profile = write_profile,
	};
	return listener_open(&board->listener, address, anyone, &content);
}

uint16_t board_port(const struct board *board)
{
	return board->listener ? listener_port(board->listener) : 0;
}

void board_poll(struct board *board)
{
	board->history.tail_floor_ns = board->story.summary->server.p99;
	if (board->listener)
		listener_poll(board->listener);
}

int board_freeze(struct board *board, FILE *file)
{
	return page_frozen(file, &board->story, &board->history);
}

const struct story *board_story(const struct board *board)
{
	return &board->story;
}

const struct history *board_history(const struct board *board)
{
	return &board->history;
}
