/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../core/json_writer.h"
#include "../export/json.h"

/* The two lines of page.html that a frozen page replaces by what they refer to. */
static const char style_link[] = "<link rel=\"stylesheet\" href=\"page.css\">";
static const char script_link[] = "<script src=\"page.js\" defer></script>";

static void write_causes(struct json_writer *json, const char *key, const uint64_t ns[CAUSE_COUNT])
{
	json_array_begin(json, key);
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++)
		json_unsigned(json, NULL, ns[cause]);
	json_array_end(json);
}

static void write_second(struct json_writer *json, const struct history_second *second, unsigned age)
{
	json_object_begin(json, NULL);
	json_unsigned(json, "age", age);
	json_unsigned(json, "requests", second->requests);
	json_array_begin(json, "counts");
	for (unsigned bucket = 0; bucket <= METRICS_EDGES; bucket++)
		json_unsigned(json, NULL, second->counts[bucket]);
	json_array_end(json);
	write_causes(json, "cause_ns", second->cause_ns);
	write_causes(json, "tail_cause_ns", second->tail_cause_ns);
	json_object_end(json);
}

/* The newest last. Times are seconds before the end of the newest second, as the ages of seconds are. */
static void write_cycles(struct json_writer *json, const struct history *history)
{
	uint64_t now_ns = (history->newest + 1) * 1000000000;
	json_array_begin(json, "cycles");
	for (unsigned back = CYCLES_KEPT; back-- > 0;) {
		const struct cycle *cycle = cycles_at(&history->cycles, back);
		if (!cycle || !cycle->begin_ns)
			continue;
		json_object_begin(json, NULL);
		json_unsigned(json, "number", cycle->number);
		json_number(json, "age_s", (double)(int64_t)(now_ns - cycle->begin_ns) / 1e9);
		json_string(json, "reason", cycle_reason(cycle));
		json_unsigned(json, "mark_ns", cycle->marked_ns ? cycle->marked_ns - cycle->begin_ns : 0);
		json_unsigned(json, "sweep_ns", cycle->end_ns && cycle->marked_ns ? cycle->end_ns - cycle->marked_ns : 0);
		json_boolean(json, "ended", cycle->end_ns != 0);
		json_unsigned(json, "heap_bytes", cycle->heap_bytes);
		json_unsigned(json, "goal_bytes", cycle->goal_bytes);
		json_unsigned(json, "marked_bytes", cycle->marked_bytes);
		json_unsigned(json, "mark_cpu_ns", cycle->mark_cpu_ns);
		json_unsigned(json, "handshakes", cycle->handshakes);
		json_unsigned(json, "handshake_ns_max", cycle->handshake_ns_max);
		json_unsigned(json, "assists", cycle->assists);
		json_unsigned(json, "assist_ns", cycle->assist_ns);
		json_unsigned(json, "stops", cycle->stops);
		json_unsigned(json, "stop_ns", cycle->stop_ns);
		json_object_end(json);
	}
	json_array_end(json);
}

static void write_history(struct json_writer *json, const struct history *history)
{
	json_object_begin(json, "history");
	json_array_begin(json, "edges_ns");
	for (unsigned bucket = 0; bucket < METRICS_EDGES; bucket++)
		json_unsigned(json, NULL, metrics_edge_ns(bucket));
	json_array_end(json);
	json_array_begin(json, "causes");
	for (unsigned cause = 0; cause < CAUSE_COUNT; cause++)
		json_string(json, NULL, cause_name(cause));
	json_array_end(json);
	json_array_begin(json, "seconds");
	for (unsigned age = HISTORY_SECONDS; age-- > 0;)
		if (history_at(history, age))
			write_second(json, history_at(history, age), age);
	json_array_end(json);
	write_cycles(json, history);
	json_object_end(json);
}

static void write_flames(struct json_writer *json, const struct story *story)
{
	json_array_begin(json, "flames");
	for (unsigned kind = 0; kind < FLAME_KIND_COUNT; kind++)
		if (story_has_flame(story, (enum flame_kind)kind))
			json_string(json, NULL, flame_kind_name((enum flame_kind)kind));
	json_array_end(json);
}

int page_data(FILE *file, const struct story *story, const struct history *history)
{
	fputs("{\"trace\":", file);
	int error = export_json(file, story->info, story->summary);
	fputc(',', file);
	/* The writer starts inside an object that was opened by hand. */
	struct json_writer json;
	json_start(&json, file);
	write_history(&json, history);
	write_flames(&json, story);
	fputs("}\n", file);
	return error || ferror(file) ? -EIO : 0;
}

/* JSON inside a script element must not end it: '<' occurs only in strings, where it may be written as an escape. */
static void write_inert(FILE *file, const char *json)
{
	for (; *json; json++)
		if (*json == '<')
			fputs("\\u003c", file);
		else
			fputc(*json, file);
}

static int frozen_flame(struct json_writer *json, const struct story *story, enum flame_kind kind)
{
	char *svg = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&svg, &size);
	int error = memory ? story_flame(memory, story, kind) : -ENOMEM;
	if (memory && fclose(memory) && !error)
		error = -ENOMEM;
	if (!error)
		json_string(json, flame_kind_name(kind), svg);
	free(svg);
	return error;
}

/* {"data": the live data, "flames": {kind: the picture}}. */
static int frozen_document(FILE *file, const struct story *story, const struct history *history)
{
	struct json_writer json;
	char *data = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&data, &size);
	int error = memory ? page_data(memory, story, history) : -ENOMEM;
	if (memory && fclose(memory) && !error)
		error = -ENOMEM;
	json_start(&json, file);
	json_object_begin(&json, NULL);
	if (!error)
		json_raw(&json, "data", data);
	json_object_begin(&json, "flames");
	for (unsigned kind = 0; kind < FLAME_KIND_COUNT && !error; kind++)
		if (story_has_flame(story, (enum flame_kind)kind))
			error = frozen_flame(&json, story, (enum flame_kind)kind);
	json_object_end(&json);
	json_object_end(&json);
	free(data);
	return error;
}

static int write_frozen_data(FILE *file, const struct story *story, const struct history *history)
{
	char *document = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&document, &size);
	int error = memory ? frozen_document(memory, story, history) : -ENOMEM;
	if (memory && fclose(memory) && !error)
		error = -ENOMEM;
	if (!error)
		write_inert(file, document);
	free(document);
	return error;
}

int page_frozen(FILE *file, const struct story *story, const struct history *history)
{
	const char *style = strstr(page_html, style_link), *script = strstr(page_html, script_link);
	if (!style || !script || script < style)
		return -EIO;
	fwrite(page_html, 1, (size_t)(style - page_html), file);
	fprintf(file,
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
		"script-src 'unsafe-inline'; frame-src blob:; base-uri 'none'; form-action "
		"'none'\">\n<style>\n%s</style>",
		page_style);
	style += strlen(style_link);
	fwrite(style, 1, (size_t)(script - style), file);
	fputs("<script type=\"application/json\" id=\"frozen\">", file);
	int error = write_frozen_data(file, story, history);
	fprintf(file, "</script>\n<script>\n%s</script>%s", page_script, script + strlen(script_link));
	return error ? error : ferror(file) ? -EIO : 0;
}
