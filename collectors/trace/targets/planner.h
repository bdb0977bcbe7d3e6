/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a function of a foreign program a probe is cheap. The kernel emulates nop, push, jumps and
 * calls under a uprobe (0.5 us here) and single-steps everything else (11 us), so the probe goes to the
 * first emulated instruction on the straight line from the entry, as long as the wanted arguments are still
 * in their registers and nothing jumps into the line, so that it is hit once per call. Pure.
 */
#ifndef MEMLAB_PLANNER_H
#define MEMLAB_PLANNER_H

#include <stddef.h>
#include <stdint.h>

struct plan {
	uint32_t offset;      /* from the function's first byte */
	uint32_t stack_bytes; /* grown since the entry: the return address lies at the stack pointer + this */
};

/*
 * `code`: the function's bytes, all of them (`size`). `arguments`: how many of its arguments the
 * probe reads, 0 to 6. Returns 0, or -ENOENT with the reason in `why` ("the function returns first", ...).
 */
int plan_probe(const uint8_t *code, size_t size, unsigned int arguments, struct plan *plan, char *why, size_t why_size);

#endif
