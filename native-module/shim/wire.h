/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said on the socket: docs/FORMATS.md, "Calls of native programs".
 * Little-endian, as the machines are that this is built for.
 */
#ifndef SHIM_WIRE_H
#define SHIM_WIRE_H

#include <stdint.h>

#define WIRE_MAGIC 0x00434f49534b4c42ull /* "BLKSIOC" and a zero */
#define WIRE_VERSION 1

enum wire_target { WIRE_CONTROL, WIRE_BLOCK_DEVICE, WIRE_FILE };

struct wire_call {
	uint64_t magic;
	uint16_t version;
	uint16_t kind;
	uint32_t word;
	uint64_t argument;
	uint32_t major;
	uint32_t minor;
	uint64_t device;
	uint64_t inode;
	uint32_t path_length;
	uint32_t zero;
};

enum wire_frame_kind { WIRE_READ = 1, WIRE_WRITE, WIRE_RESULT, WIRE_WAITING };

struct wire_frame {
	uint32_t kind;
	uint32_t value;
	uint64_t address;
};

/* Bytes of memory in one frame, and of a path. */
#define WIRE_MOST 4096

_Static_assert(sizeof(struct wire_call) == 56, "the call as FORMATS.md has it");
_Static_assert(sizeof(struct wire_frame) == 16, "a frame as FORMATS.md has it");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the interface is that of little-endian machines");
_Static_assert(sizeof(void *) == 8, "the interface's structs are those of 64-bit programs");

#endif
