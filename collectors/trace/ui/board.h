/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: everything that watches along while a trace runs. It counts each request for /metrics and
 * for the history, serves the live page, and can freeze the page into a file.
 *
 * The owner keeps `info` and `summary` up to date (once a second is enough) and calls board_poll from its
 * loop. One thread.
 */
#ifndef MEMLAB_TRACE_UI_BOARD_H
#define MEMLAB_TRACE_UI_BOARD_H

#include <stdio.h>

#include "../export/history.h"
#include "../export/views.h"

struct board;

/* What `story` points to stays the owner's. */
struct board *board_new(const struct story *story); /* NULL on lack of memory */
void board_free(struct board *board);                       /* NULL allowed; closes the listener */

/* For attribution's on_request; `board` is a struct board. */
void board_request(void *board, const struct request *request);

/* Any record. */
void board_record(struct board *board, const struct record *record);

/* As listener_open. board_port tells where it listens; 0: it does not. */
int board_listen(struct board *board, const char *address, int anyone);
uint16_t board_port(const struct board *board);

/* Answers what has come; never waits. */
void board_poll(struct board *board);

/* The page as one file (--html). 0, -ENOMEM or -EIO. */
int board_freeze(struct board *board, FILE *file);

const struct history *board_history(const struct board *board);
const struct story *board_story(const struct board *board);

#endif
