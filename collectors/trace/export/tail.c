/* SPDX-License-Identifier: Apache-2.0 */
#include "tail.h"

#include "advice.h"

const struct flame_options tail_flame_options = {
	.title = "The slowest 1 % of requests by cause",
	.subtitle = "one mean request; red: a greater share than around p50, blue: a smaller one",
	.unit = "ns",
};

static int add_span(struct tree *tree, const struct summary *summary, enum cause cause, int queue)
{
	const struct cohort *tail = &summary->cohort[COHORT_P99], *ordinary = &summary->cohort[COHORT_P50];
	const char *names[] = {cause_name(cause), queue ? "queue" : "service", NULL};
	double value = queue ? tail->queue_ns[cause] : tail->service_ns[cause];
	double base = queue ? ordinary->queue_ns[cause] : ordinary->service_ns[cause];
	const struct culprit *culprit = advice_culprit(summary, cause, NULL);
	char name[40] = "";
	if (culprit)
		snprintf(name, sizeof(name), "behind %.16s", culprit->comm);
	names[2] = name;
	uint64_t value_ns = (uint64_t)(value + 0.5), base_ns = (uint64_t)(base + 0.5);
	return value_ns || base_ns ? tree_add(tree, names, NULL, culprit ? 3 : 2, value_ns, base_ns) : 0;
}

int tree_add_tail(struct tree *tree, const struct summary *summary)
{
	int error = 0;
	for (unsigned cause = 0; cause < CAUSE_COUNT && !error; cause++) {
		error = add_span(tree, summary, cause, 1);
		if (!error)
			error = add_span(tree, summary, cause, 0);
	}
	return error;
}
