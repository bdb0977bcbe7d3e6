/* SPDX-License-Identifier: Apache-2.0 */
/* Blame: see blame.h. */
#include "blame.h"

#include <string.h>

/* Notes looked at per request, newest first: a limit for backlogs of a second, far above any other. */
#define BLAME_NOTES 512
/* Parties told apart per request. */
#define BLAME_PARTIES 16

static uint64_t columns_collector_ns(const uint64_t ns[TIMELINE_COLUMNS])
{
	return ns[CAUSE_STOP] + ns[CAUSE_ASSIST] + ns[CAUSE_GC_CPU] + ns[STATE_MARK] + ns[STATE_SWEEP];
}

uint64_t blame_collector_ns(const struct timeline *timeline, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t ns[TIMELINE_COLUMNS];

	timeline_span(timeline, from_ns, to_ns, ns);
	return columns_collector_ns(ns);
}

static void blame_fold(struct blame *blame, const uint64_t ns[TIMELINE_COLUMNS], enum cause asleep)
{
	memcpy(blame->ns, ns, sizeof(blame->ns));
	blame->ns[CAUSE_GC_CPU] += ns[STATE_MARK];
	blame->ns[CAUSE_ALLOC] += ns[STATE_SWEEP];
	blame->ns[CAUSE_OWN] += ns[STATE_STEAL];
	blame->ns[asleep] += ns[STATE_IDLE];
}

/* Time by number: of culprits, or of cycles. The first BLAME_PARTIES are told apart. */
struct tally {
	uint32_t count;
	struct {
		uint64_t number, ns;
	} party[BLAME_PARTIES];
};

static void tally_add(struct tally *tally, uint64_t number, uint64_t ns)
{
	uint32_t at = 0;

	while (at < tally->count && tally->party[at].number != number)
		at++;
	if (at == BLAME_PARTIES)
		return;
	if (at == tally->count) {
		tally->party[at].number = number;
		tally->party[at].ns = 0;
		tally->count++;
	}
	tally->party[at].ns += ns;
}

static uint64_t tally_greatest(const struct tally *tally)
{
	uint64_t number = 0, ns = 0;

	for (uint32_t i = 0; i < tally->count; i++) {
		if (tally->party[i].ns <= ns)
			continue;
		ns = tally->party[i].ns;
		number = tally->party[i].number;
	}
	return number;
}

static uint64_t overlap_ns(const struct note *note, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t begin_ns = note->begin_ns > from_ns ? note->begin_ns : from_ns;
	uint64_t end_ns = note->end_ns < to_ns ? note->end_ns : to_ns;

	return end_ns > begin_ns ? end_ns - begin_ns : 0;
}

static void blame_notes(struct request *request, const struct timeline *timeline, struct culprits *culprits)
{
	struct tally parties, cycles;
	const struct note *note;

	parties.count = cycles.count = 0;
	for (uint32_t back = 0; back < BLAME_NOTES && (note = timeline_note(timeline, back)); back++) {
		if (note->end_ns <= request->arrival_ns)
			break;
		uint64_t ns = overlap_ns(note, request->arrival_ns, request->end_ns);
		if (ns == 0)
			continue;
		if (note->culprit > CULPRIT_IDLE)
			tally_add(&parties, note->culprit, ns);
		if (note->state != CAUSE_RUNQ)
			tally_add(&cycles, note->cycle, ns);
	}
	for (uint32_t i = 0; i < parties.count; i++)
		culprits->entries[parties.party[i].number].culprit.ns += parties.party[i].ns;
	const struct culprit *worst = &culprits->entries[tally_greatest(&parties)].culprit;
	memcpy(request->culprit, worst->comm, sizeof(request->culprit));
	request->culprit_tid = worst->tid;
	request->cycle = tally_greatest(&cycles);
}

void blame_request(struct request *request, const struct timeline *timeline, struct culprits *culprits)
{
	uint64_t ns[TIMELINE_COLUMNS];

	timeline_span(timeline, request->arrival_ns, request->begin_ns, ns);
	blame_fold(&request->queue, ns, ns[STATE_IDLE] <= BLAME_DELIVERY_NS ? CAUSE_WAKE : CAUSE_UNATTRIBUTED);
	request->steal_ns = ns[STATE_STEAL];
	timeline_span(timeline, request->begin_ns, request->end_ns, ns);
	blame_fold(&request->service, ns, CAUSE_BLOCKED);
	request->sweep_ns = ns[STATE_SWEEP];
	request->steal_ns += ns[STATE_STEAL];
	request->collector_ns = columns_collector_ns(ns);
	blame_notes(request, timeline, culprits);
}

void blame_waking(struct request *request, const struct timeline *timeline, uint64_t asleep_ns, uint64_t awake_ns)
{
	uint64_t ns[TIMELINE_COLUMNS], until_ns = awake_ns < request->begin_ns ? awake_ns : request->begin_ns;

	if (request->arrival_ns < asleep_ns || request->arrival_ns >= until_ns)
		return;
	ns[CAUSE_OWN] = until_ns - request->arrival_ns;
	if (request->queue.ns[CAUSE_OWN] != request->begin_ns - request->arrival_ns)
		timeline_span(timeline, request->arrival_ns, until_ns, ns);
	request->queue.ns[CAUSE_OWN] -= ns[CAUSE_OWN];
	request->queue.ns[CAUSE_WAKE] += ns[CAUSE_OWN];
}
