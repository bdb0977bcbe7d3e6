/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe functions and their notes. Each function stands alone in this file,
 * so that every caller must follow the ABI; build it without LTO.
 */
#include "probes.h"

__attribute__((visibility("default"))) char memlab_run_info[MEMLAB_RUN_INFO_BYTES];

#ifndef MEMLAB_NO_PROBES

_Bool (*memlab_probe_by_ring)(uint32_t event, const uint64_t *args);

#ifndef __x86_64__
#error "probes.c knows the argument registers of x86-64 only"
#endif

/* How the arguments are described in the note: eight bytes in each ABI register. */
#define NOTE_ARGS_0 ""
#define NOTE_ARGS_1 "8@%rdi"
#define NOTE_ARGS_2 NOTE_ARGS_1 " 8@%rsi"
#define NOTE_ARGS_3 NOTE_ARGS_2 " 8@%rdx"
#define NOTE_ARGS_4 NOTE_ARGS_3 " 8@%rcx"
#define NOTE_ARGS_5 NOTE_ARGS_4 " 8@%r8"
#define NOTE_ARGS_6 NOTE_ARGS_5 " 8@%r9"

/*
 * One note in the stapsdt format: the nop's address, the base section's, the
 * semaphore's, then provider, name and arguments as strings. The base section lets tools
 * correct the addresses of a prelinked file.
 */
#define NOTE(provider, name, label, argc)                                                                                               \
	"990: nop\n"                                                                                                   \
	".pushsection .note.stapsdt,\"?\",\"note\"\n"                                                                  \
	".balign 4\n"                                                                                                  \
	".4byte 992f-991f, 994f-993f, 3\n"                                                                             \
	"991: .asciz \"stapsdt\"\n"                                                                                    \
	"992: .balign 4\n"                                                                                             \
	"993: .8byte 990b\n"                                                                                           \
	".8byte _.stapsdt.base\n"                                                                                      \
	".8byte memlab_semaphore_" label "\n"                                                                          \
	".asciz \"" provider "\"\n"                                                                                     \
	".asciz \"" #name "\"\n"                                                                                       \
	".asciz \"" NOTE_ARGS_##argc "\"\n"                                                                            \
	"994: .balign 4\n"                                                                                             \
	".popsection\n"                                                                                                \
	".ifndef _.stapsdt.base\n"                                                                                     \
	".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"                                        \
	".weak _.stapsdt.base\n"                                                                                       \
	".hidden _.stapsdt.base\n"                                                                                     \
	"_.stapsdt.base: .space 1\n"                                                                                   \
	".size _.stapsdt.base, 1\n"                                                                                    \
	".popsection\n"                                                                                                \
	".endif\n"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define PROBE(id, name, argc, params, doc)                                                                             \
	__attribute__((section(".probes"))) volatile unsigned short memlab_semaphore_##name,                           \
		memlab_semaphore_ring_##name;                                                                          \
	__attribute__((noinline)) void memlab_probe_##name params                                                      \
	{                                                                                                              \
		__asm__ volatile(NOTE("memlab", name, #name, argc));                                                   \
	}                                                                                                              \
	__attribute__((noinline)) void memlab_probe_ring_##name params                                                 \
	{                                                                                                              \
		__asm__ volatile(NOTE("memlab_ring", name, "ring_" #name, argc));                                      \
	}
#include "probes.def"

#endif
