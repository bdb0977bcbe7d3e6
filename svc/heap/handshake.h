/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake: the asking side. Each mutator answers on its own, or is answered for while it is parked; nobody waits for
 * another mutator, only the one who asks waits for the last. One asks at a time (handshake_lock).
 */
#ifndef MEMLAB_HEAP_HANDSHAKE_H
#define MEMLAB_HEAP_HANDSHAKE_H

#include "mutator.h"

/* Ask all mutators and wait until the last has answered. */
void gc_handshake(struct gc_heap *heap, enum gc_request request);
/* An acknowledgement or a park that the one who asks should look at. */
void gc_handshake_notify(struct gc_heap *heap);
/*
 * Stop every mutator but `self` (NULL or the caller's own, which stays as it is) and every marker; start them again.
 * The caller may hold nothing that a mutator or marker can want.
 */
void gc_world_stop(struct gc_heap *heap, struct gc_mutator_full *self);
void gc_world_start(struct gc_heap *heap, struct gc_mutator_full *self);
/* For a mutator that must not be waited for while it waits for the world lock. */
void gc_world_lock(struct gc_heap *heap, struct gc_mutator_full *self);
void gc_world_unlock(struct gc_heap *heap, struct gc_mutator_full *self);

#endif
