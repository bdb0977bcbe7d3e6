/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shadow-model fuzzer. Each thread builds and cuts a random graph of random kinds on the collected heap, and keeps
 * the same graph in ordinary memory. Every step compares the two: the object found must be the one that the
 * model expects, with its number, its check word, its bytes. Some objects are published in a shared table and adopted by other
 * threads, which check them as well. Threads park, idle, collect, leave and come back; the whole heap is verified
 * again and again. Roots hold interior references, come and go; objects are put into pools and got again; GOGC and the limit
 * change. A lost mark shows as a wrong number, a pattern or a verify complaint.
 *
 *   GC_FUZZ_SEED (default 1)   GC_FUZZ_SECONDS (default 2)   GC_FUZZ_THREADS (default 3)
 *   GC_FUZZ_GOGC (default: changes while it runs, and the memory limit too)
 * With sticky marks the nursery is small, so that most cycles are minor ones; GODEBUG=gcsticky=0 makes all of them full.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fixture.h"

#define ROOT_SLOTS 64
#define SHARED_SLOTS 32
#define HELD 16
#define PARCELS 16
#define GLOBALS 4
#define POOLS 2
#define CYCLES_MIN 4 /* each run goes on until so many have begun */
#define THREADS_MAX 16
#define MODEL_MAX (1u << 18)
#define CHECK 0x9e3779b97f4a7c15ull

struct header {
	uint64_t number, check;
};

struct one {
	struct header h;
	void *a;
};

struct seven {
	struct header h;
	void *a, *b;
	uint64_t gap;
	void *c[4];
	uint64_t tail;
	void *d;
};

struct row { /* element of arrays of structures */
	struct header h;
	void *left;
	uint64_t payload;
	void *right;
};

GC_KIND(one_kind, struct one, a);
GC_KIND(seven_kind, struct seven, a, b, c[0], c[1], c[2], c[3], d);
GC_KIND(row_kind, struct row, left, right);

enum shape { SHAPE_ONE, SHAPE_SEVEN, SHAPE_ROWS, SHAPE_REFS, SHAPE_BYTES, SHAPES };

/* The model of one object. refs[] holds model indices, 0 for NULL. */
struct model {
	uint64_t number; /* 0: free */
	enum shape shape;
	unsigned length; /* slots, or bytes */
	uint32_t *refs;
	bool seen;
};

/* A global root; the table itself lies on the heap, so that markers may have scanned it before a thread's roots. */
static struct one **shared_table;

static struct gc_pool *pools[POOLS]; /* of struct one; the second in debug mode */
static bool knobs_change;

struct fuzzer {
	struct gc_heap *heap;
	unsigned index;
	uint64_t random;
	uint64_t deadline_ns;
	/* The thread's own. */
	struct gc_mutator *m;
	void **root; /* refs array, pushed */
	void **held; /* HELD root slots: values taken out of the graph; the references point somewhere into their objects */
	uint32_t held_models[HELD], held_offsets[HELD];
	struct one *globals[GLOBALS]; /* a global root, now and then */
	bool registered;
	struct one **parcels; /* PARCELS root slots: objects to be published */
	struct one **table;
	struct model *models;
	uint32_t *free;
	unsigned free_count;
	uint64_t numbers, operations, adopted;
	uint32_t *queue;
	void **queue_objects;
	bool quiet; /* in this round the thread never parks: what it owes stays in its buffers */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t env(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static uint32_t rnd(struct fuzzer *f, uint32_t below)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return (uint32_t)((f->random >> 32) * below >> 32);
}

static void fail_at(struct fuzzer *f, const char *what, uint64_t got, uint64_t expected)
{
	fprintf(stderr, "fuzz: thread %u, operation %llu: %s: got %llx, expected %llx\n", f->index,
		(unsigned long long)f->operations, what, (unsigned long long)got, (unsigned long long)expected);
	abort();
}

/* --------------------------------------------------------- object and model */

static void **slot_of(void *object, const struct model *x, unsigned i)
{
	static const uint8_t seven_slots[] = {2, 3, 5, 6, 7, 8, 10};
	struct row *rows = object;

	switch (x->shape) {
	case SHAPE_ONE:
		return &((struct one *)object)->a;
	case SHAPE_SEVEN:
		return (void **)object + seven_slots[i];
	case SHAPE_ROWS:
		return i % 2 ? &rows[i / 2].right : &rows[i / 2].left;
	default:
		return (void **)object + i;
	}
}

static unsigned slot_count(const struct model *x)
{
	return x->shape == SHAPE_BYTES ? 0 : x->length;
}

static uint32_t model_bytes(const struct model *x)
{
	switch (x->shape) {
	case SHAPE_ONE:
		return sizeof(struct one);
	case SHAPE_SEVEN:
		return sizeof(struct seven);
	case SHAPE_ROWS:
		return x->length / 2 * (uint32_t)sizeof(struct row);
	case SHAPE_REFS:
		return x->length * 8;
	default:
		return x->length;
	}
}

static unsigned char pattern(uint64_t number, unsigned i)
{
	return (unsigned char)(number * 31 + i * 7);
}

static void object_check(struct fuzzer *f, void *object, const struct model *x)
{
	const struct header *h = object;
	const unsigned char *bytes = object;

	if (!object)
		fail_at(f, "an object is gone", 0, x->number);
	if (x->shape == SHAPE_REFS)
		return;
	if (x->shape == SHAPE_BYTES) {
		for (unsigned i = 0; i < x->length; i++)
			if (bytes[i] != pattern(x->number, i))
				fail_at(f, "a byte changed", bytes[i], pattern(x->number, i));
		return;
	}
	if (h->number != x->number || h->check != x->number * CHECK)
		fail_at(f, "wrong object", h->number, x->number);
}

static uint32_t model_new(struct fuzzer *f, enum shape shape, unsigned length)
{
	uint32_t i = f->free[--f->free_count];
	struct model *x = &f->models[i];

	x->number = ++f->numbers << 8 | f->index;
	x->shape = shape;
	x->length = length;
	x->refs = shape == SHAPE_BYTES ? NULL : calloc(length, sizeof(*x->refs));
	return i;
}

static void model_free(struct fuzzer *f, uint32_t i)
{
	free(f->models[i].refs);
	f->models[i] = (struct model){0};
	f->free[f->free_count++] = i;
}

static void object_fill(void *object, const struct model *x)
{
	struct header *h = object;

	if (x->shape == SHAPE_BYTES)
		for (unsigned i = 0; i < x->length; i++)
			((unsigned char *)object)[i] = pattern(x->number, i);
	else if (x->shape != SHAPE_REFS)
		*h = (struct header){x->number, x->number * CHECK};
}

static void zero_check(struct fuzzer *f, void *object, const struct model *x)
{
	for (unsigned i = 0; i < slot_count(x); i++)
		if (*slot_of(object, x, i))
			fail_at(f, "a new object is not zero", (uint64_t)*slot_of(object, x, i), 0);
}

static unsigned length_pick(struct fuzzer *f, enum shape shape)
{
	static const unsigned most[] = {1, 5, 20, 200, 2000, 20000};
	unsigned bound = most[rnd(f, rnd(f, 50) ? 4 : 6)];

	switch (shape) {
	case SHAPE_ONE:
		return 1;
	case SHAPE_SEVEN:
		return 7;
	case SHAPE_ROWS:
		return 2 * (1 + rnd(f, bound / 4 + 1));
	default:
		return 1 + rnd(f, bound);
	}
}

/* NULL: the memory limit says no. */
static void *object_new(struct fuzzer *f, const struct model *x)
{
	if (x->shape == SHAPE_REFS && rnd(f, 2))
		return gc_try_alloc(f->m, &gc_kind_refs, x->length, 3);
	switch (x->shape) {
	case SHAPE_ONE:
		return gc_alloc(f->m, &one_kind, 0);
	case SHAPE_SEVEN:
		return gc_alloc(f->m, &seven_kind, 1);
	case SHAPE_ROWS:
		return gc_alloc_array(f->m, &row_kind, x->length / 2, 2);
	case SHAPE_REFS:
		return gc_alloc_array(f->m, &gc_kind_refs, x->length, 3);
	default:
		return gc_alloc_bytes(f->m, x->length, 4);
	}
}

/* --------------------------------------------------------------- operations */

/* A random walk from the root; where it ends has slots. */
static void *walk(struct fuzzer *f, uint32_t *model)
{
	void *object = f->root;
	uint32_t i = 1;

	for (unsigned steps = rnd(f, 12); steps; steps--) {
		struct model *x = &f->models[i];
		unsigned slot = rnd(f, slot_count(x));
		uint32_t next = x->refs[slot];
		void *child = gc_load(slot_of(object, x, slot));

		if (!next != !child)
			fail_at(f, "a slot differs from the model", (uint64_t)child, next);
		if (!next)
			break;
		object_check(f, child, &f->models[next]);
		if (!slot_count(&f->models[next]))
			break;
		object = child;
		i = next;
	}
	*model = i;
	return object;
}

static void slot_set(struct fuzzer *f, void *object, uint32_t i, unsigned slot, void *value, uint32_t target)
{
	struct model *x = &f->models[i];

	gc_store(f->m, slot_of(object, x, slot), value);
	x->refs[slot] = target;
}

static void op_new(struct fuzzer *f)
{
	GC_SCOPE(f->m);
	uint32_t i, n;
	void *object = gc_push(f->m, walk(f, &i)), *made;
	enum shape shape = (enum shape)rnd(f, SHAPES);

	if (f->free_count < 64)
		return;
	n = model_new(f, shape, length_pick(f, shape));
	made = object_new(f, &f->models[n]);
	if (!made) {
		model_free(f, n);
		return;
	}
	zero_check(f, made, &f->models[n]);
	object_fill(made, &f->models[n]);
	slot_set(f, object, i, rnd(f, slot_count(&f->models[i])), made, n);
}

static void op_link(struct fuzzer *f)
{
	uint32_t from, to;
	void *target = walk(f, &to), *object = walk(f, &from);

	slot_set(f, object, from, rnd(f, slot_count(&f->models[from])), target, to);
}

static void op_cut(struct fuzzer *f)
{
	uint32_t i;
	void *object = walk(f, &i);

	slot_set(f, object, i, rnd(f, slot_count(&f->models[i])), NULL, 0);
}

static void *held_object(const struct fuzzer *f, unsigned h)
{
	return (char *)f->held[h] - f->held_offsets[h];
}

/*
 * Take a value out of the graph and hold it in a root for a while: on a stack that was scanned, only the deletion
 * part of the barrier protects it. Or put a held one back.
 */
static void op_hold(struct fuzzer *f)
{
	unsigned h = rnd(f, HELD), slot;
	uint32_t i;
	void *object = walk(f, &i);

	slot = rnd(f, slot_count(&f->models[i]));
	if (f->held[h]) {
		object_check(f, held_object(f, h), &f->models[f->held_models[h]]);
		slot_set(f, object, i, slot, held_object(f, h), f->held_models[h]);
		f->held[h] = NULL;
		return;
	}
	f->held[h] = gc_load(slot_of(object, &f->models[i], slot));
	f->held_models[h] = f->models[i].refs[slot];
	if (!f->held[h])
		return;
	f->held_offsets[h] = rnd(f, model_bytes(&f->models[f->held_models[h]]));
	f->held[h] = (char *)f->held[h] + f->held_offsets[h];
	slot_set(f, object, i, slot, NULL, 0);
}

static void op_copy(struct fuzzer *f)
{
	uint32_t i;
	void *object = walk(f, &i);
	struct model *x = &f->models[i];
	unsigned count, from, to;

	if (x->shape != SHAPE_REFS || x->length < 2)
		return;
	count = 1 + rnd(f, x->length - 1);
	from = rnd(f, x->length - count + 1);
	to = rnd(f, x->length - count + 1);
	gc_copy(f->m, (void **)object + to, (void **)object + from, count);
	memmove(x->refs + to, x->refs + from, count * sizeof(*x->refs));
}

static void parcel_check(struct fuzzer *f, const struct one *found)
{
	const struct one *inner = gc_load((struct one *const *)&found->a);

	if (found->h.check != found->h.number * CHECK)
		fail_at(f, "a shared object changed", found->h.check, found->h.number * CHECK);
	if (!inner || inner->h.number != found->h.number || inner->h.check != found->h.check)
		fail_at(f, "a shared object's child changed", inner ? inner->h.number : 0, found->h.number);
}

/* A number and a child with the same number. `made` is in a root. */
static void parcel_fill(struct fuzzer *f, struct one *made)
{
	struct one *inner = gc_alloc(f->m, &one_kind, 0);

	made->h.number = ++f->numbers << 8 | f->index;
	made->h.check = made->h.number * CHECK;
	inner->h = made->h;
	gc_store(f->m, &made->a, inner);
}

static struct one *parcel_new(struct fuzzer *f)
{
	GC_SCOPE(f->m);
	struct one *made = gc_push(f->m, gc_alloc(f->m, &one_kind, 0));

	parcel_fill(f, made);
	return made;
}

/*
 * A parcel is made, kept in a root for a while, then published and dropped from the root: its only reference moves from
 * a stack that may not be scanned yet into a table that may. Or one is taken over from another thread.
 */
static void op_share(struct fuzzer *f)
{
	unsigned p = rnd(f, PARCELS), slot = rnd(f, SHARED_SLOTS);

	if (!f->parcels[p]) {
		f->parcels[p] = parcel_new(f);
	} else if (rnd(f, 2)) {
		parcel_check(f, f->parcels[p]);
		gc_store(f->m, &f->table[slot], f->parcels[p]);
		f->parcels[p] = NULL;
	} else {
		struct one *found = gc_load(&f->table[slot]);

		if (!found)
			return;
		parcel_check(f, found);
		f->parcels[p] = found;
		gc_store(f->m, &f->table[slot], (struct one *)NULL);
		f->adopted++;
	}
}

/* What comes out of a pool is new, or what this thread has put, as it was. */
static void pooled_check(struct fuzzer *f, const struct one *got)
{
	if (!got->h.number && !got->h.check && !gc_load((void *const *)&got->a))
		return;
	parcel_check(f, got);
	if ((got->h.number & 0xff) != f->index)
		fail_at(f, "another thread's object in a pool", got->h.number & 0xff, f->index);
}

static void op_pool(struct fuzzer *f)
{
	GC_SCOPE(f->m);
	struct gc_pool *pool = pools[rnd(f, 8) == 0];
	unsigned count = 1 + rnd(f, 4);
	struct one *got[4];

	for (unsigned i = 0; i < count; i++) {
		got[i] = gc_push(f->m, gc_pool_get(f->m, pool));
		pooled_check(f, got[i]);
		parcel_fill(f, got[i]);
	}
	for (unsigned i = 0; i < count; i++)
		if (rnd(f, 8))
			gc_pool_put(f->m, pool, got[i]);
}

static void globals_drop(struct fuzzer *f)
{
	GC_SCOPE(f->m);
	struct one *last = gc_load(&f->globals[rnd(f, GLOBALS)]);

	/* What it held is protected until the next look at the roots. */
	gc_root_remove(f->heap, f->globals);
	gc_push(f->m, last);
	f->registered = false;
	gc_poll(f->m);
	if (last)
		parcel_check(f, last);
}

/* A global root that comes and goes. */
static void op_global(struct fuzzer *f)
{
	unsigned g = rnd(f, GLOBALS);

	if (!f->registered) {
		memset(f->globals, 0, sizeof(f->globals));
		f->registered = gc_root_add(f->heap, f->globals, GLOBALS) == 0;
	} else if (rnd(f, 16) == 0) {
		globals_drop(f);
	} else {
		if (gc_load(&f->globals[g]))
			parcel_check(f, f->globals[g]);
		gc_store(f->m, &f->globals[g], rnd(f, 4) ? parcel_new(f) : NULL);
	}
}

static void op_knob(struct fuzzer *f)
{
	static const int percents[] = {10, 30, 100, 400, GC_PERCENT_OFF};

	if (!knobs_change || rnd(f, 40))
		return;
	if (rnd(f, 3))
		gc_set_percent(f->heap, percents[rnd(f, 5)]);
	else
		gc_set_memory_limit(f->heap, rnd(f, 3) ? GC_LIMIT_OFF : (uint64_t)(16 + rnd(f, 200)) << 20);
}

static void op_handle(struct fuzzer *f)
{
	uint32_t i;
	void *object = walk(f, &i);
	struct gc_handle *handle = gc_handle_new(f->m, object);

	gc_park(f->m);
	while (rnd(f, 3) && gc_idle(f->m))
		;
	gc_unpark(f->m);
	object = gc_handle_get(f->m, handle);
	object_check(f, object, &f->models[i]);
	gc_handle_free(f->heap, handle);
}

static void queue_add(struct fuzzer *f, unsigned *tail, void *object, uint32_t i)
{
	if (f->models[i].seen)
		return;
	f->models[i].seen = true;
	f->queue_objects[*tail] = object;
	f->queue[(*tail)++] = i;
}

/* Compare everything, and forget models that are not reachable any more. */
static void compare_all(struct fuzzer *f)
{
	unsigned head = 0, tail = 0;

	queue_add(f, &tail, f->root, 1);
	for (unsigned h = 0; h < HELD; h++)
		if (f->held[h])
			queue_add(f, &tail, held_object(f, h), f->held_models[h]);
	while (head < tail) {
		struct model *x = &f->models[f->queue[head]];
		void *object = f->queue_objects[head++];

		object_check(f, object, x);
		for (unsigned s = 0; s < slot_count(x); s++) {
			void *child = gc_load(slot_of(object, x, s));

			if (!child != !x->refs[s])
				fail_at(f, "a slot differs from the model", (uint64_t)child, x->refs[s]);
			if (child)
				queue_add(f, &tail, child, x->refs[s]);
		}
	}
	for (uint32_t i = 1; i < MODEL_MAX; i++) {
		if (f->models[i].number && !f->models[i].seen)
			model_free(f, i);
		f->models[i].seen = false;
	}
}

/* Cut most of the root's slots now and then, so that the graph does not only grow. */
static void op_prune(struct fuzzer *f)
{
	for (unsigned s = 0; s < ROOT_SLOTS; s++)
		if (rnd(f, 4))
			slot_set(f, f->root, 1, s, NULL, 0);
}

static void step(struct fuzzer *f)
{
	unsigned pick = rnd(f, 1000);

	f->operations++;
	if (pick < 400)
		op_new(f);
	else if (pick < 550)
		op_link(f);
	else if (pick < 650)
		op_cut(f);
	else if (pick < 770)
		op_hold(f);
	else if (pick < 790)
		op_pool(f);
	else if (pick < 800)
		op_global(f);
	else if (pick < 850)
		op_copy(f);
	else if (pick < 930)
		op_share(f);
	else if (pick < 940 && !f->quiet)
		op_handle(f);
	else if (pick < 942)
		op_prune(f);
	else if (pick < 943 && !f->quiet && rnd(f, 20) == 0)
		gc_collect(f->m);
	else if (pick < 944)
		op_knob(f);
	else if (pick < 945 && !f->quiet && rnd(f, 100) == 0)
		gc_stop_world_for(f->heap, f->m, 50000);
	else
		gc_poll(f->m);
}

/* ------------------------------------------------------------------ threads */

static void graph_begin(struct fuzzer *f)
{
	f->m = gc_attach(f->heap);
	f->quiet = rnd(f, 2);
	f->root = gc_push(f->m, gc_alloc_array(f->m, &gc_kind_refs, ROOT_SLOTS, 0));
	f->free_count = 0;
	for (uint32_t i = MODEL_MAX - 1; i >= 1; i--)
		f->free[f->free_count++] = i;
	model_new(f, SHAPE_REFS, ROOT_SLOTS);
	f->held = f->m->root_top;
	for (unsigned i = 0; i < HELD; i++)
		gc_push(f->m, NULL);
	f->parcels = (struct one **)f->m->root_top;
	for (unsigned i = 0; i < PARCELS; i++)
		gc_push(f->m, NULL);
	f->table = gc_push(f->m, gc_load(&shared_table));
}

static void graph_end(struct fuzzer *f)
{
	compare_all(f);
	for (uint32_t i = 1; i < MODEL_MAX; i++)
		if (f->models[i].number)
			model_free(f, i);
	if (f->registered)
		globals_drop(f);
	gc_pop(f->m, 1 + HELD + PARCELS + 1);
	gc_detach(f->m);
}

/* On a machine without CPU to spare, later than its time. */
static bool over(const struct fuzzer *f)
{
	return now_ns() >= f->deadline_ns && gc_cycle_number(f->heap) >= CYCLES_MIN;
}

static void *fuzzer_main(void *argument)
{
	struct fuzzer *f = argument;

	while (!over(f)) {
		graph_begin(f);
		for (unsigned i = 0; i < 40 && !over(f); i++) {
			for (unsigned k = 0; k < 500; k++)
				step(f);
			if (i % 8 == 7)
				compare_all(f);
			if (f->index == 0 && i % 4 == 3 && gc_verify(f->heap, f->m, stderr))
				fail_at(f, "gc_verify complains", 1, 0);
		}
		graph_end(f);
	}
	return NULL;
}

static void fuzzer_init(struct fuzzer *f, struct gc_heap *heap, unsigned index, uint64_t seed, uint64_t deadline)
{
	*f = (struct fuzzer){.heap = heap, .index = index, .deadline_ns = deadline};
	f->random = (seed * 1000003 + index + 1) * CHECK | 1;
	f->models = calloc(MODEL_MAX, sizeof(*f->models));
	f->free = calloc(MODEL_MAX, sizeof(*f->free));
	f->queue = calloc(MODEL_MAX, sizeof(*f->queue));
	f->queue_objects = calloc(MODEL_MAX, sizeof(*f->queue_objects));
}

static void fuzzer_free(struct fuzzer *f)
{
	free(f->models);
	free(f->free);
	free(f->queue);
	free(f->queue_objects);
}

static void heap_make(struct gc_heap **heap, uint64_t seed)
{
	struct gc_mutator *m;

	setenv("GC_NURSERY_KIB", "256", 0);
	struct gc_config config = heap_config();
	config.sites = 5;
	config.gc_percent = (int)env("GC_FUZZ_GOGC", 100);
	knobs_change = !getenv("GC_FUZZ_GOGC");
	config.limit_policy = seed % 2 ? GC_LIMIT_SHED : GC_LIMIT_DEGRADE;
	*heap = heap_of(&config);
	for (unsigned i = 0; i < POOLS; i++) {
		pools[i] = gc_pool_new(*heap, &(struct gc_pool_config){.name = "fuzz", .kind = &one_kind, .slots = 4, .debug = i == 1});
		assert_non_null(pools[i]);
	}
	assert_int_equal(gc_root_add(*heap, &shared_table, 1), 0);
	m = gc_attach(*heap);
	gc_store(m, &shared_table, gc_alloc_array(m, &gc_kind_refs, SHARED_SLOTS, 0));
	gc_detach(m);
}

static void test_random_graphs(void **state)
{
	static struct fuzzer fuzzers[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	uint64_t seed = env("GC_FUZZ_SEED", 1), seconds = env("GC_FUZZ_SECONDS", 2);
	unsigned count = (unsigned)env("GC_FUZZ_THREADS", 3);
	uint64_t deadline = now_ns() + seconds * 1000000000u, operations = 0, adopted = 0;
	struct gc_heap *heap;
	struct gc_stats stats;

	(void)state;
	assert_in_range(count, 1, THREADS_MAX);
	heap_make(&heap, seed);
	for (unsigned i = 0; i < count; i++) {
		fuzzer_init(&fuzzers[i], heap, i, seed, deadline);
		assert_int_equal(pthread_create(&threads[i], NULL, fuzzer_main, &fuzzers[i]), 0);
	}
	for (unsigned i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		operations += fuzzers[i].operations;
		adopted += fuzzers[i].adopted;
		fuzzer_free(&fuzzers[i]);
	}
	gc_root_remove(heap, &shared_table);
	shared_table = NULL;
	assert_int_equal(gc_verify(heap, NULL, stderr), 0);
	gc_stats(heap, &stats);
	print_message("fuzz: seed %llu, %u threads, %llu operations, %llu adopted, %llu cycles (%llu forced, %llu minor), "
		      "%llu objects\n",
		      (unsigned long long)seed, count, (unsigned long long)operations, (unsigned long long)adopted,
		      (unsigned long long)stats.cycles, (unsigned long long)stats.forced_cycles,
		      (unsigned long long)stats.minor_cycles,
		      (unsigned long long)stats.total_allocs);
	assert_true(stats.cycles >= CYCLES_MIN - 1);
	gc_heap_destroy(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_graphs)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
