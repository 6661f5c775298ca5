/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptor that stands for the open control node: a sealed file in memory
 * with a word of ours in it. What a descriptor is, is asked of the kernel each
 * time, so whatever becomes of it is known without watching: dup, fcntl, close,
 * close_range, fork, exec, a message to another process.
 */
#ifndef SHIM_NODE_H
#define SHIM_NODE_H

#include <stdbool.h>

/* Whether open() of the path would open the control node. The path may be any address. */
bool node_is_named(int directory, const char *path);

/* A descriptor, or -errno. */
int node_open(int flags);

bool node_is(int fd);

#endif
