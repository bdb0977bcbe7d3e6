/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame is composed in memory and written in one go, each line followed by "erase to the end of the line", so nothing
 * flickers and nothing of the frame before is left.
 */
#include "live.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "pages.h"

#define REDRAW_NS 1000000000u
#define ENTER "\033[?1049h\033[?25l" /* alternate screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"
#define LINE_END "\033[K\r\n"

struct live {
	struct termios before;
	enum page page;
	int paused, quit, changed; /* changed: redraw now */
	uint64_t next_ns;
	unsigned rows, columns;
	/* What the page shows while paused. */
	struct trace_info info;
	struct summary summary;
	struct history history;
	struct tree *flame; /* while its page is shown */
};

static void write_all(const char *text, size_t size)
{
	while (size) {
		ssize_t written = write(STDOUT_FILENO, text, size);
		if (written < 0 && errno != EINTR && errno != EAGAIN)
			return;
		text += written > 0 ? written : 0;
		size -= written > 0 ? (size_t)written : 0;
	}
}

int live_open(struct live **out)
{
	struct termios raw;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &raw))
		return -ENOTTY;
	struct live *live = calloc(1, sizeof(*live));
	if (!live)
		return -ENOMEM;
	live->before = raw;
	live->changed = 1;
	/* Signals stay: Ctrl-C ends the trace as it does without a view. */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	write_all(ENTER, strlen(ENTER));
	*out = live;
	return 0;
}

void live_close(struct live *live)
{
	if (!live)
		return;
	write_all(LEAVE, strlen(LEAVE));
	tcsetattr(STDIN_FILENO, TCSANOW, &live->before);
	tree_free(live->flame);
	free(live);
}

static void take_key(struct live *live, char key)
{
	enum page page = page_of_key(key);
	live->changed = 1;
	if (key == 'q')
		live->quit = 1;
	else if (key == 'p')
		live->paused = !live->paused;
	else if (page != PAGE_COUNT)
		live->page = page;
}

/* What follows an escape sequence (arrows, function keys: ESC [ ... letter, ESC O letter), none of which means anything
 * here. */
static const char *skip_escape(const char *at, const char *end)
{
	at++;
	if (at < end && (*at == '[' || *at == 'O'))
		at++;
	while (at < end && (unsigned char)*at < 0x40)
		at++;
	return at < end ? at + 1 : end;
}

static void take_keys(struct live *live)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char keys[64];
	if (poll(&input, 1, 0) <= 0)
		return;
	ssize_t count = read(STDIN_FILENO, keys, sizeof(keys));
	if (count <= 0 && (input.revents & (POLLHUP | POLLERR)))
		live->quit = 1;
	const char *at = keys, *end = keys + (count > 0 ? count : 0);
	while (at < end) {
		if (*at == '\033')
			at = skip_escape(at, end);
		else
			take_key(live, *at++);
	}
}

static void take_size(struct live *live)
{
	struct winsize size;
	unsigned rows = 24, columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) {
		rows = size.ws_row;
		columns = size.ws_col;
	}
	live->changed |= rows != live->rows || columns != live->columns;
	live->rows = rows;
	live->columns = columns;
}

static void redraw(struct live *live)
{
	char *frame = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&frame, &size);
	if (!memory)
		return;
	live->info.rows = (int)live->rows;
	live->info.columns = (int)live->columns;
	fputs("\033[H", memory);
	page_print(memory, live->page, &live->info, &live->summary, &live->history, live->flame, live->paused,
		   LINE_END);
	fputs("\033[K\033[J", memory);
	fclose(memory);
	write_all(frame, size);
	free(frame);
}

/* What the page shows: taken over unless the numbers stand still. */
static void look(struct live *live, const struct story *story, const struct history *history)
{
	if (!live->paused) {
		live->info = *story->info;
		live->summary = *story->summary;
		live->history = *history;
	} else if (live->page != PAGE_FLAME || live->flame) {
		return;
	}
	struct story shown = *story;
	shown.info = &live->info;
	shown.summary = &live->summary;
	tree_free(live->flame);
	live->flame = live->page == PAGE_FLAME ? story_tree(&shown, FLAME_TAIL) : NULL;
}

void live_refresh(struct live *live)
{
	if (live)
		live->changed = 1;
}

int live_tick(struct live *live, uint64_t now_ns, const struct story *story, const struct history *history)
{
	take_keys(live);
	take_size(live);
	if (now_ns < live->next_ns && !live->changed)
		return live->quit;
	if (now_ns >= live->next_ns)
		live->next_ns = now_ns + REDRAW_NS;
	live->changed = 0;
	look(live, story, history);
	redraw(live);
	return live->quit;
}
