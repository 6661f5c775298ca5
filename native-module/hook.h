/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_HOOK_H
#define BLKSNAP_HOOK_H

#include <linux/init.h>

int __init hook_start(void);
void hook_stop(void);

#endif /* BLKSNAP_HOOK_H */
