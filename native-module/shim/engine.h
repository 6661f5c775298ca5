/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine at the other end of the socket. A call is a connection; nothing is
 * kept between two calls but the settings. Safe in a signal handler, after a
 * fork and between vfork and exec; no point of cancellation.
 */
#ifndef SHIM_ENGINE_H
#define SHIM_ENGINE_H

#include "wire.h"

/* Where the engine listens; another path in the environment's BLKSNAP_SOCKET. */
#define ENGINE_SOCKET "/run/blksnap/control.sock"

/* How long a call waits for an engine that is away, ms; another time in BLKSNAP_PATIENCE. */
#define ENGINE_PATIENCE 15000

/* 0 where somebody listens; ENOENT where nobody does. */
int engine_is_there(void);

/*
 * Carries out a call on what target says: kind and numbers are given, the rest
 * is filled in. The path is that of a descriptor; -1: the working directory.
 * 0 or a positive errno.
 */
int engine_call(struct wire_call *target, int fd, unsigned int word, uint64_t argument);

#endif
