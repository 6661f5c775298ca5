/* SPDX-License-Identifier: Apache-2.0 */
/* The interface's calls as numbers: which there are, and what may be done with each. */
#ifndef SHIM_CALLS_H
#define SHIM_CALLS_H

#include <stdbool.h>

#include "wire.h"

/* A filter's call by number and magic, on a device. */
bool calls_is_filter(unsigned int word);

/* Any descriptor's, answered by the kernel for every file: it is not for the node behind it. */
bool calls_is_general(unsigned int word);

/* The call waits for an event, and a signal ends it. */
bool calls_waits(const struct wire_call *call);

/* A second time changes nothing more. */
bool calls_may_be_repeated(const struct wire_call *call);

#endif
