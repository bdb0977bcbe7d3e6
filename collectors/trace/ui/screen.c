/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed lines are counted, and the causes get the rows that are left.
 */
#include "screen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../core/json_reader.h"
#include "../core/text.h"
#include "../export/advice.h"
#include "lines.h"

#define LABEL_COLUMNS 23
#define VALUE_COLUMNS 9

struct screen {
	const struct trace_info *info;
	const struct summary *summary;
	unsigned rows;
	struct lines lines;
};

/* ---- who is watched, and the price */

static int foreign(const struct trace_info *info)
{
	return info->probes_found == 0;
}

static void run_member(const struct screen *screen, const char *key, char out[40])
{
	char raw[64] = "";
	if (screen->info->run_json)
		json_member(screen->info->run_json, key, raw, sizeof(raw));
	text_clean(out, 40, raw, 12, screen->lines.ascii);
}

static void add_title(struct screen *screen)
{
	char comm[64], path[40], layout[40], gogc[40], index_bytes[40], size[TEXT_NUMBER_BYTES];
	struct line *line = line_new(&screen->lines, STYLE_TITLE);
	lines_clean_comm(&screen->lines, comm, screen->info->comm);
	run_member(screen, "path", path);
	run_member(screen, "layout", layout);
	run_member(screen, "gogc", gogc);
	run_member(screen, "index_bytes", index_bytes);
	line_add(line, "memlab-trace %s  %s[%" PRIu32 "]", screen->info->version ? screen->info->version : "", comm,
		 screen->info->pid);
	if (*path)
		line_add(line, "  %s path", path);
	if (strtod(index_bytes, NULL) > 0)
		line_add(line, "  %s %s", text_bytes(size, strtod(index_bytes, NULL)), layout);
	if (*gogc)
		line_add(line, "  GOGC=%s", gogc);
}

static void add_probes(struct screen *screen)
{
	const struct trace_info *info = screen->info;
	char number[TEXT_NUMBER_BYTES], words[96];
	struct line *line = line_new(&screen->lines, STYLE_PLAIN);
	if (foreign(info))
		line_add(line, "no memlab probes");
	else
		line_add(line, "probes %u/%u in %s", info->probes_attached, info->probes_found,
			 text_ns(number, (double)info->attach_ns));
	int chosen = info->mode_asked && strcmp(info->mode_asked, "auto") == 0;
	line_add(line, " (not stopped, not ptraced)   mode %s%s", chosen ? "auto: " : "", info->mode ? info->mode : "?");
	snprintf(words, sizeof(words), "   %s req/s", text_count(number, (uint64_t)(info->requests_per_second + 0.5)));
	line_add_fitting(&screen->lines, line, words);
}

static void add_count(struct line *line, const char *name, uint64_t count)
{
	char number[TEXT_NUMBER_BYTES];
	line_add(line, "%s%s %s", *line->text ? "   " : "", name, text_count(number, count));
}

static void add_cost(struct screen *screen)
{
	const struct trace_info *info = screen->info;
	char number[TEXT_NUMBER_BYTES], words[96];
	struct line *line = line_new(&screen->lines, screen->summary->lost ? STYLE_WARNING : STYLE_PLAIN);
	add_count(line, "lost", screen->summary->lost);
	if (screen->summary->late)
		add_count(line, "late", screen->summary->late);
	if (screen->summary->cut)
		add_count(line, "cut", screen->summary->cut);
	if (screen->summary->checks.without_arrival)
		add_count(line, "without arrival", screen->summary->checks.without_arrival);
	line_add(line, "   cost ");
	if (info->cost.target_ns_per_request >= 0)
		line_add(line, "%s/request + ", text_ns(number, info->cost.target_ns_per_request));
	if (info->cost.tracer_cpu_percent >= 0)
		line_add(line, "%s %% of a CPU", text_digits(number, info->cost.tracer_cpu_percent));
	else
		line_add(line, "not measured");
	if (info->cost.budget_percent > 0) {
		snprintf(words, sizeof(words), " (budget %g %%)", info->cost.budget_percent);
		line_add_fitting(&screen->lines, line, words);
	}
	if (info->cost.bpf_cpu_percent >= 0) {
		snprintf(words, sizeof(words), "   all BPF %s %%", text_digits(number, info->cost.bpf_cpu_percent));
		line_add_fitting(&screen->lines, line, words);
	}
	snprintf(words, sizeof(words), "   %s", text_ns(number, (double)info->duration_ns));
	line_add_fitting(&screen->lines, line, words);
	if (info->alloc_mode && strcmp(info->alloc_mode, "counters") != 0) {
		snprintf(words, sizeof(words), "   alloc %.12s", info->alloc_mode);
		line_add_fitting(&screen->lines, line, words);
	}
}

/* ---- how slow */

static const double percents[] = {50, 90, 99, 99.9, 99.99, 100};

/* The columns from number `known` on are not known. */
static void add_row(struct screen *screen, const char *label, const struct quantiles *quantiles, unsigned known)
{
	const uint64_t values[] = {quantiles->p50,  quantiles->p90,   quantiles->p99,
				   quantiles->p999, quantiles->p9999, quantiles->max};
	struct line *line = line_new(&screen->lines, STYLE_PLAIN);
	char number[TEXT_NUMBER_BYTES];
	line_add(line, " %s", label);
	line_pad(line, LABEL_COLUMNS);
	for (unsigned i = 0; i < 6; i++)
		line_add_right(line, i < known ? text_ns(number, (double)values[i]) : "unknown", VALUE_COLUMNS);
}

static int in_tail_mode(const struct screen *screen)
{
	return screen->info->mode && strcmp(screen->info->mode, "tail") == 0;
}

/* In tail mode, and where there is room for it: how far each percentile may be off. */
static void add_intervals(struct screen *screen)
{
	const struct quantiles *server = &screen->summary->server;
	const uint64_t values[INTERVAL_COUNT] = {server->p50, server->p90, server->p99, server->p999, server->p9999};
	char number[TEXT_NUMBER_BYTES], words[TEXT_NUMBER_BYTES + 4];
	if (!in_tail_mode(screen) && screen->rows < 32)
		return;
	struct line *line = line_new(&screen->lines, STYLE_FAINT);
	/* Two columns are too many for a sign in each cell. */
	line_add(line, screen->lines.ascii ? " 95 %% interval, +-" : " 95 %% interval");
	line_pad(line, LABEL_COLUMNS);
	for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
		const struct interval *interval = &screen->summary->server_interval[i];
		uint64_t below = values[i] > interval->low_ns ? values[i] - interval->low_ns : 0;
		uint64_t above = interval->high_ns > values[i] ? interval->high_ns - values[i] : 0;
		snprintf(words, sizeof(words), "%s%s", screen->lines.ascii ? "" : "±", text_ns(number, (double)(above > below ? above : below)));
		line_add_right(line, interval->high_ns ? words : "too few", VALUE_COLUMNS);
	}
}

static void add_without_collector(struct screen *screen)
{
	unsigned known = 0;
	while (known < 6 && summary_knows_without_gc(screen->summary, percents[known]))
		known++;
	add_row(screen, "without the collector", &screen->summary->without_gc, known);
}

/* What the clients say, if they do; of how many requests, if not of all. */
static void add_client(struct screen *screen)
{
	const struct summary *summary = screen->summary;
	char number[TEXT_NUMBER_BYTES], label[16 + TEXT_NUMBER_BYTES] = "response";
	if (!summary->response.count)
		return;
	if (summary->response.count < summary->requests)
		snprintf(label, sizeof(label), "response of %s", text_count(number, summary->response.count));
	add_row(screen, "client wait", &summary->client_wait, 6);
	add_row(screen, label, &summary->response, 6);
}

static void add_table(struct screen *screen)
{
	static const char *const heads[] = {"p50", "p90", "p99", "p99.9", "p99.99", "max"};
	char number[TEXT_NUMBER_BYTES];
	struct line *line = line_new(&screen->lines, STYLE_FAINT);
	line_add(line, " %s request%s", text_count(number, screen->summary->requests),
		 screen->summary->requests == 1 ? "" : "s");
	line_pad(line, LABEL_COLUMNS);
	for (unsigned i = 0; i < 6; i++)
		line_add_right(line, heads[i], VALUE_COLUMNS);
	add_row(screen, "server time", &screen->summary->server, 6);
	add_intervals(screen);
	add_client(screen);
	if (!foreign(screen->info))
		add_without_collector(screen);
}

static void add_collector(struct screen *screen)
{
	const struct summary *summary = screen->summary;
	char number[TEXT_NUMBER_BYTES], words[128];
	if (foreign(screen->info))
		return;
	struct line *line = line_new(&screen->lines, STYLE_TITLE);
	if (!summary_knows_without_gc(summary, 99)) {
		line_add(line, " -> what the collector is of p99 is not known: records ");
		line_add(line, summary->lost ? "were lost" : "contradict each other");
		return;
	}
	if (summary->gc.cycles == 0) {
		line_add(line, " -> 0 cycles yet in %s: the collector has cost nothing so far",
			 text_ns(number, (double)screen->info->duration_ns));
		return;
	}
	uint64_t with = summary->server.p99, without = summary->without_gc.p99;
	uint64_t difference = with > without ? with - without : 0;
	line_add(line, " -> the collector is %s of p99", text_ns(number, (double)difference));
	if (with)
		line_add(line, " (%s %%)", text_digits(number, 100.0 * (double)difference / (double)with));
	line_add(line, ", %s cycle%s", text_count(number, summary->gc.cycles), summary->gc.cycles == 1 ? "" : "s");
	snprintf(words, sizeof(words), ", %s %% of the CPU time", text_digits(number, 100 * summary->gc.cpu_fraction));
	line_add_fitting(&screen->lines, line, words);
}

static void add_memory(struct screen *screen)
{
	const struct summary *summary = screen->summary;
	char number[TEXT_NUMBER_BYTES], words[128];
	if (!summary->alloc.requests)
		return;
	double requests = (double)summary->alloc.requests;
	struct line *line = line_new(&screen->lines, STYLE_PLAIN);
	line_add(line, " %s allocations", text_digits(number, (double)summary->alloc.total / requests));
	line_add(line, " and %s per request", text_bytes(number, (double)summary->alloc.total_bytes / requests));
	if (!summary->gc.handshake.count)
		return;
	snprintf(words, sizeof(words), ", handshake p99 %s", text_ns(number, (double)summary->gc.handshake.p99));
	line_add_fitting(&screen->lines, line, words);
}

/* ---- over time */

static const char *spark(uint64_t value, uint64_t greatest, int ascii)
{
	static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const plain[] = {"_", ".", ",", "-", "~", "=", "+", "*"};
	unsigned level = greatest ? (unsigned)((double)value / (double)greatest * 7.999) : 0;
	return (ascii ? plain : blocks)[level > 7 ? 7 : level];
}

static void add_series(struct screen *screen)
{
	const struct summary *summary = screen->summary;
	unsigned count = summary->series_count < SERIES_SECONDS ? summary->series_count : SERIES_SECONDS;
	uint64_t greatest = 0, cycles = 0;
	char number[TEXT_NUMBER_BYTES];
	if (count < 2)
		return;
	for (unsigned i = 0; i < count; i++) {
		greatest = summary->series[i].p99_ns > greatest ? summary->series[i].p99_ns : greatest;
		cycles += summary->series[i].cycles;
	}
	struct line *line = line_new(&screen->lines, STYLE_PLAIN);
	line_add(line, " p99/s ");
	for (unsigned i = 0; i < count; i++)
		line_add(line, "%s",
			 summary->series[i].requests ? spark(summary->series[i].p99_ns, greatest, screen->lines.ascii)
						     : " ");
	char words[64];
	snprintf(words, sizeof(words), " max %s", text_ns(number, (double)greatest));
	line_add_fitting(&screen->lines, line, words);
	if (!cycles)
		return;
	line = line_new(&screen->lines, STYLE_FAINT);
	line_add(line, " cycle ");
	for (unsigned i = 0; i < count; i++)
		line_add(line, "%s", summary->series[i].cycles ? "#" : " ");
	line_add_fitting(&screen->lines, line, " # seconds in which the collector ran");
}

/* ---- why */

static enum style cause_style(enum cause cause)
{
	switch (cause) {
	case CAUSE_ALLOC:
	case CAUSE_ASSIST:
	case CAUSE_STOP:
	case CAUSE_GC_CPU:
		return STYLE_COLLECTOR;
	case CAUSE_RUNQ:
	case CAUSE_WAKE:
		return STYLE_CPU;
	default:
		return STYLE_PLAIN;
	}
}

/* How wide the bars are; in tail mode they give way to how far each share may be off. */
#define ERROR_COLUMNS 6
static unsigned bar_columns(const struct screen *screen)
{
	unsigned wider = screen->lines.columns > SCREEN_COLUMNS ? (screen->lines.columns - SCREEN_COLUMNS) / 2 : 0;
	return 12 + wider - (in_tail_mode(screen) ? ERROR_COLUMNS : 0);
}

static void add_error(const struct screen *screen, struct line *line, double share_error)
{
	unsigned end = text_columns(line->text) + ERROR_COLUMNS;
	if (share_error >= 0)
		line_add(line, " %s%.1f", screen->lines.ascii ? "+-" : "±", 100 * share_error);
	line_pad(line, end);
}

/* What of own is not the program's. */
static void add_own_parts(const struct screen *screen, struct line *line, const struct cohort *cohort)
{
	char number[TEXT_NUMBER_BYTES], words[TEXT_NUMBER_BYTES + 16];
	if (cohort->net_ns > 0) {
		snprintf(words, sizeof(words), "  sending %s", text_ns(number, cohort->net_ns));
		line_add_fitting(&screen->lines, line, words);
	}
	if (cohort->steal_ns > 0) {
		snprintf(words, sizeof(words), "  stolen %s", text_ns(number, cohort->steal_ns));
		line_add_fitting(&screen->lines, line, words);
	}
}

static void add_cause(struct screen *screen, enum cause cause, double whole)
{
	const struct cohort *cohort = &screen->summary->cohort[COHORT_P99];
	double queue = cohort->queue_ns[cause], service = cohort->service_ns[cause];
	unsigned bar = bar_columns(screen);
	char number[TEXT_NUMBER_BYTES], mean[TEXT_NUMBER_BYTES + 1], comm[64], who[24];
	struct line *line = line_new(&screen->lines, cause_style(cause));
	line_add(line, " %-12s ", cause_name(cause));
	line_add_bar(line, whole > 0 ? (queue + service) / whole : 0, bar, screen->lines.ascii);
	line_pad(line, 14 + bar);
	line_add_percent(line, queue + service, whole, 8);
	if (in_tail_mode(screen))
		add_error(screen, line, cohort->share_error[cause]);
	int estimated = cause == CAUSE_FAULT && screen->summary->checks.fault_estimated_ns;
	snprintf(mean, sizeof(mean), "%s%s", estimated ? "~" : "", text_ns(number, queue + service));
	line_add_right(line, mean, 9);
	line_add_percent(line, queue, whole, 9);
	line_add_percent(line, service, whole, 9);
	if (cause == CAUSE_OWN)
		add_own_parts(screen, line, cohort);
	unsigned threads;
	const struct culprit *culprit = advice_culprit(screen->summary, cause, &threads);
	if (!culprit)
		return;
	lines_clean_comm(&screen->lines, comm, culprit->comm);
	line_add(line, "  %s", comm);
	snprintf(who, sizeof(who), threads > 1 ? " x%u" : "[%u]", threads > 1 ? threads : culprit->tid);
	line_add_fitting(&screen->lines, line, who);
}

static void add_more_causes(struct screen *screen, const enum cause *order, unsigned count, double whole)
{
	const struct cohort *cohort = &screen->summary->cohort[COHORT_P99];
	double queue = 0, service = 0;
	struct line *line = line_new(&screen->lines, STYLE_FAINT);
	for (unsigned i = 0; i < count; i++) {
		queue += cohort->queue_ns[order[i]];
		service += cohort->service_ns[order[i]];
	}
	line_add(line, " and %u more", count);
	line_pad(line, 14 + bar_columns(screen));
	line_add_percent(line, queue + service, whole, 8);
	if (in_tail_mode(screen))
		line_pad(line, text_columns(line->text) + ERROR_COLUMNS);
	char number[TEXT_NUMBER_BYTES];
	line_add_right(line, text_ns(number, queue + service), 9);
	line_add_percent(line, queue, whole, 9);
	line_add_percent(line, service, whole, 9);
}

static void add_causes(struct screen *screen, unsigned rows)
{
	const struct cohort *cohort = &screen->summary->cohort[COHORT_P99];
	enum cause order[CAUSE_COUNT];
	char count[TEXT_NUMBER_BYTES], floor[TEXT_NUMBER_BYTES];
	unsigned present = advice_order(order, cohort);
	double whole = 0;
	for (unsigned i = 0; i < present; i++)
		whole += cohort->queue_ns[order[i]] + cohort->service_ns[order[i]];
	struct line *line = line_new(&screen->lines, STYLE_TITLE);
	line_add(line, " WHY THE SLOWEST 1 %% ARE SLOW (%s request%s at or over %s", text_count(count, cohort->count),
		 cohort->count == 1 ? "" : "s", text_ns(floor, (double)cohort->floor_ns));
	if (in_tail_mode(screen) && cohort->share_error[order[0]] < 0)
		line_add_fitting(&screen->lines, line, screen->lines.ascii ? ": too few for +-" : ": too few for ±");
	line_add(line, ")");
	line = line_new(&screen->lines, STYLE_FAINT);
	line_pad(line, 14 + bar_columns(screen));
	line_add(line, "   share%s     mean    queue  service  taken by", in_tail_mode(screen) ? "  95 %" : "");
	/* What is not explained has its own row, even when it is nothing: the sum is there to be checked. */
	unsigned last = 0;
	while (order[last] != CAUSE_UNATTRIBUTED)
		last++;
	int apart = last >= present || (present > rows && last >= rows - 1);
	unsigned room = rows - (apart ? 1 : 0);
	unsigned named = apart && last < present ? present - 1 : present;
	if (apart)
		memmove(order + last, order + last + 1, (CAUSE_COUNT - 1 - last) * sizeof(*order));
	unsigned shown = named <= room ? named : room - 1;
	for (unsigned i = 0; i < shown; i++)
		add_cause(screen, order[i], whole);
	if (named > shown)
		add_more_causes(screen, order + shown, named - shown, whole);
	if (apart)
		add_cause(screen, CAUSE_UNATTRIBUTED, whole);
}

/* ---- the worst request, and what next */

static void line_add_span(struct line *line, const char *name, uint64_t ns, const struct blame *blame)
{
	char number[TEXT_NUMBER_BYTES];
	unsigned greatest = 0;
	for (unsigned cause = 1; cause < CAUSE_COUNT; cause++)
		if (blame->ns[cause] > blame->ns[greatest])
			greatest = cause;
	line_add(line, "%s %s", text_ns(number, (double)ns), name);
	if (blame->ns[greatest])
		line_add(line, " (%s %s)", text_ns(number, (double)blame->ns[greatest]), cause_name(greatest));
}

static void add_worst(struct screen *screen)
{
	const struct request *worst = &screen->summary->worst[0];
	char number[TEXT_NUMBER_BYTES], comm[64];
	if (!screen->summary->worst_count)
		return;
	struct line *line = line_new(&screen->lines, STYLE_PLAIN);
	line_add(line, " worst: %s", text_ns(number, (double)(worst->end_ns - worst->arrival_ns)));
	if (worst->has_service)
		line_add(line, "  GET /lookup?key=%" PRIu64 "  %s %u", worst->key, worst->format ? "bin" : "json",
			 worst->status);
	else
		line_add(line, "  from port %u", worst->peer_port);
	if (worst->cycle)
		line_add(line, "  cycle %" PRIu64, worst->cycle);
	lines_clean_comm(&screen->lines, comm, worst->culprit);
	if (*comm)
		line_add(line, "  behind %s", comm);
	line = line_new(&screen->lines, STYLE_PLAIN);
	line_add(line, "  = ");
	line_add_span(line, "queue", worst->begin_ns - worst->arrival_ns, &worst->queue);
	line_add(line, " + ");
	line_add_span(line, "service", worst->end_ns - worst->begin_ns, &worst->service);
}

static void add_next(struct screen *screen)
{
	char advice[ADVICE_BYTES], text[ADVICE_BYTES];
	text_clean(text, sizeof(text), advice_text(advice, screen->info, screen->summary), ADVICE_BYTES,
		   screen->lines.ascii);
	lines_wrap(&screen->lines, " next: ", text, 2);
}

static void add_missing(struct screen *screen)
{
	char text[ADVICE_BYTES];
	if (!screen->info->missing)
		return;
	text_clean(text, sizeof(text), screen->info->missing, ADVICE_BYTES, screen->lines.ascii);
	lines_wrap(&screen->lines, " not visible: ", text, 2);
}

static void add_no_requests(struct screen *screen)
{
	char why[ADVICE_BYTES], text[ADVICE_BYTES];
	struct line *line = line_new(&screen->lines, STYLE_TITLE);
	line_add(line, " NO REQUESTS SEEN");
	text_clean(text, sizeof(text), advice_no_requests(why, screen->info, screen->summary), ADVICE_BYTES,
		   screen->lines.ascii);
	lines_wrap(&screen->lines, " why: ", text, 3);
}

/* ---- the whole */

/* What stands below the causes, so that they know the room that is left. */
static void compose_tail(struct screen *screen)
{
	add_worst(screen);
	add_next(screen);
}

static unsigned tail_rows(const struct screen *screen)
{
	struct screen *trial = malloc(sizeof(*trial));
	if (!trial)
		return 4;
	trial->info = screen->info;
	trial->summary = screen->summary;
	lines_start(&trial->lines, screen->info);
	compose_tail(trial);
	unsigned rows = trial->lines.count;
	free(trial);
	return rows;
}

static void compose(struct screen *screen)
{
	add_title(screen);
	add_probes(screen);
	add_cost(screen);
	add_missing(screen);
	if (screen->summary->requests == 0) {
		add_no_requests(screen);
		add_collector(screen);
		add_next(screen);
		return;
	}
	add_table(screen);
	add_collector(screen);
	add_memory(screen);
	add_series(screen);
	unsigned used = screen->lines.count + 2 + tail_rows(screen) + 1;
	add_causes(screen, used + 3 < screen->rows ? screen->rows - used : 3);
	compose_tail(screen);
}

int screen_print(FILE *file, const struct trace_info *info, const struct summary *summary)
{
	struct screen *screen = calloc(1, sizeof(*screen));
	if (!screen)
		return -ENOMEM;
	screen->info = info;
	screen->summary = summary;
	screen->rows = info->rows >= SCREEN_ROWS ? (unsigned)info->rows : SCREEN_ROWS;
	if (screen->rows > LINES_MAX)
		screen->rows = LINES_MAX;
	lines_start(&screen->lines, info);
	compose(screen);
	lines_write(&screen->lines, file, "\n");
	free(screen);
	return ferror(file) ? -EIO : 0;
}

/* ---- one line */

static void add_greatest(struct screen *screen, struct line *line)
{
	const struct cohort *cohort = &screen->summary->cohort[COHORT_P99];
	enum cause order[CAUSE_COUNT];
	char words[64];
	if (!advice_order(order, cohort) || cohort->server_ns <= 0)
		return;
	double part = cohort->queue_ns[order[0]] + cohort->service_ns[order[0]];
	snprintf(words, sizeof(words), "   slowest 1 %%: %s %.1f %%", cause_name(order[0]), 100 * part / cohort->server_ns);
	line_add_fitting(&screen->lines, line, words);
}

int screen_print_line(FILE *file, const struct trace_info *info, const struct summary *summary)
{
	char number[TEXT_NUMBER_BYTES];
	struct screen *screen = calloc(1, sizeof(*screen));
	if (!screen)
		return -ENOMEM;
	screen->info = info;
	screen->summary = summary;
	lines_start(&screen->lines, info);
	struct line *line = line_new(&screen->lines, STYLE_PLAIN);
	line_add(line, "after %s:", text_ns(number, (double)info->duration_ns));
	line_add(line, " %s requests", text_count(number, summary->requests));
	if (summary->requests) {
		line_add(line, "   p50 %s", text_ns(number, (double)summary->server.p50));
		line_add(line, "   p99 %s", text_ns(number, (double)summary->server.p99));
	}
	line_add(line, "   lost %s", text_count(number, summary->lost));
	if (summary->requests)
		add_greatest(screen, line);
	lines_write(&screen->lines, file, "\n");
	free(screen);
	return ferror(file) ? -EIO : 0;
}

/* ---- what the terminal can do */

static int locale_is_utf8(void)
{
	const char *names[] = {getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")};
	for (unsigned i = 0; i < 3; i++)
		if (names[i] && *names[i])
			return strcasestr(names[i], "UTF-8") || strcasestr(names[i], "utf8");
	return 0;
}

static int color_wanted(FILE *file)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(fileno(file)) && !(none && *none) && term && *term && strcmp(term, "dumb") != 0;
}

int screen_detect(struct trace_info *info, FILE *file, const char *color)
{
	if (!color || strcmp(color, "auto") == 0)
		info->color = color_wanted(file);
	else if (strcmp(color, "always") == 0)
		info->color = 1;
	else if (strcmp(color, "never") == 0)
		info->color = 0;
	else
		return -EINVAL;
	info->ascii = !locale_is_utf8();
	struct winsize size;
	info->rows = SCREEN_ROWS;
	info->columns = SCREEN_COLUMNS;
	if (isatty(fileno(file)) && ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 && size.ws_row) {
		info->rows = size.ws_row;
		info->columns = size.ws_col;
	}
	return 0;
}
