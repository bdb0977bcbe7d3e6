/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of the source tree as a constant string in the program: ASSET(flame_style, "collectors/.../flame.css").
 * The assembler reads it, relative to the top of the tree, where make runs; trace.mk names these files as
 * prerequisites.
 */
#ifndef MEMLAB_TRACE_ASSET_H
#define MEMLAB_TRACE_ASSET_H

#define ASSET(name, path)                                                                             \
	extern const char name[];                                                                     \
	__asm__(".pushsection .rodata\n.balign 16\n.globl " #name "\n.hidden " #name "\n.type " #name \
		", @object\n" #name ":\n.incbin \"" path "\"\n.byte 0\n.size " #name ", . - " #name "\n.popsection\n")

#endif
