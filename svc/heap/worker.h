/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker: the threads that do nothing but mark. Polite ones (nice 19) mark when nobody waits for the cycle, urgent ones, of normal
 * class, when somebody does and there is room (Note [room] in mark.h). A worker takes no lock.
 */
#ifndef MEMLAB_HEAP_WORKER_H
#define MEMLAB_HEAP_WORKER_H

#include "heap.h"

void *gc_worker_main(void *worker);

#endif
