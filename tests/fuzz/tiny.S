/* SPDX-License-Identifier: Apache-2.0 */
/* A program as small as possible with two probes of memlab's: where the fuzzer of ELF files and notes begins. */
	.text
	.globl _start, main
	.type main, @function
_start:
main:
1:	nop
	ret
	.size main, . - main

	.section .stapsdt.base, "aG", "progbits", .stapsdt.base, comdat
	.weak _.stapsdt.base
_.stapsdt.base:
	.space 1

	.section .probes, "aw"
semaphore:
	.short 0

	.macro note name, args
	.section .note.stapsdt, "", "note"
	.balign 4
	.long 3f - 2f, 5f - 4f, 3
2:	.asciz "stapsdt"
3:	.balign 4
4:	.quad 1b, _.stapsdt.base, semaphore
	.asciz "memlab"
	.asciz "\name"
	.asciz "\args"
5:	.balign 4
	.endm

	note gc_cycle_begin, "8@%rdi 8@%rsi"
	note request_end, "8@%rdi"
	.section .note.GNU-stack, "", "progbits"
