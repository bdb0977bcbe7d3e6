/* SPDX-License-Identifier: Apache-2.0 */
#include "pages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../core/text.h"
#include "../export/advice.h"
#include "icicle.h"
#include "lines.h"
#include "screen.h"

struct drawing {
	struct lines lines;
	const struct trace_info *info;
	const struct summary *summary;
	const struct history *history;
	const struct tree *flame;
	unsigned rows; /* for the page itself, the line of keys not counted */
};

static const char *const page_names[PAGE_COUNT] = {
#define PAGE_NAME(id, key, name) name,
	PAGE_LIST(PAGE_NAME)
#undef PAGE_NAME
};

static const char page_keys[PAGE_COUNT] = {
#define PAGE_KEY(id, key, name) key,
	PAGE_LIST(PAGE_KEY)
#undef PAGE_KEY
};

const char *page_name(enum page page)
{
	return page_names[page];
}

enum page page_of_key(int key)
{
	unsigned page = 0;
	while (page < PAGE_COUNT && page_keys[page] != key)
		page++;
	return page;
}

static void add_heading(struct drawing *drawing, const char *words)
{
	char comm[64], number[TEXT_NUMBER_BYTES];
	struct line *line = line_new(&drawing->lines, STYLE_TITLE);
	lines_clean_comm(&drawing->lines, comm, drawing->info->comm);
	line_add(line, "%s[%" PRIu32 "]  %s", comm, drawing->info->pid, words);
	line = line_new(&drawing->lines, STYLE_FAINT);
	line_add(line, "p99 %s", text_ns(number, (double)drawing->summary->server.p99));
	line_add(line, "   %s requests", text_count(number, drawing->summary->requests));
	line_add(line, "   lost %s", text_count(number, drawing->summary->lost));
}

/* ---- heatmap: columns are seconds, rows are buckets of server time, the slowest on top */

#define HEATMAP_LABEL 10

static void heatmap_range(const struct drawing *drawing, unsigned seconds, unsigned *low, unsigned *high,
			  uint32_t *most)
{
	*low = METRICS_EDGES;
	*high = 0;
	*most = 1;
	for (unsigned age = 0; age < seconds; age++) {
		const struct history_second *second = history_at(drawing->history, age);
		for (unsigned bucket = 0; second && bucket <= METRICS_EDGES; bucket++) {
			if (!second->counts[bucket])
				continue;
			*low = bucket < *low ? bucket : *low;
			*high = bucket > *high ? bucket : *high;
			*most = second->counts[bucket] > *most ? second->counts[bucket] : *most;
		}
	}
}

/* Five steps, each four times as many requests as the one before: the rare must be seen beside the many. */
static const char *shade(uint32_t count, int ascii)
{
	static const char *const blocks[] = {" ", "·", "░", "▒", "▓", "█"};
	static const char *const plain[] = {" ", ".", ":", "+", "*", "#"};
	unsigned step = 0;
	for (uint64_t limit = 1; step < 5 && count >= limit; limit *= 4)
		step++;
	return (ascii ? plain : blocks)[step];
}

static void add_heatmap_row(struct drawing *drawing, unsigned bucket, unsigned merged, unsigned seconds)
{
	char label[TEXT_NUMBER_BYTES];
	struct line *line = line_new(&drawing->lines, STYLE_PLAIN);
	unsigned top = bucket + merged - 1;
	if (top >= METRICS_EDGES)
		snprintf(label, sizeof(label), "more");
	else
		text_ns(label, (double)metrics_edge_ns(top));
	line_add_right(line, label, HEATMAP_LABEL - 2);
	line_add(line, " |");
	for (unsigned age = seconds; age-- > 0;) {
		const struct history_second *second = history_at(drawing->history, age);
		uint32_t count = 0;
		for (unsigned i = 0; second && i < merged && bucket + i <= METRICS_EDGES; i++)
			count += second->counts[bucket + i];
		line_add(line, "%s", shade(count, drawing->lines.ascii));
	}
}

static void draw_heatmap(struct drawing *drawing)
{
	unsigned seconds = drawing->lines.columns - HEATMAP_LABEL, low, high;
	uint32_t most;
	if (seconds > HISTORY_SECONDS)
		seconds = HISTORY_SECONDS;
	add_heading(drawing, "server time of each request, second by second");
	heatmap_range(drawing, seconds, &low, &high, &most);
	if (low > high) {
		line_add(line_new(&drawing->lines, STYLE_PLAIN), " no requests in the last %u s", seconds);
		return;
	}
	unsigned room = drawing->rows - drawing->lines.count - 2, merged = (high - low + room) / room;
	unsigned rows = (high - low) / merged + 1;
	for (unsigned row = rows; row-- > 0;)
		add_heatmap_row(drawing, low + row * merged, merged, seconds);
	struct line *line = line_new(&drawing->lines, STYLE_FAINT);
	line_add(line, "   cycle |");
	unsigned known =
		drawing->summary->series_count < SERIES_SECONDS ? drawing->summary->series_count : SERIES_SECONDS;
	for (unsigned age = seconds; age-- > 0;)
		line_add(line, "%s", age < known && drawing->summary->series[known - 1 - age].cycles ? "#" : " ");
	line = line_new(&drawing->lines, STYLE_FAINT);
	line_add(line, "         |%u s ago", seconds);
	line_pad(line, drawing->lines.columns - 4);
	line_add(line, "now");
}

/* ---- causes at three percentiles */

static void add_cohort_cell(struct line *line, double queue, double service)
{
	char number[TEXT_NUMBER_BYTES];
	line_add_right(line, text_ns(number, queue), 10);
	line_add_right(line, text_ns(number, service), 10);
}

static void draw_causes(struct drawing *drawing)
{
	const struct cohort *cohorts = drawing->summary->cohort;
	enum cause order[CAUSE_COUNT];
	char count[TEXT_NUMBER_BYTES];
	add_heading(drawing, "mean time by cause, in the queue and in service");
	line_new(&drawing->lines, STYLE_PLAIN);
	struct line *line = line_new(&drawing->lines, STYLE_TITLE);
	line_add(line, "              ");
	static const char *const names[COHORT_COUNT] = {"around p50", "slowest 1 %", "slowest 0.1 %"};
	for (unsigned i = 0; i < COHORT_COUNT; i++)
		line_add_right(line, names[i], 20);
	line = line_new(&drawing->lines, STYLE_FAINT);
	line_add(line, " requests     ");
	for (unsigned i = 0; i < COHORT_COUNT; i++)
		line_add_right(line, text_count(count, cohorts[i].count), 20);
	line = line_new(&drawing->lines, STYLE_FAINT);
	line_add(line, "              ");
	for (unsigned i = 0; i < COHORT_COUNT; i++)
		line_add(line, "     queue   service");
	advice_order(order, &cohorts[COHORT_P99]);
	for (unsigned i = 0; i < CAUSE_COUNT; i++) {
		line = line_new(&drawing->lines, STYLE_PLAIN);
		line_add(line, " %-13s", cause_name(order[i]));
		for (unsigned j = 0; j < COHORT_COUNT; j++)
			add_cohort_cell(line, cohorts[j].queue_ns[order[i]], cohorts[j].service_ns[order[i]]);
	}
}

/* ---- worst requests */

static enum cause greatest_cause(const struct blame *blame)
{
	unsigned greatest = 0;
	for (unsigned cause = 1; cause < CAUSE_COUNT; cause++)
		if (blame->ns[cause] > blame->ns[greatest])
			greatest = cause;
	return greatest;
}

static void add_span_cell(struct line *line, uint64_t ns, const struct blame *blame)
{
	char number[TEXT_NUMBER_BYTES];
	line_add_right(line, text_ns(number, (double)ns), 10);
	line_add(line, " %-12s", ns ? cause_name(greatest_cause(blame)) : "");
}

static void add_request(struct drawing *drawing, const struct request *request)
{
	char number[TEXT_NUMBER_BYTES], comm[64], key[24] = "-";
	struct line *line = line_new(&drawing->lines, STYLE_PLAIN);
	line_add_right(line, text_ns(number, (double)(request->end_ns - request->arrival_ns)), 9);
	add_span_cell(line, request->begin_ns - request->arrival_ns, &request->queue);
	add_span_cell(line, request->end_ns - request->begin_ns, &request->service);
	if (request->has_service)
		snprintf(key, sizeof(key), "%" PRIu64, request->key);
	line_add(line, " %-9s", key);
	lines_clean_comm(&drawing->lines, comm, request->culprit);
	line_add(line, " %s", comm);
}

static void draw_requests(struct drawing *drawing)
{
	const struct summary *summary = drawing->summary;
	add_heading(drawing, "the worst requests, with the greatest cause of each part");
	line_new(&drawing->lines, STYLE_PLAIN);
	line_add(line_new(&drawing->lines, STYLE_FAINT),
		 "   server     queue                service              key       behind");
	for (unsigned i = 0; i < summary->worst_count && i < WORST_COUNT; i++)
		add_request(drawing, &summary->worst[i]);
	if (!summary->worst_count)
		line_add(line_new(&drawing->lines, STYLE_PLAIN), " none yet");
}

/* ---- the collector */

static void add_fact(struct drawing *drawing, const char *name, const char *value)
{
	line_add(line_new(&drawing->lines, STYLE_PLAIN), " %-26s %s", name, value);
}

static void add_quantiles(struct drawing *drawing, const char *name, const struct quantiles *quantiles)
{
	char p50[TEXT_NUMBER_BYTES], p99[TEXT_NUMBER_BYTES], max[TEXT_NUMBER_BYTES], count[TEXT_NUMBER_BYTES],
		words[160];
	snprintf(words, sizeof(words), "p50 %s   p99 %s   max %s   (%s)", text_ns(p50, (double)quantiles->p50),
		 text_ns(p99, (double)quantiles->p99), text_ns(max, (double)quantiles->max),
		 text_count(count, quantiles->count));
	add_fact(drawing, name, quantiles->count ? words : "none");
}

static void add_cycles(struct drawing *drawing)
{
	const struct summary *summary = drawing->summary;
	unsigned known = summary->series_count < SERIES_SECONDS ? summary->series_count : SERIES_SECONDS;
	line_new(&drawing->lines, STYLE_PLAIN);
	struct line *line = line_new(&drawing->lines, STYLE_PLAIN);
	line_add(line, " cycles per second, oldest first:");
	line = line_new(&drawing->lines, STYLE_COLLECTOR);
	line_add(line, " ");
	for (unsigned i = 0; i < known; i++) {
		uint32_t cycles = summary->series[i].cycles;
		line_add(line, "%c", cycles == 0 ? '.' : cycles < 10 ? (char)('0' + cycles) : '+');
	}
}

static void add_cycle(struct drawing *drawing, const struct cycle *cycle, uint64_t now_ns)
{
	char mark[TEXT_NUMBER_BYTES] = "...", sweep[TEXT_NUMBER_BYTES] = "...", heap[TEXT_NUMBER_BYTES], marked[TEXT_NUMBER_BYTES] = "...",
	     longest[TEXT_NUMBER_BYTES], assist[TEXT_NUMBER_BYTES], number[24];
	struct line *line = line_new(&drawing->lines, STYLE_COLLECTOR);
	if (cycle->marked_ns)
		text_ns(mark, (double)(cycle->marked_ns - cycle->begin_ns)), text_bytes(marked, (double)cycle->marked_bytes);
	if (cycle->marked_ns && cycle->end_ns)
		text_ns(sweep, (double)(cycle->end_ns - cycle->marked_ns));
	snprintf(number, sizeof(number), "#%" PRIu64, cycle->number);
	line_add_right(line, number, 6);
	snprintf(number, sizeof(number), "%.1f s", now_ns > cycle->begin_ns ? (double)(now_ns - cycle->begin_ns) / 1e9 : 0.0);
	line_add_right(line, number, 8);
	line_add_right(line, mark, 9);
	line_add_right(line, sweep, 9);
	line_add_right(line, text_bytes(heap, (double)cycle->heap_bytes), 10);
	line_add_right(line, marked, 10);
	line_add_right(line, text_ns(longest, (double)cycle->handshake_ns_max), 9);
	line_add_right(line, text_ns(assist, (double)(cycle->assist_ns + cycle->stop_ns)), 9);
	char words[24];
	snprintf(words, sizeof(words), "  %s", cycle_reason(cycle));
	line_add_fitting(&drawing->lines, line, words);
}

/* The newest first, as many as there is room for. */
static void add_timeline(struct drawing *drawing)
{
	uint64_t now_ns = (drawing->history->newest + 1) * 1000000000;
	if (!cycles_at(&drawing->history->cycles, 0) || drawing->lines.count + 4 > drawing->rows)
		return;
	line_new(&drawing->lines, STYLE_PLAIN);
	line_add(line_new(&drawing->lines, STYLE_FAINT), " cycle     ago     mark    sweep      heap    marked handshake  mutators");
	for (unsigned back = 0; back < CYCLES_KEPT && drawing->lines.count < drawing->rows; back++) {
		const struct cycle *cycle = cycles_at(&drawing->history->cycles, back);
		if (cycle && cycle->begin_ns)
			add_cycle(drawing, cycle, now_ns);
	}
}

static void draw_collector(struct drawing *drawing)
{
	const struct summary *summary = drawing->summary;
	char number[TEXT_NUMBER_BYTES], words[64];
	add_heading(drawing, "the collector");
	line_new(&drawing->lines, STYLE_PLAIN);
	if (drawing->info->probes_found == 0) {
		line_add(line_new(&drawing->lines, STYLE_PLAIN), " not visible: the process has no memlab probes");
		return;
	}
	add_fact(drawing, "cycles", text_count(number, summary->gc.cycles));
	snprintf(words, sizeof(words), "%s %% of the target's", text_digits(number, 100 * summary->gc.cpu_fraction));
	add_fact(drawing, "CPU time", words);
	add_fact(drawing, "workers, all", text_ns(number, (double)summary->gc.worker_cpu_ns));
	add_fact(drawing, "assists inside requests", text_ns(number, (double)summary->gc.assist_ns));
	add_quantiles(drawing, "handshakes", &summary->gc.handshake);
	add_quantiles(drawing, "stops", &summary->gc.stop);
	if (summary->alloc.requests) {
		double requests = (double)summary->alloc.requests;
		add_fact(drawing, "allocations per request",
			 text_digits(number, (double)summary->alloc.total / requests));
		add_fact(drawing, "bytes per request",
			 text_bytes(number, (double)summary->alloc.total_bytes / requests));
	}
	add_cycles(drawing);
	add_timeline(drawing);
}

/* ---- the tail as a flame graph */

static void draw_flame(struct drawing *drawing)
{
	char number[TEXT_NUMBER_BYTES], words[128];
	uint64_t whole = drawing->flame ? tree_root(drawing->flame)->value : 0;
	snprintf(words, sizeof(words), "where one mean request of the slowest 1 %% spends %s", whole ? text_ns(number, (double)whole) : "its time");
	add_heading(drawing, words);
	line_new(&drawing->lines, STYLE_PLAIN);
	if (drawing->flame && whole)
		icicle_draw(&drawing->lines, drawing->flame, drawing->rows - drawing->lines.count);
	else
		line_add(line_new(&drawing->lines, STYLE_PLAIN), " no requests yet");
}

/* ---- help, and the line of keys */

static void draw_help(struct drawing *drawing)
{
	static const char *const lines[] = {
		"v  verdict: how slow, why, the worst request, what next",
		"h  heatmap: server time of each request over time; darker is more requests",
		"c  causes at p50, p99 and p99.9, in the queue and in service",
		"r  worst requests",
		"g  the collector, and its last cycles",
		"f  flame graph of the slowest 1 %: cause, span, who; with --sample stacks",
		"p  pause: the numbers stand still, tracing goes on",
		"q  quit, and print the verdict (Ctrl-C does the same)",
		"",
		"queue: from the arrival of a request's last byte until a thread reads it",
		"service: from there to the answer; server time is both together",
	};
	add_heading(drawing, "help");
	line_new(&drawing->lines, STYLE_PLAIN);
	for (unsigned i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		line_add(line_new(&drawing->lines, STYLE_PLAIN), " %s", lines[i]);
	if (!drawing->info->probes_left_out[0])
		return;
	line_new(&drawing->lines, STYLE_PLAIN);
	lines_wrap(&drawing->lines, " probes left out: ", drawing->info->probes_left_out, 4);
}

static void write_keys(FILE *file, const struct drawing *drawing, enum page page, int paused)
{
	struct lines keys;
	lines_start(&keys, drawing->info);
	struct line *line = line_new(&keys, STYLE_TITLE);
	for (unsigned i = 0; i < PAGE_COUNT; i++)
		line_add(line, "%s[%c]%s ", i == page ? "*" : " ", page_keys[i],
			 page_names[i] + (page_names[i][0] == page_keys[i] ? 1 : strlen(page_names[i])));
	line_add(line, " [p]%s  [q]uit", paused ? " PAUSED" : "ause");
	lines_write(&keys, file, "");
}

static void draw(struct drawing *drawing, enum page page)
{
	switch (page) {
	case PAGE_HEATMAP:
		draw_heatmap(drawing);
		return;
	case PAGE_CAUSES:
		draw_causes(drawing);
		return;
	case PAGE_REQUESTS:
		draw_requests(drawing);
		return;
	case PAGE_COLLECTOR:
		draw_collector(drawing);
		return;
	case PAGE_FLAME:
		draw_flame(drawing);
		return;
	default:
		draw_help(drawing);
		return;
	}
}

/* The verdict is screen_print's; its newlines become `end`. */
static int print_verdict(FILE *file, const struct trace_info *info, const struct summary *summary, unsigned rows,
			 const char *end, unsigned *used)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	if (!memory)
		return -ENOMEM;
	int error = screen_print(memory, info, summary);
	fclose(memory);
	for (char *line = text, *next; !error && *line && *used < rows; line = next + 1, ++*used) {
		next = strchr(line, '\n');
		fprintf(file, "%.*s%s", (int)(next - line), line, end);
	}
	free(text);
	return error;
}

int page_print(FILE *file, enum page page, const struct trace_info *info, const struct summary *summary,
	       const struct history *history, const struct tree *flame, int paused, const char *end)
{
	struct drawing *drawing = calloc(1, sizeof(*drawing));
	if (!drawing)
		return -ENOMEM;
	*drawing = (struct drawing){.info = info, .summary = summary, .history = history, .flame = flame};
	unsigned rows = info->rows > 4 ? (unsigned)info->rows : SCREEN_ROWS, used = 0;
	rows = rows > LINES_MAX ? LINES_MAX : rows;
	drawing->rows = rows - 1;
	lines_start(&drawing->lines, info);
	int error = 0;
	if (page == PAGE_VERDICT) {
		error = print_verdict(file, info, summary, rows - 1, end, &used);
	} else {
		draw(drawing, page);
		if (drawing->lines.count > rows - 1)
			drawing->lines.count = rows - 1;
		used = drawing->lines.count;
		lines_write(&drawing->lines, file, end);
	}
	for (; used < rows - 1; used++)
		fputs(end, file);
	write_keys(file, drawing, page, paused);
	free(drawing);
	return error ? error : ferror(file) ? -EIO : 0;
}
