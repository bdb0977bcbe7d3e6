/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One x86-64 instruction as the probe planner needs it: how long it is, whether the kernel emulates it
 * under a uprobe, which registers it writes and how it moves the stack. Pure; bytes are not
 * trusted.
 */
#ifndef MEMLAB_INSTRUCTION_H
#define MEMLAB_INSTRUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSTRUCTION_BYTES_MAX 15

/* Numbers of general registers as in the encoding. */
enum { REGISTER_AX, REGISTER_CX, REGISTER_DX, REGISTER_BX, REGISTER_SP, REGISTER_BP, REGISTER_SI, REGISTER_DI };

struct instruction {
	uint8_t length;
	bool emulated;       /* nop, push, jump or call: no single step under a uprobe */
	bool leaves;         /* what follows in memory does not follow for sure: jump, call, return, trap */
	bool followed;       /* writes and stack are known; else only the length is */
	uint16_t writes;     /* bit n: register n, the stack pointer excepted */
	int32_t stack_bytes; /* by how much the stack grows */
	bool has_target;     /* a direct jump */
	int64_t target;      /* relative to the instruction's start */
};

/* False: not an instruction this decoder knows, or it does not fit into `size` bytes. */
bool instruction_decode(const uint8_t *code, size_t size, struct instruction *instruction);

#endif
