/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "../export/flame.h"
#include "../export/metrics.h"
#include "../export/pprof.h"
#include "../export/tail.h"
#include "listener.h"
#include "page.h"

struct board {
	struct board_source source;
	struct history history;
	struct metrics *metrics;
	struct listener *listener;
	uint64_t wall_offset_ns; /* real time minus CLOCK_MONOTONIC */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct board *board_new(const struct board_source *source)
{
	struct board *board = calloc(1, sizeof(*board));
	if (!board)
		return NULL;
	board->source = *source;
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

/* ---- what the listener serves */

static int write_data(void *context, FILE *file)
{
	const struct board *board = context;
	return page_data(file, board->source.info, board->source.summary, &board->history);
}

static int write_metrics(void *context, FILE *file, enum metrics_format format)
{
	const struct board *board = context;
	return metrics_write(file, board->metrics, format, board->source.info, board->source.summary,
			     clock_ns(CLOCK_PROCESS_CPUTIME_ID));
}

/* The allocations when they are recorded, else the tail by cause. NULL on lack of memory. */
static struct tree *flame_tree(const struct board *board)
{
	struct tree *tree = tree_new();
	int error = tree ? 0 : -ENOMEM;
	if (!error && board->source.stacks && board->source.symbols) {
		struct frame_namer namer = symbols_namer(board->source.symbols);
		error = tree_add_stacks(tree, board->source.stacks, TREE_AMOUNT, &namer, 0);
	} else if (!error) {
		error = tree_add_tail(tree, board->source.summary);
	}
	if (!error)
		return tree;
	tree_free(tree);
	return NULL;
}

static const struct flame_options *flame_options(const struct board *board)
{
	static const struct flame_options allocations = {.title = "Allocated bytes by place", .unit = "bytes"};
	return board->source.stacks ? &allocations : &tail_flame_options;
}

static int write_flame(void *context, FILE *file)
{
	const struct board *board = context;
	struct tree *tree = flame_tree(board);
	int error = tree ? export_flame(file, tree, flame_options(board)) : -ENOMEM;
	tree_free(tree);
	return error;
}

static int write_profile(void *context, FILE *file)
{
	const struct board *board = context;
	const struct pprof_options options = {
		.count_type = "alloc_objects",
		.amount_type = "alloc_space",
		.amount_unit = "bytes",
		.wall_ns = clock_ns(CLOCK_REALTIME) - board->source.info->duration_ns,
		.duration_ns = board->source.info->duration_ns,
	};
	if (!board->source.stacks || !board->source.symbols)
		return -ENOENT;
	return export_pprof(file, board->source.stacks, board->source.symbols, &options);
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
	board->history.tail_floor_ns = board->source.summary->server.p99;
	if (board->listener)
		listener_poll(board->listener);
}

int board_freeze(struct board *board, FILE *file)
{
	struct tree *tree = flame_tree(board);
	if (!tree)
		return -ENOMEM;
	int error = page_frozen(file, board->source.info, board->source.summary, &board->history, tree,
				flame_options(board));
	tree_free(tree);
	return error;
}

const struct history *board_history(const struct board *board)
{
	return &board->history;
}
