/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind: size classes and span classes.
 *
 * A *size class* is a rounded small size. A *span class* says what lies in a span: slots of one size and how to
 * find the references in them. Raw bytes and arrays of references have one span class per size class; every
 * structured kind has its own, with slots of exactly its size; arrays of structured kinds have one per (kind, size class);
 * large objects have one per kind, with slot_bytes 0. Span classes are numbered for the whole process and live for
 * ever; an entry is complete before its number is published (release), and never changes afterwards.
 */
#ifndef MEMLAB_HEAP_KIND_H
#define MEMLAB_HEAP_KIND_H

#include "gc.h"

#define GC_PAGE_SHIFT 16
#define GC_PAGE_BYTES (1u << GC_PAGE_SHIFT)
#define GC_SLOT_MIN_BYTES 16u
#define GC_SMALL_MAX_BYTES 32768u

enum {
	GC_SIZE_CLASSES = 41, /* 1 .. 41; 0 is none */
	GC_CLASS_NONE = 0,
	GC_CLASS_BYTES = 0,                             /* + size class */
	GC_CLASS_REFS = GC_SIZE_CLASSES,                /* + size class */
	GC_CLASS_LARGE_BYTES = 2 * GC_SIZE_CLASSES + 1, /* large objects without references */
	GC_CLASS_LARGE_REFS,                            /* large arrays of references */
	GC_CLASS_DYNAMIC                                /* structured kinds from here */
};

/* How the references in a slot are found. */
enum gc_layout { GC_LAYOUT_NONE, GC_LAYOUT_REFS, GC_LAYOUT_STRUCT, GC_LAYOUT_ARRAY };

struct gc_class {
	const struct gc_kind *kind;
	const uint16_t *ref_words;
	uint32_t slot_bytes; /* 0: large */
	uint32_t magic;      /* slot of a byte offset = offset * magic >> 32 */
	uint16_t slots;      /* in one page */
	uint16_t words;      /* of 64 slots */
	uint16_t ref_count;
	uint8_t layout;      /* enum gc_layout */
	uint8_t size_class;
	uint32_t elem_words;  /* GC_LAYOUT_ARRAY */
};

extern struct gc_class gc_classes[GC_SPAN_CLASSES_MAX];
extern const uint16_t gc_size_class_bytes[GC_SIZE_CLASSES + 1];

/* Number of classes published so far. */
unsigned gc_class_count(void);
/* Smallest size class that holds `bytes` (at most GC_SMALL_MAX_BYTES). */
unsigned gc_size_class(size_t bytes);
/* The span class for one object of a fixed-size kind; numbers the kind at first use. Ends the process if the table is full. */
unsigned gc_class_of_kind(struct gc_kind *kind);
/* The span class for `count` elements of a kind that take `bytes` in all. */
unsigned gc_class_of_array(struct gc_kind *kind, size_t count, size_t bytes);

/* Every slot of an object of this class that holds a reference or NULL. */
void gc_class_refs_visit(const struct gc_class *class, void *object, size_t bytes,
			 void (*visitor)(void *argument, void **slot), void *argument);

static inline bool gc_class_has_refs(const struct gc_class *class)
{
	return class->layout != GC_LAYOUT_NONE;
}

#endif
