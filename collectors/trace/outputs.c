/* SPDX-License-Identifier: Apache-2.0 */
#include "outputs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/clock.h"
#include "export/json.h"
#include "export/timeline.h"

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
	fputs(",intended_ns,send_ns,net_ns,steal_ns\n", file);
}

int outputs_open(struct outputs *outputs, const struct trace_options *options)
{
	int status = output_open(&outputs->json, "json", options->json_path);
	status = status ? status : output_open(&outputs->html, "html", options->html_path);
	status = status ? status : output_open(&outputs->timeline, "timeline", options->timeline_path);
	status = status ? status : output_open(&outputs->requests, "requests", options->requests_path);
	if (outputs->requests.file)
		requests_header(outputs->requests.file);
	for (int kind = 0; kind < FLAME_KIND_COUNT && status == EXIT_OK; kind++) {
		status = output_open(&outputs->flame[kind], "flame", options->flame_path[kind]);
		status = status ? status : output_open(&outputs->folded[kind], "folded", options->folded_path[kind]);
	}
	for (int kind = 0; kind < PPROF_KIND_COUNT && status == EXIT_OK; kind++)
		status = output_open(&outputs->pprof[kind], "pprof", options->pprof_path[kind]);
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
	if (request->send_ns)
		fprintf(file, ",%" PRIu64 ",%" PRIu64, request->intended_ns, request->send_ns);
	else
		fputs(",,", file);
	fprintf(file, ",%" PRIu64 ",%" PRIu64 "\n", request->net_ns, request->steal_ns);
}

/* -------------------------------------------------------------------- all */

static int write_stacks(struct outputs *outputs, const struct story *story)
{
	int status = EXIT_OK;
	for (int kind = 0; kind < FLAME_KIND_COUNT; kind++) {
		struct output *flame = &outputs->flame[kind], *folded = &outputs->folded[kind];
		int error = flame->file ? story_flame(flame->file, story, (enum flame_kind)kind) : 0;
		int flame_status = output_close(flame, error);
		error = folded->file ? story_folded(folded->file, story, (enum flame_kind)kind) : 0;
		int folded_status = output_close(folded, error);
		status = status ? status : flame_status ? flame_status : folded_status;
	}
	for (int kind = 0; kind < PPROF_KIND_COUNT; kind++) {
		struct output *pprof = &outputs->pprof[kind];
		int error = pprof->file ? story_pprof(pprof->file, story, (enum pprof_kind)kind, clock_ns(CLOCK_REALTIME)) : 0;
		int pprof_status = output_close(pprof, error);
		status = status ? status : pprof_status;
	}
	return status;
}

int outputs_write(struct outputs *outputs, const struct story *story, const struct scenes *scenes, struct board *board)
{
	int error = outputs->json.file ? export_json(outputs->json.file, story->info, story->summary) : 0;
	int status = output_close(&outputs->json, error);
	error = outputs->html.file ? board_freeze(board, outputs->html.file) : 0;
	int html = output_close(&outputs->html, error);
	error = outputs->timeline.file ? export_timeline(outputs->timeline.file, story->info, story->summary, scenes, story->roster) : 0;
	int timeline = output_close(&outputs->timeline, error);
	int requests = output_close(&outputs->requests, 0);
	int stacks = write_stacks(outputs, story);
	return status ? status : html ? html : timeline ? timeline : requests ? requests : stacks;
}
