/* SPDX-License-Identifier: Apache-2.0 */
#include "views.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../core/json_reader.h"
#include "../core/text.h"
#include "folded.h"
#include "pprof.h"
#include "tail.h"

static const struct {
	const char *name, *title, *unit;
	enum tree_weight weight;   /* of the kinds about allocations */
	enum profile_view view;    /* of those about time */
} kinds[FLAME_KIND_COUNT] = {
	[FLAME_TAIL] = {"tail", "Where the slowest 1 % of requests spend their time", "ns", TREE_AMOUNT, PROFILE_TAIL},
	[FLAME_DIFF] = {"diff", "Slow requests against ordinary ones, by stack", "ns", TREE_AMOUNT, PROFILE_DIFF},
	[FLAME_CPU] = {"cpu", "Time on a CPU, by thread and stack", "ns", TREE_AMOUNT, PROFILE_CPU},
	[FLAME_OFFCPU] = {"offcpu", "Time off the CPU, by thread, reason and stack", "ns", TREE_AMOUNT, PROFILE_OFFCPU},
	[FLAME_ALLOC_BYTES] = {"alloc_bytes", "Allocated bytes, by place", "bytes", TREE_AMOUNT, 0},
	[FLAME_ALLOC_OBJECTS] = {"alloc_objects", "Allocated objects, by place", "objects", TREE_COUNT, 0},
};

static const char *const pprof_names[PPROF_KIND_COUNT] = {
	[PPROF_ALLOC] = "alloc", [PPROF_CPU] = "cpu", [PPROF_OFFCPU] = "offcpu", [PPROF_REQUESTS] = "requests"};

const char *flame_kind_name(enum flame_kind kind)
{
	return kinds[kind].name;
}

const char *pprof_kind_name(enum pprof_kind kind)
{
	return pprof_names[kind];
}

static bool about_allocations(enum flame_kind kind)
{
	return kind == FLAME_ALLOC_BYTES || kind == FLAME_ALLOC_OBJECTS;
}

bool story_has_flame(const struct story *story, enum flame_kind kind)
{
	if (about_allocations(kind))
		return story->stacks && story->symbols;
	return kind == FLAME_TAIL || (story->profile && story->symbols);
}

bool story_has_pprof(const struct story *story, enum pprof_kind kind)
{
	return story->symbols && (kind == PPROF_ALLOC ? story->stacks != NULL : story->profile != NULL);
}

/* ---- flame graphs */

static int fill_tree(struct tree *tree, const struct story *story, enum flame_kind kind)
{
	if (kind == FLAME_TAIL && !(story->profile && story->symbols))
		return tree_add_tail(tree, story->summary);
	if (!story_has_flame(story, kind))
		return 0;
	struct frame_namer namer = symbols_namer(story->symbols);
	if (about_allocations(kind))
		return tree_add_stacks(tree, story->stacks, kinds[kind].weight, &namer, 0);
	return profile_tree(story->profile, kinds[kind].view, &namer, tree);
}

struct tree *story_tree(const struct story *story, enum flame_kind kind)
{
	struct tree *tree = tree_new();
	if (tree && fill_tree(tree, story, kind) == 0)
		return tree;
	tree_free(tree);
	return NULL;
}

struct flame_options story_flame_options(const struct story *story, enum flame_kind kind, char *subtitle)
{
	const struct trace_info *info = story->info;
	char samples[TEXT_NUMBER_BYTES] = "", number[TEXT_NUMBER_BYTES];
	if (kind == FLAME_TAIL && !story->profile)
		return tail_flame_options;
	if (story->profile && !about_allocations(kind))
		text_count(samples, profile_samples(story->profile));
	else if (info->alloc_samples)
		text_count(samples, info->alloc_samples);
	int used = snprintf(subtitle, STORY_SUBTITLE_BYTES, "%.16s[%" PRIu32 "], %.1f s%s%s%s", info->comm, info->pid,
			    (double)info->duration_ns / 1e9, *samples ? ", " : "", samples, *samples ? " samples" : "");
	if (about_allocations(kind) && info->alloc_samples)
		snprintf(subtitle + used, STORY_SUBTITLE_BYTES - (size_t)used, ", one in about %s", text_bytes(number, (double)info->alloc_period_bytes));
	if (kind == FLAME_TAIL || kind == FLAME_DIFF)
		snprintf(subtitle + used, STORY_SUBTITLE_BYTES - (size_t)used, "; one mean request; red: more than in the fastest 90 %%, blue: less");
	return (struct flame_options){kinds[kind].title, subtitle, kinds[kind].unit};
}

int story_flame(FILE *file, const struct story *story, enum flame_kind kind)
{
	char subtitle[STORY_SUBTITLE_BYTES];
	struct tree *tree = story_tree(story, kind);
	struct flame_options options = story_flame_options(story, kind, subtitle);
	int error = tree ? export_flame(file, tree, &options) : -ENOMEM;
	tree_free(tree);
	return error;
}

int story_folded(FILE *file, const struct story *story, enum flame_kind kind)
{
	struct tree *tree = story_tree(story, kind);
	int error = tree ? export_folded(file, tree) : -ENOMEM;
	tree_free(tree);
	return error;
}

/* ---- pprof */

struct labelling {
	const struct roster *roster;
	char path[32], thread[64];
};

static int label_allocation(void *context, const struct stack *stack, struct pprof_label *labels)
{
	struct labelling *labelling = context;
	int count = 0;
	if (labelling->roster && stack->label) {
		const struct roster_entry *entry = roster_entry(labelling->roster, stack->label);
		snprintf(labelling->thread, sizeof(labelling->thread), "%s[%" PRIu32 "]", entry->comm, entry->tid);
		labels[count++] = (struct pprof_label){"thread", labelling->thread};
	}
	if (labelling->path[0])
		labels[count++] = (struct pprof_label){"path", labelling->path};
	return count;
}

static int pprof_allocations(FILE *file, const struct story *story, uint64_t begin_ns)
{
	struct labelling labelling = {.roster = story->roster};
	const char *run = story->info->run_json;
	if (!run || json_member(run, "path", labelling.path, sizeof(labelling.path)))
		labelling.path[0] = '\0';
	const struct pprof_options options = {
		.count_type = "alloc_objects",
		.amount_type = "alloc_space",
		.amount_unit = "bytes",
		.period = story->info->alloc_period_bytes,
		.wall_ns = begin_ns,
		.duration_ns = story->info->duration_ns,
		.labels = label_allocation,
		.context = &labelling,
	};
	return export_pprof(file, story->stacks, story->symbols, &options);
}

int story_pprof(FILE *file, const struct story *story, enum pprof_kind kind, uint64_t wall_ns)
{
	static const enum profile_view views[PPROF_KIND_COUNT] = {
		[PPROF_CPU] = PROFILE_CPU, [PPROF_OFFCPU] = PROFILE_OFFCPU, [PPROF_REQUESTS] = PROFILE_REQUESTS};
	uint64_t begin_ns = wall_ns - story->info->duration_ns;
	if (!story_has_pprof(story, kind))
		return -ENOENT;
	if (kind == PPROF_ALLOC)
		return pprof_allocations(file, story, begin_ns);
	return profile_pprof(story->profile, views[kind], file, story->symbols, begin_ns, story->info->duration_ns);
}
