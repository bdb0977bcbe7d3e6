/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lengths come from tables of what follows each opcode: an address byte (ModRM) and an immediate. Effects
 * are worked out for what compilers put into prologues; everything else has a length only.
 */
#include "instruction.h"

#include <string.h>

struct decoder {
	const uint8_t *code;
	size_t size, at;
	bool operand16, address32, wide; /* prefixes 66, 67, REX.W */
	bool repeat;                     /* F2 or F3 */
	uint8_t rex;
	uint8_t map; /* 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A */
	bool vector; /* VEX or EVEX: no general register is the destination as far as we follow */
	uint8_t opcode;
	uint8_t modrm;
	bool has_modrm;
	size_t immediate_at;
	uint8_t immediate_size;
};

/* What follows an opcode: M an address byte; b, w, z, v an immediate of 1, 2, 4 (2 with 66), 4 (8 with REX.W) bytes;
 * o an address of 8 (4 with 67) bytes; e 3 bytes; j a 4-byte distance; . nothing; ? unknown; p a prefix. */
static const char one_byte[256][4] = {
#define ALU "M", "M", "M", "M", "b", "z"
	ALU,  "?",  "?", ALU,  "?", "?",                                                       /* 00 */
	ALU,  "?",  "?", ALU,  "?", "?",                                                       /* 10 */
	ALU,  "p",  "?", ALU,  "p", "?",                                                       /* 20 */
	ALU,  "p",  "?", ALU,  "p", "?",                                                       /* 30 */
	"p",  "p",  "p", "p",  "p", "p", "p",  "p",  "p", "p",  "p", "p",  "p", "p", "p", "p", /* 40: REX */
	".",  ".",  ".", ".",  ".", ".", ".",  ".",  ".", ".",  ".", ".",  ".", ".", ".", ".", /* 50 */
	"?",  "?",  "?", "M",  "p", "p", "p",  "p",  "z", "Mz", "b", "Mb", ".", ".", ".", ".", /* 60 */
	"b",  "b",  "b", "b",  "b", "b", "b",  "b",  "b", "b",  "b", "b",  "b", "b", "b", "b", /* 70 */
	"Mb", "Mz", "?", "Mb", "M", "M", "M",  "M",  "M", "M",  "M", "M",  "M", "M", "M", "M", /* 80 */
	".",  ".",  ".", ".",  ".", ".", ".",  ".",  ".", ".",  "?", ".",  ".", ".", ".", ".", /* 90 */
	"o",  "o",  "o", "o",  ".", ".", ".",  ".",  "b", "z",  ".", ".",  ".", ".", ".", ".", /* a0 */
	"b",  "b",  "b", "b",  "b", "b", "b",  "b",  "v", "v",  "v", "v",  "v", "v", "v", "v", /* b0 */
	"Mb", "Mb", "w", ".",  "?", "?", "Mb", "Mz", "e", ".",  "w", ".",  ".", "b", "?", ".", /* c0 */
	"M",  "M",  "M", "M",  "?", "?", "?",  ".",  "M", "M",  "M", "M",  "M", "M", "M", "M", /* d0 */
	"b",  "b",  "b", "b",  "b", "b", "b",  "b",  "j", "j",  "?", "b",  ".", ".", ".", ".", /* e0 */
	"p",  ".",  "p", "p",  ".", ".", "M",  "M",  ".", ".",  ".", ".",  ".", ".", "M", "M", /* f0 */
#undef ALU
};

/* The same for 0F xx, a letter each; B stands for Mb. */
static const char two_bytes[256 + 1] = "MMMM?.....?.?M??"  /* 00 */
				       "MMMMMMMMMMMMMMMM"  /* 10 */
				       "MMMM????MMMMMMMM"  /* 20 */
				       "......?.????????"  /* 30 */
				       "MMMMMMMMMMMMMMMM"  /* 40 */
				       "MMMMMMMMMMMMMMMM"  /* 50 */
				       "MMMMMMMMMMMMMMMM"  /* 60 */
				       "BBBBMMM.MM??MMMM"  /* 70 */
				       "jjjjjjjjjjjjjjjj"  /* 80 */
				       "MMMMMMMMMMMMMMMM"  /* 90 */
				       "...MBM??...MBMMM"  /* a0 */
				       "MMMMMMMMMMBMMMMM"  /* b0 */
				       "MMBMBBBM........"  /* c0 */
				       "MMMMMMMMMMMMMMMM"  /* d0 */
				       "MMMMMMMMMMMMMMMM"  /* e0 */
				       "MMMMMMMMMMMMMMMM"; /* f0 */

static bool take(struct decoder *decoder, uint8_t *byte)
{
	if (decoder->at >= decoder->size || decoder->at >= INSTRUCTION_BYTES_MAX)
		return false;
	*byte = decoder->code[decoder->at++];
	return true;
}

static bool skip(struct decoder *decoder, size_t bytes)
{
	decoder->at += bytes;
	return decoder->at <= decoder->size && decoder->at <= INSTRUCTION_BYTES_MAX;
}

/* Prefixes, then the first byte that is none. */
static bool take_prefixes(struct decoder *decoder)
{
	uint8_t byte;
	while (take(decoder, &byte)) {
		if ((byte & 0xf0) == 0x40) {
			decoder->rex = byte;
			decoder->wide = byte & 8;
			continue;
		}
		if (one_byte[byte][0] != 'p') {
			decoder->opcode = byte;
			return true;
		}
		decoder->rex = 0; /* counts only right before the opcode */
		decoder->wide = false;
		decoder->operand16 |= byte == 0x66;
		decoder->address32 |= byte == 0x67;
		decoder->repeat |= byte == 0xf2 || byte == 0xf3;
	}
	return false;
}

/* Vector prefixes carry the map in their low bits. */
static bool take_vector(struct decoder *decoder)
{
	uint8_t bytes[3] = {0};
	size_t count = decoder->opcode == 0xc5 ? 1 : decoder->opcode == 0xc4 ? 2 : 3;
	for (size_t b = 0; b < count; b++)
		if (!take(decoder, &bytes[b]))
			return false;
	decoder->vector = true;
	decoder->map = decoder->opcode == 0xc5 ? 1 : bytes[0] & (decoder->opcode == 0xc4 ? 0x1f : 7);
	return decoder->map >= 1 && decoder->map <= 6 && decoder->map != 4 && take(decoder, &decoder->opcode);
}

static bool take_opcode(struct decoder *decoder)
{
	if (decoder->opcode == 0xc4 || decoder->opcode == 0xc5 || decoder->opcode == 0x62)
		return take_vector(decoder);
	if (decoder->opcode != 0x0f)
		return true;
	decoder->map = 1;
	if (!take(decoder, &decoder->opcode))
		return false;
	if (decoder->opcode != 0x38 && decoder->opcode != 0x3a)
		return true;
	decoder->map = decoder->opcode == 0x38 ? 2 : 3;
	return take(decoder, &decoder->opcode);
}

static const char *tail_of_two_bytes(const struct decoder *decoder)
{
	switch (two_bytes[decoder->opcode]) {
	case 'B':
		return "Mb";
	case 'j':
		return decoder->vector ? "M" : "j";
	case '.':
		return decoder->vector && decoder->opcode != 0x77 ? "M" : ".";
	case '?':
		return decoder->vector ? "M" : "?";
	default:
		return "M";
	}
}

/* What follows the opcode in hand. */
static const char *tail(const struct decoder *decoder)
{
	switch (decoder->map) {
	case 0:
		return one_byte[decoder->opcode];
	case 1:
		return tail_of_two_bytes(decoder);
	case 3:
		return "Mb";
	default:
		return "M";
	}
}

/* The address byte, and what it asks for: an index byte, a distance. */
static bool take_address(struct decoder *decoder)
{
	uint8_t index = 0;
	decoder->has_modrm = true;
	if (!take(decoder, &decoder->modrm))
		return false;
	uint8_t mode = decoder->modrm >> 6, base = decoder->modrm & 7;
	if (mode == 3)
		return true;
	if (base == 4 && !take(decoder, &index))
		return false;
	bool without_base = mode == 0 && (base == 5 || (base == 4 && (index & 7) == 5));
	return skip(decoder, mode == 1 ? 1 : mode == 2 || without_base ? 4 : 0);
}

static size_t immediate_bytes(const struct decoder *decoder, char kind)
{
	switch (kind) {
	case 'b':
		return 1;
	case 'w':
		return 2;
	case 'e':
		return 3;
	case 'j':
		return 4;
	case 'z':
		return decoder->operand16 && !decoder->wide ? 2 : 4;
	case 'v':
		return decoder->wide ? 8 : decoder->operand16 ? 2 : 4;
	case 'o':
		return decoder->address32 ? 4 : 8;
	default:
		return 0;
	}
}

/* TEST in groups F6 and F7 has an immediate, the others of these groups have none. */
static size_t group_immediate_bytes(const struct decoder *decoder)
{
	if (decoder->map != 0 || (decoder->opcode & 0xfe) != 0xf6 || (decoder->modrm >> 3 & 7) > 1)
		return 0;
	return decoder->opcode == 0xf6 ? 1 : immediate_bytes(decoder, 'z');
}

static bool take_tail(struct decoder *decoder)
{
	const char *kinds = tail(decoder);
	if (kinds[0] == '?' || kinds[0] == 'p')
		return false;
	if (kinds[0] == 'M' && !take_address(decoder))
		return false;
	decoder->immediate_at = decoder->at;
	size_t bytes = immediate_bytes(decoder, kinds[0] == 'M' ? kinds[1] : kinds[0]);
	if (decoder->has_modrm)
		bytes += group_immediate_bytes(decoder);
	decoder->immediate_size = (uint8_t)bytes;
	return skip(decoder, bytes);
}

/* ---- effects */

static uint8_t destination_reg(const struct decoder *decoder)
{
	return (uint8_t)((decoder->modrm >> 3 & 7) | (decoder->rex & 4) << 1);
}

static uint8_t destination_rm(const struct decoder *decoder)
{
	return (uint8_t)((decoder->modrm & 7) | (decoder->rex & 1) << 3);
}

static void writes_register(struct instruction *instruction, uint8_t number)
{
	instruction->followed = number != REGISTER_SP; /* the stack moves by what we do not know */
	instruction->writes |= (uint16_t)(1u << number);
}

/* Memory, or a register. */
static void writes_rm(const struct decoder *decoder, struct instruction *instruction)
{
	instruction->followed = true;
	if (decoder->modrm >> 6 == 3)
		writes_register(instruction, destination_rm(decoder));
}

static void writes_nothing(struct instruction *instruction)
{
	instruction->followed = true;
}

static int32_t immediate_value(const struct decoder *decoder)
{
	int32_t value = 0;
	const uint8_t *bytes = decoder->code + decoder->immediate_at;
	if (decoder->immediate_size == 1)
		return (int8_t)bytes[0];
	if (decoder->immediate_size == 4)
		memcpy(&value, bytes, sizeof(value));
	return value;
}

/* 80, 81, 83: an operation with an immediate; on the stack pointer it makes or gives up room. */
static void effect_of_group1(const struct decoder *decoder, struct instruction *instruction)
{
	uint8_t operation = decoder->modrm >> 3 & 7;
	if (operation == 7) { /* cmp */
		writes_nothing(instruction);
		return;
	}
	if (decoder->modrm >> 6 != 3 || destination_rm(decoder) != REGISTER_SP) {
		writes_rm(decoder, instruction);
		return;
	}
	instruction->followed = decoder->wide && (operation == 5 || operation == 0);
	instruction->stack_bytes = operation == 5 ? immediate_value(decoder) : -immediate_value(decoder);
}

static void effect_of_alu(const struct decoder *decoder, struct instruction *instruction)
{
	uint8_t form = decoder->opcode & 7;
	if ((decoder->opcode & 0x38) == 0x38) /* cmp */
		writes_nothing(instruction);
	else if (form < 2)
		writes_rm(decoder, instruction);
	else
		writes_register(instruction, form < 4 ? destination_reg(decoder) : REGISTER_AX);
}

static void effect_of_one_byte(const struct decoder *decoder, struct instruction *instruction)
{
	uint8_t opcode = decoder->opcode;
	uint8_t low = (uint8_t)((opcode & 7) | (decoder->rex & 1) << 3);
	if (opcode < 0x40) {
		effect_of_alu(decoder, instruction);
		return;
	}
	if (opcode >= 0xb0 && opcode <= 0xbf) {
		writes_register(instruction, low);
		return;
	}
	switch (opcode) {
	case 0x50 ... 0x57:
		instruction->followed = !decoder->operand16;
		instruction->stack_bytes = 8;
		break;
	case 0x63:
	case 0x69:
	case 0x6b:
	case 0x8a:
	case 0x8b:
	case 0x8d:
		writes_register(instruction, destination_reg(decoder));
		break;
	case 0x80:
	case 0x81:
	case 0x83:
		effect_of_group1(decoder, instruction);
		break;
	case 0x84:
	case 0x85:
	case 0x90:
	case 0xa8:
	case 0xa9:
		writes_nothing(instruction);
		break;
	case 0x88:
	case 0x89:
	case 0xc0:
	case 0xc1:
	case 0xc6:
	case 0xc7:
	case 0xd0 ... 0xd3:
		writes_rm(decoder, instruction);
		break;
	case 0x98:
		writes_register(instruction, REGISTER_AX);
		break;
	case 0x99:
		writes_register(instruction, REGISTER_DX);
		break;
	}
}

static void effect_of_two_bytes(const struct decoder *decoder, struct instruction *instruction)
{
	switch (decoder->opcode) {
	case 0x10:
	case 0x11:
	case 0x12:
	case 0x13:
	case 0x14:
	case 0x16:
	case 0x17:
	case 0x1e:
	case 0x1f:
	case 0x28:
	case 0x29:
	case 0x57:
	case 0x6e:
	case 0x6f:
	case 0x6c:
	case 0x7f:
	case 0xd6:
	case 0xef:
		writes_nothing(instruction); /* vector registers or memory; hints and nops */
		break;
	case 0x40 ... 0x4f:
	case 0xaf:
	case 0xb6:
	case 0xb7:
	case 0xbe:
	case 0xbf:
	case 0xbc:
	case 0xbd:
		writes_register(instruction, destination_reg(decoder));
		break;
	case 0x90 ... 0x9f:
		writes_rm(decoder, instruction);
		break;
	}
}

static bool is_conditional_jump(const struct decoder *decoder)
{
	return (decoder->map == 0 && (decoder->opcode & 0xf0) == 0x70) ||
	       (decoder->map == 1 && !decoder->vector && (decoder->opcode & 0xf0) == 0x80);
}

static bool is_direct(const struct decoder *decoder)
{
	return is_conditional_jump(decoder) ||
	       (decoder->map == 0 && (decoder->opcode == 0xe8 || decoder->opcode == 0xe9 || decoder->opcode == 0xeb));
}

/* Jumps, calls, returns, traps. Conditional moves of the flow too: what follows is one of two ways. */
static bool is_leaving(const struct decoder *decoder)
{
	if (is_direct(decoder))
		return true;
	if (decoder->map == 1 && !decoder->vector)
		return decoder->opcode == 0x05 || decoder->opcode == 0x0b || decoder->opcode == 0xb9;
	if (decoder->map != 0)
		return false;
	switch (decoder->opcode) {
	case 0xc2:
	case 0xc3:
	case 0xca:
	case 0xcb:
	case 0xcc:
	case 0xcd:
	case 0xcf:
	case 0xe0 ... 0xe3:
	case 0xf1:
	case 0xf4:
		return true;
	case 0xff:
		return (decoder->modrm >> 3 & 7) >= 2 && (decoder->modrm >> 3 & 7) <= 5;
	}
	return false;
}

/*
 * As the kernel's uprobes do it: push of a register with at most REX.B, the one-byte nop, and
 * direct jumps and calls without an operand-size prefix. Longer nops are emulated or replaced depending on
 * the kernel, and one of ten bytes is never hit on some: not used.
 */
static bool is_emulated(const struct decoder *decoder)
{
	if (decoder->map == 0 && (decoder->opcode & 0xf8) == 0x50)
		return decoder->at == 1 || (decoder->at == 2 && decoder->code[0] == 0x41);
	if (decoder->map == 0 && decoder->opcode == 0x90)
		return decoder->at == 1;
	return is_direct(decoder) && !decoder->operand16;
}

static void describe(const struct decoder *decoder, struct instruction *instruction)
{
	instruction->length = (uint8_t)decoder->at;
	instruction->emulated = is_emulated(decoder);
	instruction->leaves = is_leaving(decoder);
	if (is_direct(decoder) && decoder->opcode != 0xe8) {
		instruction->has_target = true;
		instruction->target = (int64_t)decoder->at + immediate_value(decoder);
	}
	if (instruction->leaves || decoder->vector)
		return;
	if (decoder->map == 0)
		effect_of_one_byte(decoder, instruction);
	else if (decoder->map == 1)
		effect_of_two_bytes(decoder, instruction);
}

bool instruction_decode(const uint8_t *code, size_t size, struct instruction *instruction)
{
	struct decoder decoder = {.code = code, .size = size};
	*instruction = (struct instruction){0};
	if (!take_prefixes(&decoder) || !take_opcode(&decoder) || !take_tail(&decoder))
		return false;
	describe(&decoder, instruction);
	return true;
}
