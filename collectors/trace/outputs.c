/* SPDX-License-Identifier: Apache-2.0 */
#include "outputs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "export/flame.h"
#include "export/folded.h"
#include "export/json.h"
#include "export/pprof.h"
#include "export/tail.h"
#include "export/timeline.h"
#include "export/tree.h"

/* ------------------------------------------------------------------ files */

static int output_failed(const struct output *output, int error)
{
	fprintf(stderr, "memlab-trace: cannot write %s: %s; choose another file for --%s\n", output->path, strerror(-error),
		output->option);
	return EXIT_ERROR;
}

static int output_open(struct output *output, const char *option, const char *path)
{
	*output = (struct output){.option = option, .path = path};
	if (!path)
		return EXIT_OK;
	output->file = fopen(path, "w");
	return output->file ? EXIT_OK : output_failed(output, -errno);
}

static int output_close(struct output *output, int error)
{
	if (!output->file)
		return EXIT_OK;
	if (ferror(output->file) && error == 0)
		error = -EIO;
	if (fclose(output->file) != 0 && error == 0)
		error = -errno;
	output->file = NULL;
	return error ? output_failed(output, error) : EXIT_OK;
}

static void requests_header(FILE *file)
{
	fputs("arrival_ns,begin_ns,end_ns,tid,local_port,peer_port,key,status,allocs,alloc_bytes", file);
	for (int cause = 0; cause < CAUSE_COUNT; cause++)
		fprintf(file, ",queue_%s_ns", cause_name((enum cause)cause));
	for (int cause = 0; cause < CAUSE_COUNT; cause++)
		fprintf(file, ",service_%s_ns", cause_name((enum cause)cause));
	fputc('\n', file);
}

int outputs_open(struct outputs *outputs, const struct trace_options *options)
{
	int status = output_open(&outputs->json, "json", options->json_path);
	status = status ? status : output_open(&outputs->html, "html", options->html_path);
	status = status ? status : output_open(&outputs->pprof, "pprof", options->pprof_path);
	status = status ? status : output_open(&outputs->timeline, "timeline", options->timeline_path);
	status = status ? status : output_open(&outputs->requests, "requests", options->requests_path);
	if (outputs->requests.file)
		requests_header(outputs->requests.file);
	for (int kind = 0; kind < FLAME_KIND_COUNT && status == EXIT_OK; kind++) {
		status = output_open(&outputs->flame[kind], "flame", options->flame_path[kind]);
		status = status ? status : output_open(&outputs->folded[kind], "folded", options->folded_path[kind]);
	}
	return status;
}

/* --------------------------------------------------------------- requests */

void outputs_request(struct outputs *outputs, const struct request *request)
{
	FILE *file = outputs->requests.file;
	if (!file)
		return;
	fprintf(file, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%u,%u,%u,", request->arrival_ns, request->begin_ns, request->end_ns,
		request->tid, request->local_port, request->peer_port);
	if (request->has_service)
		fprintf(file, "%" PRIu64 ",%u,%" PRIu64 ",%" PRIu64, request->key, request->status, request->allocs,
			request->alloc_bytes);
	else
		fputs(",,,", file);
	for (int cause = 0; cause < CAUSE_COUNT; cause++)
		fprintf(file, ",%" PRIu64, request->queue.ns[cause]);
	for (int cause = 0; cause < CAUSE_COUNT; cause++)
		fprintf(file, ",%" PRIu64, request->service.ns[cause]);
	fputc('\n', file);
}

/* ----------------------------------------------------------------- stacks */

static const struct {
	enum tree_weight weight;
	const char *title, *unit;
} kinds[FLAME_KIND_COUNT] = {
	[FLAME_ALLOC_BYTES] = {TREE_AMOUNT, "Allocated bytes", "bytes"},
	[FLAME_ALLOC_OBJECTS] = {TREE_COUNT, "Allocated objects", "objects"},
};

static int fill_tree(struct tree *tree, enum flame_kind kind, const struct outputs_story *story)
{
	if (kind == FLAME_TAIL)
		return tree_add_tail(tree, story->summary);
	if (!story->stacks)
		return 0;
	struct frame_namer namer = symbols_namer(story->symbols);
	return tree_add_stacks(tree, story->stacks, kinds[kind].weight, &namer, 0);
}

static int write_flame(FILE *file, const struct tree *tree, enum flame_kind kind, const struct trace_info *info)
{
	if (kind == FLAME_TAIL)
		return export_flame(file, tree, &tail_flame_options);
	char subtitle[96];
	snprintf(subtitle, sizeof(subtitle), "%s[%u], %.1f s", info->comm, info->pid, (double)info->duration_ns / 1e9);
	struct flame_options options = {kinds[kind].title, subtitle, kinds[kind].unit};
	return export_flame(file, tree, &options);
}

/* One kind's tree, drawn in the ways asked for. */
static int write_kind(struct outputs *outputs, enum flame_kind kind, const struct outputs_story *story)
{
	struct output *flame = &outputs->flame[kind], *folded = &outputs->folded[kind];
	if (!flame->file && !folded->file)
		return EXIT_OK;
	struct tree *tree = tree_new();
	int error = tree ? fill_tree(tree, kind, story) : -ENOMEM;
	int flame_error = error == 0 && flame->file ? write_flame(flame->file, tree, kind, story->info) : error;
	int folded_error = error == 0 && folded->file ? export_folded(folded->file, tree) : error;
	tree_free(tree);
	int status = output_close(flame, flame_error);
	int folded_status = output_close(folded, folded_error);
	return status ? status : folded_status;
}

static int write_pprof(FILE *file, const struct outputs_story *story)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	struct pprof_options options = {
		.count_type = "alloc_objects",
		.amount_type = "alloc_space",
		.amount_unit = "bytes",
		.wall_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec - story->info->duration_ns,
		.duration_ns = story->info->duration_ns,
	};
	return export_pprof(file, story->stacks, story->symbols, &options);
}

int outputs_write(struct outputs *outputs, const struct outputs_story *story)
{
	int error = outputs->json.file ? export_json(outputs->json.file, story->info, story->summary) : 0;
	int status = output_close(&outputs->json, error);
	error = outputs->html.file ? board_freeze(story->board, outputs->html.file) : 0;
	int html = output_close(&outputs->html, error);
	error = outputs->pprof.file ? write_pprof(outputs->pprof.file, story) : 0;
	int pprof = output_close(&outputs->pprof, error);
	error = outputs->timeline.file ? export_timeline(outputs->timeline.file, story->info, story->summary) : 0;
	int timeline = output_close(&outputs->timeline, error);
	int requests = output_close(&outputs->requests, 0);
	status = status ? status : html ? html : pprof ? pprof : timeline ? timeline : requests;
	for (int kind = 0; kind < FLAME_KIND_COUNT; kind++) {
		int kind_status = write_kind(outputs, (enum flame_kind)kind, story);
		status = status ? status : kind_status;
	}
	return status;
}
