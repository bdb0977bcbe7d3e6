/* SPDX-License-Identifier: Apache-2.0 */
#include "planner.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "instruction.h"

#define PROLOGUE_BYTES 64 /* further in, a probe is no longer "at the start" */

static int refuse(char *why, size_t why_size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int refuse(char *why, size_t why_size, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(why, why_size, format, arguments);
	va_end(arguments);
	return -ENOENT;
}

/* The registers that carry the first arguments. */
static uint16_t argument_registers(unsigned int count)
{
	static const uint8_t order[] = {REGISTER_DI, REGISTER_SI, REGISTER_DX, REGISTER_CX, 8, 9};
	uint16_t registers = 0;
	for (unsigned int a = 0; a < count && a < sizeof(order); a++)
		registers |= (uint16_t)(1u << order[a]);
	return registers;
}

/* The first emulated instruction, without regard to jumps from elsewhere. */
static int walk(const uint8_t *code, size_t size, uint16_t needed, struct plan *plan, char *why, size_t why_size)
{
	int64_t stack_bytes = 0;
	for (size_t at = 0; at < size && at < PROLOGUE_BYTES;) {
		struct instruction instruction;
		if (!instruction_decode(code + at, size - at, &instruction))
			return refuse(why, why_size, "the instruction at +%zu is unknown", at);
		if (instruction.emulated) {
			*plan = (struct plan){(uint32_t)at, (uint32_t)stack_bytes};
			return 0;
		}
		if (instruction.leaves)
			return refuse(why, why_size,
				      "the function is left at +%zu before any instruction the kernel emulates", at);
		if (!instruction.followed)
			return refuse(why, why_size, "what the instruction at +%zu does is not known", at);
		if (instruction.writes & needed)
			return refuse(why, why_size,
				      "an argument is overwritten at +%zu before any instruction the kernel emulates",
				      at);
		stack_bytes += instruction.stack_bytes;
		if (stack_bytes < 0 || stack_bytes > UINT16_MAX)
			return refuse(why, why_size, "the stack moves too far at +%zu", at);
		at += instruction.length;
	}
	return refuse(why, why_size, "no instruction the kernel emulates in the first %d bytes", PROLOGUE_BYTES);
}

/* True if some jump of the function leads back to the line; then the probe would be hit more than once per call. */
static bool jumped_into(const uint8_t *code, size_t size, uint32_t offset)
{
	struct instruction instruction;
	for (size_t at = 0; at < size && instruction_decode(code + at, size - at, &instruction);
	     at += instruction.length) {
		int64_t target = (int64_t)at + instruction.target;
		if (instruction.has_target && target >= 0 && target <= (int64_t)offset)
			return true;
	}
	return false;
}

int plan_probe(const uint8_t *code, size_t size, unsigned int arguments, struct plan *plan, char *why, size_t why_size)
{
	struct plan found;
	int result = walk(code, size, argument_registers(arguments), &found, why, why_size);
	if (result)
		return result;
	if (jumped_into(code, size, found.offset))
		return refuse(why, why_size, "a loop leads back to the first place, at +%u", found.offset);
	*plan = found;
	return 0;
}
