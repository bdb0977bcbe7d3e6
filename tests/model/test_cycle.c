/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The marking protocol, searched exhaustively: two mutators, one coordinator, one marker, three objects. Every state that any
 * interleaving of their steps can reach is visited (breadth first, a table of all states); when the coordinator calls
 * marking complete, everything reachable must be marked. There is no bound on the number of steps a mutator does.
 *
 * The model follows the code: cycle.c mark_complete (rounds, `injected`), handshake.c (post, answers under the claim), mutator.c
 * (attach, park, unpark, the owner's answers), barrier.c (record, flush), mark.c (mark, scan). Memory is
 * sequentially consistent, as the orderings that matter in the code are. What is merged into one step:
 *  - reading the old value and recording it: a buffer is looked at by its owner, or under the claim, never in between;
 *  - posting a request to all: a mutator that is asked and does not answer acts like one not asked yet;
 *  - parking and the claim: a parked mutator that nobody claims acts like one that does nothing.
 *
 * slot[0] is a global root, slot[1..3] the one reference of objects 1, 2, 3; 0 is NULL. At first 0 -> 1 -> 2; object 3 is
 * not allocated. A mutator has two roots. Mutator 1 may be there from the beginning or attach at any time.
 *
 * Each mutant leaves one part of the protocol out. It must reach a violation; its shortest way there is printed.
 * GC_MODEL_ALL=1 does everything (make model: minutes, up to 4 GB); without it the mutant nearest to the beginning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum mutant {
	WHOLE,
	NO_DELETION,     /* GC_BREAK=1 */
	NO_INSERTION,    /* GC_BREAK=2 */
	NO_ROUNDS,       /* GC_BREAK=3 */
	ONE_ROUND,       /* GC_BREAK=4: a round that leaves no work is the last, whatever it brought */
	NO_CLAIM,        /* GC_BREAK=5 */
	WHITE,           /* GC_BREAK=6 */
	INJECTED_EARLY,  /* GC_BREAK=7: `injected` is set before the work can be seen, and not looked at again */
	ATTACHED_BLACK,  /* GC_BREAK=8: who attaches before all roots are asked for starts black */
	NO_SECOND,       /* GC_BREAK=9: roots are asked for while a store from before mark-on may be half done */
	BLACK_EARLY,     /* GC_BREAK=10: new objects are black before everybody's barrier is on */
	OPEN_EARLY,      /* GC_BREAK=12: objects are marked before everybody's barrier is on */
	MUTANTS
};

enum request { NONE, MARK_ON, BORN_BLACK, ROOTS, FLUSH };
enum status { ABSENT, RUNNING, SCANNING };
/* Barrier off; on; on and new objects black; the same with a scanned stack. */
enum mode { OFF, ON, GREY, BLACK };
/* What a mutator is in the middle of. */
enum stage { IDLE, STORE_WRITE, FLUSHED, FLUSHED_ANSWER };
/* Where the coordinator is; each handshake waits until every request is answered. */
enum pc { BEGIN, WAIT_MARK_ON, WAIT_ALL_ON, WAIT_ROOTS, DRAIN, CLEAR, LOOK_AGAIN, WAIT_FLUSH, DECIDE, DONE };

struct mutator {
	uint64_t root0 : 2, root1 : 2, mode : 2, request : 3, status : 2, buffer : 3, stage : 2, where : 2, value : 2;
};

union state {
	struct {
		uint64_t slot0 : 2, slot1 : 2, slot2 : 2, slot3 : 2;
		uint64_t marked : 3, queue : 3, hand : 2, scanned : 1, injected : 1, allocated : 1;
		uint64_t pc : 4, claimed : 2, claim_step : 2;
		uint64_t m0 : 20, pad : 17;
		uint64_t m1 : 20, pad1 : 44;
	};
	uint64_t words[2];
};

struct model {
	enum mutant mutant;
	unsigned objects;
	bool late_marks; /* a mark shows only after the object was scanned: mark.c gathers them */
	union state *states;
	uint32_t *parents;
	uint8_t *labels;
	uint32_t *table;
	uint32_t states_max, count, current;
	uint32_t violation; /* index of the first violating state */
};

#define STATES_ALL (1u << 27)
#define STATES_SHORT (1u << 20)

/* ------------------------------------------------------------ fields of a state */

static uint64_t bit(uint64_t object)
{
	return object ? 1ull << (object - 1) : 0;
}

static uint64_t slot_get(const union state *s, uint64_t i)
{
	return i == 0 ? s->slot0 : i == 1 ? s->slot1 : i == 2 ? s->slot2 : s->slot3;
}

static void slot_set(union state *s, uint64_t i, uint64_t value)
{
	if (i == 0)
		s->slot0 = value & 3;
	else if (i == 1)
		s->slot1 = value & 3;
	else if (i == 2)
		s->slot2 = value & 3;
	else
		s->slot3 = value & 3;
}

static struct mutator mutator_get(const union state *s, unsigned i)
{
	uint64_t bits = i ? s->m1 : s->m0;
	struct mutator m;

	memcpy(&m, &bits, sizeof(m));
	return m;
}

static void mutator_set(union state *s, unsigned i, struct mutator m)
{
	uint64_t bits = 0;

	memcpy(&bits, &m, sizeof(m));
	if (i)
		s->m1 = bits & 0xfffff;
	else
		s->m0 = bits & 0xfffff;
}

static struct mutator mutator_sorted(struct mutator m)
{
	uint64_t root0 = m.root0;

	if (m.status != SCANNING && m.root0 > m.root1) {
		m.root0 = m.root1;
		m.root1 = root0;
	}
	return m;
}

/* What roots lead to, closed over slots. */
static uint64_t closure(const union state *s, uint64_t reach)
{
	for (unsigned round = 0; round < 3; round++)
		for (uint64_t object = 1; object <= 3; object++)
			if (reach & bit(object))
				reach |= bit(slot_get(s, object));
	return reach;
}

static uint64_t reachable(const union state *s)
{
	struct mutator a = mutator_get(s, 0), b = mutator_get(s, 1);

	return closure(s, bit(s->slot0) | bit(a.root0) | bit(a.root1) | bit(b.root0) | bit(b.root1));
}

/* What no step can see any more looks alike: garbage that is not grey, with nothing in it. */
static void garbage_forget(union state *s)
{
	struct mutator a = mutator_get(s, 0), b = mutator_get(s, 1);
	uint64_t seen = closure(s, reachable(s) | a.buffer | b.buffer | s->queue | bit(s->hand) | bit(a.where) | bit(a.value) |
					   bit(b.where) | bit(b.value));

	for (uint64_t object = 1; object <= 3; object++)
		if (!(seen & bit(object))) {
			s->marked |= bit(object) & 7;
			slot_set(s, object, 0);
		}
}

/*
 * The two roots of a mutator, and the two mutators, are interchangeable: one state stands for all of them. What is marked
 * already is of no effect in buffers and queue (in the code it may still cause one more round), `injected` of none
 * before it is cleared.
 */
static union state canonical(union state s)
{
	struct mutator a = mutator_sorted(mutator_get(&s, 0)), b = mutator_sorted(mutator_get(&s, 1));

	a.buffer &= ~(uint64_t)s.marked;
	b.buffer &= ~(uint64_t)s.marked;
	s.queue &= ~(uint64_t)s.marked;
	if (s.pc < LOOK_AGAIN)
		s.injected = 0;
	mutator_set(&s, 0, a);
	mutator_set(&s, 1, b);
	garbage_forget(&s);
	if (s.m0 > s.m1) {
		uint64_t m0 = s.m0;

		s.m0 = s.m1;
		s.m1 = m0;
		s.claimed = s.claimed == 1 ? 2 : s.claimed == 2 ? 1 : 0;
	}
	return s;
}

/* ------------------------------------------------------------------ the search */

static uint64_t hash(const union state *s)
{
	uint64_t h = (s->words[0] ^ s->words[1] * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	return h ^ h >> 31;
}

/* Labels are few: their number in this list. */
static const char *label_list[64];

static uint8_t label_number(const char *label)
{
	uint8_t i = 0;

	while (label_list[i] && label_list[i] != label)
		i++;
	label_list[i] = label;
	return i;
}

static void emit(struct model *x, union state next, const char *label)
{
	union state s = canonical(next);

	for (uint64_t i = hash(&s);; i++) {
		uint32_t *entry = &x->table[i % (2ull * x->states_max)];

		if (!*entry) {
			if (x->count == x->states_max)
				fail_msg("more than %u states", x->states_max);
			x->states[x->count] = s;
			x->parents[x->count] = x->current;
			x->labels[x->count] = label_number(label);
			*entry = ++x->count;
			return;
		}
		if (x->states[*entry - 1].words[0] == s.words[0] && x->states[*entry - 1].words[1] == s.words[1])
			return;
	}
}

/* --------------------------------------------------------------------- barrier */

/* White references go into the buffer. */
static void record(const union state *s, struct mutator *m, uint64_t object)
{
	m->buffer |= bit(object) & ~(uint64_t)s->marked & 7;
}

/* First half of a flush: what is in the buffer can be taken by the marker. False: there is nothing to flush. */
static bool flush_publish(const struct model *x, union state *s, struct mutator *m)
{
	if (!m->buffer)
		return false;
	s->injected = 1;
	if (x->mutant != INJECTED_EARLY)
		s->queue |= m->buffer;
	return true;
}

static void flush_finish(const struct model *x, union state *s, struct mutator *m)
{
	if (x->mutant == INJECTED_EARLY)
		s->queue |= m->buffer;
	else
		s->injected = 1;
	m->buffer = 0;
}

/* -------------------------------------------------------------------- mutators */

/* After the flush, if there was one: what the request changes, and the acknowledgement. */
static void answered(struct mutator *m)
{
	if (m->request == MARK_ON)
		m->mode = ON;
	if (m->request == BORN_BLACK)
		m->mode = GREY;
	if (m->request == ROOTS)
		m->mode = BLACK;
	m->request = NONE;
}

static void step_answer(struct model *x, const union state *s, unsigned i)
{
	union state next = *s;
	struct mutator m = mutator_get(s, i);

	if (m.request == NONE)
		return;
	if (m.request == ROOTS) {
		record(s, &m, m.root0);
		record(s, &m, m.root1);
	}
	if (m.request >= ROOTS && flush_publish(x, &next, &m))
		m.stage = FLUSHED_ANSWER;
	else
		answered(&m);
	mutator_set(&next, i, m);
	emit(x, next, "a mutator answers");
}

/* A full buffer, or about to park. */
static void step_flush(struct model *x, const union state *s, unsigned i)
{
	union state next = *s;
	struct mutator m = mutator_get(s, i);

	if (!flush_publish(x, &next, &m))
		return;
	m.stage = FLUSHED;
	mutator_set(&next, i, m);
	emit(x, next, "a mutator flushes");
}

static void root_put(struct model *x, const union state *s, unsigned i, uint64_t value, const char *label)
{
	for (unsigned r = 0; r < 2; r++) {
		union state next = *s;
		struct mutator m = mutator_get(s, i);

		if (r)
			m.root1 = value & 3;
		else
			m.root0 = value & 3;
		mutator_set(&next, i, m);
		emit(x, next, label);
	}
}

static void step_load(struct model *x, const union state *s, unsigned i)
{
	struct mutator m = mutator_get(s, i);

	root_put(x, s, i, 0, "a mutator drops a root");
	root_put(x, s, i, s->slot0, "a mutator loads the global root");
	if (m.root0)
		root_put(x, s, i, slot_get(s, m.root0), "a mutator loads from its object");
	if (m.root1)
		root_put(x, s, i, slot_get(s, m.root1), "a mutator loads from its object");
}

static void step_allocate(struct model *x, const union state *s, unsigned i)
{
	union state next = *s;

	if (s->allocated)
		return;
	next.allocated = 1;
	next.marked &= ~bit(x->objects) & 7;
	slot_set(&next, x->objects, 0);
	if (mutator_get(s, i).mode >= (x->mutant == BLACK_EARLY ? ON : GREY) && x->mutant != WHITE)
		next.marked |= bit(x->objects) & 7;
	root_put(x, &next, i, x->objects, "a mutator allocates");
}

static void store_begin(struct model *x, const union state *s, unsigned i, uint64_t where, uint64_t value)
{
	union state next = *s;
	struct mutator m = mutator_get(s, i);

	m.where = where & 3;
	m.value = value & 3;
	m.stage = STORE_WRITE;
	if (m.mode != OFF && x->mutant != NO_DELETION)
		record(s, &m, slot_get(s, where));
	if ((m.mode == ON || m.mode == GREY) && x->mutant != NO_INSERTION)
		record(s, &m, value);
	mutator_set(&next, i, m);
	emit(x, next, "a mutator starts a store and records");
}

static void step_store(struct model *x, const union state *s, unsigned i)
{
	struct mutator m = mutator_get(s, i);
	uint64_t values[] = {0, m.root0, m.root1}, places[] = {0, m.root0, m.root1};

	for (unsigned p = 0; p < 3; p++)
		for (unsigned v = 0; v < 3; v++)
			if ((p == 0 || places[p]) && (v == 0 || values[v]))
				store_begin(x, s, i, places[p], values[v]);
}

static void step_middle(struct model *x, const union state *s, unsigned i)
{
	union state next = *s;
	struct mutator m = mutator_get(s, i);

	if (m.stage == STORE_WRITE) {
		slot_set(&next, m.where, m.value);
		m.where = m.value = 0;
	} else {
		flush_finish(x, &next, &m);
		if (m.stage == FLUSHED_ANSWER)
			answered(&m);
	}
	m.stage = IDLE;
	mutator_set(&next, i, m);
	emit(x, next, "a mutator goes on with its store or flush");
}

static enum mode attach_mode(const struct model *x, enum pc pc)
{
	if (pc == BEGIN)
		return OFF;
	if (pc >= WAIT_ROOTS || x->mutant == ATTACHED_BLACK)
		return BLACK;
	return pc == WAIT_ALL_ON ? GREY : ON;
}

static void step_attach(struct model *x, const union state *s, unsigned i)
{
	union state next = *s;
	struct mutator m = {.status = RUNNING};

	m.mode = attach_mode(x, (enum pc)s->pc) & 3;
	mutator_set(&next, i, m);
	emit(x, next, "a mutator attaches");
}

static void mutator_steps(struct model *x, const union state *s, unsigned i)
{
	struct mutator m = mutator_get(s, i);

	if (m.status == ABSENT)
		step_attach(x, s, i);
	if (m.status == ABSENT || (m.status == SCANNING && x->mutant != NO_CLAIM))
		return;
	if (m.stage != IDLE) {
		step_middle(x, s, i);
		return;
	}
	if (m.status == RUNNING)
		step_answer(x, s, i);
	step_flush(x, s, i);
	step_load(x, s, i);
	step_allocate(x, s, i);
	step_store(x, s, i);
}

/* ---------------------------------------------------------------------- marker */

static void marker_scan(struct model *x, const union state *s)
{
	union state next = *s;

	if (!s->scanned) {
		next.queue |= bit(slot_get(s, s->hand)) & ~(uint64_t)s->marked & 7;
		next.scanned = 1;
	}
	if (x->late_marks && !s->scanned) {
		emit(x, next, "the marker scans");
		return;
	}
	next.marked |= bit(s->hand);
	next.hand = next.scanned = 0;
	emit(x, next, "the marker is done with an object");
}

static void marker_take(struct model *x, const union state *s, uint64_t object)
{
	union state next = *s;

	next.queue &= ~bit(object) & 7;
	if (!(s->marked & bit(object))) {
		next.hand = object & 3;
		if (!x->late_marks)
			next.marked |= bit(object);
	}
	emit(x, next, "the marker takes an object");
}

static void marker_steps(struct model *x, const union state *s)
{
	if (s->pc < WAIT_ROOTS && x->mutant != OPEN_EARLY)
		return;
	if (s->hand)
		marker_scan(x, s);
	else
		for (uint64_t object = 1; object <= 3; object++)
			if (s->queue & bit(object))
				marker_take(x, s, object);
}

/* ----------------------------------------------------------------- coordinator */

static void post(union state *s, enum request request)
{
	for (unsigned i = 0; i < 2; i++) {
		struct mutator m = mutator_get(s, i);

		if (m.status == ABSENT)
			continue;
		m.request = request & 7;
		mutator_set(s, i, m);
	}
}

static bool all_answered(const union state *s)
{
	return mutator_get(s, 0).request == NONE && mutator_get(s, 1).request == NONE && !s->claimed;
}

/* Under the claim, in steps: a mutator that could run now would be seen half scanned. */
static void claim_steps(struct model *x, const union state *s)
{
	unsigned i = s->claimed - 1;
	union state next = *s;
	struct mutator m = mutator_get(s, i);

	if (s->claim_step < 2 && m.request == ROOTS) {
		record(s, &m, s->claim_step ? m.root1 : m.root0);
		next.claim_step = s->claim_step + 1;
	} else if (s->claim_step < 3 && m.request >= ROOTS && flush_publish(x, &next, &m)) {
		next.claim_step = 3;
	} else {
		if (s->claim_step == 3)
			flush_finish(x, &next, &m);
		answered(&m);
		m.status = RUNNING;
		next.claimed = next.claim_step = 0;
	}
	mutator_set(&next, i, m);
	emit(x, next, "the coordinator answers for a parked mutator");
}

static void claim_begin(struct model *x, const union state *s)
{
	for (unsigned i = 0; i < 2; i++) {
		union state next = *s;
		struct mutator m = mutator_get(s, i);

		if (m.request == NONE || m.status != RUNNING || m.stage != IDLE)
			continue;
		m.status = SCANNING;
		mutator_set(&next, i, m);
		next.claimed = (i + 1) & 3;
		emit(x, next, "the coordinator claims a parked mutator");
	}
}

static bool work_left(const union state *s)
{
	return s->queue || s->hand;
}

static void coordinator_move(struct model *x, const union state *s, enum pc to, const char *label)
{
	union state next = *s;

	next.pc = to & 15;
	if (to == WAIT_MARK_ON)
		post(&next, MARK_ON);
	if (to == WAIT_ALL_ON)
		post(&next, BORN_BLACK);
	if (to == WAIT_ROOTS)
		post(&next, ROOTS);
	if (to == WAIT_FLUSH)
		post(&next, FLUSH);
	if (s->pc == WAIT_ROOTS)
		next.queue |= bit(s->slot0) & 7;
	if (to == LOOK_AGAIN)
		next.injected = 0;
	emit(x, next, label);
}

static void coordinator_decides(struct model *x, const union state *s)
{
	/* The mutant does not ask what the round brought. */
	bool again = s->injected && x->mutant != ONE_ROUND;

	coordinator_move(x, s, again ? DRAIN : DECIDE, again ? "the round brought something" : "the round brought nothing");
}

static void coordinator_steps(struct model *x, const union state *s)
{
	if (s->claimed) {
		claim_steps(x, s);
		return;
	}
	claim_begin(x, s);
	switch ((enum pc)s->pc) {
	case BEGIN:
		coordinator_move(x, s, WAIT_MARK_ON, "the coordinator asks for mark-on");
		break;
	case WAIT_MARK_ON:
		if (all_answered(s) && x->mutant == NO_SECOND)
			coordinator_move(x, s, WAIT_ROOTS, "all have switched on; the coordinator asks for roots");
		else if (all_answered(s))
			coordinator_move(x, s, WAIT_ALL_ON, "all have switched on; the coordinator asks for black births");
		break;
	case WAIT_ALL_ON:
		if (all_answered(s))
			coordinator_move(x, s, WAIT_ROOTS, "nobody is inside a store from before; the coordinator asks for roots");
		break;
	case WAIT_ROOTS:
		if (all_answered(s))
			coordinator_move(x, s, DRAIN, "all roots are scanned, the global one too");
		break;
	case DRAIN:
		if (!work_left(s))
			coordinator_move(x, s, x->mutant == NO_ROUNDS ? DONE : CLEAR, "no work is left");
		break;
	case CLEAR:
		coordinator_move(x, s, LOOK_AGAIN, "injected is cleared");
		break;
	case LOOK_AGAIN:
		if (work_left(s) && x->mutant != INJECTED_EARLY)
			coordinator_move(x, s, DRAIN, "there is work again");
		else
			coordinator_move(x, s, WAIT_FLUSH, "the coordinator asks for a flush");
		break;
	case WAIT_FLUSH:
		if (all_answered(s))
			coordinator_decides(x, s);
		break;
	case DECIDE:
		coordinator_move(x, s, work_left(s) ? DRAIN : DONE, "the coordinator looks whether work is left");
		break;
	case DONE:
		break;
	}
}

/* ---------------------------------------------------------------------- checks */

static void print_way(const struct model *x, uint32_t index)
{
	if (index)
		print_way(x, x->parents[index]);
	print_message("# %s\n", label_list[x->labels[index]]);
}

/* Visit everything; true if there is a violation. */
static bool search(struct model *x)
{
	union state s = {.words = {0, 0}};

	for (unsigned variant = 0; variant < 4; variant++) {
		s.slot0 = 1;
		s.slot1 = x->objects == 3 || variant & 1 ? 2 : 0;
		s.allocated = x->objects == 2 && variant & 1;
		mutator_set(&s, 0, (struct mutator){.status = RUNNING});
		mutator_set(&s, 1, (struct mutator){.status = variant & 2 ? RUNNING : ABSENT});
		emit(x, s, variant & 2 ? "both mutators are there" : "mutator 1 is absent");
	}
	for (x->current = 0; x->current < x->count; x->current++) {
		s = x->states[x->current];
		if (s.pc == DONE) {
			if (reachable(&s) & ~(uint64_t)s.marked) {
				x->violation = x->current;
				return true;
			}
			continue;
		}
		mutator_steps(x, &s, 0);
		mutator_steps(x, &s, 1);
		marker_steps(x, &s);
		coordinator_steps(x, &s);
	}
	return false;
}

static void *area(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static bool violates(enum mutant mutant, unsigned objects, bool late_marks)
{
	struct model x = {.mutant = mutant, .objects = objects, .late_marks = late_marks};
	bool violated;

	x.states_max = getenv("GC_MODEL_ALL") ? STATES_ALL : STATES_SHORT;
	x.states = area((size_t)x.states_max * sizeof(*x.states));
	x.parents = area((size_t)x.states_max * sizeof(*x.parents));
	x.labels = area((size_t)x.states_max * sizeof(*x.labels));
	x.table = area(2 * (size_t)x.states_max * sizeof(*x.table));
	violated = search(&x);
	print_message("# mutant %d: %u states, %s\n", (int)mutant, x.count, violated ? "violation" : "all visited");
	if (violated)
		print_way(&x, x.violation);
	munmap(x.states, (size_t)x.states_max * sizeof(*x.states));
	munmap(x.parents, (size_t)x.states_max * sizeof(*x.parents));
	munmap(x.labels, (size_t)x.states_max * sizeof(*x.labels));
	munmap(x.table, 2 * (size_t)x.states_max * sizeof(*x.table));
	return violated;
}

static void test_the_whole_protocol(void **state)
{
	(void)state;
	assert_false(violates(WHOLE, 2, false));
}

static void test_every_mutant_is_found(void **state)
{
	(void)state;
	for (int mutant = NO_DELETION; mutant < MUTANTS; mutant++)
		assert_true(violates((enum mutant)mutant, 2, false));
}

static void test_the_nearest_mutant_is_found(void **state)
{
	(void)state;
	assert_true(violates(NO_ROUNDS, 2, false));
}

int main(void)
{
	const struct CMUnitTest some[] = {cmocka_unit_test(test_the_nearest_mutant_is_found)};
	const struct CMUnitTest all[] = {cmocka_unit_test(test_every_mutant_is_found),
					 cmocka_unit_test(test_the_whole_protocol)};

	return getenv("GC_MODEL_ALL") ? cmocka_run_group_tests(all, NULL, NULL) : cmocka_run_group_tests(some, NULL, NULL);
}
