/* SPDX-License-Identifier: Apache-2.0 */
#include "outputs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "export/flame.h"
#include "export/folded.h"
#include "export/json.h"
#include "export/pprof.h"
#include "export/tree.h"

/* A file being written; the first error sticks. */
struct output {
	const char *option, *path;
	FILE *file;
	int error;
};

static struct output output_open(const char *option, const char *path)
{
	FILE *file = fopen(path, "w");
	return (struct output){option, path, file, file ? 0 : -errno};
}

static int output_close(struct output *output)
{
	if (output->file && fclose(output->file) != 0 && output->error == 0)
		output->error = -errno;
	if (output->error == 0)
		return EXIT_OK;
	fprintf(stderr, "memlab-trace: cannot write %s: %s; choose another file for --%s\n", output->path,
		strerror(-output->error), output->option);
	return EXIT_ERROR;
}

int outputs_json(const struct trace_options *options, const struct trace_info *info, const struct summary *summary)
{
	if (!options->json_path)
		return EXIT_OK;
	struct output output = output_open("json", options->json_path);
	if (output.file)
		output.error = export_json(output.file, info, summary);
	return output_close(&output);
}

static const struct {
	enum tree_weight weight;
	const char *title, *unit;
} kinds[FLAME_KIND_COUNT] = {
	[FLAME_ALLOC_BYTES] = {TREE_AMOUNT, "Allocated bytes", "bytes"},
	[FLAME_ALLOC_OBJECTS] = {TREE_COUNT, "Allocated objects", "objects"},
};

static int write_flame(const char *path, const struct tree *tree, enum flame_kind kind, const struct trace_info *info)
{
	char subtitle[96];
	snprintf(subtitle, sizeof(subtitle), "%s[%u], %.1f s", info->comm, info->pid, (double)info->duration_ns / 1e9);
	struct flame_options flame = {kinds[kind].title, subtitle, kinds[kind].unit};
	struct output output = output_open("flame", path);
	if (output.file)
		output.error = export_flame(output.file, tree, &flame);
	return output_close(&output);
}

static int write_folded(const char *path, const struct tree *tree)
{
	struct output output = output_open("folded", path);
	if (output.file)
		output.error = export_folded(output.file, tree);
	return output_close(&output);
}

/* One kind's tree, drawn in the ways asked for. */
static int outputs_kind(const struct trace_options *options, enum flame_kind kind, const struct trace_info *info,
			const struct stacks *stacks, struct symbols *symbols)
{
	const char *flame = options->flame_path[kind], *folded = options->folded_path[kind];
	if (!flame && !folded)
		return EXIT_OK;
	int status = EXIT_ERROR;
	struct frame_namer namer = symbols_namer(symbols);
	struct tree *tree = tree_new();
	if (!tree || tree_add_stacks(tree, stacks, kinds[kind].weight, &namer, 0) < 0) {
		fputs("memlab-trace: out of memory for the stacks; use a shorter run\n", stderr);
	} else {
		status = flame ? write_flame(flame, tree, kind, info) : EXIT_OK;
		int folded_status = folded ? write_folded(folded, tree) : EXIT_OK;
		status = status != EXIT_OK ? status : folded_status;
	}
	tree_free(tree);
	return status;
}

static int write_pprof(const char *path, const struct trace_info *info, const struct stacks *stacks, struct symbols *symbols)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	struct pprof_options pprof = {
		.count_type = "alloc_objects",
		.amount_type = "alloc_space",
		.amount_unit = "bytes",
		.wall_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec - info->duration_ns,
		.duration_ns = info->duration_ns,
	};
	struct output output = output_open("pprof", path);
	if (output.file)
		output.error = export_pprof(output.file, stacks, symbols, &pprof);
	return output_close(&output);
}

int outputs_stacks(const struct trace_options *options, const struct trace_info *info, const struct stacks *stacks,
		   struct symbols *symbols)
{
	int status = EXIT_OK;
	for (int kind = 0; kind < FLAME_KIND_COUNT; kind++) {
		int kind_status = outputs_kind(options, (enum flame_kind)kind, info, stacks, symbols);
		status = status != EXIT_OK ? status : kind_status;
	}
	int pprof_status = options->pprof_path ? write_pprof(options->pprof_path, info, stacks, symbols) : EXIT_OK;
	return status != EXIT_OK ? status : pprof_status;
}
