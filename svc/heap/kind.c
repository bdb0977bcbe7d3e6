/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind: see kind.h. One process-wide lock guards registration; it is taken once per (kind, class), by mutators
 * only. Readers need no lock: an index comes from a kind or a page, where it was published after the entry.
 */
#include "kind.h"

#include <pthread.h>
#include <stdlib.h>

#include "lock.h"

struct gc_kind gc_kind_bytes = {.name = "bytes", .size_bytes = 1, .flags = GC_KIND_NOREF};
struct gc_kind gc_kind_refs = {.name = "refs", .size_bytes = 8, .flags = GC_KIND_REFS};

/* Steps of at most a quarter; from 9344 on the largest multiples of 16 of which 7, 6, 5, 4, 3, 2 fill a page. */
const uint16_t gc_size_class_bytes[GC_SIZE_CLASSES + 1] = {
	0,    16,   24,   32,   40,   48,   56,   64,   80,   96,   112,   128,   160,   192,
	224,  256,  320,  384,  448,  512,  640,  768,  896,  1024, 1280,  1536,  1792,  2048,
	2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192, 9344, 10880, 13104, 16384, 21840, 32768};

#define C(bytes) (((bytes) + 7) / 8)
const uint8_t gc_small_class[129] = {
	[0 ... C(16)] = 1,          [C(24)] = 2,                [C(32)] = 3,
	[C(40)] = 4,                [C(48)] = 5,                [C(56)] = 6,
	[C(64)] = 7,                [C(65)... C(80)] = 8,       [C(81)... C(96)] = 9,
	[C(97)... C(112)] = 10,     [C(113)... C(128)] = 11,    [C(129)... C(160)] = 12,
	[C(161)... C(192)] = 13,    [C(193)... C(224)] = 14,    [C(225)... C(256)] = 15,
	[C(257)... C(320)] = 16,    [C(321)... C(384)] = 17,    [C(385)... C(448)] = 18,
	[C(449)... C(512)] = 19,    [C(513)... C(640)] = 20,    [C(641)... C(768)] = 21,
	[C(769)... C(896)] = 22,    [C(897)... C(1024)] = 23};
#undef C

struct gc_class gc_classes[GC_SPAN_CLASSES_MAX];

static pthread_mutex_t classes_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t classes_once = PTHREAD_ONCE_INIT;
static unsigned classes_count;

unsigned gc_class_count(void)
{
	return __atomic_load_n(&classes_count, __ATOMIC_ACQUIRE);
}

unsigned gc_size_class(size_t bytes)
{
	unsigned low = 24, high = GC_SIZE_CLASSES;

	if (bytes <= 1024)
		return gc_small_class[(bytes + 7) / 8];
	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (gc_size_class_bytes[middle] < bytes)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void class_set(struct gc_class *class, const struct gc_kind *kind, enum gc_layout layout, uint32_t slot_bytes)
{
	class->kind = kind;
	class->layout = layout;
	class->slot_bytes = slot_bytes;
	class->ref_words = kind->ref_words;
	class->ref_count = kind->ref_count;
	class->elem_words = kind->size_bytes / 8;
	if (slot_bytes == 0)
		return;
	/* offset < 2^16 and slot_bytes <= 2^15, so rounding the reciprocal up is exact. */
	class->magic = (uint32_t)(((1ull << 32) + slot_bytes - 1) / slot_bytes);
	class->slots = (uint16_t)(GC_PAGE_BYTES / slot_bytes);
	class->words = (uint16_t)((class->slots + 63) / 64);
}

static void classes_init(void)
{
	for (unsigned i = 1; i <= GC_SIZE_CLASSES; i++) {
		class_set(&gc_classes[GC_CLASS_BYTES + i], &gc_kind_bytes, GC_LAYOUT_NONE, gc_size_class_bytes[i]);
		class_set(&gc_classes[GC_CLASS_REFS + i], &gc_kind_refs, GC_LAYOUT_REFS, gc_size_class_bytes[i]);
		gc_classes[GC_CLASS_BYTES + i].size_class = gc_classes[GC_CLASS_REFS + i].size_class = (uint8_t)i;
	}
	class_set(&gc_classes[GC_CLASS_LARGE_BYTES], &gc_kind_bytes, GC_LAYOUT_NONE, 0);
	class_set(&gc_classes[GC_CLASS_LARGE_REFS], &gc_kind_refs, GC_LAYOUT_REFS, 0);
	__atomic_store_n(&classes_count, GC_CLASS_DYNAMIC, __ATOMIC_RELEASE);
}

/* The class of (kind, layout, slot_bytes), made if new. */
static unsigned class_find(const struct gc_kind *kind, enum gc_layout layout, uint32_t slot_bytes)
{
	unsigned i;

	pthread_mutex_lock(&classes_lock);
	for (i = GC_CLASS_DYNAMIC; i < classes_count; i++)
		if (gc_classes[i].kind == kind && gc_classes[i].layout == layout && gc_classes[i].slot_bytes == slot_bytes)
			break;
	if (i == GC_SPAN_CLASSES_MAX)
		gc_fatal("more than %u kinds and array sizes of kinds", GC_SPAN_CLASSES_MAX);
	if (i == classes_count) {
		class_set(&gc_classes[i], kind, layout, slot_bytes);
		gc_classes[i].size_class = slot_bytes ? (uint8_t)gc_size_class(slot_bytes) : 0;
		__atomic_store_n(&classes_count, i + 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&classes_lock);
	return i;
}

/* Structured slots are exact up to 1 KiB; above, the size class keeps the waste at a page's end small. */
static uint32_t struct_slot_bytes(size_t bytes)
{
	if (bytes <= GC_SLOT_MIN_BYTES)
		return GC_SLOT_MIN_BYTES;
	if (bytes <= 1024)
		return (uint32_t)((bytes + 7) & ~7ull);
	return gc_size_class_bytes[gc_size_class(bytes)];
}

static unsigned class_new(struct gc_kind *kind)
{
	size_t bytes = kind->size_bytes;

	if (kind->flags & GC_KIND_NOREF)
		return bytes > GC_SMALL_MAX_BYTES ? GC_CLASS_LARGE_BYTES : GC_CLASS_BYTES + gc_size_class(bytes);
	if (kind->flags & GC_KIND_REFS)
		return bytes > GC_SMALL_MAX_BYTES ? GC_CLASS_LARGE_REFS : GC_CLASS_REFS + gc_size_class(bytes);
	if (bytes > GC_SMALL_MAX_BYTES)
		return class_find(kind, GC_LAYOUT_ARRAY, 0);
	return class_find(kind, GC_LAYOUT_STRUCT, struct_slot_bytes(bytes));
}

unsigned gc_class_of_kind(struct gc_kind *kind)
{
	unsigned id = __atomic_load_n(&kind->_id, __ATOMIC_ACQUIRE);

	if (id)
		return id;
	pthread_once(&classes_once, classes_init);
	id = class_new(kind);
	__atomic_store_n(&kind->_id, id, __ATOMIC_RELEASE);
	return id;
}

unsigned gc_class_of_array(struct gc_kind *kind, size_t count, size_t bytes)
{
	bool large = bytes > GC_SMALL_MAX_BYTES;

	pthread_once(&classes_once, classes_init);
	if (kind->flags & GC_KIND_NOREF)
		return large ? GC_CLASS_LARGE_BYTES : GC_CLASS_BYTES + gc_size_class(bytes);
	if (kind->flags & GC_KIND_REFS)
		return large ? GC_CLASS_LARGE_REFS : GC_CLASS_REFS + gc_size_class(bytes);
	if (count == 1)
		return gc_class_of_kind(kind);
	return class_find(kind, GC_LAYOUT_ARRAY, large ? 0 : gc_size_class_bytes[gc_size_class(bytes)]);
}

static void element_visit(const struct gc_class *class, void **element, void (*visitor)(void *, void **), void *argument)
{
	for (unsigned i = 0; i < class->ref_count; i++)
		visitor(argument, element + class->ref_words[i]);
}

void gc_class_refs_visit(const struct gc_class *class, void *object, size_t bytes,
			 void (*visitor)(void *argument, void **slot), void *argument)
{
	void **words = object;
	size_t count = bytes / 8;

	if (class->layout == GC_LAYOUT_REFS)
		for (size_t i = 0; i < count; i++)
			visitor(argument, words + i);
	if (class->layout == GC_LAYOUT_STRUCT)
		element_visit(class, words, visitor, argument);
	if (class->layout == GC_LAYOUT_ARRAY)
		for (size_t i = 0; i < count / class->elem_words; i++)
			element_visit(class, words + i * class->elem_words, visitor, argument);
}
