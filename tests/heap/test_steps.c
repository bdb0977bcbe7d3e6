/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interleavings that the notes on the barrier, attaching and rounds argue about, step by step: this thread drives three mutators,
 * which answer handshakes when it says so, while another thread has called gc_collect. Each test loses an object where the part
 * of the protocol it names is left out (tests/heap/mutants.bats), with no luck needed: the heap has the step to itself.
 *
 * The judge is gc_will_live, asked when marking is over. Most ways here were found by tests/model/test_cycle.c.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../svc/heap/barrier.h"
#include "../../svc/heap/cycle.h"
#include "../../svc/heap/mutator.h"
#include "fixture.h"

struct node {
	struct node *next;
	uint64_t number;
};
GC_KIND(node_kind, struct node, next);

#define MUTATORS 3

/* Whoever wants to mark has done so by then. Too short, a mutant may get away; nothing else depends on it. */
#define SETTLE_US 20000

static struct gc_heap *heap;
static struct gc_mutator *a, *b, *c;
static struct node *global[2]; /* roots */
static pthread_t collector;
static struct node *judged;
static unsigned judgements;
static bool lives;

static void judge(struct gc_heap *h, void *context)
{
	(void)context;
	if (judged && judgements++ == 0)
		lives = gc_will_live(h, judged);
}

static void *collector_main(void *minor)
{
	struct gc_mutator *m = gc_attach(heap);

	if (minor)
		gc_collect_young(m);
	else
		gc_collect(m);
	gc_detach(m);
	return NULL;
}

/* ------------------------------------------------------------------- steps */

static struct node *node_new(struct gc_mutator *m, struct node *next)
{
	struct node *n = gc_alloc(m, &node_kind, 0);

	gc_store(m, &n->next, next);
	return n;
}

static void until_asked(struct gc_mutator *m)
{
	while (!__atomic_load_n(&m->request, __ATOMIC_ACQUIRE))
		usleep(100);
}

static void answer(struct gc_mutator *m, enum gc_request request)
{
	until_asked(m);
	assert_int_equal(m->request, request);
	gc_poll(m);
}

static void all_answer(enum gc_request request)
{
	answer(a, request);
	answer(b, request);
	answer(c, request);
}

static void steps_begin(void)
{
	/* Nothing collects or stops the world but what the test asks for. */
	setenv("GC_TORTURE_PERIOD", "0", 1);
	setenv("GC_VERIFY_EVERY", "0", 1);
	const struct gc_config config = heap_config();
	heap = heap_of(&config);
	heap->cpus = 4 * MUTATORS; /* the mutators of this one thread take none: there is always room to mark (Note [room]) */
	gc_on_marked(heap, judge, NULL);
	assert_int_equal(gc_root_add(heap, global, 2), 0);
	a = gc_attach(heap);
	b = gc_attach(heap);
	c = gc_attach(heap);
	judged = NULL;
	judgements = 0;
	lives = false;
}

/* A cycle begins; all three are asked for mark-on and have not answered. `watched` must outlive it. */
static void cycle_begins(struct node *watched, bool minor)
{
	judged = watched;
	judgements = 0;
	assert_int_equal(pthread_create(&collector, NULL, collector_main, minor ? heap : NULL), 0);
	until_asked(a);
	until_asked(b);
	until_asked(c);
}

/* The same; all three switch on, are black from birth, and are asked for their roots. */
static void marking_begins(struct node *watched)
{
	cycle_begins(watched, false);
	all_answer(GC_REQUEST_MARK_ON);
	all_answer(GC_REQUEST_BLACK);
}

static void all_park(void)
{
	gc_park(a);
	gc_park(b);
	gc_park(c);
}

static void all_unpark(void)
{
	gc_unpark(a);
	gc_unpark(b);
	gc_unpark(c);
}

/* The rest of the cycle is answered for the mutators. Those that keep an answer back come last. */
static void cycle_ends(struct gc_mutator *first, struct gc_mutator *second, struct gc_mutator *last)
{
	gc_park(first);
	gc_park(second);
	gc_park(last);
	pthread_join(collector, NULL);
	assert_int_equal(judgements, 1);
	assert_true(lives);
	assert_int_equal(gc_verify(heap, NULL, stderr), 0);
	all_unpark();
}

static void mutator_ends(struct gc_mutator *m)
{
	gc_pop(m, (unsigned)(m->root_top - gc_full(m)->roots));
	gc_detach(m);
}

static void steps_end(void)
{
	gc_store(a, &global[0], (struct node *)NULL);
	gc_store(a, &global[1], (struct node *)NULL);
	mutator_ends(a);
	mutator_ends(b);
	mutator_ends(c);
	gc_root_remove(heap, global);
	gc_heap_destroy(heap);
}

/* ----------------------------------------------------------------- barrier */

/* Cut out of the graph, X is on a stack that was scanned: mutants 1 (no deletion part), 3 (no flush rounds). */
static void test_what_is_cut_is_kept(void **state)
{
	struct node *x, *holder;

	(void)state;
	steps_begin();
	x = node_new(a, NULL);
	holder = node_new(a, x);
	gc_store(a, &global[0], holder);
	marking_begins(x);
	answer(a, GC_REQUEST_ROOTS);
	gc_push(a, gc_load(&holder->next));
	gc_store(a, &holder->next, (struct node *)NULL);
	answer(b, GC_REQUEST_ROOTS);
	answer(c, GC_REQUEST_ROOTS);
	until_asked(a); /* to flush; mutant 3: to switch off */
	cycle_ends(a, b, c);
	steps_end();
}

/* A stack that was not scanned yet gives its only reference to a black object: mutant 2 (no insertion part). */
static void test_what_a_grey_stack_gives_away_is_kept(void **state)
{
	struct node *x, *black;

	(void)state;
	steps_begin();
	x = gc_push(a, node_new(a, NULL));
	marking_begins(x);
	answer(b, GC_REQUEST_ROOTS);
	black = gc_push(b, node_new(b, NULL));
	gc_store(a, &black->next, x);
	gc_pop(a, 1);
	cycle_ends(b, c, a);
	steps_end();
}

/* Mutant 6 (white births). */
static void test_what_is_born_is_kept(void **state)
{
	(void)state;
	steps_begin();
	node_new(a, NULL);
	marking_begins(NULL);
	answer(a, GC_REQUEST_ROOTS);
	judged = gc_push(a, node_new(a, NULL));
	cycle_ends(a, b, c);
	steps_end();
}

/*
 * Note [on]: b has recorded the old value and writes later; a overwrites the slot in between, its barrier still off: mutant 9 (roots
 * are asked for while such a store may be half done).
 */
static void test_a_store_from_before_mark_on(void **state)
{
	struct node *x;

	(void)state;
	steps_begin();
	gc_store(a, &global[0], node_new(a, NULL));
	x = gc_push(a, node_new(a, NULL));
	cycle_begins(x, false);
	answer(b, GC_REQUEST_MARK_ON);
	answer(c, GC_REQUEST_MARK_ON);
	gc_store_slow(b, (void **)&global[0], NULL);
	gc_store(a, &global[0], x);
	answer(a, GC_REQUEST_MARK_ON);
	gc_pop(a, 1);
	until_asked(a);
	gc_poll(a); /* for black births; the mutant asks for roots */
	gc_push(a, gc_load(&global[0]));
	__atomic_store_n(&global[0], NULL, __ATOMIC_RELEASE);
	cycle_ends(a, c, b);
	steps_end();
}

/* Note [on]: a, its barrier off, hangs X into an object that b has just made: mutant 10 (it is black already). */
static void test_births_before_all_barriers_are_on(void **state)
{
	struct node *x, *born;

	(void)state;
	steps_begin();
	node_new(b, NULL);
	x = gc_push(a, node_new(a, NULL));
	cycle_begins(x, false);
	answer(b, GC_REQUEST_MARK_ON);
	born = gc_push(b, node_new(b, NULL));
	gc_store(a, &born->next, x);
	gc_pop(a, 1);
	cycle_ends(b, c, a);
	steps_end();
}

/* Note [on]: what b has cut and flushed may not be scanned before a's barrier is on: mutant 12. */
static void test_marking_before_all_barriers_are_on(void **state)
{
	struct node *x, *cut;

	(void)state;
	steps_begin();
	cut = gc_push(a, node_new(a, NULL));
	gc_store(a, &global[0], cut);
	x = gc_push(a, node_new(a, NULL));
	cycle_begins(x, false);
	answer(b, GC_REQUEST_MARK_ON);
	gc_store(b, &global[0], (struct node *)NULL);
	gc_park(b);
	usleep(SETTLE_US);
	gc_store(a, &cut->next, x);
	gc_pop(a, 1);
	gc_unpark(b);
	cycle_ends(b, c, a);
	steps_end();
}

/* Note [attach]: mutant 8 (who attaches before roots are asked for starts black). */
static void test_an_early_guest_is_grey(void **state)
{
	struct gc_mutator *guest;
	struct node *x, *born;

	(void)state;
	steps_begin();
	x = node_new(a, NULL);
	gc_store(a, &global[0], x);
	cycle_begins(x, false);
	guest = gc_attach(heap);
	gc_store(a, &global[0], (struct node *)NULL);
	born = gc_push(guest, node_new(guest, NULL));
	gc_store(guest, &born->next, x);
	gc_park(guest);
	cycle_ends(b, c, a);
	gc_unpark(guest);
	mutator_ends(guest);
	steps_end();
}

/* ------------------------------------------------------------------ rounds */

/*
 * In one flush round a brings `cut`, which is marked before the round is over, and b, asked before a, has taken X out of it since:
 * mutant 4 (no further round, because no work is left).
 */
static void test_a_round_that_brought_something(void **state)
{
	struct node *x, *cut, *holder;

	(void)state;
	steps_begin();
	x = node_new(a, NULL);
	cut = node_new(a, x);
	holder = node_new(a, cut);
	gc_store(a, &global[0], holder);
	marking_begins(x);
	answer(a, GC_REQUEST_ROOTS);
	gc_push(a, gc_load(&holder->next));
	gc_store(a, &holder->next, (struct node *)NULL);
	answer(b, GC_REQUEST_ROOTS);
	answer(c, GC_REQUEST_ROOTS);
	until_asked(c);
	gc_store(a, &global[1], cut);
	answer(b, GC_REQUEST_FLUSH);
	gc_push(b, gc_load(&gc_load(&global[1])->next));
	gc_store(b, &cut->next, (struct node *)NULL);
	answer(a, GC_REQUEST_FLUSH);
	usleep(SETTLE_US);
	answer(c, GC_REQUEST_FLUSH);
	until_asked(b); /* to flush again; the mutant: to switch off */
	cycle_ends(a, b, c);
	steps_end();
}

#ifdef GC_DEBUG
static struct node *flushed;

/* a is about to publish `flushed`: all others are done with their roots, the round begins, b takes X out of `flushed`. */
static void while_a_flushes(enum gc_point point)
{
	if (point != GC_POINT_FLUSH || !flushed)
		return;
	struct node *cut = flushed;

	flushed = NULL;
	answer(c, GC_REQUEST_ROOTS);
	answer(b, GC_REQUEST_FLUSH);
	gc_push(b, gc_load(&cut->next));
	gc_store(b, &cut->next, (struct node *)NULL);
}

/* Note [rounds]: mutant 7 (a round does not see what is flushed while it begins). */
static void test_a_flush_while_a_round_begins(void **state)
{
	struct node *x, *cut, *holder;

	(void)state;
	steps_begin();
	x = node_new(a, NULL);
	cut = node_new(a, x);
	holder = node_new(a, cut);
	gc_store(a, &global[0], holder);
	marking_begins(x);
	answer(a, GC_REQUEST_ROOTS);
	answer(b, GC_REQUEST_ROOTS);
	gc_push(b, cut);
	gc_store(a, &holder->next, (struct node *)NULL);
	flushed = cut;
	gc_set(&gc_point_call, while_a_flushes);
	gc_barrier_flush(gc_full(a)); /* as when its buffer is full */
	gc_set(&gc_point_call, NULL);
	usleep(SETTLE_US);
	answer(a, GC_REQUEST_FLUSH);
	answer(c, GC_REQUEST_FLUSH);
	until_asked(b);
	cycle_ends(a, b, c);
	steps_end();
}

/* --------------------------------------------------------------------- park */

static bool claimed, unparks, released; /* atomic */

/* The coordinator has claimed a parked mutator, and is slow to answer for it. */
static void while_claimed(enum gc_point point)
{
	if (point != GC_POINT_CLAIM || gc_get(&claimed))
		return;
	gc_set(&claimed, true);
	while (!gc_get(&unparks))
		usleep(100);
	usleep(SETTLE_US);
	gc_set(&released, true);
}

/* Note [park]: mutant 5 (unparking does not wait for the claim). */
static void test_unparking_waits_for_the_claim(void **state)
{
	(void)state;
	steps_begin();
	judged = gc_push(a, node_new(a, NULL));
	claimed = unparks = released = false;
	gc_set(&gc_point_call, while_claimed);
	gc_park(a);
	assert_int_equal(pthread_create(&collector, NULL, collector_main, NULL), 0);
	while (!gc_get(&claimed))
		usleep(100);
	gc_set(&unparks, true);
	gc_unpark(a);
	assert_true(gc_get(&released));
	cycle_ends(a, b, c);
	gc_set(&gc_point_call, NULL);
	steps_end();
}
#endif

/* ----------------------------------------------------------------- progress */

#ifdef GC_DEBUG
static pthread_t stepper;

/* A marker that is slow with all the work there is: a list cannot be shared. */
static void while_marking(enum gc_point point)
{
	if (point == GC_POINT_SLICE && pthread_equal(pthread_self(), stepper))
		usleep(SETTLE_US);
}

static void list_keep(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		gc_store(a, &global[0], node_new(a, gc_load(&global[0])));
}

/*
 * An idle mutator has all the work in its hands, the coordinator goes to sleep, the mutator leaves the rest behind and does not come back.
 * All CPUs are taken: nobody but the coordinator marks.
 */
static void test_work_left_behind_is_found(void **state)
{
	(void)state;
	steps_begin();
	list_keep(100000);
	heap->cpus = 1;
	marking_begins(gc_load(&global[0]));
	all_answer(GC_REQUEST_ROOTS);
	stepper = pthread_self();
	gc_set(&gc_point_call, while_marking);
	while (!gc_idle(a))
		usleep(100);
	gc_set(&gc_point_call, NULL);
	until_asked(a); /* to flush: the list is marked */
	cycle_ends(a, b, c);
	steps_end();
}
#endif

static void workers_stay_out(void)
{
	for (unsigned i = 0; i < heap->worker_count; i++)
		__atomic_store_n(&heap->workers[i].resume_cycle, UINT64_MAX, __ATOMIC_RELAXED);
}

/* Nobody waits for this cycle; workers stay out of it, and no mutator allocates. Asked for their roots. */
static void cycle_without_markers(struct node *watched)
{
	workers_stay_out();
	heap->cpus = 1;
	judged = watched;
	gc_set(&heap->trigger_bytes, 0);
	gc_coordinator_wake(heap);
	all_answer(GC_REQUEST_MARK_ON);
	all_answer(GC_REQUEST_BLACK);
	gc_plan(heap);
}

/* A cycle that nobody waited for is urgent as soon as the next one is asked for. */
static void test_the_cycle_before_is_urgent_too(void **state)
{
	(void)state;
	steps_begin();
	gc_store(a, &global[0], node_new(a, node_new(a, NULL)));
	cycle_without_markers(gc_load(&global[0]));
	all_answer(GC_REQUEST_ROOTS);
	assert_int_equal(pthread_create(&collector, NULL, collector_main, NULL), 0);
	until_asked(a); /* to flush */
	all_park();
	pthread_join(collector, NULL);
	assert_true(lives);
	all_unpark();
	steps_end();
}

/* Workers that stay out because mutators run come back when these park. */
static void test_workers_come_back(void **state)
{
	(void)state;
	steps_begin();
	gc_store(a, &global[0], node_new(a, node_new(a, NULL)));
	cycle_without_markers(gc_load(&global[0]));
	all_answer(GC_REQUEST_ROOTS);
	usleep(SETTLE_US);
	all_park();
	while (gc_get(&heap->cycles_done) == 0)
		usleep(100);
	assert_true(lives);
	all_unpark();
	steps_end();
}

/* ------------------------------------------------------------------- cards */

/* An old object with a place for a reference to a young one. */
static struct node *old_object(void)
{
	struct node *old = node_new(a, NULL);

	gc_store(a, &global[0], old);
	cycle_begins(old, false);
	cycle_ends(a, b, c);
	return old;
}

/* Mutants 11 (minor cycles do not look at cards), 14 (no change to the other card table). */
static void test_old_objects_keep_young_ones(void **state)
{
	struct node *old, *x;

	(void)state;
	steps_begin();
	old = old_object();
	x = node_new(a, NULL);
	gc_store(a, &old->next, x);
	cycle_begins(x, true);
	cycle_ends(a, b, c);
	/* X is old now; what it refers to is young again. */
	x = node_new(a, NULL);
	gc_store(a, &old->next->next, x);
	cycle_begins(x, true);
	cycle_ends(a, b, c);
	/* Full cycles do not look at cards: mutant 15 (marks are not cleared before them). */
	x = node_new(a, NULL);
	gc_store(a, &old->next->next->next, x);
	cycle_begins(x, false);
	cycle_ends(a, b, c);
	steps_end();
}

/* Mutant 13 (a copy makes no card dirty). */
static void test_a_copy_is_noted(void **state)
{
	struct node *old, *x, **shelf;

	(void)state;
	steps_begin();
	old = old_object();
	/* Far from where the stores that make nodes are noted. */
	shelf = gc_push(a, gc_alloc_array(a, &gc_kind_refs, 1000, 0));
	cycle_begins(old, false);
	cycle_ends(a, b, c);
	x = node_new(a, NULL);
	gc_copy(a, &shelf[500], &x, 1);
	cycle_begins(x, true);
	cycle_ends(a, b, c);
	steps_end();
}

/* With an argument only the tests whose names match it. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_cut_is_kept),
		cmocka_unit_test(test_what_a_grey_stack_gives_away_is_kept),
		cmocka_unit_test(test_what_is_born_is_kept),
		cmocka_unit_test(test_a_store_from_before_mark_on),
		cmocka_unit_test(test_births_before_all_barriers_are_on),
		cmocka_unit_test(test_marking_before_all_barriers_are_on),
		cmocka_unit_test(test_an_early_guest_is_grey),
		cmocka_unit_test(test_a_round_that_brought_something),
#ifdef GC_DEBUG
		cmocka_unit_test(test_a_flush_while_a_round_begins),
		cmocka_unit_test(test_unparking_waits_for_the_claim),
		cmocka_unit_test(test_work_left_behind_is_found),
#endif
		cmocka_unit_test(test_the_cycle_before_is_urgent_too),
		cmocka_unit_test(test_workers_come_back),
		cmocka_unit_test(test_old_objects_keep_young_ones),
		cmocka_unit_test(test_a_copy_is_noted),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
