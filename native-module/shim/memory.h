/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's own memory at addresses that nobody has looked at: a wrong one
 * is an errno and no signal. Safe in a signal handler; keeps nothing.
 */
#ifndef SHIM_MEMORY_H
#define SHIM_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Both: up to WIRE_MOST bytes, all of them; 0, or EFAULT. */
int memory_read(void *to, uint64_t from, size_t size);
int memory_write(uint64_t to, const void *from, size_t size);

/* A string with its end, of up to WIRE_MOST bytes; 0, EFAULT or ENAMETOOLONG. */
int memory_string(char *to, const char *from);

#endif
